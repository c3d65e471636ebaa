"""Whether the error distributions of groups differ by more than chance: distances tested by permuting speakers.

Distances between samples are positive even between groups that are alike: W1 of 15 against 15 like speakers averages
0.020. So a distance is read against the same distance after whole speakers, with all their utterances, were permuted
over the groups: `excess = max(0, observed - mean permuted)` and `p = (1 + #{permuted >= observed}) / (B + 1)`.
Permuting utterances instead, as is usual, takes a speaker's utterances as independent and rejects 20 to 33 % of true
nulls at 5 % where permuting speakers rejects 3 to 6 %; it is not offered.

The pooled utterances are sorted once, or their kernel matrix is made once; a permutation only deals their weights anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.seeds import stable_hash
from asrfair.stats.arrays import Floats, labels, numbers
from asrfair.stats.counter import permutations
from asrfair.stats.distances import barycentre_cost_of
from asrfair.stats.kernel_distances import distances, median_distance, sinkhorn_divergence
from asrfair.stats.utterances import group_of_speakers

MIN_SPEAKERS = 3
MEASURES = ("w1", "energy", "mmd", "sinkhorn", "barycentre_1", "barycentre_2")
_LINE = ("w1", "energy")
_MOST_FOR_KERNEL = 6000
_AT_A_TIME = 1 << 17
"""Weights dealt at a time, so that they stay in the processor's cache."""
_TIE = 1e-12

Labels = NDArray[np.intp]
Statistic = Callable[[Labels], Floats]
"""Group of each speaker in (B, m), the distance in each row out (B,)."""


@dataclass(frozen=True, slots=True)
class DistanceTest:
    """A distance and what it would be between groups that are alike.

    Attributes:
        measure: one of `MEASURES`.
        observed: the distance; None where it is not tested (see `flags`).
        mean_permuted: its mean over permutations of speakers.
        excess: `max(0, observed - mean_permuted)`, the distance to report.
        p: one-sided.
        n_permutations: random permutations drawn.
        n_speakers: of each group, in the order of their sorted names.
        flags: `too_few_groups`, `too_few_speakers` (a group with fewer than 3), or `too_few_speakers_to_test` (3
            against 3 cannot reach p = 0.05; p is None).
    """

    measure: str
    observed: float | None
    mean_permuted: float | None
    excess: float | None
    p: float | None
    n_permutations: int
    n_speakers: tuple[int, ...]
    flags: tuple[str, ...] = ()


def distance_test(
    groups: ArrayLike,
    speakers: ArrayLike,
    errors: ArrayLike,
    words: ArrayLike,
    *,
    measure: str = "w1",
    seed: int = 0,
    n_permutations: int = 999,
    epsilon: float = 0.1,
) -> DistanceTest:
    """Test whether utterance error rates are distributed alike in all groups.

    Args:
        groups: group of each utterance, shape (n,); two groups, or more for the costs of a barycentre.
        speakers: speaker of each utterance, shape (n,): strings or integers; a speaker is in one group only.
        errors: errors of each utterance, shape (n,); for `mmd` and `sinkhorn` also shape (n, d), e.g. S, D and I.
        words: reference words of each utterance, shape (n,): the weights, except in `mmd`, where every utterance
            counts the same. Utterances without are left out.
        measure: `w1`, `energy`, `mmd` (bandwidth by the median heuristic), `sinkhorn` (slow), `barycentre_1` or
            `barycentre_2` (groups weighing the same).
        seed: of the permutations; all measures share them.
        n_permutations: how many; at least 1.
        epsilon: blur of `sinkhorn`.

    Raises:
        InputError: shapes that differ; a number that is negative, NaN or infinite; a speaker in two groups; an unknown
            measure, or one that does not take so many groups, dimensions or utterances.

    >>> speakers = np.repeat(np.arange(8), 5)
    >>> found = distance_test(speakers // 4, speakers, speakers // 4 + speakers % 2, np.full(40, 10))
    >>> round(found.observed, 9), found.excess > 0
    (0.1, True)
    """
    _check_options(measure, n_permutations)
    names, speaker, of, values, weights = _utterances(groups, speakers, errors, words)
    sizes = np.bincount(of, minlength=len(names))
    found = DistanceTest(measure, None, None, None, None, 0, tuple(int(size) for size in sizes))
    if len(names) < 2:
        return _flagged(found, "too_few_groups")
    _check_shape(measure, len(names), values)
    if sizes.min() < MIN_SPEAKERS:
        return _flagged(found, "too_few_speakers")
    statistic = _statistic(measure, speaker, values, weights, len(names), epsilon)
    observed = float(statistic(of[None])[0])
    drawn = _permuted(statistic, of, len(values), stable_hash(seed, "distance", *names), n_permutations)
    mean = math.fsum(drawn) / n_permutations
    bar = observed - _TIE * (1.0 + abs(observed))
    p = (1.0 + float(np.count_nonzero(drawn >= bar))) / (n_permutations + 1.0)
    beyond_reach = sizes.tolist() == [MIN_SPEAKERS] * 2
    return DistanceTest(
        measure,
        observed,
        mean,
        max(0.0, observed - mean),
        None if beyond_reach else p,
        n_permutations,
        found.n_speakers,
        ("too_few_speakers_to_test",) if beyond_reach else (),
    )


