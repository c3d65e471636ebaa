"""Band limits: a line or a loudspeaker that passes nothing below or above a frequency.

A linear-phase FIR filter (Kaiser window, Kaiser 1974), without delay: -6 dB at the limits; beyond a transition of
`LOW_TRANSITION` of the lower limit and `HIGH_TRANSITION` of the upper, centred on them, tones are 60 dB down, and
between them the band is flat to 0.02 dB. A limit at or above half the engine's rate, or at 0 Hz, is none. Telephony
passes 300 to 3400 Hz (ITU-T G.712), wideband telephony 50 to 7000 Hz (ITU-T G.722).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError
from asrfair.stress._base import Filter
from asrfair.stress.scene import Scene

ATTENUATION_DB = 64.0
"""That the filter is designed for, so that 60 dB are kept at the very edge of a transition."""

LOW_TRANSITION, HIGH_TRANSITION = 0.5, 0.1
"""Width of the transitions as a share of the limit."""

LOWEST_HZ, HIGHEST_HZ = 10.0, 100_000.0


class Band(Filter, frozen=True):
    """A band limit.

    Attributes:
        low_hz: nothing passes below; 0 for no such limit.
        high_hz: nothing passes above.
    """

    low_hz: float = 0.0
    high_hz: float = HIGHEST_HZ

    def __post_init__(self) -> None:
        super().__post_init__()
        low_is_real = LOWEST_HZ <= self.low_hz <= HIGHEST_HZ
        rules = {
            f"low_hz must be 0, or {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz": self.low_hz == 0 or low_is_real,
            f"high_hz must be {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz": LOWEST_HZ <= self.high_hz <= HIGHEST_HZ,
            "high_hz must be at least 1.5 times low_hz": self.high_hz >= 1.5 * self.low_hz,
        }
        self.refuse(rules)

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.float32], int]:
        """The filter, and its middle."""
        if self.low_hz >= rate_hz / 2:
            raise AudioError(f"a band above {self.low_hz:g} Hz cannot be put into audio of {rate_hz} Hz")
        taps = np.ones(1)
        if self.high_hz < rate_hz / 2:
            taps = _low_pass(self.high_hz, HIGH_TRANSITION * self.high_hz, rate_hz)
        if self.low_hz > 0:
            below = -_low_pass(self.low_hz, LOW_TRANSITION * self.low_hz, rate_hz)
            below[len(below) // 2] += 1.0
            taps = np.convolve(taps, below)
        return taps.astype(np.float32), len(taps) // 2


def _low_pass(limit_hz: float, transition_hz: float, rate_hz: int) -> NDArray[np.float64]:
    """A low-pass filter with an odd number of taps; `beta` and their number are Kaiser's."""
    beta = 0.1102 * (ATTENUATION_DB - 8.7)
    half = math.ceil((ATTENUATION_DB - 7.95) / (2.285 * 2 * math.pi * transition_hz / rate_hz) / 2)
    tap = np.arange(-half, half + 1)
    taps = np.sinc(2 * limit_hz / rate_hz * tap) * np.kaiser(2 * half + 1, beta)
    return np.asarray(taps / taps.sum())
