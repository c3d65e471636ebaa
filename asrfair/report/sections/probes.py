"""What a system writes when nobody speaks: from `probes`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import CLEAN
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import NONE, condition, count, interval, isolated, listed, many, number, percent

TABLE = "probes"
MOST_EXAMPLES = 3
MOST_LETTERS = 48


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """Words per hour without speech, by condition, the most first; and some of them."""
    mine = context.ordered([row for row in rows if row["n_probes"]])
    if not mine:
        return None
    return Section(
        id="probes",
        title="What it writes when nobody speaks",
        about=(
            "The sound of each environment without any speech, and silence: every word that is written there is made "
            "up, and would stand in somebody's record. Words per hour of such sound; no group of speakers is in it."
        ),
        sentences=_sentences(mine),
        header=[
            "system",
            "condition",
            "sound",
            "pieces",
            "failed",
            "minutes",
            "words",
            "words per hour",
            "95 % interval",
            "pieces with words, %",
            "for example",
        ],
        rows=[_line(row) for row in mine],
    )


def _sentences(rows: Sequence[Row]) -> list[str]:
    """One per system: where it writes most."""
    sentences = []
    for system in dict.fromkeys(row["system_id"] for row in rows):
        mine = [row for row in rows if row["system_id"] == system and row["words_per_hour"] is not None]
        told = sorted((row for row in mine if row["words_per_hour"]), key=lambda row: -row["words_per_hour"])
        name = isolated(system)
        if not mine:
            sentences.append(f"{name}: no piece without speech was transcribed.")
        elif not told:
            minutes = sum(row["hours"] for row in mine) * 60
            sentences.append(f"{name} wrote no word in {count(round(minutes), 'minute')} without speech.")
        else:
            listed_ = listed([f"{_rate(row)} with {_sound(row)}" for row in told[:3]])
            sentences.append(f"When nobody speaks, {name} writes, in words per hour: {listed_}.")
    return sentences


def _rate(row: Row) -> str:
    """Words per hour with their interval."""
    within = interval(row["low"], row["high"], 0)
    return f"{number(row['words_per_hour'], 0)}{f' ({within})' if within != NONE else ''}"


def _sound(row: Row) -> str:
    """What was heard."""
    return _named(row) if row["condition_id"] == CLEAN else condition(row["condition_id"])


def _named(row: Row) -> str:
    """What the piece is."""
    return str(row["probe"] or "silence").replace("_", " ")


def _line(row: Row) -> list[str]:
    """One kind of piece under one condition."""
    heard = [" ".join(str(text).split()) for text in row["examples"] or []][:MOST_EXAMPLES]
    short = [text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…" for text in heard]
    return [
        row["system_id"],
        condition(row["condition_id"]),
        _named(row),
        many(row["n_probes"]),
        many(row["n_failed"]),
        NONE if row["hours"] is None else f"{row['hours'] * 60:.1f}",
        many(row["n_words"]),
        number(row["words_per_hour"], 0),
        interval(row["low"], row["high"], 0),
        percent(row["share_with_words"]),
        " / ".join(isolated(text) for text in short),
    ]
