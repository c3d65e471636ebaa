"""Does a condition hurt one group more, every speaker being their own yardstick? A Poisson model with speaker effects.

    E[errors of speaker s in condition c] = words_sc exp(a_s + c (b + g d_s)),    c = 0 clean, 1 noisy

with an effect `a_s` of every speaker and `d_s = 1` for speakers of the group looked at, 0 for its baseline: exp(g) is
how many times more the condition multiplies the errors of the group. The a_s need not be estimated: given a speaker's
total T_s, errors under the condition are as if binomial with `logit pi_s = log(N_s1 / N_s0) + b + g d_s` (conditional
Poisson; Hausman, Hall & Griliches 1984), and the coefficients are those of the Poisson model with one dummy a speaker.
Only the mean is assumed (Wooldridge 1999): inference is CR3, `b_(-s) - b = -(H - H_s)^-1 g_s`, with Satterthwaite's
degrees of freedom. A speaker in both groups has an effect in each, and is deleted from both at once.

Where every speaker has the same words clean and noisy (pairs with one reference), exp(g) is exactly the ratio of ratios
of pooled rates: the adjustment then says that nothing was confounded with who speaks. It differs where words do, as
with several accepted references. A group without errors on one side has no finite answer: None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats.jackknife import Estimate
from asrfair.stats.policy import MIN_SPEAKERS
from asrfair.stats.rates import Sums, speaker_sums
from asrfair.stats.regression.freedom import Block, DegreesOfFreedom

_STEPS = 50
_CONVERGED = 1e-12


@dataclass(frozen=True, slots=True)
class _Rows:
    """One row a speaker and group, clean and noisy."""

    totals: Sums
    noisy: Sums
    offset: Sums
    design: Sums
    speaker: NDArray[np.int64]


def fixed_effects(
    clean: tuple[ArrayLike, ArrayLike],
    noisy: tuple[ArrayLike, ArrayLike],
    in_group: ArrayLike,
    speakers: ArrayLike | None = None,
) -> Estimate:
    """The interaction g on the log scale, with its CR3 error.

    Args:
        clean: errors and words of each speaker in clean, shape (m,) each.
        noisy: errors and words under the condition, shape (m,) each.
        in_group: true for a speaker of the group, false for one of its baseline, shape (m,).
        speakers: who each row is, integers, where one speaker has a row in both; each their own without it.

    Returns:
        The estimate; all None where a side has no errors, or a group fewer than 3 speakers with any.

    Raises:
        InputError: shapes differ, or a number is negative or not finite.

    >>> words = [100, 80, 90, 110, 100, 100, 80, 120, 90]
    >>> found = fixed_effects(([10, 6, 8, 12, 4, 5, 3, 6, 5], words), ([20, 15, 18, 22, 9, 11, 7, 12, 9], words),
    ...                       [True] * 4 + [False] * 5)
    >>> print(f"{np.exp(found.value):.4f} times")
    0.9983 times
    """
    rows = _rows(clean, noisy, in_group, speakers)
    m = len(np.unique(rows.speaker))
    group = rows.design[:, 1] > 0
    for side in (group, ~group):
        lit = rows.noisy[side].sum() > 0 and (rows.totals - rows.noisy)[side].sum() > 0
        if not lit or np.count_nonzero(side) < MIN_SPEAKERS:
            return Estimate(None, None, None, m)
    coefficients, expected, weights = _fitted(rows)
    return _inferred(rows, float(coefficients[1]), rows.noisy - expected, weights)


def _rows(
    clean: tuple[ArrayLike, ArrayLike],
    noisy: tuple[ArrayLike, ArrayLike],
    in_group: ArrayLike,
    speakers: ArrayLike | None,
) -> _Rows:
    """Checked rows, those without errors or without words on a side left out: given a total of 0 nothing is random."""
    (e_0, n_0), (e_1, n_1) = speaker_sums(*clean), speaker_sums(*noisy)
    group = np.asarray(in_group, dtype=bool)
    who = np.arange(len(e_0)) if speakers is None else np.asarray(speakers)
    if not len(e_0) == len(e_1) == len(group) == len(who):
        raise InputError("clean, noisy, in_group and speakers: give one entry a speaker in each")
    told = (e_0 + e_1 > 0) & (n_0 > 0) & (n_1 > 0)
    design = np.stack([np.ones(len(group)), group.astype(np.float64)], axis=1)[told]
    offset = np.log(n_1[told] / n_0[told])
    number = np.unique(who[told], return_inverse=True)[1].astype(np.int64)
    return _Rows((e_0 + e_1)[told], e_1[told], offset, design, number)


def _fitted(rows: _Rows) -> tuple[Sums, Sums, Sums]:
    """Coefficients, expected errors under the condition and binomial weights, by Newton's method in each group."""
    coefficients = np.zeros(2)
    group = rows.design[:, 1] > 0
    for side in (~group, group):
        totals, offset, noisy = rows.totals[side], rows.offset[side], rows.noisy[side].sum()
        b = float(np.log(noisy / (totals.sum() - noisy)) - np.average(offset, weights=totals))
        for _ in range(_STEPS):
            share = 1.0 / (1.0 + np.exp(-(offset + b)))
            step = float((noisy - np.sum(totals * share)) / np.sum(totals * share * (1.0 - share)))
            b += float(np.clip(step, -2.0, 2.0))
            if abs(step) < _CONVERGED:
                break
        coefficients[1 if side is group else 0] = b
    coefficients[1] -= coefficients[0]
    share = 1.0 / (1.0 + np.exp(-(rows.offset + rows.design @ coefficients)))
    return coefficients, rows.totals * share, rows.totals * share * (1.0 - share)


def _inferred(rows: _Rows, value: float, residuals: Sums, weights: Sums) -> Estimate:
    """CR3 and the degrees of freedom of the interaction."""
    m = int(rows.speaker.max()) + 1
    one, group = np.ones(len(weights)), rows.design[:, 1]
    scores, means = (_by_speaker([x * of for x in (one, group)], rows.speaker, m) for of in (residuals, weights))
    own = means[:, [[0, 1], [1, 1]]]
    information = own.sum(axis=0)
    left = information - own
    determinant = left[:, 0, 0] * left[:, 1, 1] - left[:, 0, 1] ** 2
    if np.min(determinant) < 1e-9 * information[0, 0] * information[1, 1]:
        return Estimate(value, None, None, m)
    changes = (left[:, 0, 0] * scores[:, 1] - left[:, 0, 1] * scores[:, 0]) / determinant
    se = float(np.sqrt((m - 1) / m * np.sum(changes**2)))
    inverse: Sums = np.linalg.inv(information).astype(np.float64, copy=False)
    freedom = DegreesOfFreedom(means, inverse, inverse[:, 1:])
    freedom.add(Block(np.arange(m), np.arange(2), own))
    return Estimate(value, se, float(freedom.found()[0]), m) if se > 0 else Estimate(value, None, None, m)


def _by_speaker(columns: list[Sums], speaker: NDArray[np.int64], m: int) -> Sums:
    """Sums by speaker of some columns, shape (m, number of columns)."""
    return np.stack([np.bincount(speaker, column, m) for column in columns], axis=1)
