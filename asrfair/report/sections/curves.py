"""How much quiet each group needs: levels, penalties and areas from `curves`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asrfair.records import ALL
from asrfair.report.environments import Room, level
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import NONE, interval, isolated, many, number, people, percent

TABLE = "curves"
MOST_SENTENCES = 8
Place = tuple[str, str, str, str]
Found = dict[str, list[Row]]


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """What noise a group's disadvantage amounts to, how much more quiet it needs, and the table."""
    mine = headline(rows, context)
    places: dict[Place, Found] = {}
    for row in mine:
        place = row["system_id"], row["environment"] or "", row["attribute"], row["group"]
        places.setdefault(place, {}).setdefault(row["measure"], []).append(row)
    lines = [line for place, found in places.items() for line in _lines(place, found, context)]
    if not lines:
        return None
    told = [*_quiet(mine, context), *_more_quiet(mine, context)]
    left = len(told) - MOST_SENTENCES
    return Section(
        id="curves",
        title="How much quiet each group needs",
        about=(
            "From each group's word error rate over the levels of an environment, joined so that it never falls as it "
            "gets harder (isotonic regression). Level: where the group reaches that error rate; where it does so "
            "beyond the levels that were tested, only that is said. Equals: the level at which the baseline meets "
            "the errors that this group meets in clean audio. Mean: the area under the curve, the rate over all levels."
        ),
        sentences=[*told[:MOST_SENTENCES], *([f"And {left} more, in the table."] if left > 0 else [])],
        header=[
            "system",
            "environment",
            "group",
            "against",
            "speakers",
            "error rate",
            "reached at",
            "more quiet needed",
            "equals, for the baseline",
            "mean WER %",
            "mean, times",
        ],
        rows=lines,
    )


def is_harder(row: Row, room: Room | None) -> bool:
    """Whether a level that lies beyond those tested lies at their hard end."""
    is_low = bool(row["censored"] == "below")
    return is_low == (room is None or room.hardest == "lowest")


def _beyond(row: Row, room: Room | None) -> str:
    """A level, or at which end of those tested it lies."""
    if not row["censored"]:
        return level(row["value"], room.unit if room else "")
    known = [value for value in room.levels if value is not None] if room else []
    if room is None or not known:
        return f"{row['censored']} the levels tested"
    end = min(known) if row["censored"] == "below" else max(known)
    return f"{row['censored']} {level(end, room.unit)}"


def _within(row: Row, unit: str) -> str:
    """The interval of a level; empty where there is none."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"95 % interval {interval(row['low'], row['high'], 1)} {unit}".rstrip()


def _quiet(rows: Sequence[Row], context: Context) -> list[str]:
    """What noise a disadvantage amounts to, the worst first."""
    found: list[tuple[float, str]] = []
    for row in rows:
        room = context.room(row["environment"])
        if row["measure"] != "quiet_equals" or room is None or row["baseline"] is None:
            continue
        hard = is_harder(row, room)
        if (row["value"] is None and not row["censored"]) or (row["censored"] and not hard):
            continue
        sign = -1.0 if room.hardest == "lowest" else 1.0
        rank = float("inf") if row["censored"] else sign * row["value"]
        found.append((-rank, _equals(row, room, context)))
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]


def _equals(row: Row, room: Room, context: Context) -> str:
    """One of them."""
    who, them = (people(row["attribute"], row[name], context.attributes) for name in ("group", "baseline"))
    where = f"{isolated(row['system_id'])}: " if context.several_systems else ""
    if row["censored"]:
        end = level(room.levels[-1], room.unit)
        return (
            f"{where}{who} meet more errors in clean audio than {them} at the hardest level of {room.name} that was "
            f"tested, {end}."
        )
    within = _within(row, room.unit)
    return (
        f"{where}{who} in clean audio meet the errors that {them} meet at {level(row['value'], room.unit)} of "
        f"{room.name}{f' ({within})' if within else ''}."
    )


def _more_quiet(rows: Sequence[Row], context: Context) -> list[str]:
    """Who needs it quieter to stay below a rate, where the interval says so."""
    sentences = []
    for row in rows:
        room = context.room(row["environment"])
        if row["measure"] != "level_at_difference" or room is None or row["value"] is None or row["low"] is None:
            continue
        if row["low"] > 0:
            who, them = (people(row["attribute"], row[name], context.attributes) for name in ("group", "baseline"))
            where = f"{isolated(row['system_id'])}: " if context.several_systems else ""
            sentences.append(
                f"{where}to stay below {percent(row['at'], 0)} % WER under {room.name}, {who} need "
                f"{level(row['value'], room.unit)} more quiet than {them} ({_within(row, room.unit)})."
            )
    return sentences


def _lines(place: Place, found: Mapping[str, list[Row]], context: Context) -> list[list[str]]:
    """One group in one environment: a line per error rate that was asked for."""
    system, environment, attribute, group = place
    room = context.room(environment)
    asked = sorted({row["at"] for name in ("level_at", "level_at_difference") for row in found.get(name, [])})
    one = next(iter(found.values()))[0]
    baseline = next((r["baseline"] for of in found.values() for r in of if r["baseline"] is not None), None)
    area, ratio, quiet = (_only(found, name) for name in ("auc", "auc_ratio", "quiet_equals"))
    if not asked and area is None and quiet is None:
        return []
    lines = []
    for at in asked or [None]:
        reached, more = (_only(found, name, at) for name in ("level_at", "level_at_difference"))
        lines.append(
            [
                system,
                environment,
                "everybody" if attribute == ALL else f"{attribute}: {isolated(group)}",
                whom(one | {"baseline": baseline}, "baseline") if attribute != ALL else "",
                many(one["n_speakers"]),
                f"{percent(at, 0)} %" if at is not None else NONE,
                _told(reached, room, is_level=True),
                _told(more, room, is_level=False),
                _told(quiet, room, is_level=True),
                _rate(area),
                "" if ratio is None else _with(number(ratio["value"]), interval(ratio["low"], ratio["high"])),
            ]
        )
    return lines


def _only(found: Mapping[str, list[Row]], measure: str, at: float | None = None) -> Row | None:
    """The row of a measure, at an error rate where there are several."""
    return next((row for row in found.get(measure, []) if at is None or row["at"] == at), None)


def _told(row: Row | None, room: Room | None, *, is_level: bool) -> str:
    """A level or a difference of levels with its interval."""
    if row is None:
        return ""
    unit = room.unit if room else ""
    if is_level and row["censored"]:
        return _beyond(row, room)
    return _with(level(row["value"], unit), interval(row["low"], row["high"], 1))


def _rate(row: Row | None) -> str:
    """An area as a mean rate."""
    if row is None:
        return ""
    bounds = NONE if row["low"] is None else f"{percent(row['low'])} to {percent(row['high'])}"
    return _with(percent(row["value"]), bounds)


def _with(text: str, bounds: str) -> str:
    """A number with its interval where it has one."""
    return text if NONE in (text, bounds) else f"{text} ({bounds})"
