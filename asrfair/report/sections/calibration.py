"""What an engine's confidences are worth to each group, from `calibration`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import condition, isolated, many, number, percent, percent_interval

TABLE = "calibration"
SHARE = "10%"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row a group: over-confidence, and what checking a tenth of all words would do."""
    found: dict[tuple[str, str, str, str], dict[str, Row]] = {}
    for row in rows:
        place = row["system_id"], row["condition_id"], row["attribute"], row["group"]
        if not row["measure"].startswith("bin_"):
            found.setdefault(place, {})[row["measure"]] = row
    lines = [_line(place, of) for place, of in found.items() if "overconfidence" in of]
    if not lines:
        return None
    return Section(
        id="calibration",
        title="What the confidences are worth",
        about=(
            "Too sure: the mean confidence of a group's words less the share that is right, in points; where it is "
            "larger, an application that trusts the number hides more errors of that group. Checked, caught: if a "
            "person checks the tenth of all words with the least confidence, how much of the group's words that is, "
            "and how many of its wrong words are among them. Words that were left out have no confidence."
        ),
        header=[
            "system",
            "condition",
            "group",
            "words",
            "too sure",
            "less the baseline",
            "calibration error",
            "checked",
            "caught",
        ],
        rows=lines,
    )


def _line(place: tuple[str, str, str, str], of: dict[str, Row]) -> list[str]:
    """One group."""
    system, heard, attribute, group = place
    return [
        system,
        condition(heard),
        f"{attribute}: {isolated(group)}",
        many(of["overconfidence"]["n_words"]),
        *(_points(of.get(name)) for name in ("overconfidence", "overconfidence_gap", "ece")),
        *(_points(of.get(f"{name}_of_{SHARE}")) for name in ("reviewed", "caught")),
    ]


def _points(row: Row | None) -> str:
    """A share in per cent with its interval."""
    if row is None or row["value"] is None:
        return number(None)
    within = percent_interval(row["low"], row["high"])
    return f"{percent(row['value'])} ({within})"
