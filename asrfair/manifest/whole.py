"""What can only be said of all rows together: what every row needs, what no two may share, what looks like a slip."""

from __future__ import annotations

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest.columns import CONTRACT, Layout
from asrfair.manifest.faults import FaultList, show, true_rows
from asrfair.manifest.references import REMEDY

_ALIASES = {
    "utterance_id": ("id", "utt_id", "utt", "utterance", "uid", "key", "segment_id", "clip", "filename", "file"),
    "reference": (
        "text",
        "transcript",
        "transcription",
        "sentence",
        "ref",
        "ref_text",
        "label",
        "truth",
        "normalized_text",
    ),
    "speaker_id": ("speaker", "spk", "spk_id", "client_id", "participant", "user_id"),
    "audio": ("path", "file", "filename", "wav", "audio_path", "audio_filepath"),
    "duration_s": ("duration", "dur", "length"),
}
_REQUIRED = {
    "utterance_id": "give each utterance a name of its own",
    "reference": REMEDY,
}


def likely_name(column: str, undeclared: tuple[str, ...]) -> str | None:
    """The undeclared column that was probably meant to be this one of the contract."""
    for alias in _ALIASES.get(column, ()):
        for name in undeclared:
            if name.casefold().replace(" ", "_") in (alias, column):
                return name
    close = difflib.get_close_matches(column, undeclared, n=1, cutoff=0.8)
    return close[0] if close else None


def meant_by(undeclared: str) -> str | None:
    """The column of the contract that an undeclared one was probably meant to be."""
    return next((name for name in CONTRACT if likely_name(name, (undeclared,))), None)


def _required(table: pa.Table, lines: NDArray[np.int64], layout: Layout, faults: FaultList) -> None:
    for field, column, remedy in (
        ("utterance_id", "utterance_id", _REQUIRED["utterance_id"]),
        ("reference", "references", _REQUIRED["reference"]),
    ):
        related = (field, "references") if field == "reference" else (field,)
        if any(faults.column_is_faulty(name) for name in related):
            continue
        absent = true_rows(table[column].is_null().combine_chunks())
        absent = absent[~np.isin(lines[absent], faults.lines_with(*related))]
        if len(absent) == table.num_rows > 1:
            name = likely_name(field, layout.undeclared)
            hint = f"rename the column {show(name)}, if that is it" if name else remedy
            faults.add(0, field, f"is missing in every row: {hint}")
            continue
        for row in absent:
            faults.add(int(lines[row]), field, f"is missing: {remedy}")


def _unique_ids(table: pa.Table, lines: NDArray[np.int64], faults: FaultList) -> None:
    ids = table["utterance_id"]
    if len(pc.unique(ids.drop_null())) == len(ids) - ids.null_count:
        return
    counts = pc.value_counts(ids.drop_null())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    first: dict[str, int] = {}
    for row in true_rows(pc.is_in(ids, value_set=repeated).combine_chunks()):
        name = ids[int(row)].as_py()
        if name in first:
            message = f"{show(name)} is already the name of line {first[name]}: give each utterance a name of its own"
            faults.add(int(lines[row]), "utterance_id", message)
        else:
            first[name] = int(lines[row])


def check_whole(table: pa.Table, lines: NDArray[np.int64], layout: Layout, faults: FaultList) -> None:
    """Add the faults that only show in all rows together.

    Args:
        table: all rows.
        lines: where each begins in the file.
        layout: the columns of the file.
        faults: knows what is wrong already, and takes the rest.
    """
    if not table.num_rows:
        if not faults.total:
            faults.add(0, "", "holds no rows: write one row for each utterance")
        return
    _required(table, lines, layout, faults)
    _unique_ids(table, lines, faults)
