"""Permutation tests: a second opinion that needs no distribution. The test of a whole screen is in `max_t`.

What is shuffled is always the speaker, with everything that speaker said.

- Two groups with disjoint speakers: speakers are dealt anew to A and B; the statistic is the studentised log ratio
  `|log R_A - log R_B| / sqrt(v_A + v_B)` with CR1 variances (Janssen 1997; Chung & Romano 2013), which keeps its level
  where the groups differ in spread. All deals are enumerated where there are at most 20,000.
- The same speakers on both sides (two systems, two conditions): the sign of each speaker's difference is flipped;
  exact up to 20 speakers.

`p = (1 + #{t* >= t}) / (B + 1)` for sampled deals, `#{t* >= t} / all` for enumerated ones (the observed deal is one of
them). Where even the most extreme deal would not reach the level, there is no test: 3 speakers against 3 give 0.1 at
best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats import counter
from asrfair.stats.kernels import flipped_sums, permuted_sums
from asrfair.stats.rates import Sums, speaker_sums

N_PERMUTATIONS = 9_999
MOST_ENUMERATED = 20_000
MOST_FLIPPED = 20
ALPHA = 0.05
_BLOCK = 2_000_000
TIES = 1e-12
"""Statistics closer than this are equal; rounding must not decide a rank."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """A permutation test.

    Attributes:
        statistic: its observed value; None where it is not defined.
        p: None where it is not defined, or where no deal could reach the level.
        n_permutations: deals that were made.
        exact: whether these were all that there are.
    """

    statistic: float | None
    p: float | None
    n_permutations: int
    exact: bool


def permutation_test(
    errors_a: ArrayLike,
    words_a: ArrayLike,
    errors_b: ArrayLike,
    words_b: ArrayLike,
    *,
    studentised: bool = True,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
) -> PermutationTest:
    """Whether two groups of different speakers have the same word error rate.

    Args:
        errors_a: errors of each speaker of A, shape (m_A,).
        words_a: reference words of each speaker of A, shape (m_A,).
        errors_b: errors of each speaker of B, shape (m_B,).
        words_b: reference words of each speaker of B, shape (m_B,).
        studentised: false for the plain difference of rates, which is liberal where the groups differ in spread.
        n_permutations: sampled deals, where they cannot be enumerated.
        seed: of the deals.

    Raises:
        InputError: as `group_interval`.

    >>> found = permutation_test([5, 8, 3, 10], [50, 40, 60, 50], [2, 4, 6, 1, 5], [50, 80, 40, 30, 50])
    >>> print(f"t {found.statistic:.4f}, p {found.p:.4f}, {found.n_permutations} deals, all: {found.exact}")
    t 1.4696, p 0.2222, 126 deals, all: True
    """
    (e_a, n_a), (e_b, n_b) = speaker_sums(errors_a, words_a), speaker_sums(errors_b, words_b)
    errors, words, m_a = np.concatenate([e_a, e_b]), np.concatenate([n_a, n_b]), len(e_a)
    n_deals = math.comb(len(errors), m_a)
    if min(m_a, len(e_b)) < 2 or 2.0 / n_deals > ALPHA:
        return PermutationTest(None, None, 0, False)
    statistic = _studentised if studentised else _plain
    observed = float(statistic(errors, words, np.arange(m_a)[None, :])[0])
    if not math.isfinite(observed):
        return PermutationTest(None, None, 0, False)
    exact = n_deals <= MOST_ENUMERATED
    deals = _all_deals(len(errors), m_a) if exact else _some_deals(len(errors), m_a, n_permutations, seed)
    reached = sum(int(np.sum(statistic(errors, words, deal) >= observed - TIES)) for deal in deals)
    if exact:
        return PermutationTest(observed, reached / n_deals, n_deals, True)
    return PermutationTest(observed, (1 + reached) / (n_permutations + 1), n_permutations, False)


def permutation_sums(
    errors: ArrayLike, words: ArrayLike, sizes: Sequence[int], *, n_permutations: int = N_PERMUTATIONS, seed: int = 0
) -> tuple[Sums, Sums]:
    """Group sums of permuted speakers: the raw material of tests with a statistic of one's own.

    Args:
        errors: whole numbers, of each speaker, shape (m,).
        words: whole numbers, of each speaker, shape (m,).
        sizes: speakers of each group, adding up to m, shape (g,).
        n_permutations: how many.
        seed: of the permutations.

    Returns:
        Errors and words of each group in each permutation, both of shape (n_permutations, g).

    Raises:
        InputError: as `group_interval`, a number is not whole, or the sizes do not add up.

    >>> errors, words = permutation_sums([1, 2, 3], [10, 20, 30], [2, 1], n_permutations=4)
    >>> errors.sum(axis=1).tolist()
    [6.0, 6.0, 6.0, 6.0]
    """
    e, n = speaker_sums(errors, words)
    if sum(sizes) != len(e) or min(sizes, default=0) < 1:
        raise InputError(f"groups of {list(sizes)} speakers, but there are {len(e)}: the sizes must add up")
    if np.any(e != np.rint(e)) or np.any(n != np.rint(n)):
        raise InputError("errors or words: not whole numbers; permutations deal counts")
    found = permuted_sums(e.astype(np.int64), n.astype(np.int64), np.array(sizes), seed, n_permutations)
    return found[0].astype(np.float64), found[1].astype(np.float64)


def sign_flip_test(differences: ArrayLike, *, n_permutations: int = N_PERMUTATIONS, seed: int = 0) -> PermutationTest:
    """Whether the speakers' differences of errors between two systems on the same audio sum to nothing but chance.

    Args:
        differences: errors of system 1 less those of system 2, of each speaker, shape (m,).
        n_permutations: sampled sign patterns for more than 20 speakers.
        seed: of the patterns.

    Raises:
        InputError: not a list of finite numbers.

    >>> sign_flip_test([2, -1, 2, 3, 6, 0]).p
    0.125
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError("differences: give a list of finite numbers, one a speaker")
    m = len(values)
    if not m or 2.0 ** (1 - m) > ALPHA:
        return PermutationTest(None, None, 0, False)
    observed = abs(float(values.sum()))
    slack = observed - TIES * max(float(np.abs(values).sum()), 1.0)
    if m <= MOST_FLIPPED:
        sums = np.zeros(1)
        for value in values[1:]:
            sums = np.concatenate([sums + value, sums - value])
        return PermutationTest(observed, float(np.mean(np.abs(sums + values[0]) >= slack)), 2**m, True)
    sums = flipped_sums(values, seed, 0, n_permutations)
    p = (1 + int(np.sum(np.abs(sums) >= slack))) / (n_permutations + 1)
    return PermutationTest(observed, p, n_permutations, False)


