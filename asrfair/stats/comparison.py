"""A new release against the one before it, or one system against another, on the same people.

For everybody and every group two questions, both over pairs of utterances that both sides transcribed:

    the group     D = R_new - R_old and R_new / R_old, paired by speaker (`disparity.compare_paired`)
    its gap       (R_g,new - R_b,new) - (R_g,old - R_b,old), and the ratio of ratios, against the group's baseline or
                  everybody else (`interactions.difference_in_differences`, which deletes a speaker from all sides)

Holm over the groups of one condition and normaliser, each question by itself. Verdicts on a group are `better`,
`worse`, `not shown`, `cannot tell` or `suppressed`; on its gap `grew`, `shrank` and the last three. A gap grew or
shrank where both scales say so (the larger p of the two; scales that point opposite ways count as 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from asrfair.records import ALL, REST
from asrfair.stats import policy
from asrfair.stats.contrasts import named_baseline, sides
from asrfair.stats.degradation import changed
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.interactions import difference_in_differences
from asrfair.stats.multiplicity import holm

Row = dict[str, Any]

UNCHANGED = "unchanged"
"""Flag of a group in which every speaker has as many errors as before."""

_VERDICTS = {"higher": "worse", "lower": "better"}
_GAP_VERDICTS = {"higher": "grew", "lower": "shrank"}
_GAP = {
    "gap_change": "absolute",
    "gap_change_low": "absolute_low",
    "gap_change_high": "absolute_high",
    "gap_ratio": "ratio",
    "gap_ratio_low": "ratio_low",
    "gap_ratio_high": "ratio_high",
    "gap_p": "p",
}


def comparison_rows(
    cell: tuple[str, str], new: Sequence[Grouping], old: Sequence[Grouping], baselines: Mapping[str, str]
) -> list[Row]:
    """Rows of `tables.COMPARISON` of one condition and normaliser.

    Args:
        cell: condition and normaliser.
        new: the groups of the new side, attributes in order.
        old: the same of the old side, over the same utterances.
        baselines: attribute -> the group to compare with; the rest where there is none.
    """
    named: Row = dict(zip(("condition_id", "normalizer"), cell, strict=True))
    rows: list[Row] = [
        named | row for a, b in zip(new, old, strict=True) for row in _compared(a, b, baselines.get(a.attribute))
    ]
    for name in ("p", "gap_p"):
        for row, adjusted in zip(rows, holm([row[name] for row in rows]), strict=True):
            row[f"{name}_adjusted"] = adjusted
    for row in rows:
        suppressed = policy.SUPPRESSED in row["flags"]
        told = policy.verdict(row["wer_ratio"] or _direction(row), row["p_adjusted"], suppressed=suppressed)
        row["verdict"] = _VERDICTS.get(told, told)
        gap = policy.verdict(row["gap_ratio"], row["gap_p_adjusted"], suppressed=suppressed)
        row["gap_verdict"] = None if row["baseline"] is None else _GAP_VERDICTS.get(gap, gap)
    return rows


def is_unchanged(new: SpeakerCounts, old: SpeakerCounts) -> bool:
    """Whether every speaker has the same number of errors on both sides: then there is no spread and no interval."""
    return np.array_equal(new.speakers, old.speakers) and np.array_equal(new.errors, old.errors)


def _direction(row: Row) -> float | None:
    """Above or below one where there is a difference and no ratio, because one side has no errors."""
    difference = row["wer_difference"]
    return None if difference is None else 2.0 if difference > 0 else 0.5


def _compared(new: Grouping, old: Grouping, baseline: str | None) -> Iterator[Row]:
    """Every group of one attribute."""
    named = named_baseline(new, baseline)
    gaps = {} if new.attribute == ALL else dict(_gaps(new, old, named))
    for label in new.tested:
        if label not in old.groups:
            continue
        found = changed(new.groups[label], old.groups[label])
        found["old_wer"] = found.pop("clean_wer")
        if policy.SUPPRESSED not in found["flags"] and is_unchanged(new.groups[label], old.groups[label]):
            found["flags"] = [*found["flags"], UNCHANGED]
            found["p"] = 1.0
        compared = label in gaps
        row: Row = {"attribute": new.attribute, "group": label, "baseline": (named or REST) if compared else None}
        row |= found | dict.fromkeys(_GAP)
        if compared:
            row |= {name: gaps[label][source] for name, source in _GAP.items()}
            row["flags"] = list(dict.fromkeys([*row["flags"], *gaps[label]["flags"]]))
        yield row


def _gaps(new: Grouping, old: Grouping, named: str | None) -> Iterator[tuple[str, Row]]:
    """What became of the gap of every group that can be compared; opposite scales have p = 1."""
    before = {label: (a, b) for label, a, b in sides(old, named)}
    for label, a_new, b_new in sides(new, named):
        if label not in before:
            continue
        told = difference_in_differences(a_new, before[label][0], b_new, before[label][1])
        absolute, ratio = told["absolute"], told["ratio"]
        if told["p"] is not None and absolute is not None and ratio is not None and absolute * (ratio - 1.0) < 0:
            told["p"] = 1.0
        yield label, told
