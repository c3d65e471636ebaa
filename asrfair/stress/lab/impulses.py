"""Impulsiveness: how peaky the samples are, and the knocks that stand out of the room.

Kurtosis (fourth moment over the squared second; 3 for Gaussian noise) and crest factor (peak over root mean square, dB)
are of the samples. Impulses are counted where the excess over what is usual (`Frames.excess`; usual is the median of
the second around, and the envelope of the cycle where the room is periodic) is above its median by `DEVIATIONS` robust
standard deviations (1.4826 times the median absolute deviation) and at least `LEAST_DB`; what is closer than 0.1 s, or
does not fall by `LEAST_DB` in between, is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stress.lab.bands import Numbers
from asrfair.stress.lab.cycles import Cycles, cycle_gains, phases
from asrfair.stress.lab.frames import Frames

DEVIATIONS = 6.0
LEAST_DB = 8.0
APART_S = 0.1
LONGEST_S = 2.0
DONE_DB = 1.0
BLOCK_S = 0.5
EDGE_POINTS, EDGE = 2, 0.05
"""The edge of a pulse that is early or late by so much (points, or share of the period) is no impulse."""


@dataclass(frozen=True, slots=True)
class FoundImpulses:
    """The impulses of a recording.

    Attributes:
        times_s: when each is loudest, shape (impulses,).
        height_db: over what is usual, shape (impulses,).
        energy: in octave bands beyond what is usual, power times seconds, shape (impulses, bands).
        decay_s: time for 60 dB at the mean rate of the fall, shape (impulses,).
        quiet: which frames have no impulse, shape (frames,).
    """

    times_s: Numbers
    height_db: Numbers
    energy: Numbers
    decay_s: Numbers
    quiet: NDArray[np.bool_]


def usual_power(frames: Frames, cycles: Cycles | None, period_s: float | None) -> Numbers:
    """What is usual at each frame: running medians, times the envelope of the cycle, shape (frames, bands)."""
    from scipy.ndimage import maximum_filter1d

    n = len(frames.power)
    swing = np.ones_like(frames.power)
    if cycles is not None and period_s is not None:
        shares = phases(cycles.starts, np.arange(n, dtype=np.float64), period_s / frames.step_s)
        reach = 2 * max(EDGE_POINTS, round(EDGE * len(cycles.envelope))) + 1
        highest = maximum_filter1d(cycles.envelope, reach, axis=0, mode="wrap")
        swing = np.stack([cycle_gains(band, shares) for band in highest.T], axis=1)
        swing = np.maximum(swing, 1e-4)
    flat = frames.power / swing
    block = min(n, round(BLOCK_S / frames.step_s))
    starts = np.arange(0, n - block + 1, block)
    medians = np.stack([np.median(flat[at : at + block], axis=0) for at in starts])
    padded = np.concatenate([medians[:1], medians, medians[-1:]])
    calm = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    middle = starts + block / 2
    usual = np.stack([np.interp(np.arange(n), middle, band) for band in calm.T], axis=1)
    return np.maximum(usual * swing, 1e-30)


def find_impulses(frames: Frames, usual: Numbers) -> FoundImpulses:
    """The impulses of a recording.

    Args:
        frames: of the recording.
        usual: from `usual_power`.
    """
    from scipy.signal import find_peaks

    score = 10 * np.log10(np.maximum(frames.excess(usual), 1e-9))
    score -= np.median(score)
    threshold = max(LEAST_DB, DEVIATIONS * 1.4826 * float(np.median(np.abs(score))))
    peaks, _ = find_peaks(score, height=threshold, prominence=LEAST_DB, distance=max(1, round(APART_S / frames.step_s)))
    quiet = np.ones(len(score), dtype=np.bool_)
    energy = np.zeros((len(peaks), frames.power.shape[1]))
    decay_s = np.zeros(len(peaks))
    longest = round(LONGEST_S / frames.step_s)
    lead = round(0.02 / frames.step_s)
    for number, peak in enumerate(peaks):
        end = int(peaks[number + 1]) - lead if number + 1 < len(peaks) else len(score)
        end = min(end, peak + longest, len(score))
        fallen, end = _end(score, peak, end, LEAST_DB / 2), _end(score, peak, end, DONE_DB)
        here = slice(max(0, _begin(score, int(peak), longest) - lead), end)
        energy[number] = np.maximum(frames.power[here] - usual[here], 0).sum(axis=0) * frames.step_s
        fall_db = float(score[peak] - score[fallen - 1])
        decay_s[number] = 60 * max(1, fallen - 1 - peak) * frames.step_s / max(fall_db, LEAST_DB / 2)
        quiet[here] = False
    return FoundImpulses(peaks * frames.step_s, score[peaks], energy, decay_s, quiet)


def _end(score: Numbers, peak: int, latest: int, below_db: float) -> int:
    """The frame after a peak where the score is first so low, or the latest."""
    low = np.flatnonzero(score[peak:latest] < below_db)
    return max(peak + 1, peak + int(low[0]) if len(low) else latest)


def _begin(score: Numbers, peak: int, longest: int) -> int:
    """The last frame before a peak where the score is still low."""
    first = max(0, peak - longest)
    low = np.flatnonzero(score[first:peak] < DONE_DB)
    return first + int(low[-1]) if len(low) else first


def kurtosis(samples: NDArray[np.float32]) -> float:
    """The fourth central moment over the squared variance.

    >>> round(kurtosis(np.tile(np.float32([1, -1]), 100)), 6)
    1.0
    """
    centred = samples.astype(np.float64)
    centred -= centred.mean()
    variance = float(np.mean(centred**2))
    return float(np.mean(centred**4)) / variance**2


def crest_factor_db(samples: NDArray[np.float32]) -> float:
    """Peak over root mean square, in dB.

    >>> round(crest_factor_db(np.sin(np.arange(4000) * 0.1).astype(np.float32)), 1)
    3.0
    """
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return float(10 * np.log10(float(np.max(np.square(samples, dtype=np.float64))) / power))
