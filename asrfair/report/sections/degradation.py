"""What each room does to everybody and to each group: from `degradation`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL
from asrfair.report.environments import Room, at_levels
from asrfair.report.sections._base import Context, Row, Section, capital, headline, whom
from asrfair.report.wording import (
    condition,
    interval,
    isolated,
    listed,
    many,
    number,
    p_value,
    percent,
    percent_interval,
)

TABLE = "degradation"
TWICE = 2.0


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence per system and environment: where the errors of everybody double; then the table by group."""
    mine = [row for row in context.ordered(headline(rows, context)) if row["wer"] is not None]
    if not mine:
        return None
    systems = list(dict.fromkeys(row["system_id"] for row in mine))
    everybody = {(row["system_id"], row["condition_id"]): row for row in mine if row["attribute"] == ALL}
    sentences = [_sentence(system, room, everybody, context) for system in systems for room in context.rooms]
    return Section(
        id="degradation",
        title="What each room does",
        about=(
            "The word error rate in the room against the same utterances of the same speakers in clean audio; an "
            "utterance that has no transcript in one of them counts in neither. Times 2 means twice the errors. Single "
            "tests, not adjusted for their number."
        ),
        sentences=[*(text for text in sentences if text), *_what(context.rooms)],
        header=[
            "system",
            "condition",
            "group",
            "speakers",
            "clean, WER %",
            "there, WER %",
            "points more",
            "95 % interval",
            "times",
            "95 % interval",
            "p",
        ],
        rows=[_line(row) for row in mine],
        warnings=_ceilings(mine, context),
    )


def _sentence(system: str, room: Room, everybody: dict[tuple[str, str], Row], context: Context) -> str:
    """From which level on the errors of everybody are twice those in clean audio."""
    found = [everybody[system, name] for name in room.condition_ids if (system, name) in everybody]
    known = [row for row in found if row["wer_ratio"] is not None]
    if not known:
        return ""
    who = f"{isolated(system)}: " if context.several_systems else ""
    double = next((row for row in known if row["wer_ratio"] >= TWICE), None)
    if double is not None:
        first = " already, the easiest level that was tested" if double is found[0] and len(found) > 1 else ""
        where = condition(double["condition_id"])
        return f"{who}{'under' if who else 'Under'} {where}{first}, error rates double or worse: {_rates(double)}."
    if len(found) == 1:
        text = f"under {condition(found[0]['condition_id'])}, error rates do not double"
        return f"{who}{text if who else capital(text)}: {_rates(found[0])}."
    most = max(known, key=lambda row: row["wer_ratio"])
    text = f"under {room.name}, error rates double nowhere; worst under {condition(most['condition_id'])}"
    return f"{who}{text if who else capital(text)}: {_rates(most)}."


def _rates(row: Row) -> str:
    """From where to where, and how many times."""
    within = interval(row["ratio_low"], row["ratio_high"], 1)
    return (
        f"{percent(row['clean_wer'])} % in clean audio, {percent(row['wer'])} % there, {number(row['wer_ratio'], 1)} "
        f"times (95 % interval {within}; {many(row['n_speakers'])} speakers)"
    )


def _what(rooms: Sequence[Room]) -> list[str]:
    """What each environment is, and where its numbers come from."""
    return [
        f"{room.name}: {room.description.rstrip('.')}.{f' Source: {room.source}' if room.source else ''}"
        for room in rooms
        if room.description
    ]


def _ceilings(rows: Sequence[Row], context: Context) -> list[str]:
    """A warning per system where it is so hard that gaps close."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        if "ceiling" in (row["flags"] or []):
            found.setdefault(row["system_id"], {})[row["condition_id"]] = None
    warnings = []
    for system, names in found.items():
        where = listed([at_levels(room, list(names)) for room in context.rooms if set(room.condition_ids) & set(names)])
        warnings.append(
            f"Under {where}, some groups have more than 80 % of their words wrong with {isolated(system)}. Near 100 % "
            "a gap closes because there is no room left: a small gap there is no good sign, and who is hit harder "
            "cannot be told there."
        )
    return warnings


def _line(row: Row) -> list[str]:
    """One group under one condition."""
    return [
        row["system_id"],
        condition(row["condition_id"]),
        whom(row),
        many(row["n_speakers"]),
        percent(row["clean_wer"]),
        percent(row["wer"]),
        percent(row["wer_difference"]),
        percent_interval(row["difference_low"], row["difference_high"]),
        number(row["wer_ratio"]),
        interval(row["ratio_low"], row["ratio_high"]),
        p_value(row["p"]),
    ]
