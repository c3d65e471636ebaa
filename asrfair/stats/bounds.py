"""A bound on the true gap between two groups that assumes nothing but independent speakers: honest, and nearly empty.

For the macro WER (mean over speakers) with each speaker's WER cut to [0, 1], Hoeffding's (1963) inequality on both
groups bounds the true gap with probability 1 - delta by the observed one plus or minus
`sqrt(ln(4/delta) / 2 m_A) + sqrt(ln(4/delta) / 2 m_B)`: the empirical against the true risk of Donini et al. (2018).
With 50 against 50 speakers that is 0.42 of WER, so it says nothing; it needs thousands. The interval of `disparity`
answers the same question in real audits, at the price of an approximation that simulation checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.rates import Sums, speaker_sums

USEFUL = 0.05
"""A half-width above this, in WER, is called vacuous."""


@dataclass(frozen=True, slots=True)
class HoeffdingBound:
    """A distribution-free bound on a gap of macro WERs.

    Attributes:
        gap: observed difference of macro WERs after cutting at 1, A less B; None if a group has no speaker with words.
        half_width: what is added and taken away; low, high: the bounds, cut to [-1, 1].
        vacuous: whether the half-width is above 0.05.
        n_clipped: speakers whose WER was above 1 and was cut.
        delta: the chance that the bound fails, at most.
    """

    gap: float | None
    half_width: float | None
    low: float | None
    high: float | None
    vacuous: bool
    n_clipped: int
    delta: float


def hoeffding_gap_bound(
    errors_a: ArrayLike, words_a: ArrayLike, errors_b: ArrayLike, words_b: ArrayLike, *, delta: float = 0.05
) -> HoeffdingBound:
    """Bound the true gap of macro WERs without any assumption on how WERs are distributed.

    Args:
        errors_a: errors of each speaker of A, shape (m_A,).
        words_a: reference words of each speaker of A, shape (m_A,); speakers without are left out.
        errors_b: errors of each speaker of B, shape (m_B,).
        words_b: reference words of each speaker of B, shape (m_B,).
        delta: the chance that the bound fails, strictly between 0 and 1.

    Raises:
        InputError: as `group_interval`, or a delta that is no probability.

    >>> found = hoeffding_gap_bound([1] * 50, [10] * 50, [2] * 50, [10] * 50)
    >>> round(found.half_width, 2), found.vacuous
    (0.42, True)
    """
    if not 0.0 < delta < 1.0:
        raise InputError(f"delta {delta} is not strictly between 0 and 1 (0.05 fails one time in 20)")
    sides = [_clipped(*speaker_sums(e, n)) for e, n in ((errors_a, words_a), (errors_b, words_b))]
    n_clipped = sum(clipped for _, clipped in sides)
    (a, _), (b, _) = sides
    if not (len(a) and len(b)):
        return HoeffdingBound(None, None, None, None, True, n_clipped, delta)
    gap = float(a.mean() - b.mean())
    half = sum(math.sqrt(math.log(4.0 / delta) / (2.0 * len(rates))) for rates in (a, b))
    return HoeffdingBound(gap, half, max(-1.0, gap - half), min(1.0, gap + half), half > USEFUL, n_clipped, delta)


def _clipped(errors: Sums, words: Sums) -> tuple[Sums, int]:
    """Speakers' rates cut to [0, 1], and how many were cut."""
    rates = errors[words > 0] / words[words > 0]
    return np.minimum(rates, 1.0), int(np.count_nonzero(rates > 1.0))
