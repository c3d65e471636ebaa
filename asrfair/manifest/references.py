"""What was said: `reference` (one wording) or `references` (several accepted ones), as one list a row.

A blank reference is a fault, since it is nearly always a hole in the data. A clip in which nothing is said has the
reference `<no-speech>` (in any format, also as one of several), or the list `[""]` in JSONL and Parquet; it is kept as
an empty string. Otherwise the text stays exactly as written: normalising is the scorer's work.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest.columns import Chunk
from asrfair.manifest.faults import FaultList, true_rows

NO_SPEECH = "<no-speech>"
"""The reference of a clip in which nothing is said."""

REMEDY = f"write what was said (for a clip without speech: {NO_SPEECH})"

_LISTS = pa.list_(pa.string())


def _wording(text: str | None) -> tuple[str | None, str]:
    """One wording as it is kept, and what is wrong with it."""
    if text is None or not text.strip():
        return None, f"is empty: {REMEDY}"
    if "\0" in text:
        return None, "has a NUL character: remove it"
    return "" if text.strip() == NO_SPEECH else text, ""


def _wordings(texts: list[str | None]) -> tuple[list[str] | None, str]:
    """The wordings of one row, and what is wrong with them."""
    if texts == [""]:
        return [""], ""
    if not texts:
        return None, f"is an empty list: {REMEDY}"
    kept = []
    for position, text in enumerate(texts, start=1):
        wording, message = _wording(text)
        if wording is None:
            return None, f"wording {position} of {len(texts)} {message}"
        kept.append(wording)
    return kept, ""


def _odd(texts: pa.Array) -> pa.Array:
    """Which texts need a closer look: blank, the mark of no speech, NUL, null."""
    blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
    marked = pc.or_(pc.match_substring(texts, NO_SPEECH), pc.match_substring(texts, "\0"))
    return pc.or_(pc.or_(blank, marked).fill_null(False), texts.is_null())


def _single(texts: pa.Array, lines: NDArray[np.int64], faults: FaultList) -> pa.Array:
    """The column `reference`, as lists of one."""
    odd = true_rows(pc.and_(_odd(texts), texts.is_valid()))
    if len(odd):
        cells = texts.to_pylist()
        for row in odd:
            cells[row], message = _wording(cells[row])
            if message:
                faults.add(int(lines[row]), "reference", message)
        texts = pa.array(cells, pa.string())
    valid = texts.is_valid().to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    offsets = pa.array(ends, mask=np.concatenate([~valid, [False]]))
    return pa.ListArray.from_arrays(offsets, texts.drop_null())


def _several(lists: pa.Array, lines: NDArray[np.int64], faults: FaultList) -> pa.Array:
    """The column `references`; a row with a fault becomes null."""
    empty = pc.equal(pc.list_value_length(lists), 0)
    if not empty.true_count and not _odd(lists.flatten()).true_count:
        return lists
    rows: list[list[str] | None] = []
    for line, texts in zip(lines, lists.to_pylist(), strict=True):
        kept, message = (None, "") if texts is None else _wordings(texts)
        if message:
            faults.add(int(line), "references", message)
        rows.append(kept)
    return pa.array(rows, _LISTS)


def reference_lists(chunk: Chunk, faults: FaultList) -> Any:
    """The references of a chunk's rows.

    Args:
        chunk: rows as a reader found them.
        faults: takes blank wordings, and rows that give both columns.

    Returns:
        A list of string for each row; null where there is none or it is faulty.
    """
    single, several = chunk.columns.get("reference"), chunk.columns.get("references")
    if single is None and several is None:
        return pa.nulls(len(chunk.lines), _LISTS)
    if single is not None:
        single = _single(single, chunk.lines, faults)
    if several is not None:
        several = _several(several, chunk.lines, faults)
    if single is None or several is None:
        return single if several is None else several
    for row in true_rows(pc.and_(single.is_valid(), several.is_valid())):
        faults.add(int(chunk.lines[row]), "references", "reference is given too: give one of the two")
    rows = [one or many for one, many in zip(single.to_pylist(), several.to_pylist(), strict=True)]
    return pa.array(rows, _LISTS)
