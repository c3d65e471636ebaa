"""The service card as data: `card.json`, from which the page and the text are drawn. Published with a JSON Schema.

Every number that a reader may quote is here with its signature, and nothing that is suppressed. Rates are fractions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from asrfair.records import ALL
from asrfair.report.definitions import DEFINITIONS
from asrfair.report.findings import Finding, confounded, findings
from asrfair.report.gaps import not_tested

SCHEMA_VERSION = 1


class GroupRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One group: how many, how wrong, and its gap to the baseline. None where it cannot or may not be said."""

    group: str
    n_utterances: int
    n_failed: int
    n_speakers: int | None
    n_ref_words: int
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    wer_macro: float | None
    cer: float | None
    flags: list[str]
    baseline: str | None = None
    wer_difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    wer_ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    mde_ratio: float | None = None
    verdict: str | None = None
    wer_by_normalizer: dict[str, float | None] = {}


class AttributePart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The groups of one attribute or intersection."""

    attribute: str
    baseline: str | None
    confounded_with_speaker: bool
    groups: list[GroupRow]


class CellPart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One system under one condition, by the headline normaliser; `signature` names what its numbers depend on."""

    system_id: str
    condition_id: str
    normalizer: str
    signature: str
    overall: GroupRow
    attributes: list[AttributePart]


class Card(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The service card."""

    schema_version: int = SCHEMA_VERSION
    title: str
    made: str
    dataset: dict[str, Any]
    signature: dict[str, Any]
    findings: list[Finding]
    cells: list[CellPart]
    failures: list[dict[str, Any]]
    coverage: list[dict[str, Any]]
    not_tested: list[str]
    definitions: dict[str, str]


def card_schema() -> dict[str, Any]:
    """The JSON Schema of `card.json`."""
    return msgspec.json.schema(Card)


def make_card(run: Mapping[str, Any], groups: pa.Table, disparities: pa.Table) -> Card:
    """Draw up the card of a run.

    Args:
        run: the contents of `run.json`.
        groups: `tables.GROUPS`.
        disparities: `tables.DISPARITIES`.
    """
    manifest = run.get("manifest") or {}
    rows, gaps = groups.to_pylist(), disparities.to_pylist()
    headline = run["normalizers"][0]["name"] if run.get("normalizers") else next((r["normalizer"] for r in rows), "")
    cells = _cells(run, rows, gaps, headline)
    names = [system["system_id"] for system in run.get("systems", [])]
    described = (
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
    return Card(
        title=f"{', '.join(names) or 'Systems'} on {manifest.get('name', 'a data set')}",
        made=run["verbs"][-1]["finished"] if run.get("verbs") else run.get("created", ""),
        dataset={key: manifest.get(key) for key in described} | {"attributes": manifest.get("attributes", {})},
        signature={
            "asrfair_version": run.get("asrfair_version"),
            "run_id": run.get("run_id"),
            "manifest_digest": manifest.get("digest"),
            "normalizers": run.get("normalizers", []),
            "costs": run.get("costs"),
            "systems": run.get("systems", []),
            "conditions": run.get("conditions", []),
            "seed": run.get("seed"),
            "limit": run.get("limit"),
            "machine": run.get("machine", {}),
        },
        findings=findings(cells, manifest.get("attributes", {})),
        cells=cells,
        failures=[entry for entry in run.get("failures", []) if entry["n_failed"]],
        coverage=[_covered(entry) for entry in (run.get("coverage") or {}).get("groups", [])],
        not_tested=not_tested(run, cells),
        definitions=DEFINITIONS,
    )


def _covered(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the card says of who is in the manifest."""
    return {key: entry.get(key) for key in ("attribute", "group", "n_utterances", "n_speakers", "minutes", "words")}


def _cells(
    run: Mapping[str, Any], rows: Sequence[dict[str, Any]], gaps: Sequence[dict[str, Any]], headline: str
) -> list[CellPart]:
    """One part per system and condition, in the order of the table."""
    places = dict.fromkeys((r["system_id"], r["condition_id"]) for r in rows if r["normalizer"] == headline)
    return [_cell(run, place, headline, rows, gaps) for place in places]


def _cell(
    run: Mapping[str, Any],
    place: tuple[str, str],
    headline: str,
    rows: Sequence[dict[str, Any]],
    gaps: Sequence[dict[str, Any]],
) -> CellPart:
    """The part of one system and condition."""
    here = [r for r in rows if (r["system_id"], r["condition_id"]) == place]
    mine = [r for r in here if r["normalizer"] == headline]
    others: dict[tuple[str, str], dict[str, float | None]] = {}
    for row in here:
        others.setdefault((row["attribute"], row["group"]), {})[row["normalizer"]] = row["wer"]
    by_group = {
        (g["attribute"], g["group"]): g
        for g in gaps
        if (g["system_id"], g["condition_id"]) == place and g["normalizer"] == headline
    }
    parts = []
    for attribute in dict.fromkeys(r["attribute"] for r in mine if r["attribute"] != ALL):
        members = [
            _row(r, by_group.get((attribute, r["group"])), others[attribute, r["group"]])
            for r in mine
            if r["attribute"] == attribute
        ]
        baselines = {m.baseline for m in members if m.baseline is not None}
        is_one = any("confounded_with_speaker" in m.flags for m in members) or confounded(members)
        parts.append(
            AttributePart(
                attribute=attribute,
                baseline=baselines.pop() if len(baselines) == 1 else None,
                confounded_with_speaker=is_one,
                groups=members,
            )
        )
    overall = next(r for r in mine if r["attribute"] == ALL)
    return CellPart(
        system_id=place[0],
        condition_id=place[1],
        normalizer=headline,
        signature=_signature(run, place, headline),
        overall=_row(overall, None, others[ALL, ALL]),
        attributes=parts,
    )


def _row(row: Mapping[str, Any], gap: Mapping[str, Any] | None, by_normalizer: dict[str, float | None]) -> GroupRow:
    """One group with its gap."""
    names = ("group", "n_utterances", "n_failed", "n_speakers", "n_ref_words")
    rates = ("wer", "wer_low", "wer_high", "wer_macro", "cer")
    values = {name: row[name] for name in (*names, *rates)}
    flags = list(row["flags"] or [])
    if gap is not None:
        kept = (
            "baseline",
            "wer_difference",
            "difference_low",
            "difference_high",
            "wer_ratio",
            "ratio_low",
            "ratio_high",
        )
        values |= {name: gap[name] for name in (*kept, "p", "p_adjusted", "mde_ratio", "verdict")}
        flags += [flag for flag in gap["flags"] or [] if flag not in flags]
    return GroupRow(**values, flags=flags, wer_by_normalizer=by_normalizer)


def _signature(run: Mapping[str, Any], place: tuple[str, str], normalizer: str) -> str:
    """A short digest of everything that the numbers of a cell depend on."""
    system = next((s for s in run.get("systems", []) if s["system_id"] == place[0]), None)
    heard = next((c for c in run.get("conditions", []) if c["condition_id"] == place[1]), None)
    rules = next((n for n in run.get("normalizers", []) if n["name"] == normalizer), None)
    digest = (run.get("manifest") or {}).get("digest")
    parts = (
        run.get("asrfair_version"),
        digest,
        system,
        heard,
        rules,
        run.get("costs"),
        run.get("limit"),
        run.get("seed"),
    )
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:12]
