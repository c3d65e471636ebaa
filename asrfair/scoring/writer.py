"""Writing `scores.parquet`: one row per system x condition x normaliser x utterance, streamed in blocks.

An utterance without a transcript keeps its row, with status `failed` and no counts: it can then never be mistaken for a
speaker's deletions, and it is counted by group. The file holds no time and no rate; the same hypotheses give the same
bytes. Its metadata (key `asrfair`, JSON) says what the attributes mean and how the counts were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.errors import RunFolderError
from asrfair.files import written_aside
from asrfair.scoring.scorer import Scorer
from asrfair.tables import HYPOTHESES, MANIFEST, SCORES

BLOCK_ROWS = 50_000
METADATA_KEY = b"asrfair"


@dataclass(frozen=True, slots=True)
class Cell:
    """The hypotheses of one system under one condition.

    Attributes:
        system_id, condition_id: which.
        hypotheses: columns `utterance_id`, `status`, `text` and `error` of `tables.HYPOTHESES`.
    """

    system_id: str
    condition_id: str
    hypotheses: pa.Table


CARRIED = ("prompt_id", "duration_s")
"""Columns of the manifest's contract that analyses of prompts and of time need."""


def attribute_columns(schema: pa.Schema) -> list[pa.Field]:
    """The columns of a manifest table that go into the scores: attributes, undeclared columns, prompt and duration."""
    return [field for field in schema if field.name not in MANIFEST.names or field.name in CARRIED]


def write_scores(
    path: Path,
    utterances: pa.Table,
    cells: Iterable[Cell],
    normalizers: Sequence[str],
    costs: str,
    metadata: Mapping[str, Any],
) -> dict[tuple[str, str], int]:
    """Score every cell with every normaliser and write the file, aside first.

    Args:
        path: `scores.parquet` of the run folder.
        utterances: the manifest's rows to score (`tables.MANIFEST` and attributes), in manifest order.
        cells: the hypotheses, one system and condition at a time; read as they are needed.
        normalizers: names; the first is the headline.
        costs: `levenshtein` or `sclite`.
        metadata: what the readers of the file must know; JSON-able, without times.

    Returns:
        Failed utterances per (system_id, condition_id).

    Raises:
        RunFolderError: the file cannot be written; nothing is left behind.
    """
    attributes = attribute_columns(utterances.schema)
    fields = [*SCORES, *(pa.field(_score_name(field.name), field.type) for field in attributes)]
    schema = pa.schema(fields, metadata={METADATA_KEY: msgspec.json.encode(metadata)})
    scorers = {name: Scorer(name, costs=costs) for name in normalizers}
    failed: dict[tuple[str, str], int] = {}
    with written_aside(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for cell in cells:
            failed[cell.system_id, cell.condition_id] = _write_cell(writer, schema, utterances, cell, scorers)
    return failed


def read_metadata(path: Path) -> dict[str, Any]:
    """What the writer of a scores file said of it.

    Raises:
        RunFolderError: the file is absent, damaged or not written by asrfair.
    """
    try:
        found = pq.read_schema(path).metadata or {}
        metadata: dict[str, Any] = msgspec.json.decode(found[METADATA_KEY])
    except (OSError, pa.ArrowInvalid, KeyError, msgspec.DecodeError) as error:
        raise RunFolderError(f"{path}: not a scores file; make it with asrfair score") from error
    return metadata


def _score_name(column: str) -> str:
    """The name of a manifest column in the scores table, where an undeclared one may collide with a contract column."""
    return f"manifest.{column}" if column in SCORES.names else column


def _write_cell(
    writer: pq.ParquetWriter, schema: pa.Schema, utterances: pa.Table, cell: Cell, scorers: Mapping[str, Scorer]
) -> int:
    """Write the rows of one cell; returns how many failed."""
    text, status = _in_order(utterances["utterance_id"], cell.hypotheses)
    failed = 0
    for number, (name, scorer) in enumerate(scorers.items()):
        for start in range(0, len(utterances), BLOCK_ROWS):
            rows = utterances.slice(start, BLOCK_ROWS)
            ok = pc.fill_null(pc.equal(status.slice(start, BLOCK_ROWS), "ok"), False)
            heard = text.slice(start, BLOCK_ROWS)
            said = pc.if_else(ok, heard, pa.scalar(None, HYPOTHESES.field("text").type))
            block = _block(schema, rows, scorer.score(rows["references"], said), ok, (cell, name))
            writer.write_table(block)
            failed += 0 if number else len(rows) - (pc.sum(ok).as_py() or 0)
    return failed


def _in_order(ids: pa.ChunkedArray, hypotheses: pa.Table) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Text and status of each utterance, null where it has no row; once, as `take` copies a whole column each time."""
    where = pc.index_in(ids.combine_chunks(), value_set=hypotheses["utterance_id"].combine_chunks())
    in_order = len(where) == len(hypotheses) and where.null_count == 0
    if in_order and np.array_equal(where.to_numpy(), np.arange(len(where))):
        return hypotheses["text"], hypotheses["status"]
    return hypotheses["text"].take(where), hypotheses["status"].take(where)


def _block(
    schema: pa.Schema, rows: pa.Table, counts: pa.Table, ok: pa.ChunkedArray, signed: tuple[Cell, str]
) -> pa.Table:
    """One block of rows in the schema of the file."""
    cell, normalizer = signed
    constant = {"system_id": cell.system_id, "condition_id": cell.condition_id, "normalizer": normalizer}
    columns: dict[str, Any] = {name: pa.repeat(pa.scalar(value), len(rows)) for name, value in constant.items()}
    columns["status"] = pc.if_else(ok, "ok", "failed")
    columns |= {name: rows[name] for name in ("utterance_id", "speaker_id")}
    columns |= {name: counts[name] for name in counts.column_names}
    columns |= {_score_name(field.name): rows[field.name] for field in attribute_columns(rows.schema)}
    return pa.table([columns[field.name] for field in schema], schema=schema)
