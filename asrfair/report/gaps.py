"""What was not tested: said as plainly as what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import CLEAN, MISSING
from asrfair.report.environments import at_levels, rooms
from asrfair.report.wording import condition, isolated, listed, percent
from asrfair.stats.policy import SUPPRESSED
from asrfair.stats.suppression import COMPLEMENTARY

if TYPE_CHECKING:
    from asrfair.report.cells import CellPart

MISSING_SHARE = 0.05
"""A group that is missing in more than this share of the utterances is worth a sentence."""

MOST_NAMES = 8
"""A sentence lists no more groups than this; the tables have them all."""


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
        *_design(run),
        *_conditions(run, cells),
        *_sample(run, manifest),
        *_normalizers(run),
        *_languages(manifest),
        "Nothing here speaks for accents, dialects, groups, rooms, devices or tasks that are not in the data set.",
    ]


def _attributes(manifest: Mapping[str, Any], cells: Sequence[CellPart]) -> list[str]:
    """Attributes that were not looked at, alone or together."""
    asked = list(dict.fromkeys(part.attribute for cell in cells for part in cell.attributes))
    analysed = {name for spec in asked for name in spec.split("*")}
    declared = [name for name in manifest.get("attributes") or {} if name not in analysed]
    sentences = []
    if declared:
        sentences.append(f"Not analysed by {listed(declared, 'or')}: numbers without bins, or not asked for.")
    if manifest.get("undeclared"):
        names = listed(list(manifest["undeclared"]), "or")
        sentences.append(f"Not analysed by {names}: dataset.toml does not say what the column means.")
    if not analysed:
        sentences.append("No attribute was analysed: nothing is said about any group of speakers.")
    if len(analysed) > 1 and not any("*" in spec for spec in asked):
        sentences.append(f"No combination of {listed(sorted(analysed))} was analysed, only one attribute at a time.")
    return sentences


def _missing(cells: Sequence[CellPart]) -> list[str]:
    """Attributes that are often missing."""
    shares: dict[str, float] = {}
    for cell in cells:
        for part in cell.attributes:
            gone = sum(g.n_utterances or 0 for g in part.groups if g.group == MISSING)
            share = gone / cell.overall.n_utterances if cell.overall.n_utterances else 0.0
            shares[part.attribute] = max(share, shares.get(part.attribute, 0.0))
    return [
        f"{name} is missing for {percent(share, 0)} % of the utterances."
        for name, share in shares.items()
        if share > MISSING_SHARE
    ]


def _suppressed(cells: Sequence[CellPart]) -> list[str]:
    """Groups that are too small to be reported, under any system and condition."""
    small: dict[str, dict[str, None]] = {}
    for cell in cells:
        for part in cell.attributes:
            names = [
                g.group
                for g in part.groups
                if SUPPRESSED in g.flags and COMPLEMENTARY not in g.flags and g.group != MISSING
            ]
            small.setdefault(part.attribute, {}).update(dict.fromkeys(names))
    sentences = []
    for attribute, groups in small.items():
        shown = [isolated(name) for name in groups][:MOST_NAMES]
        more = [f"{len(groups) - MOST_NAMES} more"] if len(groups) > MOST_NAMES else []
        if shown:
            sentences.append(f"Not reported for {attribute} {listed([*shown, *more])}: too few speakers.")
    return sentences


def _design(run: Mapping[str, Any]) -> list[str]:
    """What the data cannot tell apart, as the manifest's coverage found it."""
    found = (run.get("coverage") or {}).get("notes") or []
    texts = [str(note["text"]) for note in found if note.get("code") != "speaker_level"]
    return [f"{text[:1].upper()}{text[1:]}." for text in texts]


def _conditions(run: Mapping[str, Any], cells: Sequence[CellPart]) -> list[str]:
    """Rooms, lines and devices: those asked for without a result, and that there were no others."""
    if not cells:
        return ["No system was run under any condition."]
    systems = list(dict.fromkeys(cell.system_id for cell in cells))
    heard = list(dict.fromkeys(cell.condition_id for cell in cells))
    done = {(cell.system_id, cell.condition_id) for cell in cells}
    sentences = [
        f"{isolated(s)} was not run under {name}."
        for s in systems
        for name in _named(run, [c for c in heard if (s, c) not in done])
    ]
    sentences += _without_result(run, systems, heard)
    noises = _named(run, [c for c in heard if c != CLEAN])
    if noises:
        sentences.append(f"Noise only as in {listed(noises)}; no other room, line or device.")
    else:
        sentences.append("Only the audio as it was recorded: no noise, room, line or device was added.")
    if CLEAN not in heard:
        sentences.append("The audio as it was recorded was not tested: what the noise alone does cannot be told.")
    return sentences


def _without_result(run: Mapping[str, Any], systems: Sequence[str], heard: Sequence[str]) -> list[str]:
    """Conditions that were asked for and that no row is about, and systems of which there is none."""
    pairs = [tuple(pair) for pair in run.get("cells") or []]
    asked = [c["condition_id"] for c in run.get("conditions") or []] + [c for _, c in pairs]
    gone = _named(run, list(dict.fromkeys(c for c in asked if c not in heard)))
    absent = [isolated(s) for s in dict.fromkeys(s for s, _ in pairs) if s not in systems]
    return [
        *([f"Asked for, but without any result: {listed(gone)}."] if gone else []),
        *([f"No result of {listed(absent, 'or')}, though asked for."] if absent else []),
    ]


def _named(run: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Conditions in words, the levels of one environment together."""
    clean = [condition(CLEAN)] if CLEAN in names else []
    return [*clean, *(at_levels(room, names) for room in rooms(run.get("conditions") or [], names))]


def _sample(run: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Utterances that were left out on request."""
    total = manifest.get("n_utterances") or 0
    if not run.get("limit") or run["limit"] >= total:
        return []
    return [f"A sample of {run['limit']:,} of {total:,} utterances, stratified by group."]


def _normalizers(run: Mapping[str, Any]) -> list[str]:
    """Whether the numbers hang on one set of spelling rules."""
    names = [entry["name"] for entry in run.get("normalizers") or []]
    return [f"Only one normaliser, {names[0]}: how far its rules decide is not known."] if len(names) == 1 else []


def _languages(manifest: Mapping[str, Any]) -> list[str]:
    """Other languages."""
    return [f"No other language than {manifest['language']}."] if manifest.get("language") else []
