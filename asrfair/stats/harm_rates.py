"""Any harm that can be counted, by group: events over exposure, with the interval and the test of word error rates.

A harm is a number of events `E_s` and an exposure `N_s` a speaker: failures over utterances, missed terms over terms
said, words made up over hours of silence. Its rate, interval and comparison are those of METHODS sections 0 and 2 with
these two in place of errors and words: log scale, delete-one-speaker jackknife, Satterthwaite's degrees of freedom; a
group against its baseline or the rest (`sides`). The policy table holds too: fewer than three speakers and nothing is
told, fewer than five and no p-value is given. P-values are unadjusted; who reports several harms adjusts them.

Harms come in bursts: a few speakers have most of them, and log-Welch is liberal there, most of all in the tail where
adjusted p-values live. Dealing IViE's speakers to groups of 12 at random, skipped words under one system had p < .05 in
8 % and p < .005 in 1.6 % (word errors: 5.0 and 0.4 %). So a p below 5 % needs a second opinion, the studentised speaker
permutation, and the larger of the two is given (up to 10,000 speakers; beyond, log-Welch alone).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from numpy.typing import ArrayLike

from asrfair.records import Disparity
from asrfair.seeds import stable_hash
from asrfair.stats.permutation import N_PERMUTATIONS, permutation_test
from asrfair.stats.policy import ALPHA, BASELINE_PREFIX
from asrfair.stats.rates import Sums, check_confidence, estimate
from asrfair.stats.sides import Rows, checked_values, compare_sides, flags_of, is_suppressed

MOST_PERMUTED = 10_000
"""Speakers of both sides together from which on log-Welch needs no second opinion."""
_LEAST_PERMUTATIONS = 1_999
_WORK = 5_000_000
"""Speakers times permutations of one comparison."""


@dataclass(frozen=True, slots=True)
class HarmRate:
    """One harm in one group, and against its baseline.

    Attributes:
        harm: which, e.g. `failures`.
        unit: what the rate is per, e.g. `utterance`.
        group: who.
        n_speakers: on how many speakers it rests.
        events, exposure: sums over them; None where suppressed.
        rate, low, high: events / exposure with its interval; None where it cannot be estimated or is suppressed.
        baseline: who the group is compared with: a group or `rest`.
        versus: the comparison, with rates in place of word error rates; None for the baseline itself and where either
            side is suppressed. Its ratio and p are None without events on either side.
        flags: of the policy table, the baseline's with `baseline_` before them.
    """

    harm: str
    unit: str
    group: str
    n_speakers: int
    events: float | None
    exposure: float | None
    rate: float | None
    low: float | None
    high: float | None
    baseline: str
    versus: Disparity | None
    flags: tuple[str, ...]


def rates_by_group(
    harm: str,
    unit: str,
    events: ArrayLike,
    exposure: ArrayLike,
    rows: Rows,
    *,
    confidence: float = 0.95,
    share: bool = False,
) -> list[HarmRate]:
    """The rate of a harm in each group, and its comparison.

    Args:
        harm: its name.
        unit: what it is counted per.
        events: how often it happened in each row, shape (n,).
        exposure: how often it could have, shape (n,), in the unit.
        rows: the speakers and groups of the rows.
        confidence: nominal level of the intervals.
        share: whether the events are a part of the exposure; then no upper end is above 1.

    Returns:
        One row a group, in the order of the groups.

    Raises:
        InputError: a shape, or a number that is negative or not finite.

    >>> rows = Rows.from_labels(range(8), ["a"] * 4 + ["b"] * 4, baseline="b")
    >>> found, _ = rates_by_group("failures", "utterance", [2, 1, 3, 2, 1, 1, 0, 1], [20] * 8, rows)
    >>> print(f"{found.rate:.2f} ({found.low:.2f} to {found.high:.2f}), {found.versus.ratio:.1f} times, {found.flags}")
    0.10 (0.05 to 0.19), 2.7 times, ('few_speakers', 'baseline_few_speakers')
    """
    check_confidence(confidence)
    happened, could = checked_values(events, rows, harm), checked_values(exposure, rows, f"{harm} per {unit}")
    found = [
        rate_of_sides(
            (harm, unit, group, against),
            *((rows.sums(happened, side), rows.sums(could, side)) for side in (here, there)),
            confidence=confidence,
        )
        for group, against, here, there in rows.contrasts()
    ]
    return [_as_share(rate) for rate in found] if share else found


def _as_share(found: HarmRate) -> HarmRate:
    return found if found.high is None else replace(found, high=min(found.high, 1.0))


def rate_of_sides(
    names: tuple[str, str, str, str], ours: tuple[Sums, Sums], theirs: tuple[Sums, Sums], *, confidence: float = 0.95
) -> HarmRate:
    """One row of `rates_by_group`.

    Args:
        names: harm, unit, group and baseline; where the last two are the same, nothing is compared.
        ours: events and exposure of each speaker in the group, shape (m,) each, 0 for a speaker who is not in it.
        theirs: the same in the baseline.
        confidence: nominal level of the intervals.
    """
    harm, unit, group, against = names
    here, there = estimate(*ours), estimate(*theirs)
    versus, flags = None, flags_of(here)
    if group != against:
        flags += tuple(BASELINE_PREFIX + flag for flag in flags_of(there))
        if not (is_suppressed(here) or is_suppressed(there)):
            versus = _confirmed(compare_sides(*ours, *theirs, confidence), ours, theirs, stable_hash(*names))
    if is_suppressed(here):
        return HarmRate(harm, unit, group, here.n_speakers, None, None, None, None, None, against, None, flags)
    interval = here.interval(confidence)
    totals = (here.errors, here.words, here.rate, interval.low, interval.high)
    return HarmRate(harm, unit, group, here.n_speakers, *totals, against, versus, flags)


def _confirmed(found: Disparity, ours: tuple[Sums, Sums], theirs: tuple[Sums, Sums], key: int) -> Disparity:
    """The comparison with the larger p of two tests, where the first is below the level."""
    sides = [(events[exposure > 0], exposure[exposure > 0]) for events, exposure in (ours, theirs)]
    m = sum(len(events) for events, _ in sides)
    if found.p is None or found.p >= ALPHA or found.paired or m > MOST_PERMUTED:
        return found
    n_permutations = min(N_PERMUTATIONS, max(_LEAST_PERMUTATIONS, _WORK // m))
    second = permutation_test(*sides[0], *sides[1], n_permutations=n_permutations, seed=key)
    return found if second.p is None else replace(found, p=max(found.p, second.p))
