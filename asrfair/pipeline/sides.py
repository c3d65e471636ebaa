"""The sides of a comparison: a system of a scored run each, and what is not the same about how their numbers came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrfair.errors import InputError
from asrfair.pipeline.joints import SCORES_FILE
from asrfair.provenance import RunRecord, SystemRecord, read_record
from asrfair.report.comparison import Side
from asrfair.scoring.writer import read_metadata


@dataclass(frozen=True, slots=True)
class Scored:
    """One side: a system of a run, and its scores."""

    folder: Path
    record: RunRecord
    system: SystemRecord
    metadata: Mapping[str, Any]


def scored(text: str | Path) -> Scored:
    """A side, from how it was named.

    Raises:
        InputError: no scored run, several systems and none named, an unknown system.
    """
    folder, system_id = Path(text), None
    if not folder.exists() and ":" in str(text):
        name, _, system_id = str(text).partition(":")
        while system_id and not Path(name).exists() and ":" in system_id:
            more, _, system_id = system_id.partition(":")
            name = f"{name}:{more}"
        folder = Path(name)
    record = read_record(folder)
    metadata = read_metadata(folder / SCORES_FILE)
    names = [system.system_id for system in record.systems]
    if system_id is None and len(names) != 1:
        raise InputError(f"{folder}: has {len(names)} systems; say which: {folder}:{names[0] if names else 'SYSTEM'}")
    wanted = system_id or names[0]
    if wanted not in names:
        raise InputError(f"{folder}: has no system {wanted!r}; there are {', '.join(names)}")
    return Scored(folder, record, record.systems[names.index(wanted)], metadata)


def shared_normalizers(both: tuple[Scored, Scored]) -> list[str]:
    """The normalisers that both sides have, with the same rules.

    Raises:
        InputError: none.
    """
    rules = [{entry["name"]: entry["digest"] for entry in side.metadata["normalizers"]} for side in both]
    shared = [name for name, digest in rules[1].items() if rules[0].get(name) == digest]
    if not shared:
        raise InputError(
            f"{both[0].folder} and {both[1].folder} have no normaliser with the same rules: score one of them again"
        )
    return shared


def told_of(side: Scored) -> Side:
    """What is said of a side."""
    record, system = side.record, side.system
    return Side(
        str(side.folder),
        system.system_id,
        f"{system.name} {system.version}",
        dict(system.options),
        record.run_id,
        "" if record.manifest is None else record.manifest.digest,
    )


def differences(before: Scored, after: Scored) -> list[str]:
    """What the numbers of both sides depend on and is not the same, a sentence each."""
    found = []
    if before.metadata["manifest_digest"] != after.metadata["manifest_digest"]:
        found.append("The manifests are not the same: only utterances of the same id and number of words are compared.")
    if before.record.costs != after.record.costs:
        found.append(f"Counts by {before.record.costs} on one side, by {after.record.costs} on the other.")
    rules = [{n["name"]: n["digest"] for n in side.metadata["normalizers"]} for side in (before, after)]
    found += [
        f"Normaliser {name} has other rules."
        for name in rules[0]
        if rules[1].get(name, rules[0][name]) != rules[0][name]
    ]
    heard = [
        {c.condition_id: (c.environment_digest, c.seed) for c in side.record.conditions} for side in (before, after)
    ]
    found += [
        f"Condition {name} was made of another environment or seed."
        for name in heard[0]
        if name in heard[1] and heard[0][name] != heard[1][name]
    ]
    return found
