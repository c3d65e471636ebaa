"""Which results have a word, said or heard: an inverted list, made block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BLOCK_ROWS = 100_000


class Postings:
    """Collects the results of every word; words in lower case."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._words: list[NDArray[np.uint32]] = []
        self._numbers: list[NDArray[np.uint32]] = []

    def add(self, first: int, said: Sequence[str], heard: Sequence[str]) -> None:
        """Take in results that are numbered from `first`; words stand between single spaces."""
        for start in range(0, len(said), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            self._add(first + start, [f"{one} {other}" for one, other in zip(said[block], heard[block], strict=True)])

    def _add(self, first: int, texts: Sequence[str]) -> None:
        """Take in one block."""
        lists = pc.split_pattern(pa.array(texts, pa.large_string()), " ")
        coded = lists.flatten().dictionary_encode()
        names = coded.dictionary.to_pylist()
        places = [self._places.setdefault(name.lower(), len(self._places)) for name in names]
        words = np.array(places, np.int64)[coded.indices.to_numpy()]
        rows = np.repeat(np.arange(len(texts)), np.diff(lists.offsets.to_numpy()))
        pairs = np.unique(words * len(texts) + rows)
        self._words.append((pairs // len(texts)).astype(np.uint32))
        self._numbers.append((pairs % len(texts) + first).astype(np.uint32))

    def columns(self) -> dict[str, Any]:
        """`word` and `numbers`, a list of results in order for each; no row for the word without letters."""
        none = np.empty(0, np.uint32)
        words, numbers = np.concatenate([none, *self._words]), np.concatenate([none, *self._numbers])
        self._words, self._numbers = [], []
        order = np.argsort(words, kind="stable")
        ends = np.append(0, np.cumsum(np.bincount(words, minlength=len(self._places))))
        table = pa.table(
            {
                "word": pa.array(list(self._places), pa.string()),
                "numbers": pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), pa.array(numbers[order])),
            }
        )
        kept = table.filter(pc.field("word") != "")
        return {name: kept[name] for name in kept.column_names}
