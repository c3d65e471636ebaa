"""Whom a room hits harder: from `interactions`, with the rates behind each from `degradation`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from asrfair.report.environments import at_levels
from asrfair.report.notes import reason
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import (
    condition,
    count,
    interval,
    isolated,
    listed,
    many,
    number,
    p_value,
    people,
    percent,
    percent_interval,
)
from asrfair.stats.policy import BASELINE_PREFIX

TABLE = "interactions"
VERDICTS = {
    "amplifies": "loses more",
    "narrows": "loses less",
    "scale-dependent": "depends on the scale",
    "not shown": "not shown",
    "cannot tell": "cannot tell",
    "suppressed": "not reported",
}
SCALES = (
    "Depends on the scale: who starts with more errors can lose more words (in points) and yet rise less steeply (in "
    "times the errors in clean audio), so neither is called the answer. A remark on single intervals, no finding."
)
MOST_NAMES = 6
POWER_OVER_LEVEL = 1.43
"""(z(0.975) + z(0.8)) / z(0.975): how many half-widths of a 95 % interval an effect spans that is shown in four of five
tries. With few speakers it is 1.36, so what is said to be visible errs on the safe side."""

Place = tuple[str, str, str, str]


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence per group that loses more or less in an environment, what the scale decides, and the table."""
    mine = context.ordered(headline(rows, context))
    if not mine:
        return None
    lost, told = losses(context), once(mine)
    return Section(
        id="interactions",
        title="Whom a room hits harder",
        about=(
            "Each group's loss against the loss of its baseline, on the same utterances clean and in the room, counted "
            "twice: in points (words per 100) and in times the errors in clean audio. Called so only if both intervals "
            "lie on the same side and p, adjusted for the number of comparisons, is below 0.05. Would take: speakers "
            "on each side that show a rise 1.25 times as steep four times in five."
        ),
        sentences=[
            *_told(told, "amplifies", lost, context),
            *_told(told, "narrows", lost, context),
            *_by_scale(told, context),
            *_silent(told),
        ],
        header=[
            "system",
            "condition",
            "group",
            "against",
            "speakers",
            "points lost more",
            "95 % interval",
            "times, over theirs",
            "95 % interval",
            "adjusted p",
            "verdict",
            "would take, speakers",
        ],
        rows=[_line(row) for row in mine],
    )


def once(rows: Sequence[Row]) -> list[Row]:
    """One row of two that are each other's mirror: that of the group that loses more, else the first."""
    kept: list[Row] = []
    for row in rows:
        is_second = "mirrored" in (row["flags"] or []) and kept and _place(kept[-1])[:3] == _place(row)[:3]
        if not is_second:
            kept.append(row)
        elif row["verdict"] == "amplifies":
            kept[-1] = row
    return kept


def losses(context: Context) -> Mapping[Place, Row]:
    """(system, condition, attribute, group) -> what the room does to it."""
    return {_place(row): row for row in headline(context.tables.get("degradation") or [], context)}


def strongest(rows: Sequence[Row], verdict: str) -> Row | None:
    """The row of a verdict whose ratio is farthest from 1."""
    found = [row for row in rows if row["verdict"] == verdict and row["ratio"]]
    return max(found, key=lambda row: abs(math.log(row["ratio"])), default=None)


def loss(row: Row, lost: Mapping[Place, Row], context: Context) -> str:
    """A loss in plain words, with both scales, intervals and the test."""
    who, them = (people(row["attribute"], row[name], context.attributes) for name in ("group", "baseline"))
    own, theirs = lost.get(_place(row)), lost.get(_place(row, "baseline"))
    more = "more" if row["verdict"] == "amplifies" else "less"
    text = f"{who} lose {more} than {them}"
    if own is not None and theirs is not None and None not in (own["wer_difference"], theirs["wer_difference"]):
        text += f": {_moved(own)} against {_moved(theirs)}"
        fold = own["wer_difference"] / theirs["wer_difference"] if theirs["wer_difference"] > 0 else 0.0
        text += f", {number(fold, 1)} times as much" if fold > 0 else ""
    return (
        f"{text}. The difference is {percent(row['absolute'])} points (95 % interval "
        f"{percent_interval(row['absolute_low'], row['absolute_high'])}), and their errors rise {number(row['ratio'])} "
        f"times as steeply ({interval(row['ratio_low'], row['ratio_high'])}); {many(row['n_speakers'])} speakers, "
        f"adjusted p {p_value(row['p_adjusted'])}"
    )


