"""Systems against each other: better for everyone, or only on average? From `system_gaps`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL
from asrfair.report.sections._base import Context, Row, Section, headline
from asrfair.report.wording import (
    VERDICTS,
    condition,
    interval,
    isolated,
    listed,
    number,
    p_value,
    percent,
    percent_interval,
)
from asrfair.stats.policy import ALPHA, meaning

TABLE = "system_gaps"
DIFFER = "failures_differ"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence per pair of systems and condition, and the table by group."""
    mine = headline(rows, context)
    pairs = dict.fromkeys((row["system_id"], row["other_system_id"], row["condition_id"]) for row in mine)
    return Section(
        id="systems",
        title="Systems compared on the same speakers",
        about=(
            "The first system's word error rate less the second's, within speakers; adjusted p by Holm over all groups "
            "and pairs. Group effect: how many times the group's ratio of the two systems is that of everybody else; 1 "
            "means that a change of system does the same to the group as to the others."
        ),
        sentences=[_sentence(pair, [row for row in mine if _pair(row) == pair]) for pair in pairs],
        header=[
            "systems",
            "condition",
            "group",
            "points",
            "95 % interval",
            "times",
            "adjusted p",
            "verdict",
            "group effect",
        ],
        rows=[_line(row) for row in mine],
    )


def _pair(row: Row) -> tuple[str, str, str]:
    return row["system_id"], row["other_system_id"], row["condition_id"]


def _sentence(pair: tuple[str, str, str], rows: Sequence[Row]) -> str:
    """What changes for whom."""
    first, second, heard = pair
    overall = next((row for row in rows if row["attribute"] == ALL), None)
    text = f"{isolated(first)} against {isolated(second)}, {condition(heard)}: "
    if overall is None or overall["wer_difference"] is None:
        return f"{text}not compared."
    text += (
        f"{VERDICTS[overall['verdict']]} on average, {percent(overall['wer_difference'])} points "
        f"({percent_interval(overall['difference_low'], overall['difference_high'])})"
    )
    groups = [row for row in rows if row["attribute"] != ALL and "*" not in row["attribute"]]
    for verdict in ("lower", "higher", "not shown"):
        names = [f"{row['attribute']} {isolated(row['group'])}" for row in groups if row["verdict"] == verdict]
        if names:
            text += f"; {VERDICTS[verdict]} for {listed(names) if len(names) <= 6 else f'{len(names)} groups'}"
    other = [
        row for row in groups if row["interaction_p_adjusted"] is not None and row["interaction_p_adjusted"] < ALPHA
    ]
    if other:
        named = [
            f"{isolated(row['group'])} ({number(row['interaction_ratio'])} times, "
            f"{interval(row['interaction_low'], row['interaction_high'])})"
            for row in other
        ]
        text += f". It does not do the same for all: {listed(named)}"
    if DIFFER in (overall["flags"] or []):
        text += f". Mind: {meaning(DIFFER)}"
    return f"{text}."


def _line(row: Row) -> list[str]:
    """One group under two systems."""
    effect = number(row["interaction_ratio"])
    within = interval(row["interaction_low"], row["interaction_high"])
    return [
        f"{row['system_id']} less {row['other_system_id']}",
        condition(row["condition_id"]),
        "everybody" if row["attribute"] == ALL else f"{row['attribute']}: {isolated(row['group'])}",
        percent(row["wer_difference"]),
        percent_interval(row["difference_low"], row["difference_high"]),
        number(row["wer_ratio"]),
        p_value(row["p_adjusted"]),
        VERDICTS[row["verdict"]],
        effect if row["interaction_ratio"] is None else f"{effect} ({within})",
    ]
