"""The first lines of a card: how wrong each system is, and how far apart its groups lie.

They describe and test nothing. Where a run was made to see what environments do, those get one line a system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asrfair.records import MISSING
from asrfair.report.cells import AttributePart, CellPart
from asrfair.report.environments import Room, level
from asrfair.report.wording import condition, count, isolated, percent, percent_interval


def headlines(cells: Sequence[CellPart], rooms: Sequence[Room] = ()) -> list[str]:
    """One line per system and condition, or per system for all environments.

    Args:
        cells: the parts of the card.
        rooms: the environments, if they get one line.
    """
    inside = {name for room in rooms for name in room.condition_ids}
    lines = [_line(cell) for cell in cells if cell.condition_id not in inside]
    for system in dict.fromkeys(cell.system_id for cell in cells) if rooms else ():
        rates = {cell.condition_id: cell.overall.wer for cell in cells if cell.system_id == system}
        parts = [text for room in rooms if (text := _room(room, rates))]
        lines += [f"{isolated(system)}, word error rate of everybody under {'; under '.join(parts)}."] if parts else []
    return lines


def _room(room: Room, rates: Mapping[str, float | None]) -> str:
    """The rates at both ends of an environment's levels; empty where there is none."""
    met = zip(room.condition_ids, room.levels, strict=True)
    known = [(value, wer) for name, value in met if (wer := rates.get(name)) is not None]
    if not known:
        return ""
    (first, easy), (last, hard) = known[0], known[-1]
    if first is None or len(known) == 1:
        return f"{room.name}{'' if first is None else f' at {level(first, room.unit)}'} {percent(easy)} %"
    return f"{room.name} {percent(easy)} % at {level(first, room.unit)}, {percent(hard)} % at {level(last, room.unit)}"


def _line(cell: CellPart) -> str:
    """The rate of everybody, then the lowest and highest group of each attribute."""
    overall, where = cell.overall, f"{isolated(cell.system_id)}, {condition(cell.condition_id)}"
    if overall.wer is None:
        return f"{where}: no word error rate can be given."
    speakers = "speakers unknown" if overall.n_speakers is None else count(overall.n_speakers, "speaker")
    known = overall.wer_low is not None
    within = f"95 % interval {percent_interval(overall.wer_low, overall.wer_high)}; " if known else ""
    spans = [span for part in cell.attributes if (span := _span(part))]
    return " ".join([f"{where}: word error rate {percent(overall.wer)} % ({within}{speakers}).", *spans])


def _span(part: AttributePart) -> str | None:
    """The ends of one attribute; None for intersections, confounded attributes, and where fewer than two are shown."""
    rates = [(row.wer, row.group) for row in part.groups if row.wer is not None and row.group != MISSING]
    if "*" in part.attribute or part.confounded_with_speaker or len(rates) < 2:
        return None
    (low, lowest), (high, highest) = min(rates), max(rates)
    return f"By {part.attribute} from {percent(low)} % ({isolated(lowest)}) to {percent(high)} % ({isolated(highest)})."
