"""The parts of a card: one system under one condition, its attributes, their groups.

Whatever the tables say, a group of fewer than 3 speakers leaves here without a rate, and a comparison with it without
a number; what may be published beyond that is decided before, in `discretion`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from asrfair.records import ALL, MISSING
from asrfair.stats.policy import BASELINE_PREFIX, MIN_SPEAKERS, SUPPRESSED, is_confounded_with_speaker

COUNTS = ("group", "n_utterances", "n_failed", "n_speakers", "n_ref_words")
RATES = ("wer", "wer_low", "wer_high", "wer_macro", "cer", "df")
FLAGS_ON_ERRORS = ("no_errors", "no_spread", "informative_size", "wer_above_1")
GAP_NUMBERS = (
    "wer_difference",
    "difference_low",
    "difference_high",
    "wer_ratio",
    "ratio_low",
    "ratio_high",
    "p",
    "p_adjusted",
    "mde_ratio",
)


class GroupRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One group: how many, how wrong, and its gap to the baseline. None where it cannot or may not be said."""

    group: str
    n_utterances: int | None
    n_failed: int | None
    n_speakers: int | None
    n_ref_words: int | None
    wer: float | None
    wer_low: float | None
    wer_high: float | None
    wer_macro: float | None
    cer: float | None
    df: float | None
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


def make_cells(
    run: Mapping[str, Any], groups: Sequence[dict[str, Any]], gaps: Sequence[dict[str, Any]], headline: str
) -> list[CellPart]:
    """One part per system and condition, in the order of the table.

    Args:
        run: the contents of `run.json`.
        groups: rows of `tables.GROUPS`.
        gaps: rows of `tables.DISPARITIES`.
        headline: name of the normaliser whose numbers are shown first.
    """
    places = dict.fromkeys((r["system_id"], r["condition_id"]) for r in groups if r["normalizer"] == headline)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {place: [] for place in places}
    for row in groups:
        rows.get((row["system_id"], row["condition_id"]), []).append(row)
    found: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
    for gap in gaps:
        if gap["normalizer"] == headline:
            place = found.setdefault((gap["system_id"], gap["condition_id"]), {})
            place[gap["attribute"], gap["group"]] = gap
    return [_cell(run, place, headline, here, found.get(place, {})) for place, here in rows.items()]


def _cell(
    run: Mapping[str, Any],
    place: tuple[str, str],
    headline: str,
    here: Sequence[dict[str, Any]],
    gaps: Mapping[tuple[str, str], dict[str, Any]],
) -> CellPart:
    """The part of one system and condition."""
    by_normalizer: dict[tuple[str, str], dict[str, float | None]] = {}
    members: dict[str, list[dict[str, Any]]] = {}
    for row in here:
        by_normalizer.setdefault((row["attribute"], row["group"]), {})[row["normalizer"]] = row["wer"]
        if row["normalizer"] == headline:
            members.setdefault(row["attribute"], []).append(row)
    (overall,) = members.pop(ALL)
    return CellPart(
        system_id=place[0],
        condition_id=place[1],
        normalizer=headline,
        signature=_signature(run, place, headline),
        overall=_row(overall, None, by_normalizer[ALL, ALL]),
        attributes=[_part(name, rows, gaps, by_normalizer) for name, rows in members.items()],
    )


def _part(
    attribute: str,
    rows: Sequence[dict[str, Any]],
    gaps: Mapping[tuple[str, str], dict[str, Any]],
    by_normalizer: Mapping[tuple[str, str], dict[str, float | None]],
) -> AttributePart:
    """The groups of one attribute."""
    withheld = {row["group"] for row in rows if _is_withheld(row)}
    made = []
    for row in rows:
        gap = gaps.get((attribute, row["group"]))
        if gap is not None and gap["baseline"] in withheld:
            gap = gap | {"flags": [*(gap["flags"] or []), BASELINE_PREFIX + SUPPRESSED]}
        made.append(_row(row, gap, by_normalizer[attribute, row["group"]]))
    baselines = {row.baseline for row in made if row.baseline is not None}
    sizes = [row.n_speakers for row in made if row.group != MISSING]
    flagged = any("confounded_with_speaker" in row.flags for row in made)
    return AttributePart(
        attribute=attribute,
        baseline=baselines.pop() if len(baselines) == 1 else None,
        confounded_with_speaker=flagged or is_confounded_with_speaker(sizes),
        groups=made,
    )


def _is_withheld(row: Mapping[str, Any]) -> bool:
    """Whether a rate of this row would describe persons."""
    return SUPPRESSED in (row["flags"] or []) or (row["n_speakers"] is not None and row["n_speakers"] < MIN_SPEAKERS)


def _row(row: Mapping[str, Any], gap: Mapping[str, Any] | None, by_normalizer: Mapping[str, float | None]) -> GroupRow:
    """One group with its gap, and nothing that is suppressed."""
    withheld = _is_withheld(row)
    flags = [*([SUPPRESSED] if withheld else []), *(row["flags"] or [])]
    values = {name: row[name] for name in COUNTS} | {name: None if withheld else row[name] for name in RATES}
    if gap is not None:
        flags += gap["flags"] or []
        hidden = withheld or BASELINE_PREFIX + SUPPRESSED in flags
        values |= {name: None if hidden else gap[name] for name in GAP_NUMBERS}
        values |= {"baseline": gap["baseline"], "verdict": SUPPRESSED if hidden else gap["verdict"]}
    rates = {name: None if withheld else wer for name, wer in by_normalizer.items()}
    return GroupRow(**values, flags=_discreet(flags), wer_by_normalizer=rates)


def _discreet(flags: Sequence[str]) -> list[str]:
    """Each flag once, and none that tells of the errors of a suppressed group or baseline."""
    kept = dict.fromkeys(flags)
    for prefix in ("", BASELINE_PREFIX):
        if prefix + SUPPRESSED in kept:
            for flag in FLAGS_ON_ERRORS:
                kept.pop(prefix + flag, None)
    return list(kept)


def _signature(run: Mapping[str, Any], place: tuple[str, str], normalizer: str) -> str:
    """A short digest of everything that the numbers of a cell depend on."""
    parts = (
        run.get("asrfair_version"),
        (run.get("manifest") or {}).get("digest"),
        _entry(run, "systems", "system_id", place[0]),
        _entry(run, "conditions", "condition_id", place[1]),
        _entry(run, "normalizers", "name", normalizer),
        run.get("costs"),
        run.get("limit"),
        run.get("seed"),
    )
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:12]


def _entry(run: Mapping[str, Any], part: str, key: str, value: str) -> Any:
    """What `run.json` says of one system, condition or normaliser; None if it does not know it."""
    return next((entry for entry in run.get(part) or [] if entry[key] == value), None)
