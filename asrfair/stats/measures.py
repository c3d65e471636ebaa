"""How far the groups of one attribute lie apart: the rows of `tables.MEASURES`, in long form.

Descriptive measures (`range`, `max_over_min`, `worst_group`, `gap_to_best`, entropies, Gini) are biased upward and have
no interval; what is tested is `omnibus`, whether the groups differ at all. The spread to report is `between_sd`,
corrected for noise; the rates to rank by are `shrunken_wer`. Where speakers are in several groups (flag `crossed`)
whole speakers cannot be dealt to groups, and there is no omnibus p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asrfair.stats.atoms import union
from asrfair.stats.groups import Grouping
from asrfair.stats.spread import Spread, spread

OMNIBUS = "omnibus"
MOST_PERMUTATIONS, LEAST_PERMUTATIONS = 1_999, 199
_WORK = 4_000_000
"""Speakers times permutations that one attribute of one cell may take; beyond it, fewer permutations."""
_PER_GATE = 40
"""Permutations per gate that Holm's method needs to open one of them at 5 %, twice over: p is at least 1 / (B + 1)."""
_ENOUGH_FOR_WELCH = 1_000
"""Speakers from which on Welch's test stands in where that many permutations take too long."""
DESCRIPTIVE = ("max_min", "max_over_min", "sd_naive", "sd_corrected", "theil", "mld", "ge2", "gini")
NAMES: Mapping[str, str] = {
    "max_min": "range",
    "sd_naive": "between_sd_naive",
    "sd_corrected": "between_sd",
}
"""What a measure is called in the table, where it is not its name in `spread.Spread`."""


def measures(cell: tuple[str, str, str], grouping: Grouping, seed: int, *, n_gates: int = 0) -> list[dict[str, Any]]:
    """All measures over the groups of one attribute in one cell.

    Args:
        cell: system, condition and normaliser.
        grouping: the groups; those of fewer than 3 speakers and `missing` take no part.
        seed: of the permutations.
        n_gates: omnibus tests of a screen that are adjusted together; 0 where there is none.
    """
    counts = {label: grouping.groups[label] for label in grouping.tested}
    if not all(group.speakers_known for group in counts.values()):
        found, crossed = Spread(flags=("speakers_unknown",)), False
    else:
        speakers = [group.transcribed_speakers for group in counts.values()]
        n = sum(map(len, speakers))
        crossed = len(union(*speakers)) < n
        n_permutations, method = _effort(n, n_gates)
        sums = {label: (group.errors, group.words) for label, group in counts.items()}
        found = spread(sums, seed=seed, n_permutations=n_permutations, method="welch" if crossed else method)
        found = replace(found, p=None, method="none") if crossed else found
    flags = [*found.flags, *(["crossed"] if crossed else [])]
    base: dict[str, Any] = dict(zip(("system_id", "condition_id", "normalizer"), cell, strict=True))
    base |= {"attribute": grouping.attribute, "group": None, "value": None, "low": None, "high": None, "p": None}
    rows = [base | {"measure": OMNIBUS, "p": found.p, "method": found.method, "flags": flags}]
    if not found.groups:
        return rows
    told: dict[str, Any] = {"method": "descriptive", "flags": flags}
    rows += [base | told | {"measure": NAMES.get(n, n), "value": getattr(found, n)} for n in DESCRIPTIVE]
    rates = {g.group: g.rate for g in found.groups}
    for name in ("worst", "best"):
        group = getattr(found, name)
        rows.append(base | told | {"measure": f"{name}_group", "group": group, "value": rates[group]})
    for g in found.groups:
        rows.append(base | told | {"measure": "gap_to_best", "group": g.group, "value": g.gap_to_best})
        rows.append(base | told | {"measure": "shrunken_wer", "group": g.group, "value": g.shrunken})
    return rows


def _effort(n_speakers: int, n_gates: int) -> tuple[int, str | None]:
    """How many permutations, and which test where these are too few for so many gates."""
    wanted = max(LEAST_PERMUTATIONS, min(MOST_PERMUTATIONS, _WORK // max(n_speakers, 1)))
    if wanted >= _PER_GATE * n_gates:
        return wanted, None
    return _PER_GATE * n_gates, "welch" if n_speakers > _ENOUGH_FOR_WELCH else None
