"""The rows of `curves` as the parts of the card read them: one word for each measure and for each end of the levels."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.environments import Room, level
from asrfair.report.sections._base import Row

CURVE, LEVEL_AT, PENALTY, QUIET_EQUALS = "wer", "level_at", "penalty", "quiet_equals"
AREA, AREA_RATIO, WORST, WORST_RATIO = "area", "area_ratio", "worst_case", "worst_case_ratio"
BELOW, ABOVE, BOTH = "at_most", "at_least", "both"
SIDE = {BELOW: "below", ABOVE: "above", BOTH: "beyond"}


def read(rows: Sequence[Row]) -> list[Row]:
    """Rows whose `censored` is a text: empty where a level was met."""
    return [row | {"censored": row["censored"] or ""} for row in rows]


def is_harder(row: Row, room: Room) -> bool:
    """Whether a level that lies beyond those tested lies at their hard end."""
    return bool(row["censored"] == (BELOW if room.hardest == "lowest" else ABOVE))


def beyond(row: Row, room: Room | None) -> str:
    """At which end of the levels tested one lies that was not met."""
    known = [value for value in room.levels if value is not None] if room else []
    if room is None or not known:
        return f"{SIDE[row['censored']]} those tested"
    return f"{SIDE[row['censored']]} {level(min(known) if row['censored'] == BELOW else max(known), room.unit)}"
