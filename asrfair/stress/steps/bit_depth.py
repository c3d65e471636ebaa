"""A recorder with few bits: samples are rounded to `2^bits` levels.

The error of rounding is `6.02 bits + 1.76` dB below a sine of full scale (Bennett 1948), but follows the speech; dither
(triangular, of two steps: Lipshitz, Wannamaker and Vanderkooy 1992) makes it noise, 4.8 dB stronger.
"""

from __future__ import annotations

import numpy as np

from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.scene import Scene

FEWEST, MOST = 2, 24


class BitDepth(Stressor, frozen=True):
    """Few bits.

    Attributes:
        bits: a whole number.
        dither: whether noise is added before rounding.
    """

    bits: float
    dither: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {
            f"bits must be {FEWEST} to {MOST}": FEWEST <= self.bits <= MOST,
            "bits must be a whole number": self.bits == round(self.bits),
        }
        self.refuse(rules)

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The rounded speech."""
        largest = 2.0 ** (self.bits - 1)
        scaled = waveform.samples.astype(np.float64) * largest
        if self.dither:
            scaled += rng.random(len(scaled)) - rng.random(len(scaled))
        rounded = np.clip(np.round(scaled), -largest, largest - 1) / largest
        return Waveform(rounded.astype(np.float32), waveform.sample_rate_hz)
