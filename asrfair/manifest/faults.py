"""Collecting what is wrong with one file: every fault with its line, in file order, in bounded memory."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import Fault

MOST_FAULTS = 10_000
"""How many faults of one file are kept; the first ones by line. The rest is counted."""

_LONGEST_VALUE = 60


def show(value: object) -> str:
    r"""A value as a message quotes it: escaped, in quotes if it is text, cut if it is long.

    >>> print(show("a\tb"))
    'a\tb'
    """
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


class FaultList:
    """The faults of one file.

    Args:
        file: the file as the user named it.
        limit: how many to keep.

    Attributes:
        total: how many were found, kept or not.
    """

    def __init__(self, file: str, limit: int = MOST_FAULTS) -> None:
        self.file = file
        self.total = 0
        self._limit = limit
        self._kept: list[Fault] = []
        self._last_line: int | None = None
        self._cells: dict[str, array[int]] = {}

    def add(self, line: int, field: str, message: str) -> None:
        """Record one fault; line 0 is the whole file (or, with a field, the whole column)."""
        self.total += 1
        self._cells.setdefault(field, array("q")).append(line)
        if self._last_line is not None and line > self._last_line:
            return
        self._kept.append(Fault(self.file, line, field, message))
        if len(self._kept) >= 2 * self._limit:
            self._trim()

    def add_rows(self, lines: NDArray[np.int64], rows: Sequence[int], field: str, messages: Sequence[str]) -> None:
        """Record one fault for each of some rows of a chunk, whose line numbers are given."""
        for row, message in zip(rows, messages, strict=True):
            self.add(int(lines[row]), field, message)

    def _trim(self) -> None:
        self._kept.sort(key=lambda fault: fault.line)
        del self._kept[self._limit :]
        self._last_line = self._kept[-1].line

    def lines_with(self, *fields: str) -> NDArray[np.int64]:
        """The lines on which one of these fields (or the whole line) is already known to be faulty."""
        found = [np.frombuffer(self._cells[name], dtype=np.int64) for name in {*fields, ""} if name in self._cells]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)

    def column_is_faulty(self, field: str) -> bool:
        """Whether the whole column was refused, so that its cells say nothing."""
        return 0 in self._cells.get(field, ())

    def faults(self) -> list[Fault]:
        """The faults kept, in file order; one more that counts those that were not, if any."""
        kept = sorted(self._kept, key=lambda fault: fault.line)[: self._limit]
        if self.total > len(kept):
            more = f"and {self.total - len(kept):,} more faults; mend the cause of these {len(kept):,} first"
            kept.append(Fault(self.file, 0, "", more))
        return kept


class WarningList:
    """What is worth saying about a file that can be used all the same.

    Args:
        file: the file as the user named it.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._kept: list[Fault] = []

    def add(self, line: int, field: str, message: str, *, file: str | None = None) -> None:
        """Record one warning, of this file unless another is named."""
        self._kept.append(Fault(file or self.file, line, field, message, warning=True))

    def faults(self) -> tuple[Fault, ...]:
        """All warnings, in file order."""
        return tuple(sorted(self._kept, key=lambda fault: fault.line))


def true_rows(mask: Any) -> NDArray[np.int64]:
    """The row numbers at which a pyarrow boolean array is true (null is not)."""
    if not mask.true_count:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False))
