"""Which groups are compared with what, how, and what may be said of it.

Each group of an attribute is compared with the baseline group, or with the rest where there is none (or it does not
occur). Where a speaker is on both sides the within-speaker contrast is used, never Welch's. `missing` is not tested and
in no rest. With two groups against the rest, the second row is the first seen from the other side and counts once.
p-values are adjusted in `families`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asrfair.records import REST, Disparity
from asrfair.stats import policy
from asrfair.stats.atoms import Codes, union
from asrfair.stats.disparity import compare_estimates, compare_paired
from asrfair.stats.groups import Grouping, SpeakerCounts
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
        p_adjusted: adjusted within the family; None before that, and where there is no p.
        family: the comparisons that were adjusted together.
    """

    attribute: str
    group: str
    baseline: str
    found: Disparity
    flags: tuple[str, ...]
    p_adjusted: float | None = None
    family: str = ""

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
    named = named_baseline(grouping, baseline)
    tested = [grouping.groups[label] for label in grouping.tested]
    counts = [len(group.transcribed_speakers) if group.speakers_known else None for group in tested]
    own = {
        "baseline_absent": named is None and baseline not in (None, REST),
        "confounded_with_speaker": policy.is_confounded_with_speaker(counts),
    }
    mirrored = named is None and _is_mirrored(grouping)
    rows: list[Contrast] = []
    for label, group, other in sides(grouping, named):
        found, flags = _compare(group, other)
        own |= {"paired": found.paired, "mirrored": mirrored and bool(rows)}
        flags += tuple(flag for flag in policy.CONTRAST_FLAGS if own[flag])
        rows.append(Contrast(grouping.attribute, label, named or REST, found, flags))
    return rows


def named_baseline(grouping: Grouping, baseline: str | None) -> str | None:
    """The group that the others are compared with; None for the rest, also where the baseline does not occur."""
    return baseline if baseline in grouping.tested else None


def sides(grouping: Grouping, named: str | None) -> Iterator[tuple[str, SpeakerCounts, SpeakerCounts]]:
    """Each group that is compared, its speakers and those of its other side."""
    for label in grouping.tested:
        other = grouping.rest_of(label) if named is None else grouping.groups[named]
        if label != named and len(other.speakers):
            yield label, grouping.groups[label], other


def aligned(*counts: SpeakerCounts) -> tuple[NDArray[np.int64], list[tuple[Sums, Sums]]]:
    """Errors and words of several sides over the union of their speakers, 0 for those who are not in a side.

    Returns:
        The codes of the union, ascending, shape (m,), and errors and words of each side, shape (m,).
    """
    everyone = union(*(side.transcribed_speakers for side in counts))
    return everyone, [_spread(side, everyone) for side in counts]


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
    everyone, (of_a, of_b) = aligned(a, b)
    if len(everyone) < len(a.transcribed_speakers) + len(b.transcribed_speakers):
        found = compare_paired(*of_a, *of_b)
    else:
        found = compare_estimates(a.facts.estimate, b.facts.estimate)
    return (replace(found, p=None) if policy.refuses_p((*flags_a, *flags_b)) else found), flags


def _points_only(rate_a: float | None, rate_b: float | None) -> Disparity:
    """Difference and ratio without any inference."""
    difference = None if rate_a is None or rate_b is None else rate_a - rate_b
    ratio = rate_a / rate_b if rate_a and rate_b else None
    return replace(_NOTHING, wer_a=rate_a, wer_b=rate_b, difference=difference, ratio=ratio)


def _spread(counts: SpeakerCounts, everyone: Codes) -> tuple[Sums, Sums]:
    """Errors and words of a side over more speakers than its own."""
    at = np.searchsorted(everyone, counts.transcribed_speakers)
    errors, words = np.zeros(len(everyone)), np.zeros(len(everyone))
    errors[at], words[at] = counts.errors, counts.words
    return errors, words
