"""A recorder with a lower sample rate: down and up again (soxr, high quality: no images, no delay).

What was above half the lower rate is lost. A rate at or above the audio's own changes nothing.
"""

from __future__ import annotations

import numpy as np

from asrfair.audio import resample
from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.scene import Scene

LOWEST_HZ, HIGHEST_HZ = 1000, 192_000


class SampleRate(Stressor, frozen=True):
    """A lower sample rate.

    Attributes:
        rate_hz: samples a second, a whole number.
    """

    rate_hz: float

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {
            f"rate_hz must be {LOWEST_HZ} to {HIGHEST_HZ} Hz": LOWEST_HZ <= self.rate_hz <= HIGHEST_HZ,
            "rate_hz must be a whole number": self.rate_hz == round(self.rate_hz),
        }
        self.refuse(rules)

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The speech with the band of the lower rate, as long as before."""
        if self.rate_hz >= waveform.sample_rate_hz:
            return waveform
        again = resample(resample(waveform, int(self.rate_hz)), waveform.sample_rate_hz).samples
        n = len(waveform.samples)
        return Waveform(np.pad(again[:n], (0, max(0, n - len(again)))), waveform.sample_rate_hz)