def visible(rows: Sequence[Row]) -> tuple[float, float] | None:
    """The ratio of ratios that the best and the worst informed comparison would have shown, tested alone.

    Returns:
        Low and high; None where nothing was tested or no comparison has an interval.
    """
    tested = [row for row in rows if row["verdict"] in ("not shown", "scale-dependent")]
    widths = [
        math.log(row["ratio_high"] / row["ratio_low"]) / 2
        for row in tested
        if row["ratio_low"] and row["ratio_high"] is not None
    ]
    if not widths:
        return None
    return math.exp(POWER_OVER_LEVEL * min(widths)), math.exp(POWER_OVER_LEVEL * max(widths))


def would_show(rows: Sequence[Row]) -> str:
    """A sentence on what could have been seen; empty where it cannot be said."""
    seen = visible(rows)
    if seen is None:
        return ""
    low, high = number(seen[0]), number(seen[1])
    much = f"at least about {low} times as steep"
    if low != high:
        much += f" where most is known, {high} times where least is"
    return f" Tested alone, they would have shown a rise {much}, four times in five."


def _place(row: Row, name: str = "group") -> Place:
    """Where the loss of a group, or of its baseline, is told."""
    return row["system_id"], row["condition_id"], row["attribute"], row[name]


def _moved(row: Row) -> str:
    """A loss, and from where to where."""
    return f"{percent(row['wer_difference'])} points (WER {percent(row['clean_wer'])} to {percent(row['wer'])} %)"


def _told(rows: Sequence[Row], verdict: str, lost: Mapping[Place, Row], context: Context) -> list[str]:
    """One sentence per system, environment and group: where, and the strongest of them in numbers."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["verdict"] == verdict:
            key = row["system_id"], row["environment"] or "", row["attribute"], row["group"], row["baseline"]
            found.setdefault(key, []).append(row)
    sentences = []
    best = [(strongest(members, verdict) or members[0], members) for members in found.values()]
    best.sort(key=lambda pair: -abs(math.log(pair[0]["ratio"] or 1.0)))
    for row, members in best:
        text = f"{context.where(row)}: {loss(row, lost, context)}"
        others = [other["condition_id"] for other in members if other is not row]
        room = context.room(row["environment"])
        if others and room is not None:
            text += f"; also under {at_levels(room, others)}"
        sentences.append(f"{text}.")
    return sentences


def _by_scale(rows: Sequence[Row], context: Context) -> list[str]:
    """Who and where, and what it means, in one plain sentence."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["verdict"] == "scale-dependent":
            found.setdefault(people(row["attribute"], row["group"], context.attributes), []).append(row)
    if not found:
        return []
    names = [f"{who} ({count(len(of), 'condition')})" for who, of in list(found.items())[:MOST_NAMES]]
    more = [count(len(found) - MOST_NAMES, "other group")] if len(found) > MOST_NAMES else []
    return [f"{SCALES} So it is for {listed([*names, *more])}; the table has each."]


def _silent(rows: Sequence[Row]) -> list[str]:
    """What was not shown, and what could not be told."""
    sentences = []
    unseen = [row for row in rows if row["verdict"] == "not shown"]
    if unseen:
        sentences.append(
            f"For {count(len(unseen), 'comparison')} no difference in loss was shown. That is not equality."
            f"{would_show(unseen)}"
        )
    unknown = [row for row in rows if row["verdict"] == "cannot tell"]
    if unknown:
        few = sum(_is_few(row) for row in unknown)
        full = (
            {"ceiling", BASELINE_PREFIX + "ceiling"} & set(row["flags"] or []) for row in unknown if not _is_few(row)
        )
        ceilings = sum(map(bool, full))
        why = [f"{few} for want of speakers, words or errors"] if few else []
        why += [f"{ceilings} because nearly every word is wrong"] if ceilings else []
        told = f": {listed(why)}" if why else ""
        sentences.append(f"For {count(len(unknown), 'comparison')} it cannot be told{told}.")
    return sentences


def _is_few(row: Row) -> bool:
    """Whether speakers, words or errors are missing on either side."""
    flags = list(row["flags"] or [])
    return bool(reason(flags) or reason(flags, BASELINE_PREFIX))


def _line(row: Row) -> list[str]:
    """One comparison."""
    return [
        row["system_id"],
        condition(row["condition_id"]),
        whom(row),
        whom(row, "baseline"),
        many(row["n_speakers"]),
        percent(row["absolute"]),
        percent_interval(row["absolute_low"], row["absolute_high"]),
        number(row["ratio"]),
        interval(row["ratio_low"], row["ratio_high"]),
        p_value(row["p_adjusted"]),
        VERDICTS.get(row["verdict"], isolated(str(row["verdict"]))),
        many(row["needed_speakers"]) if row["verdict"] in ("not shown", "cannot tell") else "",
    ]
