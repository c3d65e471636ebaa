"""The level over time: percentiles, and slow changes that are more than the restlessness of noise.

Percentiles are of frames of 0.125 s, slow changes are followed in steps of 0.05 s. Even steady noise has levels that
scatter (few degrees of freedom in a low band), and a machine that is switched scatters more; so the scatter of a steady
synthesis of the same spectrum and repetition is taken off the variance, band by band. What is left is the swell: its
distribution (quantiles, scaled to the variance that is left), the time in which it forgets itself, and how far octaves
swell together.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress.lab.bands import OCTAVES_HZ, Numbers, decibels
from asrfair.stress.lab.frames import SWELL_S, Frames, sample_power
from asrfair.stress.lab.profile import QUANTILES, Swell

LEAST_DB = 0.7
"""A standard deviation below this is called steady."""

PERIODS = 3
LONGEST_S = 30.0


def level_percentiles(waveform: Waveform) -> tuple[float, float, float]:
    """Levels exceeded 10, 50 and 90 % of the time, dBFS."""
    levels = decibels(sample_power(waveform.samples, waveform.sample_rate_hz))
    l90, l50, l10 = np.percentile(levels, [10, 50, 90])
    return float(l10), float(l50), float(l90)


def level_tracks(frames: Frames, quiet: NDArray[np.bool_] | None = None, period_s: float | None = None) -> Numbers:
    """Levels of octave bands every `SWELL_S`, dBFS, shape (places, bands).

    Args:
        frames: of the recording.
        quiet: which frames count; a level for which fewer than half count is none (NaN).
        period_s: of the repetition: levels are then over three periods or more, which its own swing does not move.
    """
    over_s = SWELL_S if period_s is None else period_s * max(PERIODS, math.ceil(SWELL_S / period_s))
    width, step = round(over_s / frames.step_s), round(SWELL_S / frames.step_s)
    counted = np.ones(len(frames.power)) if quiet is None else quiet.astype(np.float64)
    ends = np.arange(width, len(frames.power) + 1, step)
    upto = np.concatenate([np.zeros((1, frames.power.shape[1])), np.cumsum(frames.power * counted[:, None], axis=0)])
    so_many = np.concatenate([[0.0], np.cumsum(counted)])
    counts = so_many[ends] - so_many[ends - width]
    tracks = decibels((upto[ends] - upto[ends - width]) / np.maximum(counts, 1)[:, None])
    tracks[counts < width / 2] = np.nan
    return tracks


def measure_swell(tracks: Numbers, steady: Numbers, loud: NDArray[np.bool_]) -> Swell | None:
    """The slow changes of a recording.

    Args:
        tracks: from `level_tracks`, shape (long frames, bands), with gaps.
        steady: the same of a synthesis that has none.
        loud: which bands are loud enough to count.

    Returns:
        None if the room is steady.
    """
    whole: NDArray[np.bool_] = np.all(np.isfinite(tracks), axis=1)
    if np.count_nonzero(whole) < 8:
        return None
    centred = np.where(whole[:, None], tracks - np.nanmedian(tracks, axis=0), 0.0)
    variance = centred[whole].var(axis=0)
    excess: Numbers = np.maximum(0.0, variance - steady.var(axis=0)) * loud
    if not np.any(np.sqrt(excess) >= LEAST_DB):
        return None
    rows = {}
    for band in np.flatnonzero(np.sqrt(excess) >= LEAST_DB).tolist():
        scale = np.sqrt(excess[band] / variance[band])
        quantiles = np.quantile(centred[whole, band], QUANTILES) * scale
        rows[str(OCTAVES_HZ[band])] = tuple(round(float(q), 2) for q in quantiles)
    return Swell(
        deviation_db=round(float(np.sqrt(excess.max())), 2),
        time_s=round(_forgetting_s(centred - centred[whole].mean(axis=0), whole, excess), 3),
        together=round(_together(centred[whole], excess), 3),
        level_db=rows,
    )


def _forgetting_s(centred: Numbers, whole: NDArray[np.bool_], excess: Numbers) -> float:
    """The lag at which the autocorrelation of the swell is 1/e, bands weighted by how much they swell."""
    centred = np.where(whole[:, None], centred, 0.0)
    weights = (excess > 0) / np.maximum(excess, 1e-9)
    longest = min(len(centred) // 3, round(LONGEST_S / SWELL_S))
    for lag in range(1, longest + 1):
        pairs = max(1, int(np.count_nonzero(whole[lag:] & whole[:-lag])))
        products = (centred[lag:] * centred[:-lag]).sum(axis=0) / pairs
        height = float((products * weights).sum() / np.count_nonzero(excess))
        if height < np.exp(-1):
            return max(0.5, lag) * SWELL_S
    return longest * SWELL_S


def _together(centred: Numbers, excess: Numbers) -> float:
    """The mean covariance of pairs of bands over what it would be if they were one."""
    swelling = np.flatnonzero(excess >= LEAST_DB**2)
    if len(swelling) < 2:
        return 1.0
    covariance = np.cov(centred[:, swelling].T)
    deviation = np.sqrt(excess[swelling])
    pairs = np.triu_indices(len(swelling), 1)
    height = covariance[pairs] / np.outer(deviation, deviation)[pairs]
    return float(np.clip(height.mean(), 0.0, 1.0))
