"""The service card as data: `card.json`, from which the page and the text are drawn. Published with a JSON Schema.

Every number that a reader may quote is here with its signature, and nothing that is suppressed. Rates are fractions,
but in `service`: the card's ordered parts as people read them, with rates in per cent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.report.cells import CellPart, make_cells
from asrfair.report.definitions import definitions
from asrfair.report.discretion import discreet, discreet_counts, discreet_more, hidden_groups, hidden_sentence
from asrfair.report.environments import is_last_mile, rooms
from asrfair.report.findings import Finding, findings
from asrfair.report.gaps import not_tested
from asrfair.report.headline import headlines
from asrfair.report.last_mile import last_mile
from asrfair.report.sections import Context, Section, make_sections, usage_rows
from asrfair.report.service import ServicePart, make_service
from asrfair.report.stated import Stated
from asrfair.stats.policy import BASELINE_PREFIX, SUPPRESSED, meaning
from asrfair.stats.suppression import K_EXPORTED

SCHEMA_VERSION = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DATASET = (
    "name",
    "version",
    "licence",
    "language",
    "collection",
    "consent",
    "notes",
    "n_utterances",
    "n_speakers",
)
COVERED = ("attribute", "group", "n_utterances", "n_speakers", "minutes", "words")
SIGNED = ("run_id", "costs", "seed", "limit")


class Card(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The service card."""

    schema_version: int = SCHEMA_VERSION
    title: str
    made: str
    headlines: list[str]
    warnings: list[str] = []
    dataset: dict[str, Any]
    signature: dict[str, Any]
    findings: list[Finding]
    cells: list[CellPart]
    sections: list[Section] = []
    tables: dict[str, list[dict[str, Any]]] = {}
    failures: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    not_tested: list[str]
    definitions: dict[str, str]
    flags: dict[str, str]
    service: list[ServicePart] = []


def card_schema() -> dict[str, Any]:
    """The JSON Schema of `card.json`."""
    return {"$schema": DIALECT, "title": "asrfair service card"} | msgspec.json.schema(Card)


def make_card(
    run: Mapping[str, Any],
    groups: pa.Table,
    disparities: pa.Table,
    further: Mapping[str, pa.Table] | None = None,
    *,
    k: int | None = K_EXPORTED,
    stated: Stated | None = None,
) -> Card:
    """Draw up the card of a run.

    Args:
        run: the contents of `run.json`; what it does not say is not on the card.
        groups: `tables.GROUPS`.
        disparities: `tables.DISPARITIES`.
        further: name -> the other tables of the analysis, those that there are.
        k: speakers that a group needs to be published; None for eyes that see the tables anyway.
        stated: what a person said of the service in `card.toml`.
    """
    card = _measured(run, groups, disparities, further, k)
    return msgspec.structs.replace(card, service=make_service(card, run, stated or Stated()))


def _measured(
    run: Mapping[str, Any],
    groups: pa.Table,
    disparities: pa.Table,
    further: Mapping[str, pa.Table] | None,
    k: int | None,
) -> Card:
    """The card without its ordered parts."""
    manifest = run.get("manifest") or {}
    attributes = manifest.get("attributes") or {}
    rows, gaps = groups.to_pylist(), disparities.to_pylist()
    hidden = {} if k is None else hidden_groups(run, rows, k)
    rows, gaps = discreet(rows, hidden), discreet(gaps, hidden)
    headline = run["normalizers"][0]["name"] if run.get("normalizers") else next((r["normalizer"] for r in rows), "")
    cells = make_cells(run, rows, gaps, headline)
    more = {name: discreet_more(table.to_pylist(), hidden, k or 0) for name, table in (further or {}).items()}
    more |= {"usage": used} if (used := usage_rows(run)) else {}
    context = _context(run, cells, attributes, headline, more)
    sections = make_sections(more, context)
    covered = (run.get("coverage") or {}).get("groups") or []
    names = [system["system_id"] for system in run.get("systems") or []]
    return Card(
        title=f"{', '.join(names) or 'Systems'} on {manifest.get('name') or 'a data set'}",
        made=run["verbs"][-1]["finished"] if run.get("verbs") else run.get("created") or "",
        headlines=[*headlines(cells, context.rooms), *_stressed(further or {}, more, context)],
        warnings=[warning for section in sections for warning in section.warnings],
        dataset={key: manifest.get(key) for key in DATASET} | {"attributes": attributes},
        signature=_signature(run, manifest) | {"k_anonymity": k},
        findings=findings(cells, attributes),
        cells=cells,
        sections=sections,
        tables=more,
        failures=discreet_counts([entry for entry in run.get("failures") or [] if entry["n_failed"]], hidden),
        coverage=discreet_counts([{key: e.get(key) for key in COVERED} for e in covered], hidden),
        not_tested=[*not_tested(run, cells), *hidden_sentence(hidden, k or 0)],
        definitions=definitions(run, stressed=bool(context.rooms)),
        flags={flag: _meaning(flag, k) for flag in _flags(cells)},
    )


def _context(
    run: Mapping[str, Any],
    cells: Sequence[CellPart],
    attributes: Mapping[str, Any],
    headline: str,
    tables: Mapping[str, list[dict[str, Any]]],
) -> Context:
    """What the further parts may know; environments only where they were analysed as such."""
    heard = list(dict.fromkeys(cell.condition_id for cell in cells))
    return Context(
        normalizer=headline,
        attributes=attributes,
        several_systems=len({cell.system_id for cell in cells}) > 1,
        several_conditions=len({cell.condition_id for cell in cells}) > 1,
        rates={(cell.system_id, cell.condition_id): cell.overall.wer for cell in cells},
        rooms=rooms(run.get("conditions") or [], heard) if is_last_mile(tables, heard) else (),
        tables=tables,
    )


def _stressed(further: Mapping[str, pa.Table], kept: Mapping[str, list[dict[str, Any]]], context: Context) -> list[str]:
    """What rooms do to whom, for the top of the card."""
    rows = kept.get("interactions") or []
    return last_mile(rows, context, withheld=bool(rows) and len(rows) < further["interactions"].num_rows)


def _signature(run: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the numbers depend on."""
    signed: dict[str, Any] = {key: run.get(key) for key in SIGNED}
    lists: dict[str, Any] = {key: run.get(key) or [] for key in ("normalizers", "systems", "conditions")}
    version = {"asrfair_version": run.get("asrfair_version"), "manifest_digest": manifest.get("digest")}
    return version | signed | lists | {"machine": run.get("machine") or {}}


def _meaning(flag: str, k: int | None) -> str:
    """A flag in plain words; on a card that withholds, a group is withheld for more reasons than in the tables."""
    if k is None or flag not in (SUPPRESSED, BASELINE_PREFIX + SUPPRESSED):
        return meaning(flag)
    whose = "" if flag == SUPPRESSED else "baseline: "
    return f"{whose}withheld: fewer than {k} speakers, one who talks for most, or what would give such a group away"


def _flags(cells: Sequence[CellPart]) -> list[str]:
    """The flags that occur on the card, in the order in which they do."""
    rows = [cell.overall for cell in cells]
    rows += [row for cell in cells for part in cell.attributes for row in part.groups]
    return list(dict.fromkeys(flag for row in rows for flag in row.flags))
