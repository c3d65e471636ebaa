"""How far transcripts move when the sound changes: from `sensitivity`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import condition, count, many, p_value, people, percent, percent_interval
from asrfair.stats.policy import ALPHA

TABLE = "sensitivity"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """Whose transcripts move more than their baseline's, and the table."""
    mine = [row for row in context.ordered(headline(rows, context)) if row["sensitivity"] is not None]
    if not mine:
        return None
    return Section(
        id="sensitivity",
        title="How far transcripts move",
        about=(
            "The share of a transcript that changes when the same recording is heard in the room instead of clean, "
            "whether it gets better or worse: no reference is needed. What changes when nothing changes (the engine's "
            "own chance) is subtracted. Single tests, not adjusted for their number."
        ),
        sentences=_sentences([row for row in mine if row["p"] is not None and row["p"] < ALPHA], context),
        header=[
            "system",
            "condition",
            "group",
            "against",
            "speakers",
            "moved, %",
            "95 % interval",
            "by chance, %",
            "points more",
            "95 % interval",
            "p",
        ],
        rows=[_line(row) for row in mine],
    )


def _sentences(rows: Sequence[Row], context: Context) -> list[str]:
    """One per group whose transcripts move more or less: where it is most."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["system_id"], row["attribute"], row["group"], row["baseline"]), []).append(row)
    return [_sentence(max(of, key=lambda row: abs(row["difference"])), len(of) - 1, context) for of in found.values()]


def _sentence(row: Row, others: int, context: Context) -> str:
    """One group, and in how many other conditions it is so."""
    who, them = (people(row["attribute"], row[name], context.attributes) for name in ("group", "baseline"))
    more = "further" if row["difference"] > 0 else "less far"
    within = percent_interval(row["difference_low"], row["difference_high"])
    return (
        f"{context.where(row)}: transcripts of {who} move {more} than those of {them}: {percent(row['sensitivity'])} %"
        f", {percent(row['difference'])} points (95 % interval {within}; p {p_value(row['p'])})"
        f"{'; they differ in ' + count(others, 'other condition') + ' too' if others else ''}."
    )


def _line(row: Row) -> list[str]:
    """One group under one condition."""
    return [
        row["system_id"],
        condition(row["condition_id"]),
        whom(row),
        whom(row, "baseline"),
        many(row["n_speakers"]),
        percent(row["sensitivity"]),
        percent_interval(row["low"], row["high"]),
        percent(row["floor"]),
        percent(row["difference"]),
        percent_interval(row["difference_low"], row["difference_high"]),
        p_value(row["p"]),
    ]
