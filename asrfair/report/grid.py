"""The rate of every group under every condition: what the heat map, the curves and the plain tables of them show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asrfair.records import CLEAN, MISSING
from asrfair.report.cells import AttributePart, CellPart, GroupRow
from asrfair.report.environments import Room, in_order, rooms
from asrfair.report.wording import NONE, percent
from asrfair.stats.policy import SUPPRESSED

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Grid:
    """One system and attribute.

    Attributes:
        system_id, attribute: which.
        rooms: the environments that were heard, in order.
        conditions: ids in the order of reading, clean first.
        groups: in the order of the tables.
        baseline: what the groups are compared with; None where they are not, or not with the same.
        rows: (group, condition) -> its row; `everybody` is not among the groups and has rows too.
    """

    system_id: str
    attribute: str
    rooms: tuple[Room, ...]
    conditions: tuple[str, ...]
    groups: tuple[str, ...]
    baseline: str | None
    rows: Mapping[tuple[str | None, str], GroupRow]

    def wer(self, group: str | None, condition_id: str) -> float | None:
        """The rate of a group (None for everybody); None where it is withheld or there is none."""
        row = self.rows.get((group, condition_id))
        return None if row is None else row.wer

    def is_withheld(self, group: str | None, condition_id: str) -> bool:
        """Whether a rate may not be said."""
        row = self.rows.get((group, condition_id))
        return row is not None and SUPPRESSED in row.flags

    def text(self, group: str | None, condition_id: str) -> str:
        """One field of a plain table."""
        return "withheld" if self.is_withheld(group, condition_id) else percent(self.wer(group, condition_id))

    def lines(self, condition_ids: Sequence[str]) -> list[list[str]]:
        """A plain table under some conditions: everybody, then each group."""
        names: list[tuple[str | None, str]] = [(None, EVERYBODY), *((group, group) for group in self.groups)]
        made = [[name, *(self.text(group, c) for c in condition_ids)] for group, name in names]
        return [line for line in made if set(line[1:]) != {NONE}]


def grids(cells: Sequence[CellPart], conditions: Sequence[Mapping[str, object]]) -> list[Grid]:
    """One grid per attribute and system, attribute by attribute.

    Args:
        cells: the parts of the card.
        conditions: of `run.json`.
    """
    found: dict[tuple[str, str], list[tuple[CellPart, AttributePart]]] = {}
    names = dict.fromkeys(part.attribute for cell in cells for part in cell.attributes)
    for name in names:
        for cell in cells:
            for part in cell.attributes:
                if part.attribute == name:
                    found.setdefault((name, cell.system_id), []).append((cell, part))
    return [_grid(attribute, system_id, parts, conditions) for (attribute, system_id), parts in found.items()]


def _grid(
    attribute: str,
    system_id: str,
    parts: Sequence[tuple[CellPart, AttributePart]],
    conditions: Sequence[Mapping[str, object]],
) -> Grid:
    """The parts of one attribute and system."""
    heard = [cell.condition_id for cell, _ in parts]
    found = rooms(conditions, heard)
    rows: dict[tuple[str | None, str], GroupRow] = {}
    for cell, part in parts:
        rows[None, cell.condition_id] = cell.overall
        rows |= {(row.group, cell.condition_id): row for row in part.groups}
    baselines = {part.baseline for _, part in parts}
    return Grid(
        system_id=system_id,
        attribute=attribute,
        rooms=tuple(found),
        conditions=tuple(in_order(found, heard)),
        groups=tuple(dict.fromkeys(row.group for _, part in parts for row in part.groups)),
        baseline=baselines.pop() if len(baselines) == 1 else None,
        rows=rows,
    )


def curve_groups(grid: Grid, most: int) -> tuple[list[str], list[str]]:
    """The groups whose curves are drawn, the most important first, and those that are left to the tables.

    With more groups than can be told apart, the baseline is drawn and those with the most errors, by their mean rate
    over all conditions. Who has no value for the attribute is not drawn, nor who has no rate.

    Args:
        grid: of one system.
        most: curves in one picture.
    """
    means: dict[str, float] = {}
    for group in grid.groups:
        rates = [wer for c in grid.conditions if c != CLEAN and (wer := grid.wer(group, c)) is not None]
        if rates and group != MISSING:
            means[group] = sum(rates) / len(rates)
    first = sorted(means, key=lambda group: (group != grid.baseline, -means[group]))
    return first[:most], [group for group in means if group not in first[:most]]
