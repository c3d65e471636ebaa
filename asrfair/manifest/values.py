"""Values of attributes as groups: tidied, in Unicode normal form C, several joined by `|`; each distinct value once."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.manifest.columns import SEPARATOR
from asrfair.manifest.dataset import Attribute
from asrfair.manifest.faults import FaultList, show
from asrfair.manifest.labels import PREFER_NOT_TO_SAY, label_fault, tidy

_MOST_LISTED = 8


class GroupValues:
    """The values of one attribute through the whole file.

    Args:
        name: the attribute's column.
        attribute: what it means.
    """

    def __init__(self, name: str, attribute: Attribute) -> None:
        self._name = name
        self._vocabulary = None if attribute.vocabulary is None else {*attribute.vocabulary, PREFER_NOT_TO_SAY}
        self._read: dict[str, tuple[str | None, tuple[str, ...]]] = {}

    def _fault(self, value: str) -> str | None:
        if message := label_fault(value):
            return message
        if self._vocabulary is None or value in self._vocabulary:
            return None
        allowed = sorted(self._vocabulary)
        close = difflib.get_close_matches(value, allowed, n=1, cutoff=0.75)
        listed = ", ".join(map(show, allowed[:_MOST_LISTED])) + (", ..." if len(allowed) > _MOST_LISTED else "")
        remedy = f"did you mean {show(close[0])}?" if close else "mend the row, or add the value there"
        return f"{show(value)} is not in the vocabulary of dataset.toml ({listed}): {remedy}"

    def read(self, packed: str) -> tuple[str | None, tuple[str, ...]]:
        """One cell: its group or groups, and what is wrong with it."""
        known = self._read.get(packed)
        if known is None:
            parts = packed[1:].split(SEPARATOR) if packed.startswith(SEPARATOR) else [packed]
            values = list(dict.fromkeys(value for value in map(tidy, parts) if value))
            faults = tuple(message for message in map(self._fault, values) if message)
            known = self._read[packed] = (None if faults or not values else "|".join(values), faults)
        return known

    def column(self, packed: pa.Array, lines: NDArray[np.int64], faults: FaultList) -> pa.Array:
        """A chunk of the column; cells with a fault become null."""
        encoded = packed.dictionary_encode()
        read = [self.read(value) for value in encoded.dictionary.to_pylist()]
        if any(messages for _, messages in read):
            indices = encoded.indices.fill_null(len(read)).to_numpy()
            faulty = np.array([bool(messages) for _, messages in read] + [False])
            for row in np.flatnonzero(faulty[indices]):
                for message in read[indices[row]][1]:
                    faults.add(int(lines[row]), self._name, message)
        return pa.array([value for value, _ in read], pa.string()).take(encoded.indices)


def numbers(values: pa.Array, name: str, lines: NDArray[np.int64], faults: FaultList) -> pa.Array:
    """A chunk of a numeric column; NaN and infinity are faults and become null."""
    cells: Any = values.fill_null(0.0).to_numpy(zero_copy_only=False)
    wrong = ~np.isfinite(cells)
    if not wrong.any():
        return values
    for row in np.flatnonzero(wrong):
        faults.add(int(lines[row]), name, f"{cells[row]} is not a finite number: leave it out where there is none")
    return pa.array(cells, mask=wrong | values.is_null().to_numpy(zero_copy_only=False))
