"""What was not tested: said as plainly as what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import CLEAN, MISSING
from asrfair.report.wording import count, listed, percent

if TYPE_CHECKING:
    from asrfair.report.card import CellPart

MISSING_SHARE = 0.05
"""A group that is missing in more than this share of the utterances is worth a sentence."""


def not_tested(run: Mapping[str, Any], cells: Sequence[CellPart]) -> list[str]:
    """Sentences on what this run cannot speak for.

    Args:
        run: the contents of `run.json`.
        cells: the parts of the card.
    """
    manifest = run.get("manifest") or {}
    return [
        *([str(manifest["notes"])] if manifest.get("notes") else []),
        *_attributes(manifest, cells),
        *_missing(cells),
        *_suppressed(cells),
        *_conditions(run),
        *_languages(manifest),
        "Nothing here speaks for accents, dialects, groups, rooms, devices or tasks that are not in the data set.",
    ]


def _attributes(manifest: Mapping[str, Any], cells: Sequence[CellPart]) -> list[str]:
    """Attributes that were not looked at."""
    analysed = {name for cell in cells for part in cell.attributes for name in part.attribute.split("*")}
    declared = [name for name in manifest.get("attributes", {}) if name not in analysed]
    sentences = []
    if declared:
        sentences.append(f"Not analysed by {listed(declared, 'or')}: numbers without bins, or not asked for.")
    if manifest.get("undeclared"):
        names = listed(list(manifest["undeclared"]), "or")
        sentences.append(f"Not analysed by {names}: dataset.toml does not say what the column means.")
    if not analysed:
        sentences.append("No attribute was analysed: nothing is said about any group of speakers.")
    return sentences


def _missing(cells: Sequence[CellPart]) -> list[str]:
    """Attributes that are often missing."""
    if not cells:
        return []
    sentences = []
    for part in cells[0].attributes:
        total = cells[0].overall.n_utterances
        gone = sum(g.n_utterances for g in part.groups if g.group == MISSING)
        if total and gone / total > MISSING_SHARE:
            sentences.append(f"{part.attribute} is missing for {percent(gone / total, 0)} % of the utterances.")
    return sentences


def _suppressed(cells: Sequence[CellPart]) -> list[str]:
    """Groups that are too small to be reported."""
    sentences = []
    for part in cells[0].attributes if cells else ():
        small = [g.group for g in part.groups if "suppressed" in g.flags and g.group != MISSING]
        if small:
            shown = small if len(small) <= 8 else [*small[:8], f"{len(small) - 8} more"]
            sentences.append(f"Not reported for {part.attribute} {listed(shown)}: fewer than 3 speakers.")
    return sentences


def _conditions(run: Mapping[str, Any]) -> list[str]:
    """Rooms, lines and devices."""
    heard = {condition_id for _, condition_id in run.get("cells", [])}
    sentences = []
    if heard <= {CLEAN}:
        sentences.append("Only the audio as it was recorded: no noise, room, line or device was added.")
    else:
        sentences.append(f"Noise only as in {count(len(heard - {CLEAN}), 'condition')}; no other room, line or device.")
    if run.get("limit") and run["limit"] < (run.get("manifest") or {}).get("n_utterances", 0):
        total = run["manifest"]["n_utterances"]
        sentences.append(f"A sample of {run['limit']:,} of {total:,} utterances, stratified by group.")
    return sentences


def _languages(manifest: Mapping[str, Any]) -> list[str]:
    """Other languages."""
    return [f"No other language than {manifest['language']}."] if manifest.get("language") else []
