"""Microphones and handsets: a frequency response as a table.

Gains between the frequencies of the table are interpolated in dB over the logarithm of frequency; beyond its ends they
go on as they are. The filter has linear phase, so that the speech stays where it is; it is 64 ms long, which resolves
about 30 Hz: a table that changes faster than that is smoothed. Gains are gains: the level changes with them, and a
response that makes the speech too loud is turned down as a whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.stress._base import LARGEST_DB, Filter
from asrfair.stress.scene import Scene

HALF_S = 0.032
MOST_POINTS = 1000
HIGHEST_HZ = 100_000.0


class Microphone(Filter, frozen=True):
    """A frequency response.

    Attributes:
        frequencies_hz: of the table, rising.
        gains_db: one for each frequency, dB.
    """

    frequencies_hz: list[float]
    gains_db: list[float]

    def __post_init__(self) -> None:
        super().__post_init__()
        frequencies, gains = np.array(self.frequencies_hz), np.array(self.gains_db)
        rules = {
            f"frequencies_hz must be 1 to {MOST_POINTS} numbers": 1 <= len(frequencies) <= MOST_POINTS,
            f"frequencies_hz must be above 0 and at most {HIGHEST_HZ:g} Hz": bool(
                np.all((frequencies > 0) & (frequencies <= HIGHEST_HZ))
            ),
            "frequencies_hz must rise": bool(np.all(np.diff(frequencies) > 0)),
            f"gains_db must be {len(frequencies)} numbers, as frequencies_hz are": len(gains) == len(frequencies),
            f"gains_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": bool(np.all(np.abs(gains) <= LARGEST_DB)),
        }
        self.refuse(rules)

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.float32], int]:
        """The filter, and its middle."""
        half = round(HALF_S * rate_hz)
        points = 8 * half
        frequency_hz = np.maximum(np.arange(points // 2 + 1) * rate_hz / points, self.frequencies_hz[0])
        gain_db = np.interp(np.log(frequency_hz), np.log(self.frequencies_hz), self.gains_db)
        around = np.fft.irfft(10 ** (gain_db / 20), points)
        taps = np.concatenate([around[-half:], around[: half + 1]]) * np.hanning(2 * half + 3)[1:-1]
        return taps.astype(np.float32), half
