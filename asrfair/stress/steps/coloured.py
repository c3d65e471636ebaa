"""Coloured noise: Gaussian noise whose power falls or rises by so many dB an octave.

    white 0,  pink -3.01,  brown -6.02,  blue +3.01,  violet +6.02 dB/octave      (power ~ f^0, 1/f, 1/f^2, f, f^2)

It is made in the frequency domain: each frequency of a minute-long pool has exactly the power that the colour gives it
and a random phase (a sum of so many is Gaussian). The pool is therefore periodic: it goes round without any seam.

The level that an SNR is set by is that of the band `low_hz` to `high_hz`, without any weighting for the ear. Brown
noise without a lower limit would be nearly all rumble that nobody hears, so the limit is 20 Hz unless another is given
(audiomentations' `AddColorNoise` has none: its brown noise disturbs far less than ours at the same ratio).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError
from asrfair.seeds import rng_for
from asrfair.stress._base import Noise, step_digest
from asrfair.stress.pool import POOL_S, taken_from
from asrfair.stress.scene import Scene

EXPONENTS = {"white": 0.0, "pink": -1.0, "brown": -2.0, "blue": 1.0, "violet": 2.0}
"""Power goes with this power of the frequency."""

DB_PER_OCTAVE = 10 * float(np.log10(2))
"""Of an exponent of 1."""

STEEPEST_DB = 30.0
LOWEST_HZ, HIGHEST_HZ = 1.0, 100_000.0


class Coloured(Noise, frozen=True):
    """Coloured noise, mixed at an SNR over active speech.

    Attributes:
        snr_db: active speech level minus the level of the noise, dB.
        colour: white, pink, brown, blue or violet.
        slope_db_per_octave: in place of a colour, dB.
        low_hz, high_hz: the band; up to half the sample rate unless `high_hz` is given.
    """

    colour: str | None = None
    slope_db_per_octave: float | None = None
    low_hz: float = 20.0
    high_hz: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        slope, high = self.slope_db_per_octave, self.high_hz
        rules = {
            f"colour must be one of {', '.join(EXPONENTS)}": self.colour is None or self.colour in EXPONENTS,
            "colour or slope_db_per_octave must be given, and not both": (self.colour is None) != (slope is None),
            f"slope_db_per_octave must be -{STEEPEST_DB:g} to {STEEPEST_DB:g} dB": abs(slope or 0) <= STEEPEST_DB,
            f"low_hz must be {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz": LOWEST_HZ <= self.low_hz <= HIGHEST_HZ,
            f"high_hz must be at least {LOWEST_HZ:g} Hz above low_hz": high is None or high >= self.low_hz + LOWEST_HZ,
        }
        self.refuse(rules)

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """The noise from a moment that the utterance draws."""
        key = f"{step_digest(self, 'snr_db')} {rate_hz} Hz seed {scene.seed}"
        return taken_from(scene.banks.get(key, lambda: self.pool(rate_hz, rng_for(0, key, "pool"))), n, rng, scene)

    def pool(self, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """A minute of the noise, periodic, float32, at -26 dB relative to full scale.

        Args:
            rate_hz: samples a second.
            rng: of the phases.

        Raises:
            AudioError: the band is beyond what this rate can carry.
        """
        from scipy import fft

        n = round(POOL_S * rate_hz)
        hz = fft.rfftfreq(n, 1 / rate_hz)
        slope = self.slope_db_per_octave
        exponent = EXPONENTS[self.colour] if self.colour else (slope or 0.0) / DB_PER_OCTAVE
        inside = (hz >= self.low_hz) & (hz <= (self.high_hz or rate_hz)) & (hz < rate_hz / 2)
        if not inside.any():
            raise AudioError(f"noise from {self.low_hz:g} Hz on cannot be put into audio of {rate_hz} Hz")
        weight = np.zeros(len(hz))
        weight[inside] = (hz[inside] / self.low_hz) ** (exponent / 2)
        weight *= 0.05 * n / np.sqrt(2 * np.sum(weight**2))
        turned = np.exp(2j * np.pi * rng.uniform(size=len(hz)))
        return np.asarray(fft.irfft(weight * turned, n), dtype=np.float32)
