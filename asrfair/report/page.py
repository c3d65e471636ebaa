"""The page: `report.html`, one file that needs no network, drawn from the card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asrfair.report import wording
from asrfair.report.card import Card
from asrfair.report.figures import forest_figure, svg

TEMPLATES = Path(__file__).parent / "templates"


def render_page(card: Card) -> str:
    """The whole page; everything that comes from data is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    for name in ("percent", "percent_interval", "number", "interval", "p_value", "count", "condition"):
        environment.globals[name] = getattr(wording, name)
    environment.globals["dash"] = wording.NONE
    environment.globals["verdicts"] = wording.VERDICTS
    return environment.get_template("page.html.j2").render(card=card, plots=_plots(card))


def _plots(card: Card) -> list[dict[str, Any]]:
    """A forest plot per attribute, as markup that was made here."""
    from markupsafe import Markup

    attributes = list(dict.fromkeys(part.attribute for cell in card.cells for part in cell.attributes))
    drawn = []
    for name in attributes:
        if any(
            row.wer is not None
            for cell in card.cells
            for p in cell.attributes
            if p.attribute == name
            for row in p.groups
        ):
            drawn.append({"attribute": name, "svg": Markup(svg(forest_figure(card.cells, name)))})
    return drawn