def moments(errors: Sums, words: Sums) -> Sums:
    """E, N, E^2, E N, N^2 and 1 of each speaker, shape (m, 6); 0 for 1 where there are neither errors nor words."""
    there = ((errors > 0) | (words > 0)).astype(np.float64)
    return np.stack([errors, words, errors * errors, errors * words, words * words, there], axis=1)


def studentised_ratio(mine: Sums, theirs: Sums) -> Sums:
    """The studentised log ratio from both sides' sums of `moments`, shape (..., 6)."""
    (log_a, v_a), (log_b, v_b) = _log_rate(mine), _log_rate(theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Sums = (log_a - log_b) / np.sqrt(v_a + v_b)
    return found


def _log_rate(sums: Sums) -> tuple[Sums, Sums]:
    """Log rate and its CR1 variance from the sums of E, N, E^2, E N, N^2 and 1, shape (..., 6)."""
    e, n, ee, en, nn, m = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = e / n
        variance = m / (m - 1) * (ee - 2 * rate * en + rate * rate * nn) / e**2
        return np.log(rate), variance


def _studentised(errors: Sums, words: Sums, deals: counter.Indices) -> Sums:
    """`|log R_A - log R_B|` over its standard error, for each deal of speakers to A."""
    columns = moments(errors, words)
    mine = columns[deals].sum(axis=1)
    found = np.abs(studentised_ratio(mine, columns.sum(axis=0) - mine))
    return np.nan_to_num(found, nan=0.0, posinf=math.inf)


def _plain(errors: Sums, words: Sums, deals: counter.Indices) -> Sums:
    """`|R_A - R_B|` for each deal."""
    e, n = errors[deals].sum(axis=1), words[deals].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Sums = np.abs(e / n - (errors.sum() - e) / (words.sum() - n))
    return np.nan_to_num(found, nan=0.0)


def _all_deals(m: int, m_a: int) -> Iterator[counter.Indices]:
    """Every choice of m_a speakers out of m."""
    deals = combinations(range(m), m_a)
    while block := list(islice(deals, max(1, _BLOCK // m))):
        yield np.array(block, dtype=np.int64)


def _some_deals(m: int, m_a: int, count: int, seed: int) -> Iterator[counter.Indices]:
    """Random choices of m_a speakers out of m."""
    return (orders[:, :m_a] for orders in counter.permutations(seed, count, m))
