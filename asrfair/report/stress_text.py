"""The last mile as plain tables and sentences: for a terminal, and for `card.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from asrfair.records import CLEAN
from asrfair.report.columns import text_table, wrapped
from asrfair.report.environments import Room, is_last_mile
from asrfair.report.grid import EVERYBODY, Grid, grids
from asrfair.report.wording import NONE, condition
from asrfair.stats.policy import SUPPRESSED

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.findings import Finding

MOST_LEVELS = 8
"""Levels that fit on a terminal beside clean audio; more go into a further table."""

TOLD = {"interactions": 2, "degradation": 3, "curves": 2, "reality": 1, "probes": 2, "collect-next": 1}
"""How many sentences of which parts of the card stand on a terminal."""


def is_stressed(card: Card) -> bool:
    """Whether the card is ordered by environments."""
    return is_last_mile(card.tables, [cell.condition_id for cell in card.cells])


def opened(card: Card) -> set[str]:
    """The conditions whose tables and findings stand open: clean audio, where environments are told apart from it."""
    heard = {cell.condition_id for cell in card.cells}
    return {CLEAN} if is_stressed(card) and CLEAN in heard else heard


def told_findings(card: Card) -> list[Finding]:
    """The findings of the card; that a group is withheld is said once, not again under every condition."""
    is_open = opened(card)
    said = {_about(finding) for finding in card.findings if finding.condition_id in is_open}
    return [f for f in card.findings if f.condition_id in is_open or f.verdict != SUPPRESSED or _about(f) not in said]


def _about(finding: Finding) -> tuple[str, str, str | None, str]:
    """What a finding says, whatever the condition."""
    return finding.system_id, finding.attribute, finding.group, finding.verdict


def wide_tables(card: Card) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """A title, a header and rows per attribute and system: every group under every condition, WER in per cent."""
    for grid in grids(card.cells, card.signature["conditions"]):
        title = f"{grid.attribute}, {grid.system_id}: word error rate in %, by condition"
        yield title, ["group", *map(condition, grid.conditions)], grid.lines(grid.conditions)


def terminal(card: Card) -> list[str]:
    """The blocks of a terminal: a table per system and environment, then the sentences that matter most."""
    found = grids(card.cells, card.signature["conditions"])
    blocks = []
    for system in dict.fromkeys(grid.system_id for grid in found):
        mine = [grid for grid in found if grid.system_id == system]
        for room in mine[0].rooms:
            places = list(zip(room.condition_ids, room.levels, strict=True))
            blocks += [_table(mine, room, places[at : at + MOST_LEVELS]) for at in range(0, len(places), MOST_LEVELS)]
    by_id = {section.id: section.sentences for section in card.sections}
    told = [text for name, most in TOLD.items() for text in by_id.get(name, [])[:most]]
    return [*blocks, "\n".join(["Last mile", *(wrapped(text, first="- ") for text in told)])] if told else blocks


def _table(mine: Sequence[Grid], room: Room, places: Sequence[tuple[str, float | None]]) -> str:
    """All groups of one system under some levels of one environment."""
    names = [name for name in (CLEAN, *(name for name, _ in places)) if name == CLEAN or name in room.condition_ids]
    names = [name for name in names if any(name in grid.conditions for grid in mine)]
    shown = dict(places)
    header = ["WER %", *(_head(name, shown.get(name)) for name in names)]
    rows: list[list[str]] = []
    for grid in mine:
        everybody, *groups = grid.lines(names) or [[EVERYBODY, *([NONE] * len(names))]]
        rows += [] if rows else [everybody]
        rows.append([grid.attribute])
        rows += [[f"  {line[0]}", *line[1:]] for line in groups]
    unit = f", {room.unit}" if room.unit and places[0][1] is not None else ""
    return f"{wrapped(f'{mine[0].system_id}, {room.name}{unit} (harder to the right)')}\n{text_table(header, rows)}"


def _head(name: str, value: float | None) -> str:
    """What stands over a column."""
    return "clean" if name == CLEAN else "there" if value is None else f"{value:g}"
