"""Whom to record next: the groups and conditions where more speakers would teach most.

Of all comparisons that came out `not shown`, `cannot tell` or `suppressed`, those for which a harmful interaction is
still compatible with the data: the upper end of the ratio of ratios is above 1.25 (`interactions.WORTH_SHOWING`), or
there is no interval. They are ranked by what could be hiding, the upper end of the absolute interaction (errors per
word that the condition may add to the group beyond what it adds to its baseline); cells without an interval come first,
since nothing bounds them, fewest speakers first. Where the data give no plan the number wanted is ten, from which on a
test is calm. Left out: cells that more speakers would not settle (ceiling, speakers unknown) and the second of two rows
that are one test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.records import REST
from asrfair.stats import policy
from asrfair.stats.interactions import WORTH_SHOWING

Row = dict[str, Any]

_OPEN = ("not shown", "cannot tell", policy.SUPPRESSED)
_HOPELESS = frozenset({policy.CEILING, policy.SPEAKERS_UNKNOWN, "all_failed", "no_words", "mirrored"})
_KEPT = ("system_id", "condition_id", "normalizer", "attribute", "group", "baseline", "n_speakers")


def collect_next(interactions: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Rows of `tables.COLLECT_NEXT`, ranked from 1, of the rows of `tables.INTERACTIONS` of one normaliser."""
    open_cells = [row for row in interactions if row["verdict"] in _OPEN and _may_teach(row)]
    found = [{name: row[name] for name in _KEPT} | _wanted(row) for row in open_cells]
    found.sort(key=_key)
    return [row | {"rank": rank} for rank, row in enumerate(found, 1)]


def _may_teach(row: Mapping[str, Any]) -> bool:
    """Whether harm is still possible, and more speakers would tell."""
    if not _HOPELESS.isdisjoint(flag.removeprefix(policy.BASELINE_PREFIX) for flag in row["flags"]):
        return False
    return row["ratio_high"] is None or row["ratio_high"] > WORTH_SHOWING


def _wanted(row: Mapping[str, Any]) -> Row:
    """How many speakers, what may be hiding, and why, in words."""
    n, possible = row["n_speakers"] or 0, row["absolute_high"]
    needed = row["needed_speakers"] or policy.MIN_SPEAKERS_FOR_CALM
    if possible is None:
        return {
            "needed_speakers": max(needed, n + 1),
            "possible_gap": None,
            "reason": f"{n} speakers tell nothing yet of what {row['condition_id']} does to {row['group']}; "
            f"{max(needed, n + 1)} allow a test",
        }
    reason = f"{row['condition_id']} may cost {row['group']} up to {possible:.1%} of its words more than {_side(row)}"
    if needed > n:
        reason += (
            f"; {needed} speakers on each side ({needed - n} more of {row['group']}) would show a condition that "
            f"multiplies its errors {WORTH_SHOWING:g} times more"
        )
    else:
        reason += f"; the {needed} speakers planned for it are there, and left one chance in five not to see it"
    return {"needed_speakers": needed, "possible_gap": possible, "reason": reason}


def _side(row: Mapping[str, Any]) -> str:
    """The other side in words."""
    return "everybody else" if row["baseline"] == REST else str(row["baseline"])


def _key(row: Row) -> tuple[Any, ...]:
    """Unbounded first, then the widest; names decide between equals."""
    gap = row["possible_gap"]
    named = tuple(row[name] for name in ("system_id", "attribute", "group", "condition_id"))
    return (math.inf if gap is None else gap) * -1.0, row["n_speakers"] or 0, named
