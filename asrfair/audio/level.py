"""Levels: root mean square, and the active speech level of ITU-T Recommendation P.56 (method B).

The active level is the power over the time in which there is speech: pauses do not count, so noise that is mixed in by
it is as loud for speakers who pause as for speakers who do not. The envelope of the signal (two exponential averages of
its magnitude, time constant 0.03 s) is compared with thresholds a factor of 2 apart; a hangover of 0.2 s bridges short
gaps. For each threshold, activity and the level over active time follow; the active level is where it lies 15.9 dB (the
margin) above the threshold, found by interpolation between thresholds, in dB, from the lowest threshold upwards.

The envelope moves slowly, and P.56 lets it be sampled from 600 Hz on: here the magnitude is averaged over blocks of
half a millisecond first, which moves the level by some 0.001 dB, and by less than 0.02 dB from a second of speech on
(but where a syllable only just reaches a threshold: there the definition itself jumps). The power is that of every
sample. Where the envelope never comes within the margin (clicks, clips of a tenth of a second), the level at the
highest threshold that it reaches is given. Unlike in the recommendation's own program, thresholds count from the
signal's peak and not from full scale, so that gain moves the level by itself and by nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9
THRESHOLDS = tuple(2.0**-number for number in range(14, -1, -1))
"""Up to the peak of the signal, each twice the one before."""

ENVELOPE_HZ = 2000.0
"""How often the envelope is looked at, at least."""

_ROW = 1024
"""So many squares are added in float32 before float64 takes over: the error of a power stays below 1e-6 of it."""

_FLOAT32_POWERS = (1e-30, 1e30)
"""Mean squares within which float32 neither underflows nor overflows."""


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
    power = energy(samples) / len(samples) if len(samples) else 0.0
    return 10.0 * math.log10(power) if power > 0 else None


def energy(samples: NDArray[np.floating[Any]]) -> float:
    """The sum of the squares of samples, shape (n,): right to 1e-6 of it, however loud or quiet they are.

    >>> energy(np.full(2000, 0.5, dtype=np.float32))
    500.0
    """
    whole = len(samples) // _ROW * _ROW
    rows, rest = samples[:whole].reshape(-1, _ROW), samples[whole:].astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        total = float(np.einsum("ij,ij->i", rows, rows).sum(dtype=np.float64)) + float(rest @ rest)
    if samples.dtype == np.float64 or _FLOAT32_POWERS[0] <= total / max(1, len(samples)) <= _FLOAT32_POWERS[1]:
        return total
    return float(np.sum(np.square(samples, dtype=np.float64)))


def active_speech_level(waveform: Waveform) -> ActiveLevel | None:
    """The active speech level of a waveform (ITU-T P.56, method B).

    Args:
        waveform: float32, shape (n,); the level of the signal does not matter, it scales with gain exactly.

    Returns:
        Level in dB relative to full scale, and activity; None for digital silence.
    """
    samples, n = waveform.samples, len(waveform.samples)
    peak = max(samples.max(initial=0.0), -samples.min(initial=0.0))
    if peak == 0.0:
        return None
    scaled = samples / peak  # Thresholds count from the peak, so that gain changes nothing but the level.
    power = energy(scaled)
    block, hangover = envelope_blocks(waveform.sample_rate_hz)
    envelope = _envelope(np.abs(scaled, out=scaled), block, waveform.sample_rate_hz)
    counts = (min(n, block * _active_blocks(envelope, threshold, hangover)) for threshold in THRESHOLDS)
    return level_of_counts(counts, power, n, float(peak))


def envelope_blocks(sample_rate_hz: int) -> tuple[int, int]:
    """Samples in a block of the envelope, and blocks in the hangover."""
    block = max(1, int(sample_rate_hz // ENVELOPE_HZ))
    return block, round(HANGOVER_S * sample_rate_hz / block)


def level_of_counts(counts: Iterable[int], power: float, n_samples: int, peak: float) -> ActiveLevel:
    """The level, where activity at each threshold is known.

    Args:
        counts: active samples at each of the `THRESHOLDS`; read only as far as needed.
        power: sum of the squares of the samples, relative to the peak.
        n_samples: of the signal.
        peak: its largest magnitude.
    """
    level_db, excess_db = 10 * math.log10(power / n_samples), 0.0
    for threshold, active in zip(THRESHOLDS, counts, strict=False):
        if active == 0:
            break  # The envelope never comes so near to the peak: the level at the threshold before is the nearest.
        before_db, above_db = level_db, excess_db
        level_db = 10 * math.log10(power / active)
        excess_db = level_db - 20 * math.log10(threshold) - MARGIN_DB
        if excess_db <= 0:
            share = above_db / (above_db - excess_db) if above_db > 0 else 1.0
            level_db = before_db + share * (level_db - before_db)
            break
    return _result(level_db, power, n_samples, peak)


def _result(level_db: float, power: float, n_samples: int, peak: float) -> ActiveLevel:
    """Level relative to full scale, and activity."""
    activity = power / n_samples / 10 ** (level_db / 10)
    return ActiveLevel(level_db + 20 * math.log10(peak), min(1.0, activity))


def _envelope(magnitude: NDArray[np.float32], block: int, rate_hz: int) -> NDArray[np.float64]:
    """The magnitude averaged over blocks, then exponentially twice; one value a block, the last may be of a part."""
    from scipy.signal import lfilter

    whole = len(magnitude) // block * block
    means = np.einsum("ij->i", magnitude[:whole].reshape(-1, block)).astype(np.float64) / block
    if whole < len(magnitude):
        means = np.append(means, magnitude[whole:].sum(dtype=np.float64) / block)
    keep = math.exp(-block / (rate_hz * TIME_CONSTANT_S))
    twice: NDArray[np.float64] = lfilter([(1 - keep) ** 2], [1, -2 * keep, keep**2], means)
    return twice


def _active_blocks(envelope: NDArray[np.float64], threshold: float, hangover: int) -> int:
    """How many blocks are at or above a threshold, or less than the hangover after one that is."""
    above = np.flatnonzero(envelope >= threshold)
    if not len(above):
        return 0
    steps = np.minimum(above[1:] - above[:-1], hangover + 1)
    return int(steps.sum()) + 1 + min(len(envelope) - 1 - int(above[-1]), hangover)
