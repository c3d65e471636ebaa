"""The page: `report.html`, one file that needs no network, drawn from the card; without its script it is whole too.

The script (`explorer`) is the only one that the page lets run: its policy names the digest. Everything that comes from
data is escaped, and stands in an element of its own direction (`bdi`), so that a right-to-left name does not turn the
numbers beside it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from asrfair.report import failures, wording
from asrfair.report.card import Card
from asrfair.report.cells import CellPart
from asrfair.report.explorer import Drill, Served, anchors, explorer_script, numbers_json, script_digest
from asrfair.report.figures import MOST_GROUPS, cut_intervals, forest_figure, plotted_groups, svg
from asrfair.report.notes import notes
from asrfair.report.stress_plots import stress_plots
from asrfair.report.stress_text import is_stressed, opened, told_findings

TEMPLATES = Path(__file__).parent / "templates"
MOST_SERIES = 4
"""With more systems and conditions than this, each system has a plot of its own."""

SHOWN = ("percent", "percent_interval", "number", "interval", "p_value", "count", "condition", "many")
FOLDED = {
    "cannot tell": "Cannot tell",
    "suppressed": "Not reported",
    "not shown": "No gap shown",
}
"""Verdicts whose sentences are folded away on the page, in this order; gaps that were shown stand open."""


def render_page(card: Card, drill: Drill | Served | None = None) -> str:
    """The whole page.

    Args:
        card: what there is to say.
        drill: the utterances, in the page or at a server; None for none.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals |= {name: getattr(wording, name) for name in SHOWN}
    environment.globals |= {"dash": wording.NONE, "verdicts": wording.VERDICTS, "notes": notes, "folded": FOLDED}
    is_open = opened(card)
    told = told_findings(card)
    gaps = [finding for finding in told if finding.verdict in ("higher", "lower")]
    script = explorer_script()
    return environment.get_template("page.html.j2").render(
        card=card,
        anchors=anchors(card),
        numbers=Markup(numbers_json(card)),
        script=Markup(script),
        policy=Markup(_policy(script, drill)),
        drill=_markup(drill),
        failures=failures,
        completion=failures.completion(card),
        findings=told,
        attributes=_attributes(card, is_open),
        opened=[cell for cell in card.cells if cell.condition_id in is_open],
        folded_cells=[cell for cell in card.cells if cell.condition_id not in is_open],
        shown=[finding for finding in gaps if finding.condition_id in is_open],
        beyond=[finding for finding in gaps if finding.condition_id not in is_open],
    )


def _policy(script: str, drill: Drill | Served | None) -> str:
    """What the page may do: nothing but what is in it, and where it is served, to ask its own server."""
    parts = ["default-src 'none'", "style-src 'unsafe-inline'", f"script-src '{script_digest(script)}'"]
    if isinstance(drill, Served):
        parts += ["connect-src 'self'", "media-src 'self'"]
    elif drill is not None and drill.audio is not None:
        parts.append("media-src data:")
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


def _markup(drill: Drill | Served | None) -> dict[str, str | None]:
    """The utterances as the template needs them; base64 and escaped JSON, so that they may stand as they are."""
    from markupsafe import Markup

    if isinstance(drill, Served):
        return {"url": drill.url, "block": None, "audio": None}
    if drill is None:
        return {"url": None, "block": None, "audio": None}
    return {"url": None, "block": Markup(drill.block), "audio": drill.audio and Markup(drill.audio)}


def _attributes(card: Card, is_open: Container[str]) -> list[dict[str, Any]]:
    """Per attribute: its plots, as markup that was made here, and its tables, those that stand open first."""
    names = dict.fromkeys(part.attribute for cell in card.cells for part in cell.attributes)
    stress = stress_plots(card) if is_stressed(card) else {}
    shown = [cell for cell in card.cells if cell.condition_id in is_open]
    drawn = []
    for number, name in enumerate(names):
        tables = [(cell, part) for cell in card.cells for part in cell.attributes if part.attribute == name]
        drawn.append(
            {
                "name": name,
                "stress": stress.get(name, []),
                "plots": _plots(shown, name, f"plot{number}"),
                "tables": [pair for pair in tables if pair[0].condition_id in is_open],
                "folded": [pair for pair in tables if pair[0].condition_id not in is_open],
            }
        )
    return drawn


def _plots(cells: Sequence[CellPart], attribute: str, prefix: str) -> list[dict[str, Any]]:
    """One forest plot for all systems, or one for each where they are many."""
    from markupsafe import Markup

    mine = [cell for cell in cells if any(part.attribute == attribute for part in cell.attributes)]
    systems = list(dict.fromkeys(cell.system_id for cell in mine))
    split = len(mine) > MOST_SERIES and len(systems) > 1
    sets = [[cell for cell in mine if cell.system_id == system] for system in systems] if split else [mine]
    drawn = []
    for number, chosen in enumerate(sets):
        if _has_points(chosen, attribute):
            n_groups = len(plotted_groups(chosen, attribute))
            drawn.append(
                {
                    "of": systems[number] if split or len(systems) == 1 else None,
                    "svg": Markup(svg(forest_figure(chosen, attribute), f"{prefix}-{number}")),
                    "is_cut": bool(cut_intervals(chosen, attribute)),
                    "left_out": max(0, n_groups - MOST_GROUPS),
                }
            )
    return drawn


def _has_points(cells: Sequence[CellPart], attribute: str) -> bool:
    """Whether any group has a rate."""
    parts = [part for cell in cells for part in cell.attributes if part.attribute == attribute]
    return any(row.wer is not None for part in parts for row in part.groups)
