"""Reverberation, blind: how fast sound dies away after bangs and bursts of the recording itself.

No impulse response is known, so free decays are looked for: places where the excess over what is usual in all bands
(`Frames.excess`) falls by `DROP_DB` or more without a new onset. The decay is integrated backwards (Schroeder 1965,
JASA 37), with the floor that it ends in taken off, and a straight line is put through its part from -3 to -15 dB; the
time for 60 dB follows from the slope. What dies away slowly by itself (a bell, a motor) is taken for the room, so the
median over all decays is an estimate from above; it is no measurement by ISO 3382, which needs an impulse response.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asrfair.stress.lab.bands import Numbers
from asrfair.stress.lab.frames import Frames

DROP_DB = 23.0
FIT_DB = (-3.0, -15.0)
ONSET_DB = 6.0
LONGEST_S = 4.0
LEAST_R2 = 0.95
FEWEST = 3
TIMES_S = (0.1, 10.0)
"""What is quicker cannot be told from the frames (16 ms) that it is measured in."""


@dataclass(frozen=True, slots=True)
class BlindDecay:
    """Reverberation from decays.

    Attributes:
        decay_time_s: median time for 60 dB; None where there are too few decays.
        n_decays: decays that it is from.
        reason: why there is none; None where there is one.
    """

    decay_time_s: float | None
    n_decays: int
    reason: str | None


def blind_decay_time(frames: Frames) -> BlindDecay:
    """The time for 60 dB from the free decays of a recording; each starts at a burst, whatever that is."""
    from scipy.signal import find_peaks

    excess = np.maximum(frames.excess(np.percentile(frames.power, 10, axis=0)), 1e-9)
    score = 10 * np.log10(excess)
    peaks, _ = find_peaks(score, prominence=DROP_DB, distance=max(1, round(0.05 / frames.step_s)))
    if not len(peaks):
        return BlindDecay(None, 0, f"no burst that stands {DROP_DB:g} dB out of the room and dies away")
    times = [time for peak in peaks if (time := _decay_time(excess, score, int(peak), frames.step_s)) is not None]
    if len(times) < FEWEST:
        reason = f"{len(peaks)} bursts, of which {len(times)} die away freely; {FEWEST} are needed"
        return BlindDecay(None, len(times), reason)
    return BlindDecay(float(np.median(times)), len(times), None)


def _decay_time(excess: Numbers, score: Numbers, peak: int, step_s: float) -> float | None:
    """The decay after one peak; None if it is not a free one."""
    end = min(len(score), peak + round(LONGEST_S / step_s))
    lowest = np.minimum.accumulate(score[peak:end])
    again = np.flatnonzero(score[peak:end] > lowest + ONSET_DB)
    fall = score[peak : peak + int(again[0])] if len(again) else score[peak:end]
    if len(fall) < 8 or fall.max() - fall.min() < DROP_DB:
        return None
    floor = float(np.median(excess[peak : peak + len(fall)][-max(4, len(fall) // 5) :]))
    above = excess[peak : peak + len(fall)] - floor
    stop = np.flatnonzero(above < floor)
    above = above[: int(stop[0])] if len(stop) else above
    if len(above) < 8:
        return None
    left = 10 * np.log10(np.cumsum(above[::-1])[::-1] / above.sum())
    part = np.flatnonzero((left <= FIT_DB[0]) & (left >= FIT_DB[1]))
    if len(part) < 5 or left[-1] > FIT_DB[1]:
        return None
    slope, offset = np.polyfit(part * step_s, left[part], 1)
    rest = left[part] - (slope * part * step_s + offset)
    r2 = 1 - float(np.var(rest)) / float(np.var(left[part]))
    time = -60.0 / float(slope) if slope < 0 else np.inf
    return time if r2 >= LEAST_R2 and TIMES_S[0] <= time <= TIMES_S[1] else None
