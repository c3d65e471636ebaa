"""Whether a system says the same when it is asked again, and what that does to the gaps: from `repeats`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL, REST
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import (
    condition,
    count,
    isolated,
    many,
    people,
    percent,
    percent_interval,
)
from asrfair.stats.repeats import NOISY, NOT_AS_SAID

TABLE = "repeats"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence per system and condition, a warning per gap that the decoding moves, and the table by group."""
    mine = context.ordered(headline(rows, context))
    if not mine:
        return None
    warnings = [_not_as_said(row) for row in mine if row["attribute"] == ALL and NOT_AS_SAID in row["flags"]]
    warnings += [_noisy(row, context) for row in mine if NOISY in row["flags"]]
    return Section(
        id="repeats",
        title="Does it say the same twice?",
        about=(
            "The same audio, given to the same system more than once. Rates are over what was transcribed every time. "
            "Other text: utterances that did not read the same every time after normalising. Deviations are between "
            "the times asked: noise of the decoding, which no interval over speakers knows of. Of half width: that "
            "deviation of the gap, as a share of half the width of its 95 % interval; above 50 % a single run does "
            "not carry the gap."
        ),
        sentences=[*(_sentence(row, mine) for row in mine if row["attribute"] == ALL), *warnings],
        header=[
            "system",
            "condition",
            "group",
            "against",
            "compared",
            "other text, %",
            "WER %, mean (least to most)",
            "deviation",
            "gap, points",
            "its deviation (of the gap)",
            "of half width, %",
        ],
        rows=[_line(row) for row in mine],
        warnings=warnings,
    )


def _sentence(row: Row, rows: Sequence[Row]) -> str:
    """What one system did under one condition."""
    n_compared = row["n_utterances"] - row["n_failed"]
    text = f"{isolated(row['system_id'])}, {condition(row['condition_id'])}: asked {row['n_repeats']} times, "
    if row["share_changed"] is None:
        return f"{text}nothing can be said: {count(n_compared, 'utterance')} transcribed every time."
    if not row["share_changed"]:
        return f"{text}it wrote the same text every time, for all {count(n_compared, 'utterance')}{_left_out(row)}."
    text += (
        f"it did not write the same for {percent(row['share_changed'])} % of {count(n_compared, 'utterance')}"
        f"{_left_out(row)}; its word error rate lay between {percent(row['wer_min'])} and {percent(row['wer_max'])} % "
        f"(deviation {percent(row['wer_sd'], 2)} points)."
    )
    place = row["system_id"], row["condition_id"]
    gaps = [r for r in rows if (r["system_id"], r["condition_id"]) == place and r["half_width_share"] is not None]
    if gaps and not any(NOISY in gap["flags"] for gap in gaps):
        most = max(gap["half_width_share"] for gap in gaps)
        text += f" No gap moves by more than {percent(most, 0)} % of its interval's half width."
    return text


def _left_out(row: Row) -> str:
    """How many utterances are not compared."""
    return f" ({count(row['n_failed'], 'utterance')} left out that failed at least once)" if row["n_failed"] else ""


def _not_as_said(row: Row) -> str:
    """A system that is not what it says of itself."""
    return (
        f"{isolated(row['system_id'])} is described as deterministic, and wrote something else when it was asked again "
        f"({condition(row['condition_id'])})."
    )


def _noisy(row: Row, context: Context) -> str:
    """A gap that a single run does not carry."""
    who = people(row["attribute"], row["group"], context.attributes)
    other = "everybody else" if row["baseline"] == REST else isolated(row["baseline"])
    return (
        f"One run does not carry the gap of {who} to {other} ({context.where(row)}): it is {percent(row['gap'])} "
        f"points, and moves by {percent(row['gap_sd'])} from one time to the next, "
        f"{percent(row['half_width_share'], 0)} % of the half width of its interval. Ask more often and take the mean."
    )


def _line(row: Row) -> list[str]:
    """One group."""
    return [
        row["system_id"],
        condition(row["condition_id"]),
        whom(row),
        whom(row, "baseline"),
        many(row["n_utterances"] - row["n_failed"]),
        percent(row["share_changed"]),
        f"{percent(row['wer_mean'])} ({percent_interval(row['wer_min'], row['wer_max'])})",
        percent(row["wer_sd"], 2),
        *(_gap(row) if row["baseline"] else ("", "", "")),
    ]


def _gap(row: Row) -> tuple[str, str, str]:
    """The reported gap, how far it moves, and how much that is of its interval."""
    moves = percent(row["gap_sd"], 2)
    moves += f" ({percent(row['gap_sd_share'], 0)} %)" if row["gap_sd_share"] is not None else ""
    return percent(row["gap"]), moves, percent(row["half_width_share"], 0)
