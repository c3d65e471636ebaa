"""Every utterance at its own worst: from `curves`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL, MISSING
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.sections._sweeps import WORST, WORST_RATIO, read
from asrfair.report.wording import interval, many, number, people, percent, percent_interval, ratio_digits

TABLE = "curves"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """The group that meets the worst, per system and attribute; then all of them."""
    mine = read(headline(rows, context))
    worst = [row for row in mine if row["measure"] == WORST and row["value"] is not None]
    if not worst:
        return None
    ratios = {_place(row): row for row in mine if row["measure"] == WORST_RATIO}
    return Section(
        id="worst-case",
        title="The worst that each group meets",
        about=(
            "The word error rate of a group if each utterance is heard at the level where most of it goes wrong: what "
            "a mean over levels hides. It rises with the number of levels, so that only runs of the same conditions "
            "can be compared. Times: divided by the baseline's own worst."
        ),
        sentences=_sentences(worst, ratios, context),
        header=[
            "system",
            "environment",
            "group",
            "speakers",
            "worst, WER %",
            "95 % interval",
            "times",
            "95 % interval",
        ],
        rows=[_line(row, ratios.get(_place(row))) for row in worst],
    )


def _place(row: Row) -> tuple[str | None, ...]:
    """What a row is about."""
    return row["system_id"], row["environment"], row["attribute"], row["group"]


def _sentences(worst: Sequence[Row], ratios: dict[tuple[str | None, ...], Row], context: Context) -> list[str]:
    """One per system and attribute: the group and the environment with the highest rate of all."""
    found: dict[tuple[str, str], Row] = {}
    for row in worst:
        if row["attribute"] == ALL or row["group"] == MISSING:
            continue
        key = row["system_id"], row["attribute"]
        found[key] = max(found.get(key, row), row, key=lambda r: r["value"])
    sentences = []
    for row in found.values():
        who = people(row["attribute"], row["group"], context.attributes)
        ratio = ratios.get(_place(row))
        times = ""
        if ratio is not None and ratio["value"] is not None:
            them = people(row["attribute"], ratio["baseline"], context.attributes)
            digits = ratio_digits(ratio["value"], ratio["low"], ratio["high"])
            times = f", {number(ratio['value'], digits)} times the worst of {them}"
        where = f"{row['attribute']}: {who}, {_environment(row)}, {percent(row['value'])} %"
        sentences.append(context.of(row, f"the highest worst case by {where}{times}."))
    return sentences


def _environment(row: Row) -> str:
    """Where the worst was met."""
    return "all conditions" if row["environment"] in (None, "", ALL) else str(row["environment"])


def _line(row: Row, ratio: Row | None) -> list[str]:
    """One group."""
    return [
        row["system_id"],
        _environment(row),
        whom(row),
        many(row["n_speakers"]),
        percent(row["value"]),
        percent_interval(row["low"], row["high"]),
        number(ratio["value"]) if ratio else "",
        interval(ratio["low"], ratio["high"]) if ratio else "",
    ]