def _check_options(measure: str, n_permutations: int) -> None:
    """Refuse an unknown measure and no permutations."""
    if measure not in MEASURES:
        raise InputError(f"measure {measure!r}: must be one of {', '.join(MEASURES)}")
    if n_permutations < 1:
        raise InputError(f"n_permutations {n_permutations}: give at least 1")


def _flagged(found: DistanceTest, flag: str) -> DistanceTest:
    """A test that was not made."""
    return DistanceTest(found.measure, None, None, None, None, 0, found.n_speakers, (flag,))


def _utterances(
    groups: ArrayLike, speakers: ArrayLike, errors: ArrayLike, words: ArrayLike
) -> tuple[list[str], Labels, Labels, Floats, Floats]:
    """Group names, speaker of each utterance, group of each speaker, error rates (n, d) and words (n,)."""
    try:
        counts = np.asarray(errors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("errors: not numbers, one or one vector an utterance") from error
    weights = numbers(words, "words")
    heard, n = weights > 0, len(weights)
    if counts.ndim not in (1, 2) or len(counts) != n:
        raise InputError(f"errors: shape {counts.shape} for {n} utterances; give one number or one vector an utterance")
    numbers(counts.ravel(), "errors")
    counts = counts if counts.ndim == 2 else counts[:, None]
    named = labels(groups, "groups", n)[heard].astype(str)
    names, speaker, of = group_of_speakers(labels(speakers, "speakers", n)[heard], named)
    return names, speaker, of, counts[heard] / weights[heard, None], weights[heard]


def _check_shape(measure: str, n_groups: int, values: Floats) -> None:
    """Refuse more groups, dimensions or utterances than a measure takes."""
    if n_groups > 2 and not measure.startswith("barycentre"):
        raise InputError(f"{measure} of {n_groups} groups: give two, or take 'barycentre_1' or 'barycentre_2'")
    if values.shape[1] > 1 and measure not in ("mmd", "sinkhorn"):
        raise InputError(f"{measure} of vectors of {values.shape[1]} numbers: give total errors, or take 'mmd'")
    if measure == "mmd" and len(values) > _MOST_FOR_KERNEL:
        raise InputError(f"mmd of {len(values)} utterances: takes up to {_MOST_FOR_KERNEL}; take 'energy'")


def _permuted(statistic: Statistic, of: Labels, n: int, key: int, count: int) -> Floats:
    """The statistic of each permutation of speakers, shape (count,)."""
    rows = max(1, _AT_A_TIME // n)
    parts: Iterator[Floats] = (
        statistic(of[block[first : first + rows]])
        for block in permutations(key, count, len(of))
        for first in range(0, len(block), rows)
    )
    return np.concatenate(list(parts))


def _statistic(
    measure: str, speaker: Labels, values: Floats, weights: Floats, n_groups: int, epsilon: float
) -> Statistic:
    """The measure as a function of the group of each speaker."""
    if measure in _LINE:
        return _on_the_line(measure, speaker, values[:, 0], weights)
    if measure == "mmd":
        return _by_kernel(speaker, values)

    def one(of: Labels) -> float:
        """One permutation at a time."""
        label = of[speaker]
        parts = [(values[label == g], weights[label == g]) for g in range(n_groups)]
        if measure == "sinkhorn":
            (a, p), (b, q) = parts
            return sinkhorn_divergence(a, b, p, q, epsilon=epsilon)
        line = [(x[:, 0], w / w.sum()) for x, w in parts]
        return barycentre_cost_of(line, np.full(n_groups, 1.0 / n_groups), int(measure[-1]))

    return lambda rows: np.array([one(of) for of in rows])


def _on_the_line(measure: str, speaker: Labels, values: Floats, weights: Floats) -> Statistic:
    """W1 or the energy distance from differences of distribution functions over the pooled values, sorted once."""
    order = np.argsort(values, kind="stable")
    speaker, weights, step = speaker[order], weights[order], np.diff(values[order])
    total = weights.sum()

    def of_rows(of: Labels) -> Floats:
        """Difference of the distribution functions, each row at once."""
        first = np.cumsum((of == 0)[:, speaker] * weights, axis=1)
        whole = first[:, -1:]
        apart = (first / whole - (np.cumsum(weights) - first) / (total - whole))[:, :-1]
        found: Floats = np.abs(apart) @ step if measure == "w1" else 2.0 * (apart * apart) @ step
        return found

    return of_rows


def _by_kernel(speaker: Labels, values: Floats) -> Statistic:
    """Unbiased MMD^2 from one kernel matrix of the pooled utterances."""
    h = median_distance(values)
    kernel = np.exp(distances(values, values) ** 2 / (-2.0 * h * h)) if h > 0 else np.ones((len(values),) * 2)
    np.fill_diagonal(kernel, 0.0)
    whole = float(kernel.sum())

    def of_rows(of: Labels) -> Floats:
        """Sums of the kernel within and between the groups, each row at once."""
        first = (of == 0)[:, speaker].astype(np.float64)
        rows = first @ kernel
        a = np.sum(rows * first, axis=1)
        between = rows.sum(axis=1) - a
        b = whole - a - 2.0 * between
        n = first.sum(axis=1)
        m = len(values) - n
        found: Floats = a / (n * (n - 1)) + b / (m * (m - 1)) - 2.0 * between / (n * m)
        return found

    return of_rows
