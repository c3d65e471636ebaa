"""How many speakers it would take: the sentence that stands where nothing can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrfair.report.wording import count
from asrfair.stats.planning import SIGMA, log_variance, needed_speakers

if TYPE_CHECKING:
    from asrfair.report.cells import GroupRow

RATIO = 1.5
"""The gap that is worth finding, unless a plan asks for another."""


def speakers_needed(row: GroupRow, base: GroupRow | None, overall: GroupRow, ratio: float = RATIO) -> int | None:
    """Speakers per group that would show a ratio four times in five.

    Args:
        row: the group.
        base: what it is compared with; None for the rest.
        overall: everybody, whose spread stands in where a group is too small to have one.
        ratio: above 1.

    Returns:
        The number; None where the data say nothing about the spread of speakers.
    """
    stand_in = _variance(overall) or SIGMA**2
    theirs = _variance(base) if base is not None else None
    return needed_speakers(_variance(row) or stand_in, theirs or stand_in, ratio)


def would_take(row: GroupRow, base: GroupRow | None, overall: GroupRow) -> str:
    """A sentence for a comparison that could not be made or showed nothing; empty where no number can be given."""
    needed = speakers_needed(row, base, overall)
    if needed is None or (row.n_speakers or 0) >= needed:
        return ""
    return f" To show {RATIO} times the errors four times in five would take about {count(needed, 'speaker')} a group."


def _variance(row: GroupRow) -> float | None:
    """What one speaker of a group adds to the variance of its log rate."""
    return log_variance(row.wer_low, row.wer_high, row.df, row.n_speakers)
