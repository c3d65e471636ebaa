"""The service card as ordered parts: the sentence and the table under each heading of a published service card.

The order is that of published AI service cards. What only a person can say comes from `card.toml` or is "not stated";
everything else comes from the run, and every table row names the row of the run's tables that it is drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from asrfair.report.service._base import (
    Paragraph,
    ServicePart,
    ServiceTable,
    Signatures,
    Source,
    measured,
    method,
    walk,
)
from asrfair.report.service.closing import (
    failures,
    further_information,
    glossary,
    not_tested,
    sensitivity,
    speed_and_cost,
)
from asrfair.report.service.design import FAIRNESS, PLACES, design
from asrfair.report.service.overview import overview
from asrfair.report.service.sources import section_sources
from asrfair.report.service.tables import LONG
from asrfair.report.service.use import deployment, intended_use

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.sections import Section
    from asrfair.report.stated import Stated

__all__ = ["Paragraph", "ServicePart", "ServiceTable", "Source", "make_service", "walk"]


def make_service(card: Card, run: Mapping[str, Any], stated: Stated) -> list[ServicePart]:
    """The parts in order.

    Args:
        card: everything but its `service`; withheld groups have no numbers in it.
        run: the contents of `run.json`.
        stated: what a person said.
    """
    signatures = Signatures(card.cells)
    further: dict[str, list[ServicePart]] = {}
    for section in card.sections:
        further.setdefault(PLACES.get(section.id, FAIRNESS), []).append(_part(card, section, signatures))
    return [
        overview(card, stated),
        intended_use(stated),
        design(card, run, stated, further),
        deployment(run, stated, card.signature["k_anonymity"]),
        not_tested(card),
        sensitivity(further.get("normaliser-sensitivity", [])),
        speed_and_cost(further.get("speed-and-cost", [])),
        failures(card, signatures),
        further_information(card, stated),
        glossary(card),
    ]


def _part(card: Card, section: Section, signatures: Signatures) -> ServicePart:
    """A further part of the card under its heading."""
    name = f"table-{section.id}"
    rows = card.tables.get(section.table) or []
    normalizer = card.cells[0].normalizer if card.cells else ""
    table = ServiceTable(
        id=name,
        title=section.title,
        header=section.header,
        rows=section.rows,
        sources=section_sources(section, rows, normalizer, signatures),
        is_annexed=len(section.rows) > LONG,
    )
    file = "run.json" if section.id == "usage" else f"{section.table}.parquet"
    source = Source(file=file, signature=signatures.of())
    return ServicePart(
        id=section.id,
        title=section.title,
        paragraphs=[
            *method(section.about),
            *measured(section.sentences, source=source, see=name if section.rows else None),
        ],
        tables=[table] if section.rows else [],
    )
