"""Parquet, a batch of rows at a time; a row's place is its number, counted from 1.

A column has one type for all its rows, so a wrong type is one fault of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.manifest.cells import column_or_faults
from asrfair.manifest.columns import CHUNK_ROWS, MOST_COLUMNS, Chunk, Kind, Layout
from asrfair.manifest.faults import FaultList


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view")


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_scalar(kind: pa.DataType) -> bool:
    return _is_text(kind) or _is_number(kind) or bool(pa.types.is_boolean(kind))


_FITS: Mapping[Kind, tuple[Callable[[pa.DataType], bool], str]] = {
    Kind.ID: (lambda kind: _is_text(kind) or bool(pa.types.is_integer(kind)), "text"),
    Kind.TEXT: (_is_text, "text"),
    Kind.NUMBER: (_is_number, "numbers"),
    Kind.REFERENCES: (lambda kind: _is_list(kind) and _is_text(kind.value_type), "lists of text"),
    Kind.ATTRIBUTE: (
        lambda kind: _is_scalar(kind) or (_is_list(kind) and _is_scalar(kind.value_type)),
        "text, or lists of text",
    ),
}


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _schema(schema: pa.Schema, layout: Layout, faults: FaultList) -> list[str]:
    """The columns that can be read; each of the others is a fault or is left out."""
    names: list[str] = []
    layout.learn(schema.names)
    for field in schema:
        name, kind = field.name, _plain_type(field.type)
        if schema.names.count(name) > 1:
            if not faults.column_is_faulty(name):
                faults.add(0, name, "is the name of two columns: rename one")
        elif pa.types.is_null(kind):
            continue
        elif layout.kinds[name] is Kind.UNDECLARED:
            if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_struct(kind):
                layout.left_out[name] = f"a column of {kind} is not carried along"
            else:
                names.append(name)
        elif not _FITS[layout.kinds[name]][0](kind):
            wanted = _FITS[layout.kinds[name]][1]
            faults.add(0, name, f"is a column of {kind}: write {wanted}")
        else:
            names.append(name)
    return names


def _by_distinct_value(values: pa.Array, kind: Kind, row_of: Any, name: str, faults: FaultList) -> pa.Array:
    """Convert through Python, each distinct value once."""
    encoded = values.dictionary_encode()
    converted, wrong = column_or_faults(encoded.dictionary.to_pylist(), kind)
    for position, message in wrong:
        for row in np.flatnonzero(encoded.indices.fill_null(-1).to_numpy() == position):
            faults.add(int(row_of[row]), name, message)
    return pa.array(converted, kind.arrow_type).take(encoded.indices)


def _column(values: pa.Array, name: str, kind: Kind, rows: Any, faults: FaultList) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if kind is Kind.NUMBER:
        return pc.cast(values, pa.float64(), safe=False)
    if kind is Kind.REFERENCES:
        return values.cast(kind.arrow_type)
    if _is_text(values.type):
        return values.cast(pa.string())
    if _is_scalar(values.type) and not pa.types.is_decimal(values.type):
        return _by_distinct_value(values, kind, rows, name, faults)
    if _is_list(values.type):
        converted, wrong = column_or_faults(values.to_pylist(), kind)
        for position, message in wrong:
            faults.add(int(rows[position]), name, message)
        return pa.array(converted, pa.string())
    return _other(values)


def _other(values: pa.Array) -> pa.Array:
    """A date, a decimal and the like: as Arrow writes it."""
    try:
        return values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values.to_pylist()], pa.string())


def read_parquet(path: Path, layout: Layout, faults: FaultList) -> Iterator[Chunk]:
    """Read a Parquet file.

    Args:
        path: the file.
        layout: which column is read as what; learns the columns that the file has.
        faults: takes columns of the wrong type and a damaged file.

    Yields:
        The rows in file order.
    """
    row = 1
    try:
        with pq.ParquetFile(path) as file:
            if len(file.schema_arrow.names) > MOST_COLUMNS:
                faults.add(0, "", f"has {len(file.schema_arrow.names):,} columns, more than {MOST_COLUMNS:,}")
                return
            names = _schema(file.schema_arrow, layout, faults)
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=names):
                rows = np.arange(row, row + batch.num_rows, dtype=np.int64)
                row += batch.num_rows
                columns = {}
                for name in names:
                    values = batch.column(name)
                    if values.null_count < len(values):
                        layout.meet(name)
                        columns[name] = _column(values, name, layout.kinds[name], rows, faults)
                yield Chunk(rows, columns)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0][:200]
        faults.add(row if row > 1 else 0, "", f"is not a Parquet file that can be read: {reason}")
