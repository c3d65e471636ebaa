"""Families of comparisons: what was looked at together is adjusted together.

A family is declared before looking (in the configuration) or, where nothing is declared, is all comparisons of one
system, condition and normaliser, adjusted by Holm's method.

- *confirmatory*: listed groups against their baseline, mostly in clean audio: `holm`, or `max-t`.
- *screening*: many groups under many conditions. Nothing in it is found unless its gate opens, the omnibus speaker
  permutation of its attributes (Holm-adjusted over them, the smallest counts; where speakers are in several groups of
  an attribute there is none, and the smallest Holm-adjusted p of its comparisons stands in); behind the gate `bh`,
  `by`, `two-stage` (sets are groups) or `holm`. `max-t` needs no gate: it holds each comparison against the largest of
  the whole screen.

A comparison belongs to the first family that claims it; what none claims is screened by `bh` as the family
`undeclared`. Normalisers are other views of the same errors: each has the families of its own. A mirrored row takes the
p of the row before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from asrfair.errors import InputError
from asrfair.stats.contrasts import Contrast
from asrfair.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm, two_stage

KINDS = ("confirmatory", "screening")
METHODS = ("holm", "bh", "by", "two-stage", "max-t")
UNDECLARED = "undeclared"

Cell = tuple[str, str, str]
Row = tuple[Cell, Contrast]
MaxT = Callable[[Sequence[Row]], list[float | None]]


@dataclass(frozen=True, slots=True)
class Family:
    """One declared family; an empty list claims everything.

    Attributes:
        name: as it stands in the tables.
        kind: `confirmatory` or `screening`.
        method: `holm`, `bh`, `by`, `two-stage` or `max-t`; empty for `holm` or, screening, `bh`.
        attributes, groups, conditions, systems: what it claims.

    Raises:
        InputError: an unknown kind or method, or one that does not go with the kind.
    """

    name: str
    kind: str = "confirmatory"
    method: str = ""
    attributes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"family {self.name!r}: kind {self.kind!r}: must be one of {', '.join(KINDS)}")
        if not self.method:
            object.__setattr__(self, "method", "holm" if self.kind == "confirmatory" else "bh")
        if self.method not in METHODS:
            raise InputError(f"family {self.name!r}: method {self.method!r}: must be one of {', '.join(METHODS)}")
        if self.kind == "confirmatory" and self.method not in ("holm", "max-t"):
            raise InputError(f"family {self.name!r}: {self.method} is for screening; confirm by holm or max-t")

    def claims(self, cell: Cell, row: Contrast) -> bool:
        """Whether a comparison belongs to it."""
        asked = (
            (self.systems, cell[0]),
            (self.conditions, cell[1]),
            (self.attributes, row.attribute),
            (self.groups, row.group),
        )
        return all(not wanted or value in wanted for wanted, value in asked)


def adjust(
    rows: Sequence[Row], families: Sequence[Family], omnibus: Mapping[tuple[Cell, str], float | None], max_t: MaxT
) -> list[Row]:
    """Give every row its family and its adjusted p.

    Args:
        rows: all comparisons of an analysis.
        families: the declared ones; none for Holm within each system, condition and normaliser.
        omnibus: the omnibus p of each cell and attribute.
        max_t: adjusts the rows of a family by max-T.
    """
    members: dict[tuple[str, Family], list[int]] = {}
    for at, (cell, row) in enumerate(rows):
        members.setdefault(_family_of(cell, row, families), []).append(at)
    done = list(rows)
    for (label, family), places in members.items():
        here = set(places)
        counted = [at for at in places if not ("mirrored" in rows[at][1].flags and at - 1 in here)]
        chosen = [rows[at] for at in counted]
        p_values = max_t(chosen) if family.method == "max-t" else _adjusted(chosen, family, omnibus)
        found = dict(zip(counted, p_values, strict=True))
        for at in places:
            cell, row = rows[at]
            done[at] = cell, replace(row, family=label, p_adjusted=found[at] if at in found else found.get(at - 1))
    return done


def _family_of(cell: Cell, row: Contrast, families: Sequence[Family]) -> tuple[str, Family]:
    """The label of a row's family, and the family."""
    if not families:
        label = "|".join(cell)
        return label, Family(label)
    found = next((family for family in families if family.claims(cell, row)), Family(UNDECLARED, "screening"))
    return f"{found.name}|{cell[2]}", found


def _adjusted(
    rows: Sequence[Row], family: Family, omnibus: Mapping[tuple[Cell, str], float | None]
) -> list[float | None]:
    """Adjusted p of the rows of one family; of a screen none is below its gate's."""
    p_values = [row.found.p for _, row in rows]
    if family.method == "two-stage":
        adjusted = two_stage(p_values, [(row.attribute, row.group) for _, row in rows])
    else:
        adjusted = {"holm": holm, "bh": benjamini_hochberg, "by": benjamini_yekutieli}[family.method](p_values)
    if family.kind == "confirmatory":
        return adjusted
    members: dict[tuple[Cell, str], list[float | None]] = {}
    for (cell, row), p in zip(rows, p_values, strict=True):
        members.setdefault((cell, row.attribute), []).append(p)
    gates = [_gate(omnibus.get(at), of) for at, of in members.items()]
    tested = [p for p in holm(gates) if p is not None]
    return [None if p is None or not tested else max(p, min(tested)) for p in adjusted]


def _gate(omnibus: float | None, p_values: Sequence[float | None]) -> float | None:
    """The p of "no difference in this attribute": the omnibus test's, or the smallest by Holm where there is none."""
    if omnibus is not None:
        return omnibus
    return min((p for p in holm(p_values) if p is not None), default=None)
