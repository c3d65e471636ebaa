"""JSON Lines, one object a line, decoded by msgspec in blocks; only a block with a fault is read line by line.

The struct that msgspec decodes into is made from the columns that are expected, and made again when a block has others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa

from asrfair.manifest.cells import column_or_faults
from asrfair.manifest.columns import MOST_COLUMNS, Chunk, Kind, Layout
from asrfair.manifest.faults import FaultList, show

_BLOCK_BYTES = 2 << 20
_LONGEST_LINE = 64 << 20
_TYPES: dict[Kind, Any] = {
    Kind.ID: str | int | None,
    Kind.TEXT: str | None,
    Kind.NUMBER: float | None,
    Kind.REFERENCES: list[str] | None,
    Kind.ATTRIBUTE: Any,
    Kind.UNDECLARED: Any,
}
_NO_FIELD = re.compile(
    r'[\\"\x00-\x1f]'
)  # msgspec refuses fields of such names; rows that have one are read line by line
_HALF = re.compile("[\ud800-\udfff]")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _blocks(file: BinaryIO, faults: FaultList) -> Iterator[tuple[int, int, bytes]]:
    """The file in blocks of whole lines, without a byte order mark; each with its first line and how many it has."""
    rest = file.read(3).removeprefix(b"\xef\xbb\xbf")
    line = 1
    while data := file.read(_BLOCK_BYTES):
        data = rest + data
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if cut:
            n_lines = data.count(b"\n", 0, cut)
            yield line, n_lines, data[:cut]
            line += n_lines
        elif len(rest) > _LONGEST_LINE:
            faults.add(line, "", f"is a line of over {_LONGEST_LINE >> 20} MiB: write one utterance a line")
            return
    if rest:
        yield line, 1, rest


def _parse(data: bytes) -> dict[str, Any] | str:
    """One line as Python values, or what is wrong with it."""
    try:
        row = json.loads(data.decode("utf-8"), parse_constant=float)
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start + 1} of the line): save the file as UTF-8"
    except json.JSONDecodeError as error:
        return f"is not valid JSON at character {error.pos + 1}: {error.msg}"
    except (ValueError, RecursionError):
        return "is not valid JSON: a number too long, or nested too deeply"
    if isinstance(row, dict):
        odd = next((key for key in row if not key.isascii() and _HALF.search(key)), None)
        return (
            row
            if odd is None
            else f"has the key {show(odd)}, which has half a surrogate pair: write the whole character"
        )
    if isinstance(row, list):
        return "is a JSON array: write one object a line, without brackets and commas around them"
    return f'{show(row)} is not a JSON object: write {{"utterance_id": ..., ...}}'


class _Decoder:
    """Blocks of lines in, chunks out."""

    def __init__(self, layout: Layout, faults: FaultList) -> None:
        self._layout = layout
        self._faults = faults
        self._make()

    def _make(self) -> None:
        """Make the struct for the columns known by now."""
        kinds = {name: kind for name, kind in self._layout.kinds.items() if not _NO_FIELD.search(name)}
        fields = [(f"f{i}", _TYPES[kind], None) for i, kind in enumerate(kinds.values())]
        rename = {f"f{i}": name for i, name in enumerate(kinds)}
        row = msgspec.defstruct("Row", fields, rename=rename, forbid_unknown_fields=True, gc=False)
        self._decoder = msgspec.json.Decoder(row)
        self._getters = {name: attrgetter(field) for field, name in rename.items()}

    def chunk(self, block: bytes, first_line: int, n_lines: int) -> Chunk | None:
        """One block; None if the file has too many columns to go on."""
        try:
            rows = self._decoder.decode_lines(block)
        except _UNREADABLE:
            rows = []
        # Lines are told apart only by counting: objects that share or span lines must not shift the numbers.
        if len(rows) == n_lines and block.count(b"\n{") + block.startswith(b"{") == n_lines:
            lines = np.arange(first_line, first_line + n_lines, dtype=np.int64)
            return self._arrow(lines, {name: list(map(get, rows)) for name, get in self._getters.items()})
        return self._line_by_line(block, first_line)

    def _line_by_line(self, block: bytes, first_line: int) -> Chunk | None:
        parsed: list[tuple[int, dict[str, Any]]] = []
        for number, data in enumerate(block.split(b"\n"), start=first_line):
            if not data.strip():
                continue
            row = _parse(data)
            if isinstance(row, str):
                self._faults.add(number, "", row)
            else:
                parsed.append((number, row))
        new = dict.fromkeys(key for _, row in parsed for key in row if key not in self._layout.kinds)
        if len(self._layout.kinds) + len(new) > MOST_COLUMNS:
            self._faults.add(
                first_line, "", f"there are more than {MOST_COLUMNS:,} different columns: is a value a key?"
            )
            return None
        if new:
            self._layout.learn(new)
            self._make()
        lines = np.array([number for number, _ in parsed], dtype=np.int64)
        names = [name for name in self._layout.kinds if any(name in row for _, row in parsed)]
        return self._arrow(lines, {name: [row.get(name) for _, row in parsed] for name in names}, typed=False)

    def _arrow(self, lines: Any, values: dict[str, Any], *, typed: bool = True) -> Chunk:
        columns = {}
        for name, cells in values.items():
            if cells.count(None) < len(cells):
                self._layout.meet(name)
                columns[name] = self._column(name, cells, lines, typed=typed)
        return Chunk(lines, columns)

    def _column(self, name: str, cells: Any, lines: Any, *, typed: bool) -> pa.Array:
        kind = self._layout.kinds[name]
        if typed:
            try:
                return pa.array(cells, kind.arrow_type)
            except pa.ArrowTypeError:  # values other than text where several types are allowed
                pass
        converted, wrong = column_or_faults(cells, kind)
        for position, message in wrong:
            self._faults.add(int(lines[position]), name, message)
        return pa.array(converted, kind.arrow_type)


def read_jsonl(path: Path, layout: Layout, faults: FaultList) -> Iterator[Chunk]:
    """Read a JSON Lines file.

    Args:
        path: the file.
        layout: which column is read as what; learns the columns that the file has.
        faults: takes what is wrong with lines and with the types of cells.

    Yields:
        The rows in file order.
    """
    decoder = _Decoder(layout, faults)
    with path.open("rb") as file:
        for first_line, n_lines, block in _blocks(file, faults):
            chunk = decoder.chunk(block, first_line, n_lines)
            if chunk is None:
                return
            if len(chunk.lines):
                yield chunk
