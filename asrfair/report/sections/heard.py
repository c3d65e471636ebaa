"""At what levels the groups were heard: whether they were put into the same noise, from `heard`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import ALL
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import condition, isolated, number

TABLE = "heard"
ALIKE_DB = 0.5
"""Group means of the achieved SNR that are closer than this are called alike."""


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row per system and condition, over everybody; the sentence compares the groups."""
    noisy = [row for row in rows if row["snr_asked_db"] is not None]
    if not noisy:
        return None
    everybody = [row for row in noisy if row["attribute"] == ALL]
    return Section(
        id="heard",
        title="What was heard",
        about=(
            "The noise is set against the active speech level (ITU-T P.56: pauses do not count), measured again on the "
            "samples of every mix, and written with the digest of the mix in the run folder's mixes/. A mix that would "
            "clip is turned down as a whole, which leaves the ratio as it is."
        ),
        sentences=[_balance(noisy), *_pieces(everybody)],
        header=[
            "system",
            "condition",
            "mixes",
            "SNR asked, dB",
            "achieved",
            "lowest",
            "highest",
            "turned down",
            "noted",
        ],
        rows=[_line(row) for row in everybody],
    )


def _balance(rows: Sequence[Row]) -> str:
    """Whether the groups were heard at the same ratio."""
    apart = [abs(row["snr_db"] - row["snr_asked_db"]) for row in rows if row["snr_db"] is not None]
    worst = max(apart, default=0.0)
    if worst <= ALIKE_DB:
        return f"Every group was heard at the ratio that was asked for: means differ from it by {worst:.2f} dB at most."
    return f"The mean ratio of some group differs by {worst:.1f} dB from what was asked: compare groups with care."


def _pieces(rows: Sequence[Row]) -> list[str]:
    """How evenly recorded noise was gone through."""
    several = [row for row in rows if (row["n_pieces"] or 0) > 1]
    return [
        f"{_capital(condition(row['condition_id']))}: {row['n_pieces']} pieces of the recording, each heard in "
        f"{row['fewest_in_a_piece']} to {row['most_in_a_piece']} utterances; every speaker goes through them in turn."
        for row in several[:1]
    ]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(row: Row) -> list[str]:
    """One condition of one system."""
    levels = [number(row[name], 1) for name in ("snr_asked_db", "snr_db", "snr_lowest_db", "snr_highest_db")]
    counts = [f"{row[name]:,}" for name in ("n_utterances", "n_turned_down", "n_noted")]
    return [isolated(row["system_id"]), condition(row["condition_id"]), counts[0], *levels, *counts[1:]]
