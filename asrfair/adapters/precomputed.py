"""Transcripts that somebody else made: JSONL, CSV, TSV or sclite `trn`, found by utterance id.

JSONL, CSV and TSV have `utterance_id`, `text` and optionally `words` (`[[word, start_s, end_s, confidence], ...]`, as
JSON text in CSV and TSV). A `trn` line is `the words (utterance-id)`. A `text` that is null is a failed utterance,
never an empty hypothesis; an empty text is an empty hypothesis. Without `text`, the words make the text.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from asrfair.adapters._base import TranscriptSource
from asrfair.errors import Fault, InputError, ManifestError
from asrfair.records import SystemInfo
from asrfair.tables import HYPOTHESES

MOST_FAULTS = 1000
_SCHEMA = pa.schema([HYPOTHESES.field(name) for name in ("utterance_id", "text", "words")])
_BLOCK_BYTES = 4_000_000
_BLOCK_ROWS = 20_000
_TRN = re.compile(r"^(?P<text>.*?)\s*\((?P<id>[^()\s]+)\)\s*$", re.DOTALL)


class WordRow(msgspec.Struct, array_like=True, frozen=True):
    """One word of a file: `[text, start_s, end_s, confidence]`, the last ones may be left out."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None


Row = tuple[int, str | None, str | None, list[WordRow] | None]


class _Line(msgspec.Struct):
    """One line of JSONL; further keys are not ours to judge."""

    utterance_id: str
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    words: list[WordRow] | None = None


class Precomputed(TranscriptSource):
    """Transcripts that somebody else made.

    Args:
        file: `.jsonl`, `.csv`, `.tsv` or `.trn`.

    Raises:
        InputError: the file cannot be read or has another ending.
        ManifestError: everything that is wrong with its lines.
    """

    def __init__(self, file: str) -> None:
        path = Path(file)
        readers = {".jsonl": _jsonl, ".csv": _csv, ".tsv": _csv, ".trn": _trn}
        if path.suffix.lower() not in readers:
            raise InputError(
                f"{file}: transcripts are read from .jsonl, .csv, .tsv or .trn, not {path.suffix or 'this'}"
            )
        self._name = path.name
        faults: list[Fault] = []
        try:
            with path.open("rb") as stream:
                self._digest = hashlib.file_digest(stream, "sha256").hexdigest()
                stream.seek(0)
                self._table = _collect(readers[path.suffix.lower()](stream, file, faults), file, faults)
        except OSError as error:
            raise InputError(f"{file}: the transcripts cannot be read: {error.strerror}") from error

    def describe(self) -> SystemInfo:
        """The file's name and digest."""
        return SystemInfo("precomputed", self._digest[:12], {"file": self._name, "file_sha256": self._digest})

    def table(self) -> pa.Table:
        """All transcripts: `utterance_id`, `text` (null for a failure), `words`."""
        return self._table


def _collect(rows: Iterator[Row], file: str, faults: list[Fault]) -> pa.Table:
    """Rows as a table; every fault of the file at once."""
    batches, lines = [], array("q")
    block: list[tuple[str, str | None, list[WordRow] | None]] = []
    for line, utterance_id, text, words in rows:
        faults += [Fault(file, line, "words", text) for text in _improbable(words)]
        if not utterance_id:
            faults.append(Fault(file, line, "utterance_id", "is empty; name the utterance as the manifest does"))
        else:
            block.append((utterance_id, text, words))
            lines.append(line)
        if len(faults) >= MOST_FAULTS:
            break
        if len(block) >= _BLOCK_ROWS:
            batches.append(_batch(block))
            block = []
    table = pa.Table.from_batches([*batches, _batch(block)], _SCHEMA)
    faults += _repeated(table["utterance_id"], lines, file)
    if not len(table) and not faults:
        faults.append(Fault(file, 0, "", "has no transcripts"))
    if faults:
        raise ManifestError(sorted(faults))
    return table


def _improbable(words: list[WordRow] | None) -> Iterator[str]:
    """What is wrong with the first confidence that is not in [0, 1]; nothing if none is."""
    for word in words or ():
        if word.confidence is not None and not 0.0 <= word.confidence <= 1.0:
            yield f"{word.text!r} has the confidence {word.confidence}; it must be in [0, 1], or null if there is none"
            return


def _repeated(ids: pa.ChunkedArray, lines: Sequence[int], file: str) -> list[Fault]:
    """A fault for every transcript of an utterance that has one already."""
    if pc.count_distinct(ids).as_py() == len(ids):
        return []
    found, seen = [], dict[str, int]()
    for line, utterance_id in zip(lines, ids.to_pylist(), strict=True):
        first = seen.setdefault(utterance_id, line)
        if first != line:
            found.append(Fault(file, line, "utterance_id", f"{utterance_id!r} is also on line {first}; keep one"))
    return found[:MOST_FAULTS]


