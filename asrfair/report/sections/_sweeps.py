"""The rows of `curves` as the parts of the card read them: one word for each measure and for each end of the levels."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.environments import Room, level
from asrfair.report.sections._base import Row

CURVE, LEVEL_AT, PENALTY, QUIET_EQUALS = "wer", "level_at", "penalty", "quiet_equals"
AREA, AREA_RATIO, WORST, WORST_RATIO = "area", "area_ratio", "worst_case", "worst_case_ratio"
BELOW, ABOVE, BOTH = "below", "above", "both"

_MEASURES = {"isotonic_wer": CURVE, "level_at_difference": PENALTY, "auc": AREA, "auc_ratio": AREA_RATIO}
_ENDS = {"at_most": BELOW, "at_least": ABOVE}
"""Other words for the same, in tables that were made elsewhere."""


def read(rows: Sequence[Row]) -> list[Row]:
    """Rows in the words above; `censored` is empty where a level was met."""
    return [
        row
        | {
            "measure": _MEASURES.get(row["measure"], row["measure"]),
            "censored": _ENDS.get(row["censored"] or "", row["censored"] or ""),
        }
        for row in rows
    ]


def is_harder(row: Row, room: Room) -> bool:
    """Whether a level that lies beyond those tested lies at their hard end."""
    return bool(row["censored"] == (BELOW if room.hardest == "lowest" else ABOVE))


def beyond(row: Row, room: Room | None) -> str:
    """At which end of the levels tested one lies that was not met."""
    known = [value for value in room.levels if value is not None] if room else []
    if room is None or not known:
        return f"{row['censored']} those tested"
    return f"{row['censored']} {level(min(known) if row['censored'] == BELOW else max(known), room.unit)}"
