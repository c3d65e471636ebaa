"""Accuracy against evenness over several systems, from `measures`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section, headline
from asrfair.report.wording import condition, isolated, percent
from asrfair.stats.system_gaps import frontier

TABLE = "measures"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row per condition, attribute and system; None with one system."""
    if not context.several_systems:
        return None
    found: dict[tuple[str, str], dict[str, dict[str, float | None]]] = {}
    for row in headline(rows, context):
        here = found.setdefault((row["condition_id"], row["attribute"]), {}).setdefault(row["system_id"], {})
        if row["measure"] == "between_sd":
            here["spread"] = row["value"]
        elif row["measure"] == "shrunken_wer" and row["value"] is not None:
            here["worst"] = max(here.get("worst") or 0.0, row["value"])
    lines = [line for place, systems in found.items() for line in _lines(place, systems, context)]
    if not lines:
        return None
    return Section(
        id="frontier",
        title="Accuracy and evenness",
        about=(
            "A system is on the front if no other has both a lower word error rate and a smaller spread between the "
            "groups. A small spread is no merit by itself: a system that is bad for everybody has one too, so the "
            "worst group's rate stands beside it. These describe; the tests are above."
        ),
        header=["condition", "attribute", "system", "WER %", "spread, points", "worst group, WER %", "on the front"],
        rows=lines,
    )


def _lines(place: tuple[str, str], systems: dict[str, dict[str, float | None]], context: Context) -> list[list[str]]:
    """The systems of one condition and attribute, the most accurate first."""
    heard, attribute = place
    rates = {name: context.rates.get((name, heard)) for name in systems}
    front = set(frontier({name: (rates[name], of.get("spread")) for name, of in systems.items()}))
    known = [name for name in systems if systems[name].get("spread") is not None and rates[name] is not None]
    return [
        [
            condition(heard),
            attribute,
            isolated(name),
            percent(rates[name]),
            percent(systems[name].get("spread")),
            percent(systems[name].get("worst")),
            "yes" if name in front else "no",
        ]
        for name in sorted(known, key=lambda name: rates[name] or 0.0)
    ]
