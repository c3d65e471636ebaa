"""The first lines of a card: how wrong each system is, and how far apart its groups lie.

They describe and test nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import MISSING
from asrfair.report.cells import AttributePart, CellPart
from asrfair.report.wording import condition, count, isolated, percent, percent_interval


def headlines(cells: Sequence[CellPart]) -> list[str]:
    """One line per system and condition.

    Args:
        cells: the parts of the card.
    """
    return [_line(cell) for cell in cells]


def _line(cell: CellPart) -> str:
    """The rate of everybody, then the lowest and highest group of each attribute."""
    overall, where = cell.overall, f"{isolated(cell.system_id)}, {condition(cell.condition_id)}"
    if overall.wer is None:
        return f"{where}: no word error rate can be given."
    speakers = "speakers unknown" if overall.n_speakers is None else count(overall.n_speakers, "speaker")
    known = overall.wer_low is not None
    within = f"95 % interval {percent_interval(overall.wer_low, overall.wer_high)}; " if known else ""
    spans = [span for part in cell.attributes if (span := _span(part))]
    return " ".join([f"{where}: word error rate {percent(overall.wer)} % ({within}{speakers}).", *spans])


def _span(part: AttributePart) -> str | None:
    """The ends of one attribute; None for intersections, confounded attributes, and where fewer than two are shown."""
    rates = [(row.wer, row.group) for row in part.groups if row.wer is not None and row.group != MISSING]
    if "*" in part.attribute or part.confounded_with_speaker or len(rates) < 2:
        return None
    (low, lowest), (high, highest) = min(rates), max(rates)
    return f"By {part.attribute} from {percent(low)} % ({isolated(lowest)}) to {percent(high)} % ({isolated(highest)})."
