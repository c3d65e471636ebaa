"""Which keys have an answer, and whose it is: for a million rows in 40 bytes each, where a dictionary takes 250."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

RECENT = 16_384
"""So many are kept as they come; then they are sorted into tables, small ones into large ones."""


class Ended:
    """Key -> utterance_id, as a dictionary; a key that is set again may keep its first utterance.

    Args:
        pairs: what is known from the start.

    >>> ended = Ended([("9f2c", "u1")])
    >>> ended["9f2c"], "07aa" in ended
    ('u1', False)
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._recent: dict[str, str] = {}
        self._ids = bytearray()
        self._tables: list[NDArray[np.uint64]] = []  # rows: half of a key's digest, sorted; the other; start and end
        for key, utterance_id in pairs:
            self[key] = utterance_id

    def __setitem__(self, key: str, utterance_id: str) -> None:
        self._recent[key] = utterance_id
        if len(self._recent) >= RECENT:
            self._sort()

    def __contains__(self, key: str) -> bool:
        return key in self._recent or self._found(key) is not None

    def __getitem__(self, key: str) -> str:
        if key in self._recent:
            return self._recent[key]
        place = self._found(key)
        if place is None:
            raise KeyError(key)
        return self._ids[place[0] : place[1]].decode()

    def _found(self, key: str) -> tuple[int, int] | None:
        """Where the id of a key's utterance starts and ends, if a table has the key."""
        first, second = _digest(key)
        for table in self._tables:
            at = int(np.searchsorted(table[0], first))
            while at < table.shape[1] and table[0, at] == first:
                if table[1, at] == second:
                    return int(table[2, at]), int(table[3, at])
                at += 1
        return None

    def _sort(self) -> None:
        """Sort the recent ones into a table, together with tables that are no larger."""
        columns = []
        for key, utterance_id in self._recent.items():
            start = len(self._ids)
            self._ids += utterance_id.encode()
            columns.append((*_digest(key), start, len(self._ids)))
        self._recent = {}
        table = np.array(columns, np.uint64).T
        while self._tables and self._tables[-1].shape[1] <= table.shape[1]:
            table = np.concatenate([self._tables.pop(), table], axis=1)
        self._tables.append(np.ascontiguousarray(table[:, np.argsort(table[0], kind="stable")]))


def _digest(key: str) -> tuple[np.uint64, np.uint64]:
    """A key in 16 bytes, so that no two have the same."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    first, second = np.frombuffer(digest, np.uint64)
    return first, second
