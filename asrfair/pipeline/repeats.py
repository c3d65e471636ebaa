"""What analyze adds where systems were asked more than once: the rows of `repeats/` beside those of `hypotheses/`.

Scored here, in memory, with the normalisers and costs of the scores; `scores.parquet` has the first time alone, so
that no rate of the audit changes by asking again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.errors import RunFolderError
from asrfair.pipeline.joints import check_transcripts, group_columns, manifest_of, places, selected
from asrfair.provenance import RunRecord
from asrfair.scoring.scorer import Scorer
from asrfair.stats.repeats import Gap, RepeatSums
from asrfair.store import read_hypotheses, read_repeats, repeat_id, repeat_number
from asrfair.tables import REPEATS

TABLE = "repeats"
BLOCK_ROWS = 20_000
COLUMNS = ["utterance_id", "status", "text"]
Place = tuple[str, str]


def repeat_tables(
    folder: Path,
    record: RunRecord,
    specs: Sequence[str],
    baselines: Mapping[str, str],
    disparities: pa.Table,
    *,
    scored: str,
    empty_ref: str,
) -> dict[str, pa.Table]:
    """The table `repeats`; nothing where no system was asked again.

    Args:
        folder: the run folder.
        record: its `run.json`.
        specs: attributes and intersections to look at.
        baselines: attribute or intersection -> the group to compare with.
        disparities: `tables.DISPARITIES` of the run.
        scored: digest of the manifest that was scored.
        empty_ref: as for `analyze`.

    Raises:
        RunFolderError: the manifest or the transcripts are not those that were scored.
    """
    asked = _asked(folder, record)
    if not asked:
        return {}
    manifest = manifest_of(folder, record)
    if manifest.digest != scored:
        raise RunFolderError(f"{folder}: its manifest {manifest.rows_path} was changed: run asrfair score again")
    rows = selected(manifest, record.limit, record.seed)
    check_transcripts(folder, record, rows["utterance_id"])
    groups = group_columns(rows, manifest.attributes)
    scorers = [Scorer(normalizer.name, costs=record.costs) for normalizer in record.normalizers]
    fixed = {system.system_id: system.deterministic for system in record.systems}
    gaps = _gaps(disparities)
    found: list[dict[str, Any]] = []
    for place, numbers in asked.items():
        said = _said(folder, place, numbers, rows["utterance_id"])
        for scorer, normalizer in zip(scorers, record.normalizers, strict=True):
            cell = dict(zip(("system_id", "condition_id", "normalizer"), (*place, normalizer.name), strict=True))
            sums = RepeatSums(specs, 1 + len(numbers), empty_ref=empty_ref)
            for block in _blocks(scorer, said, rows, groups):
                sums.add(*block)
            own = gaps.get((*place, normalizer.name), {})
            found += (cell | row for row in sums.rows(baselines, own, deterministic=fixed.get(place[0], False)))
    return {TABLE: pa.Table.from_pylist(found, schema=REPEATS)}


def _asked(folder: Path, record: RunRecord) -> dict[Place, list[int]]:
    """The cells that were asked again: which times there are beyond the first."""
    names = read_repeats(folder, columns=["system_id", "condition_id"])
    there = set(zip(*(names[column].to_pylist() for column in names.column_names), strict=True)) if len(names) else ()
    found: dict[Place, list[int]] = {}
    for place in places(record):
        numbers = {repeat_number(place[0], name) for name, condition in there if condition == place[1]} - {None}
        if numbers:
            found[place] = sorted(number for number in numbers if number is not None)
    return found


def _said(folder: Path, place: Place, numbers: Sequence[int], ids: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    """The text of every utterance each time, null where it failed or was not asked."""
    first = read_hypotheses(folder, columns=COLUMNS, system_id=place[0], condition_id=place[1])
    again = [
        read_repeats(folder, columns=COLUMNS, system_id=repeat_id(place[0], number), condition_id=place[1])
        for number in numbers
    ]
    return [_in_order(table, ids) for table in (first, *again)]


def _in_order(table: pa.Table, ids: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a table in the order of the utterances."""
    where = pc.index_in(ids, value_set=table["utterance_id"].combine_chunks())
    ok = pc.fill_null(pc.equal(table["status"], "ok").take(where), False)
    return pc.if_else(ok, table["text"].take(where), None)


def _blocks(
    scorer: Scorer, said: Sequence[pa.ChunkedArray], rows: pa.Table, groups: Mapping[str, pa.ChunkedArray]
) -> Iterator[tuple[Any, ...]]:
    """What `RepeatSums.add` takes, some utterances at a time."""
    for start in range(0, len(rows), BLOCK_ROWS):
        texts = [column.slice(start, BLOCK_ROWS).combine_chunks() for column in said]
        ok = np.logical_and.reduce([text.is_valid().to_numpy(zero_copy_only=False) for text in texts])
        kept = pa.array(ok)
        texts = [text.filter(kept) for text in texts]
        references = rows["references"].slice(start, BLOCK_ROWS).filter(kept)
        counts = [scorer.score(references, texts[0])]
        changed = np.zeros(len(texts[0]), dtype=bool)
        for text in texts[1:]:
            other = pc.not_equal(text, texts[0])
            mine, first = text.filter(other), texts[0].filter(other)
            counts.append(_replaced(counts[0], other, scorer.score(references.filter(other), mine)))
            changed[other.to_numpy(zero_copy_only=False)] |= _reads_otherwise(scorer, mine, first)
        own = {name: column.slice(start, BLOCK_ROWS) for name, column in groups.items()}
        yield counts, changed, ok, rows["speaker_id"].slice(start, BLOCK_ROWS), own


def _replaced(counts: pa.Table, where: pa.Array, by: pa.Table) -> pa.Table:
    """Counts with other ones in some rows: most texts are the same every time, and need no second look."""
    columns = [
        pc.replace_with_mask(counts[name].combine_chunks(), where, by[name].combine_chunks())
        for name in counts.column_names
    ]
    return pa.table(columns, names=counts.column_names)


def _reads_otherwise(scorer: Scorer, texts: pa.Array, others: pa.Array) -> NDArray[np.bool_]:
    """Whether two texts differ after normalising."""
    first, second = (scorer.normalizer.normalize(column.to_pylist()) for column in (texts, others))
    return np.array([a != b for a, b in zip(first, second, strict=True)], dtype=bool)


def _gaps(disparities: pa.Table) -> dict[tuple[str, str, str], dict[tuple[str, str], Gap]]:
    """The gaps of every cell, with their intervals."""
    found: dict[tuple[str, str, str], dict[tuple[str, str], Gap]] = {}
    for row in disparities.to_pylist():
        cell = found.setdefault((row["system_id"], row["condition_id"], row["normalizer"]), {})
        gap = row["wer_difference"], row["difference_low"], row["difference_high"]
        cell[row["attribute"], row["group"]] = gap
    return found
