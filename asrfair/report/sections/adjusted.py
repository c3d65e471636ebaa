"""Total and adjusted disparities side by side: from `adjusted`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section, headline
from asrfair.report.wording import condition, interval, isolated, number, p_value, percent, percent_interval
from asrfair.stats.regression import meaning

TABLE = "adjusted"
NO_MODEL = "not_estimable"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row a group; a sentence where no model could be fitted."""
    mine = headline(rows, context)
    if not mine:
        return None
    covariates = ", ".join(dict.fromkeys(name for row in mine for name in row["covariates"].split("+")))
    unfitted = [row for row in mine if NO_MODEL in (row["flags"] or [])]
    return Section(
        id="adjusted",
        title=f"With other things held equal: {covariates}",
        about=(
            "Total: the ratio as people meet it. Adjusted: the ratio among utterances alike in what is held equal "
            "(Poisson model, the speaker as the unit). Neither is the true one: if a group has the worse microphones, "
            "holding noise equal hides what its people live with. Single tests, not adjusted for their number."
        ),
        sentences=[
            *dict.fromkeys(f"No model for {row['attribute']}: {_why(row)}." for row in unfitted),
            *_meanings(mine),
        ],
        header=[
            "system",
            "condition",
            "group",
            "against",
            "total",
            "adjusted",
            "95 % interval",
            "p",
            "WER % adjusted",
            "flags",
        ],
        rows=[_line(row) for row in mine if row["group"] is not None],
    )


def _why(row: Row) -> str:
    """Why there is no model, without the name that stands before it."""
    return str(row["note"]).removeprefix(f"{row['attribute']}: ")


def _meanings(rows: Sequence[Row]) -> list[str]:
    """The flags that occur, in plain words."""
    flags = dict.fromkeys(flag for row in rows for flag in row["flags"] or [] if flag != NO_MODEL)
    return [f"{_plain(flag)}: {meaning(flag)}." for flag in flags]


def _plain(flag: str) -> str:
    """A flag as it stands in the table."""
    return flag.replace("_", " ")


def _line(row: Row) -> list[str]:
    """One group."""
    own = row["group"] == row["baseline"]
    within = percent_interval(row["adjusted_wer_low"], row["adjusted_wer_high"])
    return [
        row["system_id"],
        condition(row["condition_id"]),
        f"{row['attribute']}: {isolated(row['group'])}",
        "" if own else isolated(row["baseline"] or ""),
        "" if own else number(row["total_ratio"]),
        "" if own else number(row["adjusted_ratio"]),
        "" if own else interval(row["adjusted_low"], row["adjusted_high"]),
        "" if own else p_value(row["adjusted_p"]),
        f"{percent(row['adjusted_wer'])} ({within})",
        ", ".join(_plain(flag) for flag in row["flags"] or []),
    ]
