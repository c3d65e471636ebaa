"""What leaves the house: tables with every group taken out that k-anonymity withholds, before anything is drawn.

A withheld group keeps its name and loses its numbers, how many it is included; so in the coverage of the data set and
among the failures. Names of groups are public: they are the manifest's vocabulary.

What is computed from several groups goes with the one that is withheld: ranges, spreads and gaps to the best, because a
range and its lower end are its upper end. And the rest of a group is everybody who has a value: where `missing` is
withheld, two rates of a rest beside the rate of everybody would give it away, so nothing is compared with the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.records import ALL, MISSING, REST
from asrfair.stats.policy import BASELINE_PREFIX, CONTRAST_FLAGS, SUPPRESSED
from asrfair.stats.suppression import COMPLEMENTARY, Group, withheld
from asrfair.stats.utterance_level import WITHIN

Row = dict[str, Any]

NUMBERS = frozenset({"system_id", "condition_id", "normalizer", "attribute", "group", "baseline", "family", "flags"})
"""Columns that a withheld row keeps; all others are numbers."""

STRESS = frozenset({"clean_wer", "floor", "simulated", "censored", "n_repeats"})
"""Columns by which a table is about utterances that were heard more than once: `degradation`, `sensitivity`,
`reality`, `curves`, `repeats`."""

DOMINATED = "dominated"


def hidden_groups(run: Mapping[str, Any], groups: Sequence[Mapping[str, Any]], k: int) -> dict[Group, str]:
    """The groups that may not be published, by the fewest speakers that they have anywhere (or can have, if unknown).

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
        if "speakers_unknown" in (row.get("flags") or []):
            n = row["n_utterances"] - row["n_failed"]  # so many speakers at most
        elif n is None and row["attribute"] in asked:
            n = 0
        if n is not None:
            fewest[group] = min(n, fewest.get(group, n)) if n else fewest.get(group, 0)
        if DOMINATED in (row.get("flags") or []):
            dominated.append(group)
    return withheld(fewest, k, dominated)


def discreet(rows: Sequence[Row], hidden: Mapping[Group, str]) -> list[Row]:
    """Rows of groups or of disparities, without the numbers of withheld groups."""
    return [_discreet(row, hidden) for row in rows]


def _discreet(row: Row, hidden: Mapping[Group, str]) -> Row:
    """One row."""
    why = hidden.get((row["attribute"], row["group"]))
    baseline = hidden.get((row["attribute"], row.get("baseline") or ""))
    against_rest = _is_open_rest(row, hidden)
    if why is None and baseline is None and not against_rest:
        return row
    kept = {name: value if name in NUMBERS else None for name, value in row.items()}
    flags = [SUPPRESSED, *([COMPLEMENTARY] if why == COMPLEMENTARY else [])] if why else []
    flags += [BASELINE_PREFIX + SUPPRESSED] if baseline or against_rest else []
    flags += [BASELINE_PREFIX + COMPLEMENTARY] if against_rest else []
    flags += [flag for flag in row["flags"] or [] if flag in CONTRAST_FLAGS]
    return kept | {"flags": flags} | ({"verdict": SUPPRESSED} if "verdict" in row else {})


def _is_open_rest(row: Mapping[str, Any], hidden: Mapping[Group, str]) -> bool:
    """Whether a row is about a rest that would give those away for whom the attribute is missing."""
    return row.get("baseline") == REST and (row["attribute"], MISSING) in hidden


def discreet_counts(rows: Sequence[Mapping[str, Any]], hidden: Mapping[Group, str]) -> list[Row]:
    """Rows of the coverage or of the failures, without the counts of withheld groups."""
    return [
        {key: value if key in NUMBERS else None for key, value in row.items()}
        if (row["attribute"], row["group"]) in hidden
        else dict(row)
        for row in rows
    ]


def discreet_more(rows: Sequence[Row], hidden: Mapping[Group, str], k: int) -> list[Row]:
    """Rows of further tables: those about a withheld group or baseline, or that depend on one, are left out.

    A table without attributes (`probes`) is about no person and is left as it is.

    Args:
        rows: of one table.
        hidden: the withheld groups.
        k: speakers that a number needs; 0 where nothing is withheld.
    """
    if rows and "attribute" not in rows[0]:
        return list(rows)
    hidden = {**_fewer_here(rows, k), **hidden} if rows and not STRESS.isdisjoint(rows[0]) else hidden
    partly = {attribute for attribute, _ in hidden}
    kept = []
    for row in rows:
        attribute = row["attribute"]
        about = [(attribute, row.get(name) or "") for name in ("group", "baseline")]
        few = row.get("n_speakers") is not None and row["n_speakers"] < k
        few |= WITHIN in str(row.get("measure")) and k > 0  # how many speakers is not in the row
        if few or any(group in hidden for group in about) or _is_open_rest(row, hidden):
            continue
        if attribute in partly and _is_about_several(row):
            continue
        kept.append({name: None if _gives_away(name, row, hidden) else value for name, value in row.items()})
    return kept


def _fewer_here(rows: Sequence[Row], k: int) -> dict[Group, str]:
    """Groups of such a table that are small in it alone, and those that would give them away.

    Pairs of utterances are fewer than utterances: a group may lose speakers to failures. Where the table has a row for
    everybody, such a group could be worked out from it and from the others.
    """
    fewest: dict[Group, int] = {}
    dominated = []
    for row in rows:
        group, n = (row["attribute"], row["group"]), row["n_speakers"]
        if n is not None:
            fewest[group] = min(n, fewest.get(group, n))
        if DOMINATED in (row["flags"] or []):
            dominated.append(group)
    return withheld(fewest, k, dominated) if k and (ALL, ALL) in fewest else {}


def _gives_away(name: str, row: Row, hidden: Mapping[Group, str]) -> bool:
    """Whether one column of a row that is kept is about a withheld group: its name as an extreme, or such a rest."""
    if name in ("worst_group", "other_worst_group"):
        return (row["attribute"], row[name] or "") in hidden
    return name.startswith("interaction_") and (row["attribute"], MISSING) in hidden


def _is_about_several(row: Mapping[str, Any]) -> bool:
    """Whether a row of `measures` is computed from the rates of all groups of its attribute."""
    return row.get("method") == "descriptive" or str(row.get("measure")).startswith("barycentre")


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
