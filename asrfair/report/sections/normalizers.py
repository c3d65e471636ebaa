"""What the spelling rules do to the gaps: from `normalizer_gaps`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from asrfair.records import REST
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import VERDICTS, condition, count, interval, isolated, number, p_value, people

TABLE = "normalizer_gaps"
MOST_ROWS = 40
"""The widest induced gaps are on the card; all are in the table of the run folder."""


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """The induced gaps, widest first, with a warning wherever a verdict or the worst group changes."""
    known = [row for row in rows if row["induced_ratio"]]
    if not known:
        return None
    moved = [row for row in known if row["induced_ratio"] != 1.0]
    moved.sort(key=lambda row: -abs(math.log(row["induced_ratio"])))
    changed = [row for row in rows if row["verdict_changes"]]
    warnings = [_changed(row, context) for row in changed] + _worst(rows)
    told = [] if warnings else ["No verdict and no worst group hangs on which normaliser counts the words."]
    if len(moved) < len(known):
        told.append(f"{count(len(known) - len(moved), 'comparison')} came out the same under both, to the last error.")
    return Section(
        id="normalizers",
        title="What the normaliser does to the gaps",
        about=(
            "The same transcripts counted under a second set of spelling rules. Induced: the gap under the first "
            "divided by the gap under the second, within the same speakers; 1 means that the rules treat the groups "
            "alike. Single tests, not adjusted for their number."
        ),
        sentences=[*told, *warnings],
        header=[
            "system",
            "condition",
            "group",
            "against",
            "normalisers",
            "times, first",
            "times, second",
            "induced",
            "95 % interval",
            "p",
        ],
        rows=[_line(row) for row in moved[:MOST_ROWS]],
        warnings=warnings,
    )


def _line(row: Row) -> list[str]:
    """One group under two normalisers."""
    return [
        row["system_id"],
        condition(row["condition_id"]),
        f"{row['attribute']}: {isolated(row['group'])}",
        "everybody else" if row["baseline"] == REST else isolated(row["baseline"]),
        f"{row['normalizer']}, {row['other_normalizer']}",
        number(row["wer_ratio"]),
        number(row["other_wer_ratio"]),
        number(row["induced_ratio"], 3),
        interval(row["induced_low"], row["induced_high"], 3),
        p_value(row["p"]),
    ]


def _changed(row: Row, context: Context) -> str:
    """A verdict that hangs on the normaliser."""
    who = people(row["attribute"], row["group"], context.attributes)
    verdicts = (
        f"{VERDICTS[row['verdict']]} with {row['normalizer']}, "
        f"{VERDICTS[row['other_verdict']]} with {row['other_normalizer']}"
    )
    place = f"{row['system_id']}, {condition(row['condition_id'])}"
    return f"The verdict on {who} hangs on the normaliser: {verdicts} ({place})."


def _worst(rows: Sequence[Row]) -> list[str]:
    """Worst groups that change with the normaliser, one sentence each."""
    found: dict[str, None] = {}
    for row in rows:
        first, second = row["worst_group"], row["other_worst_group"]
        if first and second and first != second:
            place = f"{row['system_id']}, {condition(row['condition_id'])}"
            found[
                f"The group with most errors by {row['attribute']} hangs on the normaliser: {isolated(first)} with "
                f"{row['normalizer']}, {isolated(second)} with {row['other_normalizer']} ({place})."
            ] = None
    return list(found)
