"""What each group was heard at: the levels and noise ratios that were achieved, so that groups can be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from asrfair.manifest import Attribute
from asrfair.pipeline.joints import group_columns
from asrfair.records import ALL, MISSING
from asrfair.store import read_hypotheses, read_mixes
from asrfair.tables import HEARD, readable

Row = dict[str, Any]
COLUMNS = ["utterance_id", "key", "speech_dbfs", "activity", "snr_asked_db", "snr_db", "pieces", "gain_db", "notes"]


def heard(
    folder: Path,
    scores: Path,
    places: Sequence[tuple[str, str]],
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
) -> pa.Table:
    """The table of what groups were heard at.

    Args:
        folder: the run folder.
        scores: its scores, which say who spoke and of which group.
        places: systems and conditions of the run.
        specs: single attributes to look at.
        attributes: what the columns mean.

    Returns:
        `tables.HEARD`; empty where no mix was made.
    """
    rows = _utterances(scores, specs)
    groups = {name: column.to_pylist() for name, column in group_columns(rows.select(specs), attributes).items()}
    members = {ALL: {ALL: np.ones(len(rows), dtype=bool)}} | {name: _members(g) for name, g in groups.items()}
    speakers = pc.fill_null(rows["speaker_id"].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    ids = rows["utterance_id"].combine_chunks()
    found: list[Row] = []
    for place in places:
        here = _heard_for_transcripts(folder, place)
        where = pc.index_in(here["utterance_id"], value_set=ids)
        here, at = here.filter(pc.is_valid(where)), pc.drop_null(where).to_numpy()
        cell = _columns(here)
        for attribute, masks in members.items():
            for group, mask in masks.items():
                chosen = mask[at]
                if chosen.any():
                    about = {"system_id": place[0], "condition_id": place[1], "attribute": attribute, "group": group}
                    met = np.unique(speakers[at[chosen]])
                    known = {"n_speakers": len(met) if met[0] >= 0 else None}
                    found.append(about | known | dict(_told(cell, chosen)))
    return pa.Table.from_pylist(found, schema=HEARD)


def _heard_for_transcripts(folder: Path, place: tuple[str, str]) -> pa.Table:
    """The mixes of one cell whose transcripts stand: what was heard for one that failed later tells nothing."""
    where = {"system_id": place[0], "condition_id": place[1]}
    mixes = read_mixes(folder, columns=COLUMNS, **where)
    rows = read_hypotheses(folder, columns=["key", "status"], **where)
    answered = rows.filter(pc.equal(rows["status"], "ok"))["key"]
    return mixes.filter(pc.is_in(mixes["key"], value_set=answered.combine_chunks()))


def _utterances(scores: Path, specs: Sequence[str]) -> pa.Table:
    """Every utterance once, with its speaker and the values of some attributes: the rows of the first cell."""
    cell = ["system_id", "condition_id", "normalizer"]
    with readable(scores, "asrfair score"), pq.ParquetFile(scores) as file:
        blocks: list[pa.Table] = []
        for number in range(file.num_row_groups):
            block = file.read_row_group(
                number, columns=[*cell, "utterance_id", "speaker_id", *specs], use_threads=False
            )
            if blocks and len(block) and block.slice(0, 1).select(cell) != blocks[0].slice(0, 1).select(cell):
                break
            blocks += [block] if len(block) else []
    return pa.concat_tables(blocks)


def _members(groups: Sequence[str | None]) -> dict[str, NDArray[np.bool_]]:
    """Group -> which rows are in it."""
    named = np.array([MISSING if group is None else group for group in groups], dtype=object)
    labels = {label: label.split("|") for label in set(named.tolist())}
    return {
        group: np.isin(named, [label for label, parts in labels.items() if group in parts])
        for group in sorted({part for parts in labels.values() for part in parts})
    }


def _columns(mixes: pa.Table) -> dict[str, NDArray[Any]]:
    """Columns as arrays, of lists the last entry (what a level sweeps comes last); NaN where there is none."""
    columns = {name: _floats(mixes[name]) for name in ("speech_dbfs", "activity", "gain_db")}
    for name in ("snr_asked_db", "snr_db"):
        columns[name] = _lasts(mixes[name])
    columns["pieces"] = _lasts(mixes["pieces"], known=True)
    columns["n_notes"] = pc.list_value_length(mixes["notes"]).to_numpy()
    return columns


def _lasts(lists: pa.ChunkedArray, *, known: bool = False) -> NDArray[np.float64]:
    """The last entry of each list, or the last that is known; NaN where there is none."""
    joined = lists.combine_chunks()
    of, entries = pc.list_parent_indices(joined).to_numpy(), _floats(pc.list_flatten(joined))
    counted = np.isfinite(entries) if known else np.ones(len(entries), dtype=bool)
    lasts = np.full(len(joined), np.nan)
    lasts[of[counted]] = entries[counted]  # In order: a later entry of the same list replaces an earlier one.
    return lasts


def _floats(column: pa.ChunkedArray | pa.Array) -> NDArray[np.float64]:
    """Numbers, NaN where there is none."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _told(cell: Mapping[str, NDArray[Any]], chosen: NDArray[np.bool_]) -> Iterator[tuple[str, Any]]:
    """The numbers of one group."""
    here = {name: values[chosen] for name, values in cell.items()}
    yield "n_utterances", int(np.count_nonzero(chosen))
    for name in ("speech_dbfs", "activity", "snr_asked_db", "snr_db"):
        known = here[name][np.isfinite(here[name])]
        yield name, float(known.mean()) if len(known) else None
    achieved = here["snr_db"][np.isfinite(here["snr_db"])]
    yield "snr_lowest_db", float(achieved.min()) if len(achieved) else None
    yield "snr_highest_db", float(achieved.max()) if len(achieved) else None
    yield "n_turned_down", int(np.count_nonzero(here["gain_db"] < 0))
    yield "n_noted", int(np.count_nonzero(here["n_notes"]))
    pieces = here["pieces"][np.isfinite(here["pieces"])]
    counts = np.unique(pieces, return_counts=True)[1]
    yield "n_pieces", len(counts) if len(counts) else None
    yield "fewest_in_a_piece", int(counts.min()) if len(counts) else None
    yield "most_in_a_piece", int(counts.max()) if len(counts) else None
