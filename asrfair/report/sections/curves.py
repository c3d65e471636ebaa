"""How much quiet each group needs: levels, penalties and areas from `curves`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from asrfair.records import ALL
from asrfair.report.environments import Room, level
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.sections._sweeps import (
    AREA,
    AREA_RATIO,
    BOTH,
    LEVEL_AT,
    PENALTY,
    QUIET_EQUALS,
    SIDE,
    beyond,
    is_harder,
    read,
)
from asrfair.report.wording import NONE, count, interval, isolated, many, number, people, percent

TABLE = "curves"
MOST_SENTENCES = 12
MOST_GROUPS = 4
Place = tuple[str, str, str, str]
Found = dict[str, list[Row]]


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """What noise a group's disadvantage amounts to, how much more quiet it needs, and the table."""
    mine = read(headline(rows, context))
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


def _within(row: Row, *, is_first: bool) -> str:
    """The interval of a level, named where it is the first of a sentence; empty where there is none."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"{'95 % interval ' if is_first else ''}{interval(row['low'], row['high'], 1)}"


def _quiet(rows: Sequence[Row], context: Context) -> list[str]:
    """What noise a disadvantage amounts to: a sentence per environment and baseline, the worst group first."""
    found: dict[Place, list[tuple[float, Row]]] = {}
    for row in rows:
        room = context.room(row["environment"])
        if row["measure"] != QUIET_EQUALS or room is None or row["baseline"] is None:
            continue
        if row["censored"] and is_harder(row, room):
            rank = -math.inf
        elif row["value"] is not None and not row["censored"]:
            rank = row["value"] if room.hardest == "lowest" else -row["value"]
        else:
            continue
        found.setdefault((row["system_id"], room.name, row["attribute"], row["baseline"]), []).append((rank, row))
    ordered = [[row for _, row in sorted(members, key=lambda pair: pair[0])] for members in found.values()]
    return [_equals(members, context) for members in ordered]


def _equals(rows: Sequence[Row], context: Context) -> str:
    """One environment and baseline."""
    row, room = rows[0], context.room(rows[0]["environment"])
    them = people(row["attribute"], row["baseline"], context.attributes)
    told = [(people(r["attribute"], r["group"], context.attributes), _where(r, room, is_first=r is row)) for r in rows]
    (who, first), others = told[0], told[1:MOST_GROUPS]
    text = f"{who} in clean audio meet the errors that {them} meet under {row['environment']} {first}"
    if others:
        text += f"; {', '.join(f'{name} those {where}' for name, where in others)}"
    return context.of(row, f"{text}{_further(told)}.")


def _where(row: Row, room: Room | None, *, is_first: bool) -> str:
    """A level that equals clean audio, with its interval."""
    if row["censored"]:
        return f"beyond the hardest level tested{'' if room is None else f', {level(room.levels[-1], room.unit)}'}"
    unit = room.unit if room else ""
    within = _within(row, is_first=is_first)
    return f"at {level(row['value'], unit)}{f' ({within})' if within else ''}"


def _more_quiet(rows: Sequence[Row], context: Context) -> list[str]:
    """Who needs it quieter to stay below a rate, where the interval says so: a sentence per environment and rate."""
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        known = row["measure"] == PENALTY and None not in (row["value"], row["low"])
        if known and row["low"] > 0 and context.room(row["environment"]) is not None:
            key = row["system_id"], row["environment"], row["attribute"], row["baseline"], row["at"]
            found.setdefault(key, []).append(row)
    return [_needed(sorted(members, key=lambda row: -row["value"]), context) for members in found.values()]


def _needed(rows: Sequence[Row], context: Context) -> str:
    """One environment, baseline and rate."""
    row, room = rows[0], context.room(rows[0]["environment"])
    unit, is_snr = (room.unit, room.hardest == "lowest") if room else ("", True)
    names = []
    for r in rows[:MOST_GROUPS]:
        within = _within(r, is_first=r is row)
        names.append(f"{people(r['attribute'], r['group'], context.attributes)} {level(r['value'], unit)} ({within})")
    who = people(row["attribute"], row["baseline"], context.attributes)
    than = f"more quiet than {who} need" if is_snr else f"less of it than {who} bear"
    text = f"under {row['environment']}, to stay below {percent(row['at'], 0)} % WER, {than}: "
    return context.of(row, f"{text}{', '.join(names)}{_further(rows)}.")


def _further(members: Sequence[object]) -> str:
    """How many groups a sentence leaves to the table."""
    left = len(members) - MOST_GROUPS
    return f"; {count(left, 'more group')} in the table" if left > 0 else ""


def _lines(place: Place, found: Mapping[str, list[Row]], context: Context) -> list[list[str]]:
    """One group in one environment: a line per error rate that was asked for."""
    system, environment, attribute, group = place
    room = context.room(environment)
    asked = sorted({row["at"] for name in (LEVEL_AT, PENALTY) for row in found.get(name, [])})
    one = next(iter(found.values()))[0]
    baseline = next((r["baseline"] for of in found.values() for r in of if r["baseline"] is not None), None)
    area, ratio, quiet = (_only(found, name) for name in (AREA, AREA_RATIO, QUIET_EQUALS))
    if not asked and area is None and quiet is None:
        return []
    lines = []
    for at in asked or [None]:
        reached, more = (_only(found, name, at) for name in (LEVEL_AT, PENALTY))
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
    if row["censored"] and is_level:
        return beyond(row, room)
    if row["censored"]:
        known = row["value"] is not None and row["censored"] != BOTH
        return f"{SIDE[row['censored']]} {level(row['value'], unit)}" if known else "beyond those tested"
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
