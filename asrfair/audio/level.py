"""Levels: root mean square, and the active speech level of ITU-T Recommendation P.56 (method B).

The active level is the power over the time in which there is speech: pauses do not count, so noise that is mixed in by
it is as loud for speakers who pause as for speakers who do not. The envelope of the signal (two exponential averages of
its magnitude, time constant 0.03 s) is compared with thresholds a factor of 2 apart; a hangover of 0.2 s bridges short
gaps. For each threshold, activity and the level over active time follow; the active level is where it lies 15.9 dB (the
margin) above the threshold, found by interpolation between thresholds, in dB.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
N_THRESHOLDS = 15
"""Thresholds from the peak of the signal downwards, each half of the one before."""


@dataclass(frozen=True, slots=True)
class ActiveLevel:
    """The active speech level and the share of the time in which there is speech (0 to 1)."""

    level_dbfs: float
    activity: float


def rms_dbfs(samples: NDArray[np.floating[Any]]) -> float | None:
    """Root mean square level in dB relative to full scale (1.0); None for digital silence.

    >>> rms_dbfs(np.ones(100, dtype=np.float32))
    0.0
    """
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return 10.0 * math.log10(power) if power > 0 else None


def active_speech_level(waveform: Waveform) -> ActiveLevel | None:
    """The active speech level of a waveform (ITU-T P.56, method B).

    Args:
        waveform: float32, shape (n,); the level of the signal does not matter, it scales with gain exactly.

    Returns:
        Level in dB relative to full scale, and activity; None for digital silence.
    """
    samples = waveform.samples.astype(np.float64)
    peak = float(np.max(np.abs(samples))) if len(samples) else 0.0
    if peak == 0.0:
        return None
    samples /= peak  # Thresholds count from the peak, so that gain changes nothing but the level.
    power = float(np.sum(samples**2))
    counts = _active_samples(_envelope(samples, waveform.sample_rate_hz), round(HANGOVER_S * waveform.sample_rate_hz))
    previous: tuple[float, float, float] | None = None
    for number, active in enumerate(counts):
        if active == 0:
            continue
        level_db = 10 * math.log10(power / active)
        excess_db = level_db - 20 * math.log10(2.0**-number) - MARGIN_DB
        if excess_db >= 0:
            level_db = level_db if previous is None else _crossing(previous, (level_db, excess_db))
            return _result(level_db, power, len(samples), peak)
        previous = (level_db, excess_db, number)
    return _result(10 * math.log10(power / len(samples)), power, len(samples), peak)


def _crossing(before: tuple[float, float, float], after: tuple[float, float]) -> float:
    """Where the level is the margin above the threshold, between two thresholds (linear in dB)."""
    share = -before[1] / (after[1] - before[1])
    return before[0] + share * (after[0] - before[0])


def _result(level_db: float, power: float, n_samples: int, peak: float) -> ActiveLevel:
    """Level relative to full scale, and activity."""
    activity = power / n_samples / 10 ** (level_db / 10)
    return ActiveLevel(level_db + 20 * math.log10(peak), min(1.0, activity))


def _envelope(samples: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """The magnitude, averaged exponentially twice."""
    from scipy.signal import lfilter

    keep = math.exp(-1.0 / (rate_hz * TIME_CONSTANT_S))
    once = lfilter([1 - keep], [1, -keep], np.abs(samples))
    twice: NDArray[np.float64] = lfilter([1 - keep], [1, -keep], once)
    return twice


def _active_samples(envelope: NDArray[np.float64], hangover: int) -> list[int]:
    """For each threshold, how many samples are at or above it, or less than the hangover after one that is."""
    counts = []
    position = np.arange(len(envelope))
    for number in range(N_THRESHOLDS):
        above = np.flatnonzero(envelope >= 2.0**-number)
        if not len(above):
            counts.append(0)
            continue
        gaps = np.diff(above, append=position[-1] + 1) - 1
        counts.append(int(len(above) + np.minimum(gaps, hangover).sum()))
    return counts
