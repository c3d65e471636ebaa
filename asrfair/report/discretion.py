"""What leaves the house: tables with every group taken out that k-anonymity withholds, before anything is drawn.

A withheld group keeps its name and loses its numbers, how many it is included; so in the coverage of the data set and
among the failures. Names of groups are public: they are the manifest's vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.stats.policy import BASELINE_PREFIX, CONTRAST_FLAGS, SUPPRESSED
from asrfair.stats.suppression import COMPLEMENTARY, Group, withheld

Row = dict[str, Any]

NUMBERS = frozenset({"system_id", "condition_id", "normalizer", "attribute", "group", "baseline", "family", "flags"})
"""Columns that a withheld row keeps; all others are numbers."""


def hidden_groups(run: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], k: int) -> dict[Group, str]:
    """The groups that may not be published, by the fewest speakers that they have anywhere.

    Args:
        run: the contents of `run.json`; its coverage counts too.
        groups: rows of `tables.GROUPS`.
        k: speakers that a group needs.
    """
    covered = (run.get("coverage") or {}).get("groups") or []
    asked = {row["attribute"] for row in groups}
    fewest: dict[Group, int] = {}
    dominated: list[Group] = []
    for row in [*groups, *covered]:
        group = row["attribute"], row["group"]
        n = row["n_speakers"]
        if n is None and row["attribute"] in asked and "speakers_unknown" not in (row.get("flags") or []):
            n = 0
        if n is not None:
            fewest[group] = min(n, fewest.get(group, n)) if n else fewest.get(group, 0)
        if "dominated" in (row.get("flags") or []):
            dominated.append(group)
    return withheld(fewest, k, dominated)


def discreet(rows: Sequence[Row], hidden: Mapping[Group, str]) -> list[Row]:
    """Rows of groups or of disparities, without the numbers of withheld groups."""
    return [_discreet(row, hidden) for row in rows]


def _discreet(row: Row, hidden: Mapping[Group, str]) -> Row:
    """One row."""
    why = hidden.get((row["attribute"], row["group"]))
    baseline = hidden.get((row["attribute"], row.get("baseline") or ""))
    if why is None and baseline is None:
        return row
    kept = {name: value if name in NUMBERS else None for name, value in row.items()}
    flags = [SUPPRESSED, *([COMPLEMENTARY] if why == COMPLEMENTARY else [])] if why else []
    flags += [BASELINE_PREFIX + SUPPRESSED] if baseline else []
    flags += [flag for flag in row["flags"] or [] if flag in CONTRAST_FLAGS]
    return kept | {"flags": flags} | ({"verdict": SUPPRESSED} if "verdict" in row else {})


def discreet_counts(rows: Sequence[Mapping[str, Any]], hidden: Mapping[Group, str]) -> list[Row]:
    """Rows of the coverage or of the failures, without the counts of withheld groups."""
    return [
        {key: value if key in NUMBERS else None for key, value in row.items()}
        if (row["attribute"], row["group"]) in hidden
        else dict(row)
        for row in rows
    ]


def discreet_more(rows: Sequence[Row], hidden: Mapping[Group, str], k: int | None) -> list[Row]:
    """Rows of further tables: those about a withheld group or baseline are left out, and its name as an extreme.

    So are rows that rest on fewer than k speakers of a larger group: those with a confidence, a duration, a prompt.
    """
    kept = []
    for row in rows:
        attribute = row["attribute"]
        about = [(attribute, row.get(name) or "") for name in ("group", "baseline")]
        few = k is not None and 0 < (row.get("n_speakers") or 0) < k
        if not few and not any(group in hidden for group in about):
            extremes = ("worst_group", "other_worst_group")
            kept.append(row | {n: None for n in extremes if n in row and (attribute, row[n] or "") in hidden})
    return kept


def hidden_sentence(hidden: Mapping[Group, str], k: int) -> list[str]:
    """What was withheld and why, as sentences for the list of what was not told."""
    why = list(hidden.values())
    primary, also = why.count(SUPPRESSED), why.count(COMPLEMENTARY)
    if not primary:
        return []
    sentence = f"Withheld because they have fewer than {k} speakers, or one who talks for most: {_groups(primary)}."
    if also:
        sentence += f" Withheld with them, so that they cannot be worked out from totals: {_groups(also)}."
    return [sentence]


def _groups(n: int) -> str:
    """A number of groups."""
    return f"{n} group{'' if n == 1 else 's'}"
