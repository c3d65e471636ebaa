"""The worst that each group meets under any level that was tested: from `curves`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL, MISSING
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import interval, isolated, many, number, people, percent, percent_interval

TABLE = "curves"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """The group that meets the worst, per system, environment and attribute; then all of them."""
    mine = headline(rows, context)
    worst = [row for row in mine if row["measure"] == "worst_case" and row["value"] is not None]
    if not worst:
        return None
    ratios = {_place(row): row for row in mine if row["measure"] == "worst_case_ratio"}
    difficulty = {_place(row): row for row in mine if row["measure"] == "nwerd"}
    return Section(
        id="worst-case",
        title="The worst that each group meets",
        about=(
            "The highest word error rate of a group over the levels of an environment: what the worst seat in the "
            "house does. Times: divided by the baseline's own worst."
            + (" Per difficulty: the mean loss divided by how hard the sound is by a frozen table." * bool(difficulty))
        ),
        sentences=_sentences(worst, ratios, context),
        header=["system", "environment", "group", "speakers", "worst, WER %", "95 % interval", "times", "95 % interval"]
        + ["per difficulty"] * bool(difficulty),
        rows=[
            _line(row, ratios.get(_place(row)))
            + [number(difficulty[_place(row)]["value"]) if _place(row) in difficulty else ""] * bool(difficulty)
            for row in worst
        ],
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
        where = f"{isolated(row['system_id'])}: " if context.several_systems else ""
        who = people(row["attribute"], row["group"], context.attributes)
        ratio = ratios.get(_place(row))
        times = ""
        if ratio is not None and ratio["value"] is not None:
            them = people(row["attribute"], ratio["baseline"], context.attributes)
            times = f", {number(ratio['value'], 1)} times the worst of {them}"
        sentences.append(
            f"{where}the highest rate by {row['attribute']}: {who} under {_environment(row)}, {percent(row['value'])} %"
            f"{times}."
        )
    return sentences


def _environment(row: Row) -> str:
    """Where the worst was met."""
    return row["environment"] or "any environment"


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
