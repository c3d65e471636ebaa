"""The part of analyze that sets conditions side by side: what a customer's own room does, and to whom.

    path = folder / "scores.parquet"
    tables |= last_mile(path, record, specs, attributes, baselines, normalizer_headline="whisper-en")

From the scores alone: one system and normaliser at a time, every condition beside clean (`side_by_side`). Interactions
are judged together over all conditions of a system, attribute and normaliser; what to record next is told once, by the
headline normaliser. A run without clean has curves and worst cases, but no degradation.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from asrfair.errors import InputError
from asrfair.manifest import Attribute, groupable
from asrfair.pipeline.side_by_side import Asked, side_by_side
from asrfair.provenance import RunRecord
from asrfair.records import CLEAN, MISSING
from asrfair.stats.collect_next import collect_next
from asrfair.stats.curves import THRESHOLD, curve_rows
from asrfair.stats.degradation import degradation_rows
from asrfair.stats.interactions import interaction_rows
from asrfair.stats.reality import MARGIN, reality_rows
from asrfair.stats.worst_case import nwerd_rows, worst_case_rows
from asrfair.tables import COLLECT_NEXT, CURVES, DEGRADATION, INTERACTIONS, REALITY

SCHEMAS = {
    "degradation": DEGRADATION,
    "interactions": INTERACTIONS,
    "curves": CURVES,
    "reality": REALITY,
    "collect_next": COLLECT_NEXT,
}

DIFFICULTY = ["condition_id", "difficulty"]
"""The columns of a frozen difficulty table."""


def last_mile(
    path: Path,
    record: RunRecord,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    *,
    normalizer_headline: str,
    threshold: float = THRESHOLD,
    difficulty: Mapping[str, float] | None = None,
    real: Sequence[tuple[str, str]] = (),
    margin: float = MARGIN,
    empty_ref: str = "count",
) -> dict[str, pa.Table]:
    """The tables that set conditions side by side.

    Args:
        path: the scores file.
        record: of the run: what its conditions are.
        specs: attributes and intersections to look at; `all` is always included.
        attributes: what the columns mean.
        baselines: attribute or intersection -> the group to compare with.
        normalizer_headline: what `collect_next` goes by.
        threshold: the rate at which levels are told, above 0.
        difficulty: condition -> its difficulty in a frozen table (`read_difficulty`), for NWERD.
        real: (simulated condition, real condition or `ATTR=GROUP`) pairs to compare.
        margin: the largest ratio of simulated to real that counts as alike, above 1.
        empty_ref: `count` or `separate`, as in `analyze`.

    Returns:
        `degradation`, `interactions`, `curves`, `reality` and `collect_next`, any of them perhaps without rows.

    Raises:
        InputError: a threshold or margin out of its range, or a comparison of what is not in the run.
        RunFolderError: no scores, or damaged ones.
    """
    rooms = check_rooms(threshold, real, record, attributes)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    asked = Asked(specs, attributes, baselines, [], empty_ref, rooms)
    for found in side_by_side(path, record, asked):
        rows["degradation"] += degradation_rows(found)
        interactions = interaction_rows(found)
        rows["interactions"] += interactions
        rows["curves"] += curve_rows(found, threshold=threshold)
        rows["curves"] += worst_case_rows(found)
        rows["curves"] += nwerd_rows(found, difficulty or {})
        for simulated, place in real:
            rows["reality"] += reality_rows(found, simulated, place, margin=margin)
        if found.normalizer == normalizer_headline:
            rows["collect_next"] += interactions
    rows["collect_next"] = collect_next(rows["collect_next"])
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}


def read_difficulty(path: str | Path) -> dict[str, float]:
    """A frozen difficulty table: CSV with the columns `condition_id` and `difficulty`.

    Raises:
        InputError: it cannot be read, has other columns, or a difficulty is not a number above 0.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error
    if header != DIFFICULTY:
        raise InputError(f"{path}:1: columns {','.join(header) or 'none'}; give {','.join(DIFFICULTY)}")
    found: dict[str, float] = {}
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        name, *texts = row
        try:
            (value,) = map(float, texts)
        except ValueError:
            value = math.nan
        if not 0.0 < value < math.inf or not name or name in found:
            raise InputError(f"{path}:{number}: {','.join(row)}: give every condition once, with a number above 0")
        found[name] = value
    return found


def check_rooms(
    threshold: float, real: Sequence[tuple[str, str]], record: RunRecord, attributes: Mapping[str, Attribute]
) -> list[str]:
    """Refuse what cannot be answered.

    Returns:
        The attributes that say which recordings are of the real room.

    Raises:
        InputError: a threshold out of its range, a side that the run does not have, or one side twice.
    """
    if not 0.0 < threshold < math.inf:
        raise InputError(f"threshold {threshold}: a word error rate above 0, such as 0.30")
    conditions = {condition for _, condition in record.cells}
    rooms = []
    for simulated, place in real:
        if simulated not in conditions - {CLEAN}:
            there = ", ".join(sorted(conditions - {CLEAN})) or "none"
            raise InputError(f"real room: no condition {simulated!r} in this run; there are: {there}")
        if place == simulated:
            raise InputError(f"real room of {simulated}: it would be compared with itself; name another condition")
        if place not in conditions:
            rooms.append(_room_attribute(f"real room of {simulated}", place, record, attributes))
    return rooms


def _room_attribute(what: str, place: str, record: RunRecord, attributes: Mapping[str, Attribute]) -> str:
    """The attribute of `ATTR=GROUP`.

    Raises:
        InputError: there is no such attribute or group.
    """
    attribute, equals, group = place.partition("=")
    if attribute in attributes and not groupable(attributes[attribute]):
        raise InputError(f"{what}: {attribute} is a number without bins, and so has no groups")
    if not equals or attribute not in attributes:
        raise InputError(f"{what}: {place!r} is neither a condition of this run nor ATTR=GROUP of its manifest")
    met = [row["group"] for row in record.coverage.get("groups", ()) if row["attribute"] == attribute]
    if met and group not in (groups := [name for name in met if name != MISSING]):
        raise InputError(f"{what}: no group {group!r} of {attribute}; there are: {', '.join(groups) or 'none'}")
    return attribute
