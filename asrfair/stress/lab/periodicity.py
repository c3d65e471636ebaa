"""Repetition: whether the room's sound comes again and again, how often, and how surely.

The envelope is the amplitude in octave bands (`frames`), each divided by its mean, without changes that are slower than
the longest period looked for or quicker than 25 a second (there begins pitch). Its autocorrelation, the Fourier
transform of the envelope spectrum (Wiener, Khinchin) summed over bands, is 1 at lag 0; the strength of a repetition is
its height at the period. The first peak that is nearly as high as the highest is the period, refined by the peaks at
its multiples. The envelope spectrum has the second word: its lines at multiples of the repetition rate must stand out
of their neighbourhood, which those of a slow, irregular change do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asrfair.stress.lab.bands import Numbers
from asrfair.stress.lab.frames import Frames

SHORTEST_S = 0.04
LONGEST_S = 10.0
QUICKEST_HZ = 25.0
NEARLY = 0.8
LEAST_STRENGTH = 0.1
LEAST_LINE_DB = 8.0
DEVIATIONS = 5.0
"""A strength must be this many standard deviations of an autocorrelation by chance (Bartlett 1946)."""


@dataclass(frozen=True, slots=True)
class FoundPeriod:
    """A repetition: its period, its strength (0 to 1), and how far its lines stand out of the envelope spectrum."""

    period_s: float
    strength: float
    line_db: float


def envelopes(frames: Frames) -> Numbers:
    """Amplitude in octave bands over its mean, for the bands that are loud enough to count, shape (frames, bands)."""
    amplitude = np.sqrt(frames.power[:, frames.loud])
    relative: Numbers = amplitude / amplitude.mean(axis=0)
    return relative


def find_period(frames: Frames) -> FoundPeriod | None:
    """The repetition of a recording.

    Returns:
        None if it is not periodic.
    """
    from scipy import fft

    n = len(frames.power)
    longest_s = min(LONGEST_S, n * frames.step_s / 4)
    size = fft.next_fast_len(2 * n, real=True)
    hz = np.arange(size // 2 + 1) / (size * frames.step_s)
    relative = np.minimum(envelopes(frames), 6.0)  # One loud bang is no rhythm.
    power = np.sum(np.square(np.abs(fft.rfft(relative - relative.mean(axis=0), size, axis=0))), axis=1)
    power[(hz < 0.7 / longest_s) | (hz > QUICKEST_HZ)] = 0
    correlation = fft.irfft(power, size)[: round(longest_s / frames.step_s) * 2 + 2]
    if correlation[0] <= 0:
        return None
    correlation = correlation / correlation[0] * (n / (n - np.arange(len(correlation))))
    lag = _first_peak(correlation, round(SHORTEST_S / frames.step_s), round(longest_s / frames.step_s))
    if lag is None:
        return None
    period, strength = _refined(correlation, lag)
    # Slow changes have few independent values, and are alike by chance more often.
    chance = DEVIATIONS * np.sqrt((2 * np.sum(correlation[1 : round(period / 2)] ** 2) + 1) / n)
    line_db = _line_db(power, hz[1], 1 / (period * frames.step_s))
    if strength < max(LEAST_STRENGTH, chance) or line_db < LEAST_LINE_DB:
        return None
    return FoundPeriod(period * frames.step_s, min(1.0, strength), line_db)


def _first_peak(correlation: Numbers, shortest: int, longest: int) -> int | None:
    """The lag of the first peak nearly as high as the highest, after the correlation has first fallen below 0."""
    below = np.flatnonzero(correlation[: longest + 1] < 0)
    if not len(below):
        return None
    begin = max(shortest, int(below[0]))
    inner = correlation[begin : longest + 1]
    if len(inner) < 3:
        return None
    tops = np.flatnonzero((inner[1:-1] > inner[:-2]) & (inner[1:-1] >= inner[2:])) + 1
    if not len(tops) or inner[tops].max() <= 0:
        return None
    high = tops[inner[tops] >= NEARLY * inner[tops].max()]
    return begin + int(high[0])


def _refined(correlation: Numbers, lag: int) -> tuple[float, float]:
    """The period in frames, from the furthest multiple whose peak can be followed, and the height at the first."""
    period, strength, multiple = _top(correlation, float(lag), 3)
    for _ in range(6):
        multiple *= 2
        reach = max(2, round(0.08 * period))
        if multiple * period + reach + 2 >= len(correlation):
            break
        further, height, _ = _top(correlation, multiple * period, reach)
        if height < 0.5 * strength:
            break
        period = further / multiple
    return period, strength


def _top(correlation: Numbers, lag: float, reach: int) -> tuple[float, float, int]:
    """The highest place near a lag, by a parabola; its height."""
    begin = max(1, round(lag) - reach)
    end = min(len(correlation) - 1, round(lag) + reach + 1)
    at = begin + int(np.argmax(correlation[begin:end]))
    before, top, after = correlation[at - 1], correlation[at], correlation[min(at + 1, len(correlation) - 1)]
    curve = before - 2 * top + after
    shift = 0.0 if curve >= 0 else float(np.clip(0.5 * (before - after) / curve, -0.5, 0.5))
    return at + shift, float(top), 1


def _line_db(power: Numbers, step_hz: float, repetition_hz: float) -> float:
    """How far the first lines of the envelope spectrum stand out: mean over lines of peak over median around, in dB."""
    heights = []
    for number in range(1, 5):
        line = number * repetition_hz
        if line > QUICKEST_HZ:
            break
        near = slice(_bin(line * 0.97, step_hz), _bin(line * 1.03, step_hz) + 2)
        around = slice(_bin(line - repetition_hz / 2, step_hz), _bin(line + repetition_hz / 2, step_hz) + 1)
        usual = float(np.median(power[around]))
        heights.append(10 * np.log10(float(power[near].max()) / usual) if usual > 0 else 0.0)
    return float(max(heights, default=0.0))


def _bin(hz: float, step_hz: float) -> int:
    """The bin of a frequency."""
    return max(0, round(hz / step_hz))
