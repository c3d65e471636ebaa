"""CSV with a header, commas and double quotes (RFC 4180): fields may hold line breaks; a row's line is its first.

Every cell is text: an empty one is missing, and `a|b` in `references` or in an attribute means several values.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from asrfair.manifest.cells import CellError, number_from_text
from asrfair.manifest.columns import CHUNK_ROWS, MOST_COLUMNS, SEPARATOR, Chunk, Kind, Layout
from asrfair.manifest.faults import FaultList

_REMEDIES = {
    "unexpected end of data": "a quoted field that begins here is never closed: add the closing quote",
    "field larger than field limit": "a field is over 131,072 characters: a quote is not closed, or write it as JSONL",
    "' expected after '": 'text follows a closing quote: write a quote inside a field twice ("")',
    "new-line character seen": "line ends are bare carriage returns: save the file with LF or CRLF",
}


class _Rows:
    """The rows of a CSV file with the line on which each begins; lines that cannot be read are faults."""

    def __init__(self, file: BinaryIO, faults: FaultList) -> None:
        self._file = file
        self._faults = faults
        self._undecodable = 0
        self._reader = csv.reader(self._decoded(), strict=True)

    def _decoded(self) -> Iterator[str]:
        for number, data in enumerate(self._file, start=1):
            try:
                yield data.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                self._undecodable = number
                place = f"(byte {error.start + 1} of the line)"
                self._faults.add(number, "", f"is not UTF-8 {place}: save the file as UTF-8")
                yield data.decode("utf-8", "replace")

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        reader = self._reader
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                message = str(error)
                remedy = next((text for key, text in _REMEDIES.items() if key in message), message)
                self._faults.add(line, "", f"is not valid CSV: {remedy}")
                if "field limit" in message:
                    self._faults.add(line, "", "the rest of the file was not read")
                    return
                continue
            if row and self._undecodable < line:
                yield line, row


def _header(row: Sequence[str], line: int, faults: FaultList) -> list[str] | None:
    """The names of the columns; None if rows cannot be told by them."""
    names = [name.strip() for name in row]
    if len(names) == 1 and (other := next((mark for mark in ";\t|" if mark in names[0]), None)):
        faults.add(line, "", f"columns are separated by {other!r}: save the file with commas")
        return None
    if len(names) > MOST_COLUMNS:
        faults.add(line, "", f"has {len(names):,} columns, more than {MOST_COLUMNS:,}")
        return None
    usable = True
    for position, name in enumerate(names, start=1):
        if not name:
            faults.add(line, "", f"column {position} has no name: name it or drop it (pandas: index=False)")
            usable = False
        elif name in names[: position - 1]:
            faults.add(line, name, "is the name of two columns: rename one")
            usable = False
    return names if usable else None


def _numbers(values: pa.Array, name: str, lines: Any, faults: FaultList) -> pa.Array:
    text = pc.utf8_trim_whitespace(values)
    text = pc.if_else(pc.equal(text, ""), None, text)
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        cells: list[float | None] = []
    for line, value in zip(lines, text.to_pylist(), strict=True):
        cells.append(None)
        try:
            cells[-1] = None if value is None else number_from_text(value)
        except CellError as error:
            faults.add(int(line), name, str(error))
    return pa.array(cells, pa.float64())


def _column(cells: Sequence[str], name: str, kind: Kind, lines: Any, faults: FaultList) -> pa.Array | None:
    """One column of a chunk; None if it holds nothing."""
    values = pa.array(cells, pa.string())
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    if values.null_count == len(values):
        return None
    if kind is Kind.NUMBER:
        return _numbers(values, name, lines, faults)
    if kind is Kind.REFERENCES:
        return pc.split_pattern(values, "|")
    if kind is Kind.ATTRIBUTE:
        several = pc.match_substring(values, "|")
        if several.true_count:
            packed = pc.binary_join_element_wise("", pc.replace_substring(values, "|", SEPARATOR), SEPARATOR)
            return pc.if_else(several, packed, values)
    return values


def _chunk(rows: list[tuple[int, list[str]]], names: Sequence[str], layout: Layout, faults: FaultList) -> Chunk:
    lines = np.array([line for line, _ in rows], dtype=np.int64)
    columns = {}
    for name, cells in zip(names, zip(*(row for _, row in rows), strict=True), strict=True):
        column = _column(cells, name, layout.kinds[name], lines, faults)
        if column is not None:
            layout.meet(name)
            columns[name] = column
    return Chunk(lines, columns)


def read_csv(path: Path, layout: Layout, faults: FaultList) -> Iterator[Chunk]:
    """Read a CSV file.

    Args:
        path: the file.
        layout: which column is read as what; learns the columns that the file has.
        faults: takes what is wrong with rows and with the types of cells.

    Yields:
        The rows in file order; one with the wrong number of fields is a fault and left out.
    """
    with path.open("rb") as file:
        rows = iter(_Rows(file, faults))
        line, first = next(rows, (1, []))
        names = _header(first, line, faults) if first else None
        if names is None:
            return
        layout.learn(names)
        held: list[tuple[int, list[str]]] = []
        for line, row in rows:
            if len(row) != len(names):
                remedy = (
                    "quote a field that holds a comma" if len(row) > len(names) else "write every field, empty or not"
                )
                faults.add(line, "", f"has {len(row)} fields where the header has {len(names)}: {remedy}")
                continue
            held.append((line, row))
            if len(held) == CHUNK_ROWS:
                yield _chunk(held, names, layout, faults)
                held = []
        if held:
            yield _chunk(held, names, layout, faults)
