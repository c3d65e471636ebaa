"""Dropouts: a loose cable, a buffer that runs dry. The sound is gone for a while, without a fade, at drawn moments.

Dropouts begin at the points of a Poisson process (independent of each other and of the speech), so that their number
varies around `rate_per_minute`; where two overlap, the silence is the union.
"""

from __future__ import annotations

import numpy as np

from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.scene import Scene

MOST_PER_MINUTE = 6000.0
SHORTEST_MS, LONGEST_MS = 1.0, 10_000.0


class Dropouts(Stressor, frozen=True):
    """Moments without sound.

    Attributes:
        rate_per_minute: how many begin in a minute, on average.
        length_ms: how long each is.
    """

    rate_per_minute: float
    length_ms: float

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {
            f"rate_per_minute must be 0 to {MOST_PER_MINUTE:g}": 0 <= self.rate_per_minute <= MOST_PER_MINUTE,
            f"length_ms must be {SHORTEST_MS:g} to {LONGEST_MS:g} ms": SHORTEST_MS <= self.length_ms <= LONGEST_MS,
        }
        self.refuse(rules)

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The speech with silences in it."""
        n, rate = len(waveform.samples), waveform.sample_rate_hz
        length = max(1, round(self.length_ms / 1000 * rate))
        # One may have begun before the speech did.
        span = n + length
        count = int(rng.poisson(self.rate_per_minute / 60 * span / rate))
        samples = waveform.samples.copy()
        for start in rng.integers(0, span, count) - length:
            samples[max(0, start) : max(0, start + length)] = 0.0
        return Waveform(samples, rate)
