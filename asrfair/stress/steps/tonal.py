"""Tonal, periodic machines: a fundamental with harmonics, switched on and off at a repetition rate.

A scanner's gradient train, a ventilator, a compressor. Phases, the start of the train and the jitter of its pulses are
drawn from the seed, and each utterance hears the machine from a moment of its own; everything else is the machine's.

The machine runs for a minute and then goes round, exactly: the minute is stretched by less than half a pulse to hold a
whole number of pulses, and the fundamental is moved by less than 0.01 Hz to hold a whole number of cycles. A cross-fade
would do for noise, but tones that meet out of step fade out and in again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError
from asrfair.seeds import rng_for
from asrfair.stress._base import LARGEST_DB, Noise, step_digest
from asrfair.stress.pool import POOL_S, taken_from
from asrfair.stress.scene import Scene

RAMP_S = 0.004
"""Pulses rise and fall over this time, so that they do not click."""

MOST_HARMONICS = 1000
FASTEST_HZ = 1000.0
HIGHEST_HZ = 100_000.0
"""Limits of what a step may ask for: beyond them there is no machine, only overflow or a full memory."""


class Tonal(Noise, frozen=True):
    """A tonal, periodic machine, mixed at an SNR over active speech.

    Attributes:
        snr_db: active speech level minus the machine's level, dB.
        fundamental_hz: lowest tone.
        harmonics: how many tones, the fundamental included.
        rolloff_db: how much weaker each tone is than the one below it, dB.
        repetition_hz: pulses a second; 0 for a steady machine. No slower than one in a minute.
        duty_cycle: share of a period in which the machine sounds (0 to 1].
        jitter: standard deviation of the time between pulses, as a share of the period.
    """

    fundamental_hz: float
    harmonics: int = 1
    rolloff_db: float = 0.0
    repetition_hz: float = 0.0
    duty_cycle: float = 1.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {
            f"fundamental_hz must be positive and at most {HIGHEST_HZ:g} Hz": 0 < self.fundamental_hz <= HIGHEST_HZ,
            f"harmonics must be 1 to {MOST_HARMONICS}": 1 <= self.harmonics <= MOST_HARMONICS,
            f"rolloff_db must be 0 to {LARGEST_DB:g} dB": 0 <= self.rolloff_db <= LARGEST_DB,
            f"repetition_hz must be 0, or 1 / {POOL_S:g} to {FASTEST_HZ:g} Hz": (
                self.repetition_hz == 0 or 1 / POOL_S <= self.repetition_hz <= FASTEST_HZ
            ),
            "duty_cycle must be above 0 and at most 1": 0 < self.duty_cycle <= 1,
            "jitter must be at least 0 and below 0.5": 0 <= self.jitter < 0.5,
        }
        self.refuse(rules)

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """The machine from a moment that the utterance draws."""
        key = f"{step_digest(self, 'snr_db')} {rate_hz} Hz seed {scene.seed}"
        return taken_from(scene.banks.get(key, lambda: self._pool(rate_hz, key)), n, rng, scene)

    def _pool(self, rate_hz: int, key: str) -> NDArray[np.float32]:
        """A minute of the machine, float32, that goes round."""
        rng = rng_for(0, key, "pool")
        pulses = round(POOL_S * self.repetition_hz)
        n = round((pulses / self.repetition_hz if pulses else POOL_S) * rate_hz)
        return (self.tones(n, rate_hz, rng) * self.pulses(n, rate_hz, rng)).astype(np.float32)

    def tones(self, n: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The machine without pauses, shape (n,), a whole number of cycles.

        Tones at and above half the sample rate are left out.

        Raises:
            AudioError: none is left.
        """
        from scipy import fft

        cycles = max(1, round(self.fundamental_hz * n / rate_hz))
        numbers = np.arange(1, self.harmonics + 1)
        numbers = numbers[numbers * cycles < n / 2]
        if not len(numbers):
            raise AudioError(f"a tone of {self.fundamental_hz} Hz cannot be put into audio of {rate_hz} Hz")
        phases = rng.uniform(0, 2 * np.pi, self.harmonics)[: len(numbers)]
        spectrum = np.zeros(n // 2 + 1, dtype=np.complex128)
        amplitude = 10 ** (-self.rolloff_db * (numbers - 1) / 20)
        spectrum[numbers * cycles] = n / 2 * amplitude * np.exp(1j * (phases - np.pi / 2))
        return np.asarray(fft.irfft(spectrum, n))

    def pulses(self, n: int, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The envelope of the machine, 0 to 1, shape (n,), a whole number of pulses that goes round."""
        if self.repetition_hz == 0:
            return np.ones(n)
        count = max(1, round(n * self.repetition_hz / rate_hz))
        gaps = np.maximum(0.1, 1 + self.jitter * rng.standard_normal(count))
        gaps *= n / gaps.sum()
        # A pulse that began before the first sample goes on into it, and the last one ends where that one begins.
        starts = np.cumsum(np.concatenate([-rng.uniform(0, 1, 1) * gaps[0], gaps]))
        time = np.arange(n)
        latest = np.searchsorted(starts, time, side="right") - 1
        since, until = time - starts[latest], np.append(starts, starts[1] + n)[latest + 1] - time
        length, ramp = self.duty_cycle * n / count, RAMP_S * rate_hz
        sounding = np.minimum(np.minimum(since, length - since), until)
        envelope: NDArray[np.float64] = np.clip(sounding / ramp, 0.0, 1.0)
        return envelope
