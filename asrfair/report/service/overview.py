"""The overview of a service card: what was tested on what, what effective means, and which variation is whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from asrfair.records import CLEAN
from asrfair.report.environments import at_levels, rooms
from asrfair.report.service._base import Paragraph, ServicePart, Signatures, Source, asked, measured, method, told
from asrfair.report.service.fairness import finding_paragraphs
from asrfair.report.service.tables import coverage_table
from asrfair.report.stress_text import is_stressed, opened, told_findings
from asrfair.report.wording import SPEAKER_KINDS, condition, count, isolated, listed

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.stated import Stated

SURROUNDINGS = frozenset({"acoustic", "content"})
FACTS = (
    ("collection", "How speakers were found"),
    ("consent", "What they agreed to"),
    ("licence", "Licence"),
    ("notes", "Note"),
)
MOST_WARNINGS = 12
EFFECTIVE = (
    "What this card measures is the word error rate: words substituted, left out or added, for each word that was "
    "said. A service is not effective because the rate of everybody is low: the rate of every group stands beside it, "
    "and the limit that it is held to has to be stated by its provider."
)
INTRINSIC = (
    "Intrinsic variation is what people bring, and what a service has to cope with: how they speak and what they say. "
    "A gap along it is a disparity."
)
CONFOUNDING = (
    "Confounding variation comes from elsewhere: the room, the line, the device, the task. It can make a gap between "
    "groups or hide one where it is not the same for all of them."
)


def overview(card: Card, stated: Stated) -> ServicePart:
    """The first part."""
    return ServicePart(
        id="overview",
        title="Overview",
        paragraphs=[*asked(stated, "overview.service", "overview.version", "overview.purpose"), *_tested(card)],
        parts=[
            _in_short(card),
            ServicePart(
                id="effective",
                title="What effective means here",
                paragraphs=[*_under_its_heading(stated), *method(EFFECTIVE)],
            ),
            ServicePart(id="variation", title="Intrinsic and confounding variation", paragraphs=list(_variation(card))),
            _data(card),
        ],
    )


def _under_its_heading(stated: Stated) -> list[Paragraph]:
    """What effective means, without its label: the heading says the same."""
    first, *others = asked(stated, "overview.effective")
    return [msgspec.structs.replace(first, label=None), *others]


def _tested(card: Card) -> Iterator[Paragraph]:
    """What was tested on what, in one paragraph."""
    data, signed = card.dataset, card.signature
    systems = [f"{isolated(s['system_id'])} ({_version(s)})" for s in signed["systems"]]
    systems = systems or [isolated(name) for name in dict.fromkeys(cell.system_id for cell in card.cells)]
    size = f"{count(data.get('n_utterances') or 0, 'utterance')} of {count(data.get('n_speakers') or 0, 'speaker')}"
    named = " ".join(isolated(str(data[key])) for key in ("name", "version") if data.get(key))
    of = f"the data set {named}" if named else "a data set without a name"
    language = f", language {data['language']}" if data.get("language") else ""
    attributes = dict.fromkeys(part.attribute for cell in card.cells for part in cell.attributes)
    groups = f"Groups were compared by {listed([isolated(name) for name in attributes])}." if attributes else ""
    text = (
        f"{listed(systems) or 'No system'} transcribed {size} from {of}{language}, in {_heard(card)}. "
        f"{groups or 'No groups were compared.'}"
    )
    made = f" Made {card.made.replace('T', ' ').replace('Z', ' UTC')}." if card.made else ""
    yield Paragraph(text=text + made, provenance="measured", label="What was tested", source=Source(file="run.json"))


def _version(system: Mapping[str, Any]) -> str:
    """The engine behind a system and its version; of transcripts from elsewhere only the file is known."""
    if system.get("engine") == "precomputed":
        return f"transcripts made elsewhere, file {system['version']}"
    return f"{system['name']} {system['version']}"


def _heard(card: Card) -> str:
    """Clean audio and the environments, their levels together."""
    heard = list(dict.fromkeys(cell.condition_id for cell in card.cells))
    clean = [condition(CLEAN)] if CLEAN in heard or not heard else []
    return listed([*clean, *(at_levels(room, heard) for room in rooms(card.signature["conditions"], heard))])


def _in_short(card: Card) -> ServicePart:
    """The first lines, and what to mind."""
    signed = Source(file="groups.parquet", signature=Signatures(card.cells).of())
    paragraphs = measured(card.headlines, source=signed)
    shown = [finding for finding in told_findings(card) if finding.verdict in ("higher", "lower")]
    paragraphs += finding_paragraphs(card, [f for f in shown if f.condition_id in opened(card)][:1])
    warnings = card.warnings[:MOST_WARNINGS]
    left = len(card.warnings) - len(warnings)
    if warnings:
        paragraphs.append(Paragraph(text="", provenance="measured", label="Mind"))
        paragraphs += measured(warnings)
        paragraphs += measured([f"And {count(left, 'more warning')}, in the parts below."]) if left else []
    if not paragraphs:
        paragraphs = told("Nothing was measured: see what was not tested.")
    return ServicePart(id="in-short", title="In short", paragraphs=paragraphs)


def _variation(card: Card) -> Iterator[Paragraph]:
    """The attributes of the manifest by kind."""
    attributes: Mapping[str, Mapping[str, Any]] = card.dataset.get("attributes") or {}
    for kinds, text, none in (
        (SPEAKER_KINDS, INTRINSIC, "The manifest declares no attribute of people."),
        (SURROUNDINGS, CONFOUNDING, "The manifest declares no attribute of rooms, recordings or tasks."),
    ):
        yield Paragraph(text=text, provenance="method")
        lines = [_attribute(name, about) for name, about in attributes.items() if about.get("kind") in kinds]
        for line in lines or [none]:
            source = Source(file="dataset.toml", field="attributes")
            yield Paragraph(text=line, provenance="stated", form="item", source=source)
    if is_stressed(card):
        text = "On top of it, the same recordings were put through environments, alike for every group: see robustness."
        yield Paragraph(text=text, provenance="measured", form="item", source=Source(file="run.json"))


def _attribute(name: str, about: Mapping[str, Any]) -> str:
    """One attribute, and how its values are known."""
    known = [str(about[key]).replace("_", " ") for key in ("kind", "provenance") if about.get(key)]
    unit = f", in {about['unit']}" if about.get("unit") else ""
    said = f". {about['description']}" if about.get("description") else ""
    return f"{isolated(name)}: {', '.join(known)}{unit}{said}"


def _data(card: Card) -> ServicePart:
    """Who is in the data, and how they came there."""
    facts = []
    for key, label in FACTS:
        text, source = card.dataset.get(key), Source(file="dataset.toml", field=key)
        if text:
            facts.append(Paragraph(text=str(text), provenance="stated", label=label, source=source))
        elif key != "notes":
            facts.append(Paragraph(text="not stated", provenance="not_stated", label=label, source=source))
    table = coverage_table(card)
    return ServicePart(
        id="data", title="Who is in the data", paragraphs=facts, tables=[table] if table is not None else []
    )
