"""The end of a service card: what was not tested, failures, further information, signatures, words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.report.failures import ABOUT, HEADER, NOBODY, TITLE, completion
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
from asrfair.report.service.tables import LONG
from asrfair.report.wording import condition, isolated

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.stated import Stated

NORMALISERS = "Where a gap or a verdict moves with the spelling rules, it hangs on spelling and not on hearing."
ONE_NORMALISER = (
    "No comparison could be counted under a second set of spelling rules: how far they decide is not known."
)
NO_USAGE = "Nothing was transcribed in this run, or nobody measured it: speed and cost are not known."


def not_tested(card: Card) -> ServicePart:
    """What this run cannot speak for."""
    paragraphs = measured(card.not_tested, source=Source(file="run.json"))
    return ServicePart(id="not-tested", title="What was not tested", paragraphs=paragraphs)


def sensitivity(further: Sequence[ServicePart]) -> ServicePart:
    """What the spelling rules do to the gaps."""
    return _merged("normaliser-sensitivity", "Normaliser sensitivity", further, method(NORMALISERS), ONE_NORMALISER)


def speed_and_cost(further: Sequence[ServicePart]) -> ServicePart:
    """What transcribing took."""
    return _merged("speed-and-cost", "Speed and cost", further, [], NO_USAGE)


def _merged(name: str, title: str, further: Sequence[ServicePart], about: list[Paragraph], none: str) -> ServicePart:
    """A heading that has what its first part has; others stand below it."""
    if not further:
        return ServicePart(id=name, title=title, paragraphs=told(none))
    first, *others = further
    return ServicePart(id=name, title=title, paragraphs=[*about, *first.paragraphs], tables=first.tables, parts=others)


def failures(card: Card, signatures: Signatures) -> ServicePart:
    """Who got no transcript."""
    if not card.failures:
        return ServicePart(id="failures", title=TITLE, paragraphs=told(NOBODY, source=Source(file="run.json")))
    found = completion(card)
    names = {(isolated(c.system_id), condition(c.condition_id)): c for c in card.cells}
    sources = []
    for system, heard, *_ in found.rows:
        cell = names.get((isolated(system), heard))
        place = {} if cell is None else {"system_id": cell.system_id, "condition_id": cell.condition_id}
        sources.append(Source(file="run.json", field="failures", **place, signature=signatures.of(**place)))
    table = ServiceTable(
        id="table-failures",
        title="Utterances without a transcript; they are in no error rate",
        header=list(HEADER),
        rows=found.rows,
        sources=sources,
        is_annexed=len(found.rows) > LONG,
    )
    kinds = [Paragraph(text=f"{kind}: {text}", provenance="method", form="item") for kind, text in found.kinds.items()]
    return ServicePart(id="failures", title=TITLE, paragraphs=[*method(ABOUT), *kinds], tables=[table])


def further_information(card: Card, stated: Stated) -> ServicePart:
    """Whom to write to, where to read on, and what every number depends on."""
    recorded = Source(file="run.json", signature=Signatures(card.cells).of())
    return ServicePart(
        id="further-information",
        title="Further information",
        paragraphs=asked(stated, "contact", "further_information"),
        parts=[
            ServicePart(
                id="signature",
                title="Signature of the numbers",
                paragraphs=measured(_signed(card), source=recorded),
            )
        ],
    )


def _signed(card: Card) -> list[str]:
    """What every number depends on."""
    signed = card.signature
    k = signed["k_anonymity"]
    return [
        f"asrfair {signed['asrfair_version']}, run {signed['run_id']}, seed {signed['seed']}",
        f"Counts by {signed['costs']}",
        f"Published: groups of {k} speakers or more" if k is not None else "Nothing is withheld",
        f"Manifest {signed['manifest_digest']}",
        *(f"Normaliser {n['name']}@{n['version']}, rules {n['digest']}" for n in signed["normalizers"]),
        *(_system(system) for system in signed["systems"]),
        *(_condition(entry) for entry in signed["conditions"]),
        *(
            f"{isolated(cell.system_id)}, {condition(cell.condition_id)}, normaliser {cell.normalizer}: "
            f"signature {cell.signature}"
            for cell in card.cells
        ),
    ]


def _system(system: Mapping[str, Any]) -> str:
    """One system with its options."""
    options = [f"{key}={value}" for key, value in (system.get("options") or {}).items() if value is not None]
    samples = " (samples: not repeatable)" if system.get("deterministic") is False else ""
    told = ", ".join(options) or "no options"
    return f"System {isolated(system['system_id'])}: {system['name']} {system['version']}, {told}{samples}"


def _condition(entry: Mapping[str, Any]) -> str:
    """One condition with its environment."""
    digest = entry.get("environment_digest")
    of = f" (environment {digest}, seed {entry['seed']})" if digest else ""
    return f"Condition {entry['condition_id']}: {entry.get('description') or 'audio as it is'}{of}"


def glossary(card: Card) -> ServicePart:
    """The words of the card, and the flags that occur on it."""
    words = [
        Paragraph(text=text, provenance="method", label=term, form="item") for term, text in card.definitions.items()
    ]
    flags = [
        Paragraph(text=text, provenance="method", label=f"Flag {flag}", form="item")
        for flag, text in card.flags.items()
    ]
    return ServicePart(id="glossary", title="Glossary", paragraphs=[*words, *flags])
