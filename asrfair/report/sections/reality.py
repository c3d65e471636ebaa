"""Whether a simulated room does what the real one does: from `reality`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL
from asrfair.report.sections._base import Context, Row, Section, headline, whom
from asrfair.report.wording import condition, count, interval, isolated, listed, many, number, people, percent
from asrfair.stats.policy import CEILING

TABLE = "reality"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence per pair of rooms, a warning where they differ, and the table."""
    mine = headline(rows, context)
    if not mine:
        return None
    pairs = dict.fromkeys(_pair(row) for row in mine)
    return Section(
        id="reality",
        title="Simulated against real",
        about=(
            "The same speakers in a simulated room and recorded in a real one. Alike: the whole 90 % interval of the "
            "ratio of error rates lies within the margin, so that the simulation may stand in for the room. Differs: "
            "the 95 % interval lies apart from 1. Cannot tell: too few speakers for either, or nearly every word is "
            "wrong in both, where all rooms look alike."
        ),
        sentences=[_sentence(pair, [row for row in mine if _pair(row) == pair], context) for pair in pairs],
        header=[
            "system",
            "simulated",
            "real",
            "group",
            "speakers",
            "simulated, WER %",
            "real, WER %",
            "simulated over real",
            "95 % interval",
            "margin",
            "verdict",
        ],
        rows=[_line(row) for row in mine],
        warnings=[_warning(row, context) for row in mine if row["verdict"] == "differs" and row["attribute"] == ALL],
    )


def _pair(row: Row) -> tuple[str, str, str]:
    """A system and two rooms."""
    return row["system_id"], row["simulated"], row["real"]


def _sentence(pair: tuple[str, str, str], rows: Sequence[Row], context: Context) -> str:
    """For whom the simulation does what the room does."""
    system, simulated, real = pair
    where = f"{isolated(system)}: " if context.several_systems else ""
    parts = []
    lost = [row for row in rows if row["verdict"] == "cannot tell" and CEILING in (row["flags"] or ())]
    for said, told in (
        ("alike for", [row for row in rows if row["verdict"] == "alike"]),
        ("differs for", [row for row in rows if row["verdict"] == "differs"]),
        ("cannot tell for", [row for row in rows if row["verdict"] == "cannot tell" and row not in lost]),
        ("nearly every word is wrong, so that no rooms could be told apart, for", lost),
    ):
        names = [_who(row, context) for row in told]
        if names:
            parts.append(f"{said} {listed(names) if len(names) <= 6 else count(len(names), 'group')}")
    return f"{where}{condition(simulated)} (simulated) against {condition(real)} (real): {'; '.join(parts)}."


def _who(row: Row, context: Context) -> str:
    """Whom a row is about."""
    return "everybody" if row["attribute"] == ALL else people(row["attribute"], row["group"], context.attributes)


def _warning(row: Row, context: Context) -> str:
    """The simulation is not the room."""
    way = "more" if (row["wer_ratio"] or 0.0) > 1.0 else "fewer"
    within = interval(row["ratio_low"], row["ratio_high"])
    return (
        f"The simulation {condition(row['simulated'])} does not do what the real room {condition(row['real'])} does: "
        f"{number(row['wer_ratio'])} times its errors, that is {way} ({within}; {isolated(row['system_id'])}). Take "
        "its numbers for that simulation's alone."
    )


def _line(row: Row) -> list[str]:
    """One group in both rooms."""
    return [
        row["system_id"],
        condition(row["simulated"]),
        condition(row["real"]),
        whom(row),
        many(row["n_speakers"]),
        percent(row["simulated_wer"]),
        percent(row["real_wer"]),
        number(row["wer_ratio"]),
        interval(row["ratio_low"], row["ratio_high"]),
        number(row["margin"]),
        str(row["verdict"]),
    ]