def _batch(block: list[tuple[str, str | None, list[WordRow] | None]]) -> pa.RecordBatch:
    """Some rows as Arrow."""
    words = [None if row[2] is None else [msgspec.structs.asdict(word) for word in row[2]] for row in block]
    columns = [[row[0] for row in block], [row[1] for row in block], words]
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA
    )


def _joined(text: str | msgspec.UnsetType | None, words: list[WordRow] | None) -> str | None:
    """The text, or the words where there is no text column."""
    if text is msgspec.UNSET:
        return None if words is None else " ".join(word.text for word in words)
    return text


def _jsonl(stream: BinaryIO, file: str, faults: list[Fault]) -> Iterator[Row]:
    """Rows of JSONL."""
    decoder = msgspec.json.Decoder(_Line)
    for number, row in _lines(stream, decoder, file, faults):
        if row.text is msgspec.UNSET and row.words is None:
            faults.append(Fault(file, number, "text", "is missing; null means that the system failed here"))
            continue
        yield number, row.utterance_id, _joined(row.text, row.words), row.words


def _lines(
    stream: BinaryIO, decoder: msgspec.json.Decoder[_Line], file: str, faults: list[Fault]
) -> Iterator[tuple[int, _Line]]:
    """Every line with its number: some megabytes at once where all can be read and none is empty, else one by one."""
    number = 0
    while block := stream.read(_BLOCK_BYTES) + stream.readline():
        block = block if number else block.removeprefix(b"\xef\xbb\xbf")
        n_lines = block.count(b"\n") + (not block.endswith(b"\n"))
        try:
            rows = decoder.decode_lines(block)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            rows = []
        if len(rows) == n_lines:
            yield from enumerate(rows, start=number + 1)
        else:
            yield from _lines_one_by_one(block, number, decoder, file, faults)
        number += n_lines


def _lines_one_by_one(
    block: bytes, number: int, decoder: msgspec.json.Decoder[_Line], file: str, faults: list[Fault]
) -> Iterator[tuple[int, _Line]]:
    """The lines of a block in which something is wrong, or empty; `number` lines came before."""
    for at, line in enumerate(io.BytesIO(block), start=number + 1):
        if not line.strip():
            continue
        try:
            yield at, decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            faults.append(Fault(file, at, "", f"{error}; a line is {{'utterance_id': ..., 'text': ...}} in UTF-8"))


def _decoded(stream: BinaryIO, file: str, faults: list[Fault]) -> str | None:
    """The file as text."""
    data = stream.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        faults.append(Fault(file, line, "", "is not UTF-8; save the file as UTF-8"))
        return None


def _csv(stream: BinaryIO, file: str, faults: list[Fault]) -> Iterator[Row]:
    """Rows of CSV or TSV."""
    text = _decoded(stream, file, faults)
    if text is None:
        return
    delimiter = "\t" if file.lower().endswith(".tsv") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="\0more", strict=True)
    header = list(reader.fieldnames or [])
    absent = [name for name in ("utterance_id", "text") if name not in header]
    if "words" in header:
        absent = [name for name in absent if name != "text"]
    if absent:
        faults.append(Fault(file, 1, absent[0], f"is no column; the columns are {', '.join(header) or 'none'}"))
        return
    words_decoder = msgspec.json.Decoder(list[WordRow])
    try:
        for row in reader:
            yield from _csv_row(row, reader.line_num, file, faults, words_decoder)
    except csv.Error as error:
        faults.append(Fault(file, reader.line_num, "", f"{error}; quote fields that hold a delimiter or a quote"))


def _csv_row(
    row: dict[str, Any], line: int, file: str, faults: list[Fault], decoder: msgspec.json.Decoder[list[WordRow]]
) -> Iterator[Row]:
    """One row of CSV or TSV."""
    if "\0more" in row or None in row.values():
        faults.append(
            Fault(file, line, "", "has another number of fields than the header; quote fields with delimiters")
        )
        return
    words = None
    if row.get("words"):
        try:
            words = decoder.decode(row["words"])
        except msgspec.MsgspecError as error:
            faults.append(Fault(file, line, "words", f"{error}; write [[word, start_s, end_s, confidence], ...]"))
            return
    yield line, row["utterance_id"], _joined(row.get("text", msgspec.UNSET), words), words


def _trn(stream: BinaryIO, file: str, faults: list[Fault]) -> Iterator[Row]:
    """Rows of sclite's trn."""
    text = _decoded(stream, file, faults)
    for number, line in enumerate(() if text is None else io.StringIO(text), start=1):
        if not line.strip() or line.startswith(";;"):
            continue
        match = _TRN.match(line.strip())
        if match is None:
            faults.append(Fault(file, number, "", "has no utterance id; a trn line is: the words (utterance-id)"))
            continue
        yield number, match["id"], match["text"], None
