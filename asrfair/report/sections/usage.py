"""What transcribing took: speed, requests and cost by system, from the `usage` of `run.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import NONE, isolated, many, number

TABLE = "usage"
"""No table of the run folder: `usage_rows` makes it of `run.json`."""


def usage_rows(run: Mapping[str, Any]) -> list[Row]:
    """One row a system, in the order of the run; none where nothing was transcribed.

    Args:
        run: the contents of `run.json`.
    """
    used = run.get("usage") or {}
    order = [system["system_id"] for system in run.get("systems") or []]
    names = [*(name for name in order if name in used), *(name for name in used if name not in order)]
    return [{"system_id": name, **used[name]} for name in names]


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """A sentence and a row per system."""
    mine = [row for row in rows if row.get("requests")]
    if not mine:
        return None
    return Section(
        id="usage",
        title="Speed and cost",
        about=(
            "RTFx, as the Open ASR Leaderboard defines it: seconds of audio divided by the seconds that their "
            "transcription took, without start-up and retries; over everything that was transcribed, and on the "
            "machine of the signature or over its network. Cost: the public list price of what was answered, by the "
            "table of prices of the day that is named; an estimate and no bill."
        ),
        sentences=[_sentence(row) for row in mine],
        header=[
            "system",
            "answers",
            "audio, hours",
            "RTFx",
            "run time, hours",
            "requests",
            "retries",
            "cost",
            "prices of",
        ],
        rows=[_line(row) for row in mine],
    )


def _sentence(row: Row) -> str:
    """What one system took."""
    speed = (
        f"at {number(row['rtfx'], 1)} times the speed at which it plays (RTFx)"
        if row.get("rtfx")
        else "at a speed that is not known"
    )
    cost = "" if row.get("cost") is None else f"; {_cost(row)} at the list prices of {row.get('priced_as_of') or NONE}"
    return (
        f"{isolated(row['system_id'])}: {_hours(row['audio_s'])} hours of audio, transcribed {speed}; "
        f"{many(row['requests'])} requests, {many(row['retries'])} of them retries{cost}."
    )


def _line(row: Row) -> list[str]:
    """One system."""
    return [
        row["system_id"],
        many(row["rows"]),
        _hours(row["audio_s"]),
        number(row.get("rtfx"), 1),
        _hours(row.get("wall_s")),
        many(row["requests"]),
        many(row["retries"]),
        _cost(row),
        NONE if row.get("cost") is None else row.get("priced_as_of") or NONE,
    ]


def _hours(seconds: float | None) -> str:
    """Seconds in hours, with enough digits for a short run.

    >>> _hours(5400), _hours(72.0), _hours(None)
    ('1.50', '0.020', '—')
    """
    if seconds is None:
        return NONE
    hours = seconds / 3600.0
    return f"{hours:,.2f}" if hours >= 1.0 or not hours else f"{hours:.3f}"


def _cost(row: Row) -> str:
    """A cost with its currency, a dash where there is no price.

    >>> _cost({"cost": 3.518, "currency": "USD"}), _cost({"cost": 0.00641, "currency": "USD"})
    ('3.52 USD', '0.0064 USD')
    """
    cost = row.get("cost")
    if cost is None:
        return NONE
    amount = f"{cost:,.2f}" if cost >= 1.0 or not cost else f"{cost:.2g}"
    return f"{amount} {row.get('currency') or ''}".strip()
