"""The design part of a service card: what is expected, how it was tested, rooms, confidences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import ALL
from asrfair.report.definitions import declared
from asrfair.report.environments import in_order, rooms
from asrfair.report.grid import EVERYBODY, grids
from asrfair.report.service._base import (
    Paragraph,
    ServicePart,
    ServiceTable,
    Signatures,
    Source,
    asked,
    measured,
    method,
    told,
)
from asrfair.report.service.fairness import fairness, finding_paragraphs
from asrfair.report.service.tables import GROUPS, LONG, everybody_table, group_tables
from asrfair.report.service.use import governance, privacy, transparency
from asrfair.report.stress_text import is_stressed, opened, told_findings
from asrfair.report.wording import condition, isolated, listed

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.cells import CellPart
    from asrfair.report.stated import Stated

PLACES = {
    "systems": "performance",
    "repeats": "performance",
    "degradation": "robustness",
    "interactions": "robustness",
    "curves": "robustness",
    "worst-case": "robustness",
    "sensitivity": "robustness",
    "reality": "robustness",
    "probes": "robustness",
    "collect-next": "robustness",
    "heard": "robustness",
    "calibration": "explainability",
    "normalizers": "normaliser-sensitivity",
    "usage": "speed-and-cost",
}
"""Under which heading a further part of the card stands; one that is not named here is about groups: fairness."""

FAIRNESS = "fairness"
MOST_UNDER_NOISE, MOST_SILENT = 12, 6
"""Sentences on gaps under noise, and on comparisons that showed none; the tables have them all."""

BLIND = (
    "The recordings and their references were fixed before the test; the system saw audio and nothing else, no "
    "reference, speaker or group."
)
ELSEWHERE = "Transcripts were made elsewhere, by {}: what the system saw and how it was set is not known to this run."
METHOD = (
    "Errors were counted word by word after spelling was made comparable, summed over all "
    "utterances of a group, then divided. An utterance without a transcript is a failure: it is counted by group and "
    "is in no rate.",
    "The speaker is the unit of inference: intervals come from leaving out one speaker at a time, tests compare "
    "speakers, and p is adjusted for the number of comparisons. What was shown, what was not, and what these speakers "
    "could have shown stand side by side.",
)
NO_ROOMS = "Only the audio as it was recorded was tested: nothing is known of other rooms, lines or devices."
NOT_APART = "Groups under conditions other than clean audio stand with fairness; what each takes was not told apart."
NO_CONFIDENCES = (
    "Confidences were not analysed: the system gave none, or they were not asked for (asrfair analyze --deep). What a "
    "confidence is worth to each group is not known."
)
CONFIDENCES = (
    "What a system's own confidence is worth to each group: how far it is too sure, and what checking would catch."
)


def design(card: Card, run: Mapping[str, Any], stated: Stated, further: Mapping[str, list[ServicePart]]) -> ServicePart:
    """The third part, with fairness and robustness."""
    return ServicePart(
        id="design",
        title="Design",
        parts=[
            _performance(card, stated, further.get("performance", [])),
            _method(card, run),
            fairness(card, stated, further.get(FAIRNESS, [])),
            _robustness(card, further.get("robustness", [])),
            _explainability(further.get("explainability", [])),
            privacy(stated, card.signature.get("k_anonymity")),
            transparency(stated),
            governance(stated),
        ],
    )


def _performance(card: Card, stated: Stated, further: list[ServicePart]) -> ServicePart:
    """What is expected, and what everybody meets."""
    is_open = opened(card)
    cells = [cell for cell in card.cells if cell.condition_id in is_open]
    rest = _beyond(card, is_open)
    tables = [everybody_table(cells, "table-everybody", "Everybody, by system and condition")] if cells else []
    if rest:
        tables.append(everybody_table(rest, "table-everybody-noise", "Everybody under noise, by system and condition"))
    none = [] if cells else told("No system has a result.")
    return ServicePart(
        id="performance",
        title="Performance expectations",
        paragraphs=[*asked(stated, "design.performance"), *none],
        tables=tables,
        parts=further,
    )


def _beyond(card: Card, is_open: set[str]) -> list[CellPart]:
    """The cells under noise, system by system, environments from easy to hard."""
    heard = [cell.condition_id for cell in card.cells if cell.condition_id not in is_open]
    names = in_order(rooms(card.signature["conditions"], heard), heard)
    systems = list(dict.fromkeys(cell.system_id for cell in card.cells))
    rest = [cell for cell in card.cells if cell.condition_id in names]
    return sorted(rest, key=lambda cell: (systems.index(cell.system_id), names.index(cell.condition_id)))


def _method(card: Card, run: Mapping[str, Any]) -> ServicePart:
    """How it was tested."""
    signed, recorded = card.signature, Source(file="run.json", signature=Signatures(card.cells).of())
    names = [f"{isolated(n['name'])} (version {n['version']})" for n in signed["normalizers"]]
    facts = [f"Spelling was made comparable by {listed(names)}; the first makes the headline numbers."] if names else []
    facts += [f"Errors were counted as {signed['costs']} counts them; random draws have the seed {signed['seed']}."]
    families = declared(run)
    facts += [f"Comparisons that are adjusted together were declared before looking: {families}."] if families else []
    return ServicePart(
        id="method",
        title="Test-driven method",
        paragraphs=[*_blind(signed["systems"]), *method(*METHOD), *measured(facts, source=recorded)],
    )


def _blind(systems: Sequence[Mapping[str, Any]]) -> Iterator[Paragraph]:
    """What the systems could see, as far as the run knows."""
    elsewhere = [isolated(s["system_id"]) for s in systems if s.get("engine") == "precomputed"]
    if len(elsewhere) < len(systems):
        yield from method(BLIND)
    if elsewhere:
        text = ELSEWHERE.format(listed(elsewhere))
        yield Paragraph(text=text, provenance="measured", source=Source(file="run.json", field="systems"))


def _robustness(card: Card, further: list[ServicePart]) -> ServicePart:
    """The last mile: rooms, curves, thresholds, and the gaps under noise."""
    is_open = opened(card)
    rest = _beyond(card, is_open)
    if not is_stressed(card):
        return ServicePart(id="robustness", title="Robustness", paragraphs=_heard(card), parts=further)
    beyond = [f for f in told_findings(card) if f.condition_id not in is_open]
    gaps = [f for f in beyond if f.verdict in ("higher", "lower")]
    silent = [f for f in beyond if f.verdict not in ("higher", "lower")]
    none = "No gap was shown under noise."
    parts = [
        ServicePart(id="by-condition", title="Every group under every condition", tables=list(_wide(card))),
        *further,
        ServicePart(
            id="gaps-under-noise",
            title="Gaps under noise",
            paragraphs=[
                *(finding_paragraphs(card, gaps, most=MOST_UNDER_NOISE) or told(none)),
                *finding_paragraphs(card, silent, most=MOST_SILENT),
            ],
            tables=[
                t for cell in rest for part in cell.attributes for t in group_tables(card, cell, part, is_annexed=True)
            ],
        ),
    ]
    about = "The same recordings in rooms, on lines and beside machines: what each does to everybody, and to whom more."
    return ServicePart(id="robustness", title="Robustness", paragraphs=method(about), parts=parts)


def _heard(card: Card) -> list[Paragraph]:
    """What there is to say of rooms where they were not analysed as such."""
    noisy = {cell.condition_id for cell in card.cells} - {"clean"}
    return told(NOT_APART if noisy else NO_ROOMS, source=Source(file="run.json", field="conditions"))


def _wide(card: Card) -> Iterator[ServiceTable]:
    """The rates of every group under every condition."""
    signatures = Signatures(card.cells)
    normalizer = card.cells[0].normalizer
    for number, grid in enumerate(grids(card.cells, card.signature["conditions"]), 1):
        rows = grid.lines(grid.conditions)
        yield ServiceTable(
            id=f"table-wide-{number}",
            title=f"Word error rate in %, by {isolated(grid.attribute)} and condition: {isolated(grid.system_id)}",
            header=["group", *map(condition, grid.conditions)],
            rows=rows,
            sources=[
                Source(
                    file=GROUPS,
                    system_id=grid.system_id,
                    normalizer=normalizer,
                    attribute=ALL if is_all else grid.attribute,
                    group=ALL if is_all else row[0],
                    signature=signatures.of(grid.system_id),
                )
                for row, is_all in ((row, at == 0 and row[0] == EVERYBODY) for at, row in enumerate(rows))
            ],
            is_annexed=len(rows) > LONG,
        )


def _explainability(further: Sequence[ServicePart]) -> ServicePart:
    """What confidences are worth."""
    return ServicePart(
        id="explainability",
        title="Explainability",
        paragraphs=method(CONFIDENCES) if further else told(NO_CONFIDENCES),
        parts=list(further),
    )
