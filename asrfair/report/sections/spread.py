"""How far the groups lie apart, and whether they differ at all: from `measures`."""

from __future__ import annotations

from collections.abc import Sequence

from asrfair.report.sections._base import Context, Row, Section, headline
from asrfair.report.wording import condition, isolated, number, p_value, percent

TABLE = "measures"


def section(rows: Sequence[Row], context: Context) -> Section | None:
    """One row per system, condition and attribute."""
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    worst: dict[tuple[str, str, str], Row] = {}
    for row in headline(rows, context):
        place = row["system_id"], row["condition_id"], row["attribute"]
        if row["group"] is None or row["measure"] in ("worst_group", "best_group"):
            found.setdefault(place, {})[row["measure"]] = row
        elif row["measure"] == "shrunken_wer" and row["value"] is not None:
            worst[place] = max(worst.get(place, row), row, key=lambda r: r["value"])
    lines = [_line(place, here, worst.get(place)) for place, here in found.items() if _is_known(here)]
    if not lines:
        return None
    return Section(
        id="spread",
        title="How far the groups lie apart",
        about=(
            "The spread is the standard deviation between the groups, corrected for noise; one test asks whether the "
            "groups differ at all (whole speakers dealt anew to the groups; Welch's analysis of variance for very "
            "many). The range is picked after looking and describes only; the worst group is the one whose rate is "
            "highest after it was drawn towards the others as far as its speakers are few. Where a group is withheld, "
            "only the test is told."
        ),
        header=[
            "system",
            "condition",
            "attribute",
            "spread, points",
            "range, points",
            "any difference: p",
            "worst, WER %",
        ],
        rows=lines,
    )


def _is_known(here: dict[str, Row]) -> bool:
    """Whether there is a spread or a test; of the former nothing is told where a group is withheld."""
    return "between_sd" in here or ("omnibus" in here and here["omnibus"]["p"] is not None)


def _line(place: tuple[str, str, str], here: dict[str, Row], worst: Row | None) -> list[str]:
    """One attribute of one cell."""
    system, heard, attribute = place
    last = "" if worst is None else f"{isolated(worst['group'])}, {percent(worst['value'])}"
    test = here["omnibus"]
    p = p_value(test["p"]) if test["p"] is not None else number(None)
    spread, span = (percent(here[name]["value"] if name in here else None) for name in ("between_sd", "range"))
    return [system, condition(heard), attribute, spread, span, p, last]
