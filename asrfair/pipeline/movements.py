"""Sensitivity to perturbations, from the transcripts of a run: how far each moves from its own in clean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest import Attribute
from asrfair.pipeline.joints import group_columns
from asrfair.pipeline.side_by_side import AGAIN
from asrfair.provenance import RunRecord
from asrfair.records import ALL, CLEAN
from asrfair.scoring import find_normalizer
from asrfair.scoring.movement import movement
from asrfair.stats.groups import groups_of
from asrfair.stats.ordering import condition_key, natural_key
from asrfair.stats.sensitivity import Perturbation, accumulated, sensitivity_rows
from asrfair.stats.sides import Rows
from asrfair.store import read_hypotheses
from asrfair.tables import SENSITIVITY

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _People:
    """The utterances of the run whose speaker is known, and their groups.

    Attributes:
        ids: of the utterances, in the order of the others.
        speakers: who spoke each.
        labels: attribute or intersection -> groups of each utterance joined by `|`, None for missing.
        baselines: attribute or intersection -> the group to compare with.
    """

    ids: pa.Array
    speakers: NDArray[Any]
    labels: Mapping[str, Sequence[str | None]]
    baselines: Mapping[str, str]


def sensitivity(
    folder: Path,
    record: RunRecord,
    rows: pa.Table,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    *,
    normalizer: str,
    declared: Mapping[str, Perturbation] | None = None,
) -> pa.Table:
    """`tables.SENSITIVITY`: how far transcripts of each group move under each condition.

    Args:
        folder: the run folder.
        record: of the run.
        rows: the manifest's rows of the run (`joints.selected`); those whose speaker is not known are left out.
        specs: attributes and intersections to look at; `all` is always included.
        attributes: what the columns mean.
        baselines: attribute or intersection -> the group to compare with.
        normalizer: the headline normaliser.
        declared: condition -> weight and size, the set that is accumulated (condition `all` of the table); without it
            all conditions but clean and `again`, of equal weight and size.

    Returns:
        The table; empty where no system was run both clean and under another condition.

    Raises:
        InputError: a declared weight or size is out of its range.
    """
    known = rows.filter(pc.is_valid(rows["speaker_id"]))
    people = _People(
        known["utterance_id"].combine_chunks(),
        np.array(known["speaker_id"].to_pylist(), dtype=np.str_),
        _labels(known, specs, attributes),
        baselines,
    )
    found: list[dict[str, Any]] = []
    conditions = {c.condition_id: c for c in record.conditions}
    for system in sorted(record.systems, key=lambda system: natural_key(system.system_id)):
        run = sorted((c for s, c in record.cells if s == system.system_id), key=condition_key)
        again = [c for c in run if c == AGAIN or (c in conditions and conditions[c].environment == AGAIN)]
        others = [c for c in run if c != CLEAN and c not in again]
        if CLEAN in run and others:
            moved = _moved(folder, system.system_id, [*again[:1], *others], normalizer, people.ids)
            floor = moved.pop(again[0]) if again else None
            if floor is None and system.deterministic:
                floor = np.zeros(len(people.ids))
            cell = {"system_id": system.system_id, "normalizer": normalizer}
            found += (cell | row for row in _of_system(people, moved, floor, declared))
    return pa.Table.from_pylist(found, schema=SENSITIVITY)


def _labels(
    rows: pa.Table, specs: Sequence[str], attributes: Mapping[str, Attribute]
) -> dict[str, Sequence[str | None]]:
    """The groups of every utterance in every attribute and intersection."""
    single = dict.fromkeys(part for spec in specs for part in spec.split("*") if spec != ALL)
    columns = {n: c.to_pylist() for n, c in group_columns(rows, {n: attributes[n] for n in single}).items()}
    labels: dict[str, Sequence[str | None]] = {ALL: [ALL] * len(rows)}
    for spec in specs:
        if spec in columns:
            labels[spec] = columns[spec]
        elif spec != ALL:
            values = list(zip(*(columns[part] for part in spec.split("*")), strict=True))
            joined = {value: "|".join(groups_of(value)) if all(value) else None for value in set(values)}
            labels[spec] = [joined[value] for value in values]
    return labels


def _moved(folder: Path, system: str, conditions: Sequence[str], normalizer: str, ids: pa.Array) -> dict[str, Floats]:
    """S of every utterance under every condition; NaN where it was not transcribed there and clean."""
    quiet, known = _texts(folder, (system, CLEAN), normalizer, ids)
    found = {}
    for condition in conditions:
        texts, ok = _texts(folder, (system, condition), normalizer, ids)
        both = known & ok
        found[condition] = np.full(len(ids), np.nan)
        at = np.flatnonzero(both).tolist()
        found[condition][both] = movement([quiet[i] for i in at], [texts[i] for i in at])
    return found


def _texts(folder: Path, place: tuple[str, str], normalizer: str, ids: pa.Array) -> tuple[list[str], NDArray[np.bool_]]:
    """The normalised transcript of every utterance, and whether there is one."""
    columns = ["utterance_id", "status", "text"]
    rows = read_hypotheses(folder, columns=columns, system_id=place[0], condition_id=place[1])
    where = pc.index_in(ids, value_set=rows["utterance_id"].combine_chunks())
    ok = pc.fill_null(pc.equal(rows["status"].take(where), "ok"), False).to_numpy()
    texts = pc.fill_null(rows["text"].take(where), "").to_pylist()
    return find_normalizer(normalizer).normalize(texts), ok


def _of_system(
    people: _People,
    moved: Mapping[str, Floats],
    floor: Floats | None,
    declared: Mapping[str, Perturbation] | None,
) -> Iterator[dict[str, Any]]:
    """The rows of one system: each condition, then the declared set together."""
    for condition, values in moved.items():
        yield from ({"condition_id": condition} | row for row in _rows(people, values, floor))
    chosen = dict.fromkeys(moved, Perturbation()) if declared is None else dict(declared)
    if len(chosen) > 1 and chosen.keys() <= moved.keys():
        together = accumulated(moved, chosen)
        scale = accumulated({c: np.ones(1) for c in chosen}, chosen)[0]
        steady = None if floor is None else floor * scale
        yield from ({"condition_id": ALL} | row for row in _rows(people, together, steady))


def _rows(people: _People, values: Floats, floor: Floats | None) -> Iterator[dict[str, Any]]:
    """The rows of one condition, over the utterances that were transcribed on all sides."""
    there = np.isfinite(values) if floor is None else np.isfinite(values) & np.isfinite(floor)
    at = np.flatnonzero(there)
    for attribute, labels in people.labels.items():
        chosen = [labels[i] for i in at.tolist()]
        met = {group for label in set(chosen) if label for group in label.split("|")}
        baseline = people.baselines.get(attribute)
        rows = Rows.from_labels(people.speakers[at], chosen, baseline=baseline if baseline in met else None)
        steady = None if floor is None else floor[at]
        for row in sensitivity_rows(values[at], rows, floor=steady):
            yield {"attribute": attribute} | row
