"""The same prompts, other speakers: from `matched`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import REST
from asrfair.report.sections._base import Context, Row, Section, headline
from asrfair.report.wording import condition, isolated, many, p_value, percent, percent_interval

TABLE = "matched"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row a comparison."""
    told = headline(rows, context)
    mine = [row for row in told if row["n_prompts"] is not None]
    if not told:
        return None
    return Section(
        id="matched",
        title="On the same prompts",
        about=(
            "The difference of the groups on the prompts that both read, so that no text is harder for one of them. "
            "It holds for these prompts; single tests, not adjusted for their number."
        ),
        sentences=[
            f"{row['attribute']}, {isolated(row['group'])}: not compared: {row['note']} ({row['system_id']}, "
            f"{condition(row['condition_id'])})."
            for row in told
            if row["n_prompts"] is None
        ],
        header=["system", "condition", "group", "against", "prompts", "points", "95 % interval", "p"],
        rows=[
            [
                row["system_id"],
                condition(row["condition_id"]),
                f"{row['attribute']}: {isolated(row['group'])}",
                "everybody else" if row["baseline"] == REST else isolated(row["baseline"]),
                many(row["n_prompts"]),
                percent(row["wer_difference"]),
                percent_interval(row["difference_low"], row["difference_high"]),
                p_value(row["p"]),
            ]
            for row in mine
        ],
    )
