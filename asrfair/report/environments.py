"""The environments of a run and their levels, from easy to hard: the order in which people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asrfair.records import CLEAN

LAST_MILE = ("degradation", "interactions", "curves")
"""Tables that say that a run was made to see what environments do; a card with one of them is ordered by them."""


@dataclass(frozen=True, slots=True)
class Room:
    """One environment.

    Attributes:
        name: of the environment.
        unit: of its levels, e.g. `dB`; empty without levels.
        hardest: which end of the levels is the hardest, `lowest` or `highest`.
        description, source: as its file says.
        condition_ids: from easy to hard.
        levels: their values; None where a condition has none.
    """

    name: str
    unit: str
    hardest: str
    description: str | None
    source: str | None
    condition_ids: tuple[str, ...]
    levels: tuple[float | None, ...]


def rooms(conditions: Sequence[Mapping[str, Any]], heard: Sequence[str]) -> list[Room]:
    """The environments, in the order of the run.

    Args:
        conditions: of `run.json`.
        heard: ids of conditions; those that `run.json` does not describe are read from their names.

    >>> [room.condition_ids for room in rooms([], ["clean", "hum@0dB", "hum@10dB"])]
    [('hum@10dB', 'hum@0dB')]
    """
    known = {str(entry["condition_id"]): entry for entry in conditions}
    found: dict[str, list[tuple[float | None, str, Mapping[str, Any]]]] = {}
    for name in dict.fromkeys([*(name for name in known if name in heard), *heard]):
        if name != CLEAN:
            entry = known.get(name, {})
            value, _ = _level(name, entry)
            found.setdefault(entry.get("environment") or name.partition("@")[0], []).append((value, name, entry))
    return [_room(name, members) for name, members in found.items()]


def _room(name: str, members: Sequence[tuple[float | None, str, Mapping[str, Any]]]) -> Room:
    """One environment, its conditions in order."""
    said = members[0][2]
    hardest = said.get("hardest") or "lowest"
    sign = 1 if hardest == "highest" else -1
    ordered = sorted(members, key=lambda member: (member[0] is not None, sign * (member[0] or 0.0)))
    return Room(
        name=name,
        unit=_level(members[0][1], said)[1],
        hardest=hardest,
        description=said.get("description"),
        source=said.get("source"),
        condition_ids=tuple(member[1] for member in ordered),
        levels=tuple(member[0] for member in ordered),
    )


def _level(condition_id: str, entry: Mapping[str, Any]) -> tuple[float | None, str]:
    """The level of a condition and its unit, from `run.json` or from its name."""
    text = condition_id.partition("@")[2]
    digits = "".join(c for c in text if c in "-+.0123456789")
    try:
        named: float | None = float(digits)
    except ValueError:
        named = None
    value = entry.get("level_value")
    return (named if value is None else float(value)), entry.get("level_unit") or text[len(digits) :]


def in_order(found: Sequence[Room], heard: Sequence[str]) -> list[str]:
    """Conditions in the order of reading: clean, then environment by environment from easy to hard."""
    clean = [CLEAN] if CLEAN in heard else []
    return [*clean, *(name for room in found for name in room.condition_ids if name in heard)]


def is_last_mile(tables: Mapping[str, Any], heard: Sequence[str]) -> bool:
    """Whether a card is to be ordered by environments: something else than clean was heard, and analysed as such."""
    return any(name != CLEAN for name in heard) and any(name in tables for name in LAST_MILE)


def level(value: float | None, unit: str) -> str:
    """A level as people read it.

    >>> level(7.62, "dB"), level(5.0, "dB"), level(-0.01, "")
    ('7.6 dB', '5 dB', '0')
    """
    if value is None:
        return "\N{EM DASH}"
    return f"{round(value, 1) + 0.0:g} {unit}".strip()


def at_levels(room: Room, condition_ids: Sequence[str]) -> str:
    """Some conditions of one environment in a sentence.

    >>> (hum,) = rooms([], ["hum@10dB", "hum@5dB"])
    >>> at_levels(hum, hum.condition_ids)
    'hum at 10 and 5 dB'
    """
    values = [value for name, value in zip(room.condition_ids, room.levels, strict=True) if name in condition_ids]
    known = [f"{value:g}" for value in values if value is not None]
    if not known:
        return room.name
    listed = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"
    return f"{room.name} at {listed} {room.unit}".strip()
