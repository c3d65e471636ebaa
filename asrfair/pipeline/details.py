"""The part of analyze that needs every utterance: read one cell at a time, measured, and written beside the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.errors import InputError, RunFolderError
from asrfair.manifest import Attribute, groupable
from asrfair.pipeline.joints import group_columns
from asrfair.scoring.writer import read_metadata
from asrfair.stats.second_opinion import permutation_rows
from asrfair.stats.utterance_level import (
    Utterances,
    adjusted_rows,
    conditional_rows,
    distance_rows,
    faas_rows,
    matched_rows,
    quality_rows,
)
from asrfair.tables import ADJUSTED, MATCHED, MEASURES, readable

CELL = ("system_id", "condition_id", "normalizer")
COUNTS = ("hits", "substitutions", "deletions", "insertions")


def check_covariates(asked: Sequence[str], attributes: Mapping[str, Attribute]) -> None:
    """Refuse a covariate that the manifest does not declare.

    Raises:
        InputError: naming those there are.
    """
    for name in asked:
        if name not in attributes:
            raise InputError(f"--adjust {name}: no attribute of this manifest; there are {', '.join(attributes)}")


def details(
    path: Path,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    *,
    covariates: Sequence[str],
    deep: bool,
    seed: int,
) -> dict[str, pa.Table]:
    """Tables of the analyses that need every utterance.

    Args:
        path: the scores file.
        specs: attributes to look at; intersections are left out.
        attributes: what the columns mean.
        baselines: attribute -> the group to compare with.
        covariates: attributes to hold equal; none for no adjusted model.
        deep: whether to measure quality shares, distances and matched prompts.
        seed: of the permutations.

    Returns:
        `adjusted` (with covariates), `matched` and `measures` (deep): further rows of the table of that name.
    """
    rows: dict[str, list[dict[str, Any]]] = {"adjusted": [], "matched": [], "measures": []}
    single = [spec for spec in specs if "*" not in spec]
    for found, held in cells(path, single, attributes, covariates):
        rows["measures"] += faas_rows(found) if deep else ()
        for attribute in single:
            baseline = baselines.get(attribute)
            if held:
                rows["adjusted"] += adjusted_rows(found, attribute, baseline, held)
            if deep:
                rows["matched"] += matched_rows(found, attribute, baseline)
                rows["measures"] += quality_rows(found, attribute, baseline)
                rows["measures"] += conditional_rows(found, attribute, baseline)
                rows["measures"] += distance_rows(found, attribute, seed)
                rows["measures"] += permutation_rows(found, attribute, baseline, seed)
    schemas = {"adjusted": ADJUSTED, "matched": MATCHED, "measures": MEASURES}
    asked = {"adjusted": bool(covariates), "matched": deep, "measures": deep}
    return {name: pa.Table.from_pylist(rows[name], schema=schemas[name]) for name in rows if asked[name]}


def first_cell(path: Path) -> Utterances:
    """The utterances of the first cell of a scores file.

    Raises:
        RunFolderError: the file is absent, or has no row.
    """
    read_metadata(path)
    for found, _ in cells(path, (), {}, ()):
        return found
    raise RunFolderError(f"{path}: no row; nothing can be measured")


def cells(
    path: Path,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    covariates: Sequence[str],
    *,
    speakers_known: bool = True,
) -> Iterator[tuple[Utterances, dict[str, Any]]]:
    """The transcribed utterances of each cell, with the covariates of each.

    Args:
        path: the scores file; blocks of a cell follow each other in it.
        specs: single attributes whose groups are wanted.
        attributes: what the columns mean.
        covariates: attributes whose values are wanted.
        speakers_known: whether to leave out utterances whose speaker is not known.
    """
    waiting: list[pa.Table] = []
    with readable(path, "asrfair score"), pq.ParquetFile(path) as file:
        wanted = [*CELL, "status", "speaker_id", *COUNTS, *dict.fromkeys([*specs, *covariates])]
        wanted += [name for name in ("prompt_id",) if name in file.schema_arrow.names]
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=wanted, use_threads=False)
            if not len(rows):
                continue
            if waiting and _cell_of(waiting[-1]) != _cell_of(rows):
                yield _utterances(
                    pa.concat_tables(waiting), specs, attributes, covariates, speakers_known=speakers_known
                )
                waiting = []
            waiting.append(rows)
    if waiting:
        yield _utterances(pa.concat_tables(waiting), specs, attributes, covariates, speakers_known=speakers_known)


def _cell_of(rows: pa.Table) -> tuple[str, str, str]:
    """System, condition and normaliser of a block."""
    system, condition, normalizer = (rows[name][0].as_py() for name in CELL)
    return system, condition, normalizer


def _utterances(
    rows: pa.Table,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    covariates: Sequence[str],
    *,
    speakers_known: bool,
) -> tuple[Utterances, dict[str, Any]]:
    """The transcribed rows of a cell, as arrays."""
    cell = _cell_of(rows)
    rows = rows.filter(pc.equal(rows["status"], "ok"))
    if speakers_known:
        rows = rows.filter(pc.is_valid(rows["speaker_id"]))
    counts = {name: rows[name].to_numpy().astype(np.float64) for name in COUNTS}
    groups = group_columns(rows.select(list(specs)), attributes)
    found = Utterances(
        cell=cell,
        speakers=np.array(pc.fill_null(rows["speaker_id"], "").to_pylist(), dtype=np.str_),
        errors=counts["substitutions"] + counts["deletions"] + counts["insertions"],
        words=counts["hits"] + counts["substitutions"] + counts["deletions"],
        groups={name: np.array(column.to_pylist(), dtype=object) for name, column in groups.items()},
        prompts=np.array(rows["prompt_id"].to_pylist(), dtype=object) if "prompt_id" in rows.column_names else None,
    )
    return found, {name: _covariate(rows[name], attributes[name]) for name in covariates}


def _covariate(column: pa.ChunkedArray, attribute: Attribute) -> list[Any]:
    """A covariate: numbers as they are, everything else by its groups."""
    if attribute.numeric or not groupable(attribute):
        found: list[Any] = column.to_pylist()
        return found
    texts: list[Any] = column.cast(pa.string()).to_pylist()
    return texts
