"""Where the gaps sit: kinds of error and classes of words, from `error_types`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.records import REST
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.wording import condition, isolated, percent, percent_interval

TABLE = "error_types"
KINDS = ("substitutions", "deletions", "insertions")


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row a group: its gap, and the parts that add up to it; the rarer classes are in the table alone."""
    found: dict[tuple[str, str, str, str], dict[str, Row]] = {}
    for row in rows:
        place = row["system_id"], row["condition_id"], row["attribute"], row["group"]
        found.setdefault(place, {})[row["part"]] = row
    lines = [_line(place, parts) for place, parts in found.items() if "all" in parts]
    if not lines:
        return None
    return Section(
        id="errors",
        title="Where the gaps sit",
        about=(
            "The difference to the baseline in errors per 100 words, and its parts: words taken for others, words left "
            "out, words put in. They add up. Conventions: hesitations, numbers and compounds that were written "
            "otherwise, which are no misunderstanding."
        ),
        header=[
            "system",
            "condition",
            "group",
            "against",
            "points",
            "substituted",
            "deleted",
            "inserted",
            "conventions",
        ],
        rows=lines,
    )


def _line(place: tuple[str, str, str, str], parts: dict[str, Row]) -> list[str]:
    """One group."""
    system, heard, attribute, group = place
    whole = parts["all"]
    conventions = [row["difference"] for name, row in parts.items() if name in ("hesitation", "number", "compound")]
    known = [value for value in conventions if value is not None]
    return [
        system,
        condition(heard),
        f"{attribute}: {isolated(group)}",
        "everybody else" if whole["baseline"] == REST else isolated(whole["baseline"]),
        _points(whole),
        *(_points(parts[name]) if name in parts else percent(None) for name in KINDS),
        percent(sum(known)) if known else percent(None),
    ]


def _points(row: Row) -> str:
    """A difference with its interval."""
    within = percent_interval(row["difference_low"], row["difference_high"])
    return f"{percent(row['difference'])} ({within})"
