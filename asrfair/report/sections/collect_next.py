"""Which cells to collect next: from `collect_next`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import condition, count, many, people, percent

TABLE = "collect_next"
MOST_ROWS = 20
MOST_SENTENCES = 3


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """The first few as sentences, the first twenty as a table."""
    mine = sorted(headline(rows, context), key=lambda row: (row["rank"] is None, row["rank"] or 0))
    if not mine:
        return None
    left = len(mine) - MOST_ROWS
    return Section(
        id="collect-next",
        title="Whom to record next",
        about=(
            "The groups and rooms where a few more speakers would teach most: the most that a room may still take from "
            "them beyond what it takes from their baseline, and how many speakers on each side would settle it. "
            "Withheld groups are not listed; they need speakers first of all."
        ),
        sentences=[
            *dict.fromkeys(_sentence(row, context) for row in mine[:MOST_SENTENCES]),
            *([f"{count(left, 'more row')} in the table of the run folder."] if left > 0 else []),
        ],
        header=[
            "rank",
            "system",
            "condition",
            "group",
            "against",
            "speakers",
            "would take",
            "points it may hide",
            "why",
        ],
        rows=[_line(row) for row in mine[:MOST_ROWS]],
    )


def _sentence(row: Row, context: Context) -> str:
    """One of the first."""
    who = people(row["attribute"], row["group"], context.attributes)
    take = f", about {count(row['needed_speakers'], 'speaker')} a group" if row["needed_speakers"] else ""
    hidden = row["possible_gap"]
    gap = f": up to {percent(hidden)} points more loss may be hidden there" if hidden is not None else ": nothing known"
    has = "" if row["n_speakers"] is None else f" ({count(row['n_speakers'], 'speaker')} now{take})"
    return f"{who}, {context.where(row)}{has}{gap}."


def _line(row: Row) -> list[str]:
    """One cell."""
    return [
        many(row["rank"]),
        row["system_id"],
        condition(row["condition_id"]),
        whom(row),
        whom(row, "baseline"),
        many(row["n_speakers"]),
        many(row["needed_speakers"]),
        percent(row["possible_gap"]),
        str(row["reason"] or ""),
    ]
