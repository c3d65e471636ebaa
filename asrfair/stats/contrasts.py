"""Which groups are compared with what, how, and what may be said of it.

Each group of an attribute is compared with the baseline group, or with the rest where there is none (or it does not
occur). Where a speaker is on both sides the within-speaker contrast is used, never Welch's. `missing` is not tested and
in no rest. The p-values of one system, condition and normaliser are one family and are adjusted by Holm's method; with
two groups against the rest, the second row is the first seen from the other side and counts once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from asrfair.records import REST, Disparity
from asrfair.stats import policy
from asrfair.stats.atoms import Codes
from asrfair.stats.disparity import compare_estimates, compare_paired
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.multiplicity import holm
from asrfair.stats.rates import Sums

_NOTHING = Disparity(None, None, None, None, None, None, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Contrast:
    """One row of the disparity table.

    Attributes:
        attribute: what the groups are groups of.
        group: the group that is looked at.
        baseline: the group it is compared with, or `rest`.
        found: the comparison; all None where a side is suppressed.
        flags: of the group, of the baseline (`baseline_...`) and of the comparison.
        p_adjusted: Holm-adjusted within the family; None before that, and where there is no p.
    """

    attribute: str
    group: str
    baseline: str
    found: Disparity
    flags: tuple[str, ...]
    p_adjusted: float | None = None

    @property
    def verdict(self) -> str:
        """`higher`, `lower`, `not shown`, `cannot tell` or `suppressed`."""
        suppressed = any(flag in self.flags for flag in (policy.SUPPRESSED, policy.BASELINE_PREFIX + policy.SUPPRESSED))
        return policy.verdict(self.found.ratio, self.p_adjusted, suppressed=suppressed)


def contrasts(grouping: Grouping, baseline: str | None) -> list[Contrast]:
    """All comparisons within one attribute, in the order of its groups.

    Args:
        grouping: the groups.
        baseline: the group to compare with; None or `rest` for the rest.
    """
    absent = baseline not in (None, REST, *grouping.tested)
    named = None if absent or baseline == REST else baseline
    tested = [grouping.groups[label] for label in grouping.tested]
    counts = [len(group.transcribed_speakers) if group.speakers_known else None for group in tested]
    own = {"baseline_absent": absent, "confounded_with_speaker": policy.is_confounded_with_speaker(counts)}
    mirrored = named is None and _is_mirrored(grouping)
    rows: list[Contrast] = []
    for label, group in zip(grouping.tested, tested, strict=True):
        other = grouping.rest_of(label) if named is None else grouping.groups[named]
        if label == named or not len(other.speakers):
            continue
        found, flags = _compare(group, other)
        own |= {"paired": found.paired, "mirrored": mirrored and bool(rows)}
        flags += tuple(flag for flag in policy.CONTRAST_FLAGS if own[flag])
        rows.append(Contrast(grouping.attribute, label, named or REST, found, flags))
    return rows


def adjust(family: Sequence[Contrast]) -> list[Contrast]:
    """Holm-adjust the rows of one family; a mirrored row takes the p-values of the row before it."""
    adjusted = holm([None if "mirrored" in row.flags else row.found.p for row in family])
    done: list[Contrast] = []
    for row, p in zip(family, adjusted, strict=True):
        done.append(replace(row, p_adjusted=done[-1].p_adjusted if "mirrored" in row.flags else p))
    return done


def _is_mirrored(grouping: Grouping) -> bool:
    """Whether there are two groups, each the other's rest."""
    rows = [grouping.groups[label].totals[0] for label in grouping.tested]
    return len(rows) == 2 and sum(rows) == grouping.with_value.totals[0]


def _compare(a: SpeakerCounts, b: SpeakerCounts) -> tuple[Disparity, tuple[str, ...]]:
    """The comparison that the policy allows, and the flags of both sides."""
    flags_a, flags_b = policy.flags_of(a.facts), policy.flags_of(b.facts)
    flags = (*flags_a, *(policy.BASELINE_PREFIX + flag for flag in flags_b))
    if policy.SUPPRESSED in (*flags_a, *flags_b):
        return _NOTHING, flags
    if not (a.speakers_known and b.speakers_known):
        return _points_only(a.facts.estimate.rate, b.facts.estimate.rate), flags
    union = _union(a.transcribed_speakers, b.transcribed_speakers)
    if len(union) < len(a.transcribed_speakers) + len(b.transcribed_speakers):
        found = compare_paired(*_spread(a, union), *_spread(b, union))
    else:
        found = compare_estimates(a.facts.estimate, b.facts.estimate)
    return (replace(found, p=None) if policy.refuses_p((*flags_a, *flags_b)) else found), flags


def _points_only(rate_a: float | None, rate_b: float | None) -> Disparity:
    """Difference and ratio without any inference."""
    difference = None if rate_a is None or rate_b is None else rate_a - rate_b
    ratio = rate_a / rate_b if rate_a and rate_b else None
    return replace(_NOTHING, wer_a=rate_a, wer_b=rate_b, difference=difference, ratio=ratio)


def _union(a: Codes, b: Codes) -> Codes:
    """The codes that occur in either, ascending: without a sort, as codes are dense."""
    present = np.zeros(max(a.max(initial=0), b.max(initial=0)) + 1, dtype=bool)
    present[a] = present[b] = True
    return np.flatnonzero(present)


def _spread(counts: SpeakerCounts, union: Codes) -> Iterator[Sums]:
    """Errors and words of a side over the union of speakers, 0 for those who are not in it."""
    at = np.searchsorted(union, counts.transcribed_speakers)
    for values in (counts.errors, counts.words):
        whole = np.zeros(len(union))
        whole[at] = values
        yield whole
