"""How far all groups of an attribute lie apart, and one test of whether they do at all.

Described, with no interval: the largest difference `max R - min R`, the largest ratio, the worst and the best group and
the gap of each group to the best. All are biased upward, because the extremes are selected: ten equal groups of 5 to 60
speakers at WER 0.20 show 0.09 and 1.59 on average. The between-group standard deviation is corrected for noise
(`inequality`), each group weighing the same; entropies and Gini weigh groups by words; shrunken rates are for ranking.

Tested, by one omnibus test of "any difference between the groups" (`omnibus`): a permutation of whole speakers, or
beyond 10,000 of them, or if asked, Welch's analysis of variance. The p that is reported as `p` is that of the
studentised Q, chosen before looking.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.seeds import stable_hash
from asrfair.stats.inequality import between_group_variance, generalised_entropy, gini, shrunken_rates
from asrfair.stats.omnibus import permuted_p, welch_p
from asrfair.stats.rates import RateEstimate, Sums, estimate, speaker_sums

MIN_SPEAKERS = 3
MAX_PERMUTED = 10_000
"""Speakers from which Welch's analysis of variance takes the place of the permutation."""


@dataclass(frozen=True, slots=True)
class GroupSpread:
    """One group among the others.

    Attributes:
        group: its name.
        rate: pooled rate; se: its jackknife standard error.
        gap_to_best: `rate / lowest rate - 1`; None where the lowest is 0. The lowest is selected: descriptive only.
        shrunken: empirical Bayes rate, for ranking.
    """

    group: str
    rate: float
    se: float
    gap_to_best: float | None
    shrunken: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How far groups lie apart. Everything is None or empty where fewer than two groups can take part.

    Attributes:
        groups: those that took part, by name.
        left_out: names of groups with fewer than 3 speakers who have reference words.
        n_speakers: speakers of the groups that took part.
        worst, best: groups of the highest and the lowest rate (the first by name on a tie). Descriptive.
        max_min: highest less lowest rate. Descriptive, biased upward.
        max_over_min: their ratio; None where the lowest is 0. Descriptive, biased upward.
        sd_naive: standard deviation of the rates, groups equal.
        sd_corrected: the same less noise: the spread to report; 0 where `variance_corrected` is negative.
        variance_corrected: its square before cutting at 0.
        theil, mld, ge2, gini: inequality of the rates, weighted by words.
        p: the omnibus p: `p_q` of the permutation, or Welch's.
        p_range, p_variance, p_q: by permutation; None for Welch, and `p_q` where a group has no errors or no spread.
        method: `permutation`, `welch`, or `none`.
        n_permutations: random permutations drawn; 0 for Welch.
        flags: `too_few_groups`, `too_few_speakers_to_test` (3 against 3 cannot reach p = 0.05), `group_without_spread`.
    """

    groups: tuple[GroupSpread, ...] = ()
    left_out: tuple[str, ...] = ()
    n_speakers: int = 0
    worst: str | None = None
    best: str | None = None
    max_min: float | None = None
    max_over_min: float | None = None
    sd_naive: float | None = None
    sd_corrected: float | None = None
    variance_corrected: float | None = None
    theil: float | None = None
    mld: float | None = None
    ge2: float | None = None
    gini: float | None = None
    p: float | None = None
    p_range: float | None = None
    p_variance: float | None = None
    p_q: float | None = None
    method: str = "none"
    n_permutations: int = 0
    flags: tuple[str, ...] = ()


def spread(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    seed: int = 0,
    n_permutations: int = 1999,
    method: str | None = None,
) -> Spread:
    """How far the groups of one attribute lie apart, and whether they differ at all.

    Args:
        groups: per group the errors and the reference words of each speaker, two arrays of shape (m_g,). A speaker is
            in one group only: a multi-valued attribute has no omnibus test here.
        seed: of the permutations.
        n_permutations: how many; at least 1.
        method: `permutation`, `welch`, or None to choose by the number of speakers.

    Returns:
        The same whatever the order of groups and speakers.

    Raises:
        InputError: as `group_interval`, naming the group; an unknown method; no permutations.

    >>> found = spread({"a": ([5, 8, 3, 10], [50, 40, 60, 50]), "b": ([2, 4, 6, 1, 5], [50, 80, 40, 30, 50])})
    >>> print(f"{found.worst} worst, range {found.max_min:.3f}, p {found.p_range:.1f}")
    a worst, range 0.058, p 0.2
    """
    if method not in (None, "permutation", "welch"):
        raise InputError(f"method {method!r}: must be 'permutation', 'welch' or None")
    if n_permutations < 1:
        raise InputError(f"n_permutations {n_permutations}: give at least 1")
    sums = {name: _checked(name, *groups[name]) for name in sorted(groups)}
    members = {name: s for name, s in sums.items() if np.count_nonzero(s[1]) >= MIN_SPEAKERS}
    left_out = tuple(name for name in sums if name not in members)
    if len(members) < 2:
        return Spread(left_out=left_out, flags=("too_few_groups",))
    estimates = {name: estimate(*s) for name, s in members.items()}
    found = replace(_described(estimates), left_out=left_out)
    if method == "welch" or (method is None and found.n_speakers > MAX_PERMUTED):
        return replace(found, method="welch", p=welch_p(list(estimates.values())))
    if len(members) == 2 and found.n_speakers == 2 * MIN_SPEAKERS:
        return replace(found, flags=(*found.flags, "too_few_speakers_to_test"))
    key = stable_hash(seed, "spread", *members)
    p_range, p_variance, p_q = permuted_p(list(members.values()), key, n_permutations)
    return replace(
        found,
        method="permutation",
        n_permutations=n_permutations,
        p=p_q,
        p_range=p_range,
        p_variance=p_variance,
        p_q=p_q,
    )


def _checked(name: str, errors: ArrayLike, words: ArrayLike) -> tuple[Sums, Sums]:
    """Per-speaker sums of one group, speakers who said nothing left out."""
    try:
        e, n = speaker_sums(errors, words)
    except InputError as error:
        raise InputError(f"group {name!r}: {error}") from error
    said = (e > 0) | (n > 0)
    return e[said], n[said]


def _described(estimates: Mapping[str, RateEstimate]) -> Spread:
    """Everything but the test."""
    names = list(estimates)
    rates = np.array([found.rate for found in estimates.values()], dtype=np.float64)
    ses = np.array([found.se for found in estimates.values()], dtype=np.float64)
    words = [found.words for found in estimates.values()]
    between, shrunken = between_group_variance(rates, ses), shrunken_rates(rates, ses)
    low, high = int(np.argmin(rates)), int(np.argmax(rates))
    ratios = rates / rates[low] if rates[low] > 0 else None
    return Spread(
        groups=tuple(
            GroupSpread(
                name,
                float(rates[g]),
                float(ses[g]),
                None if ratios is None else float(ratios[g]) - 1.0,
                float(shrunken[g]),
            )
            for g, name in enumerate(names)
        ),
        n_speakers=sum(found.n_speakers for found in estimates.values()),
        worst=names[high],
        best=names[low],
        max_min=float(rates[high] - rates[low]),
        max_over_min=None if ratios is None else float(ratios[high]),
        sd_naive=math.sqrt(between.naive),
        sd_corrected=between.sd,
        variance_corrected=between.corrected,
        theil=generalised_entropy(rates, words, 1),
        mld=generalised_entropy(rates, words, 0),
        ge2=generalised_entropy(rates, words, 2),
        gini=gini(rates, words),
        flags=() if all(found.log_variance is not None for found in estimates.values()) else ("group_without_spread",),
    )
