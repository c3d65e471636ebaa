"""The cycles of a periodic room: where each begins, how regularly, and what one of them is like.

Cycles are tracked by dynamic programming (Ellis 2007, Journal of New Music Research 36(1)): the beginnings that
together agree best with a template, less a penalty for gaps that differ from the period (squared logarithm); then each
goes to the summit of its own neighbourhood. The first template is the rise of the envelope, the second the mean cycle
that the first found, the last the rise of that cycle. From the beginnings follow the jitter (robust standard deviation
of the gaps over the period) and the envelope of one cycle in each octave band: a train with jitter that was folded at a
constant period would be smeared into nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stress.lab.bands import Numbers
from asrfair.stress.lab.frames import Frames
from asrfair.stress.lab.periodicity import envelopes

POINT_S = 0.004
MOST_POINTS = 64
FEWEST_POINTS = 8
TIGHTNESS = 100.0
LEAD = 0.1
"""A cycle begins this share of the period before its steepest rise."""

LOUDEST_RATIO = 10.0
"""A frame counts in the mean cycle with at most so many times the median there: a bang is not the machine's."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """What one repetition is like.

    Attributes:
        starts: frames at which cycles begin, with fractions, shape (cycles,).
        jitter: standard deviation of the time between beginnings, as a share of the period.
        envelope: power over its mean in octave bands, shape (points, bands).
        duty_cycle: share of the period in which the amplitude of all bands together is above half of its swing.
    """

    starts: Numbers
    jitter: float
    envelope: Numbers
    duty_cycle: float


def track_cycles(frames: Frames, period_s: float) -> Cycles:
    """The cycles of a recording that is periodic.

    Args:
        frames: of the recording.
        period_s: from `periodicity.find_period`.
    """
    period = period_s / frames.step_s
    n_points = int(np.clip(round(period_s / POINT_S), FEWEST_POINTS, MOST_POINTS))
    relative = np.minimum(envelopes(frames), 6.0)
    rise = np.maximum(0.0, np.diff(_smoothed(relative, 5), axis=0, append=relative[-1:])).sum(axis=1)
    starts = _tracked(rise - rise.mean(), period)
    template = _folded(relative, starts, period, n_points)
    starts = _tracked(_agreement(relative, template, period), period)
    for _ in range(2):
        starts = starts + (_steepest(_folded(relative, starts, period, n_points)) - LEAD) * period
        # The rise alone: a whole cycle is drawn to the next one when that comes early.
        rising = _folded(relative, starts, period, n_points)[: max(4, round(2.5 * LEAD * n_points))]
        starts = _summits(_agreement(relative, rising, len(rising) / n_points * period), starts, period)
    gaps = np.diff(starts) / period
    jitter = 1.4826 * float(np.median(np.abs(gaps - np.median(gaps)))) if len(gaps) > 2 else 0.0
    envelope = _folded(frames.power, starts, period, n_points)
    envelope = envelope / np.maximum(envelope.mean(axis=0), 1e-30)
    return Cycles(starts, jitter, envelope, _duty_cycle(envelope @ frames.power.mean(axis=0)))


def phases(starts: Numbers, times: Numbers, period: float) -> Numbers:
    """How far each time is into its cycle, as a share of the period; a cycle that is late stays at its end (1).

    Args:
        starts: beginnings of cycles, rising.
        times: in the same unit.
        period: in the same unit.
    """
    latest = np.searchsorted(starts, times, side="right") - 1
    since = times - starts[np.maximum(latest, 0)]
    before = latest < 0
    since[before] = np.mod(since[before], period)
    shares: Numbers = np.minimum(since / period, 1.0)
    return shares


def cycle_gains(envelope: Numbers, shares: Numbers) -> Numbers:
    """The envelope at phases, by straight lines between its points; shape (times,).

    Args:
        envelope: of one band, shape (points,).
        shares: of the period, 0 to 1.
    """
    n = len(envelope)
    at = (np.arange(-1, n + 1) + 0.5) / n
    # The pause before a late cycle is the end of the one before, the beginning of each runs up from it.
    gains: Numbers = np.interp(shares, at[1:], np.append(envelope, envelope[-1]))
    return gains


def _steepest(cycle: Numbers) -> float:
    """Where a mean cycle of shape (points, bands) rises most, as a share of the period."""
    whole = cycle.sum(axis=1)
    return float(np.argmax(np.roll(whole, -1) - np.roll(whole, 1))) / len(whole)


def _smoothed(relative: Numbers, width: int) -> Numbers:
    """Running means over time."""
    from scipy.ndimage import uniform_filter1d

    smooth: Numbers = uniform_filter1d(relative, width, axis=0, mode="nearest")
    return smooth


def _folded(values: Numbers, starts: Numbers, period: float, n_points: int) -> Numbers:
    """The mean cycle of each band, shape (points, bands)."""
    shares = phases(starts, np.arange(len(values), dtype=np.float64), period)
    point = np.minimum((shares * n_points).astype(np.int64), n_points - 1)
    counted = shares < 1.0
    point, values = point[counted], values[counted]
    order = np.argsort(point, kind="stable")
    edges = np.searchsorted(point[order], np.arange(n_points + 1))
    cycle = np.zeros((n_points, values.shape[1]))
    for number in range(n_points):
        here = values[order[edges[number] : edges[number + 1]]]
        if len(here):
            cycle[number] = np.minimum(here, LOUDEST_RATIO * np.median(here, axis=0)).mean(axis=0)
        else:
            cycle[number] = cycle[number - 1]
    return cycle


def _agreement(relative: Numbers, template: Numbers, period: float) -> Numbers:
    """How well the mean cycle fits if it begins at each frame, in standard deviations."""
    from scipy.signal import fftconvolve

    length = max(2, round(period))
    at = (np.arange(length) + 0.5) / length * len(template) - 0.5
    total = np.zeros(len(relative))
    for band in range(relative.shape[1]):
        shape = np.interp(at, np.arange(len(template)), template[:, band])
        shape -= shape.mean()
        total += fftconvolve(relative[:, band] - relative[:, band].mean(), shape[::-1])[length - 1 :]
    return total


def _tracked(score: Numbers, period: float) -> Numbers:
    """The beginnings that agree best, as frames with fractions, shape (cycles,)."""
    scale = float(score.std())
    score = score / scale if scale > 0 else score
    gaps = np.arange(max(1, round(0.6 * period)), round(1.5 * period) + 1)
    penalty = TIGHTNESS * np.log(gaps / period) ** 2
    total, before = score.copy(), np.full(len(score), -1, dtype=np.int64)
    lowest, longest = int(gaps[0]), int(gaps[-1])
    back = penalty[::-1]
    for at in range(longest, len(score)):
        values = total[at - longest : at - lowest + 1] - back
        best = int(values.argmax())
        total[at] += values[best]
        before[at] = at - longest + best
    at = len(score) - longest + int(np.argmax(total[-longest:])) if len(score) > longest else int(np.argmax(total))
    found = [at]
    while before[at] >= 0:
        at = int(before[at])
        found.append(at)
    return _summits(score, np.array(found[::-1], dtype=np.float64), period)


def _summits(score: Numbers, starts: Numbers, period: float) -> Numbers:
    """Each beginning at the summit of its own neighbourhood: what a penalty drew to its neighbours is let go."""
    reach = max(1, round(0.2 * period))
    tops = set()
    for at in np.clip(np.round(starts), 0, len(score) - 1).astype(int).tolist():
        begin = max(0, at - reach)
        tops.add(begin + int(score[begin : at + reach + 1].argmax()))
    return _vertices(score, np.array(sorted(tops)))


def _vertices(score: Numbers, places: NDArray[np.int64]) -> Numbers:
    """Places with fractions, by the parabola through three scores."""
    inner = np.clip(places, 1, len(score) - 2)
    before, top, after = score[inner - 1], score[inner], score[inner + 1]
    curve = before - 2 * top + after
    safe = np.where(curve < 0, curve, -1.0)
    shift = np.where(curve < 0, np.clip(0.5 * (before - after) / safe, -0.5, 0.5), 0.0)
    refined: Numbers = np.where(inner == places, places + shift, places)
    return refined


def _duty_cycle(power: Numbers) -> float:
    """Share of the period in which the amplitude is above half its swing; power of one cycle, shape (points,)."""
    amplitude = np.sqrt(power)
    return float(np.mean(amplitude > (amplitude.max() + amplitude.min()) / 2))
