"""MAPSSWE, the test that papers quote, kept to compare with them and never used by asrfair itself.

Matched pairs sentence-segment word error (Gillick & Cox 1989; Pallett et al. 1990): the difference in errors of two
systems, segment by segment, `z = mean(Z) / (sd(Z) / sqrt(n))` against the normal distribution. It takes segments as
independent. Where systems differ from speaker to speaker by a log-sd of .15 or .30 it finds a difference that is not
there in 23 to 27 % or 47 to 50 % of cases at a nominal 5 % (METHODS section 2); the paired speaker jackknife of
`disparity.compare_paired` keeps its level. A segment here is an utterance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.student_t import student_t_sf


@dataclass(frozen=True, slots=True)
class Mapsswe:
    """The result of the legacy test; `z` and `p` are None where the differences have no spread."""

    mean_difference: float
    z: float | None
    p: float | None
    n_segments: int


def mapsswe(errors_1: ArrayLike, errors_2: ArrayLike, *, legacy: bool = False) -> Mapsswe:
    """MAPSSWE over segments that both systems transcribed.

    Args:
        errors_1: errors of system 1 in each segment, shape (n,).
        errors_2: errors of system 2 in the same segments, shape (n,).
        legacy: must be true: the caller has read that the test is liberal where speakers repeat.

    Raises:
        InputError: `legacy` is not true, or the numbers are not finite, or not as many on both sides.

    >>> mapsswe([2, 0, 1, 3], [1, 0, 2, 1], legacy=True).n_segments
    4
    """
    if not legacy:
        raise InputError("MAPSSWE takes utterances as independent; say legacy=True, or use compare_paired")
    first, second = np.asarray(errors_1, dtype=np.float64), np.asarray(errors_2, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1 or len(first) < 2:
        raise InputError("errors of both systems: give two lists of the same length, 2 segments or more")
    differences = first - second
    if not np.isfinite(differences).all():
        raise InputError("errors: not all numbers are finite")
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if not spread:
        return Mapsswe(mean, None, None, len(differences))
    z = mean / (spread / math.sqrt(len(differences)))
    return Mapsswe(mean, z, 2.0 * student_t_sf(abs(z), math.inf), len(differences))
