"""Which column of a rows file is read as what, and the chunks in which every reader hands rows on.

A reader turns its format into `Chunk`s of the same canonical columns, so that one set of checks holds for JSONL, CSV
and Parquet. Text of an attribute or of an undeclared column is *packed*: a scalar as it is, a list as its values each
preceded by the unit separator (U+001F), so that a list is told from a value that merely contains `|`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.manifest.dataset import Attribute

SEPARATOR = "\x1f"
"""Precedes each value of a packed list."""

CHUNK_ROWS = 16_384
"""Rows that a reader holds at a time, about."""

MOST_COLUMNS = 1_000
"""More different columns than this are a mistake (a key per row)."""


class Kind(enum.Enum):
    """How the cells of a column are read, and the Arrow type that they become."""

    ID = "an identifier: text or a whole number"
    TEXT = "text"
    NUMBER = "a number"
    REFERENCES = "a list of text"
    ATTRIBUTE = "text, or a list of texts"
    UNDECLARED = "anything; carried along as text"

    @property
    def arrow_type(self) -> pa.DataType:
        """float64, list of string, or string."""
        if self is Kind.NUMBER:
            return pa.float64()
        return pa.list_(pa.string()) if self is Kind.REFERENCES else pa.string()


CONTRACT: Mapping[str, Kind] = {
    "utterance_id": Kind.ID,
    "audio": Kind.TEXT,
    "offset_s": Kind.NUMBER,
    "duration_s": Kind.NUMBER,
    "audio_sha256": Kind.TEXT,
    "prompt_id": Kind.ID,
    "licence": Kind.TEXT,
    "reference": Kind.TEXT,
    "references": Kind.REFERENCES,
    "language": Kind.TEXT,
    "speaker_id": Kind.ID,
}


class Layout:
    """The columns of one rows file: those of the contract, those declared, and those met on the way.

    Args:
        attributes: the declared attributes.

    Attributes:
        kinds: column -> how it is read.
        met: the columns that hold a value, in order of appearance.
        left_out: column -> why it is not carried along.
    """

    def __init__(self, attributes: Mapping[str, Attribute]) -> None:
        self.attributes = attributes
        declared = {name: Kind.NUMBER if item.numeric else Kind.ATTRIBUTE for name, item in attributes.items()}
        self.kinds: dict[str, Kind] = {**declared, **CONTRACT}
        self.met: dict[str, None] = {}
        self.left_out: dict[str, str] = {}

    def learn(self, columns: Iterable[str]) -> None:
        """Note that the file has these columns, whether or not they hold a value."""
        for column in columns:
            self.kinds.setdefault(column, Kind.UNDECLARED)

    def meet(self, column: str) -> None:
        """Note that a column holds a value."""
        self.met[column] = None

    @property
    def undeclared(self) -> tuple[str, ...]:
        """Columns that are neither of the contract nor declared, in order of appearance."""
        return tuple(name for name in self.met if self.kinds[name] is Kind.UNDECLARED and name not in self.left_out)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows as a reader found them: cells of the wrong type are null and already on the list of faults.

    Attributes:
        lines: where each row begins in the file (row number for Parquet), int64.
        columns: column -> Arrow array of its kind's type; a column that has no value here may be absent.
    """

    lines: NDArray[np.int64]
    columns: dict[str, Any]
