"""The answers to what the page asks: filters by DuckDB, orders and words by arrays, an alignment for what is shown.

A filter becomes a mask over all results, an order is an array of their numbers that was made with the index: a
selection is the order where the mask holds, and is kept for the next page of the same list.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.errors import RunFolderError
from asrfair.view.index import About, connect
from asrfair.view.parameters import Filter, Page

Step = tuple[str, str, str]
Align = Callable[[Sequence[str], Sequence[str | None]], list[list[Step]]]
"""References and hypotheses as they were written -> the steps of each pair, as the contract has them."""

COUNTS = ("substitutions", "deletions", "insertions")
ROW = ("number", "cell", "failed", "words", *COUNTS, "wording", "text")
ERRORS = {
    "any": "substitutions + deletions + insertions > 0",
    "substitution": "substitutions > 0",
    "deletion": "deletions > 0",
    "insertion": "insertions > 0",
    "failed": "failed",
    "perfect": "NOT failed AND substitutions + deletions + insertions = 0",
}
KEPT_SELECTIONS, KEPT_WORDS = 8, 64

Numbers = NDArray[np.uint32]
Mask = NDArray[np.bool_]


class Answers:
    """An index that was opened for reading; may be asked from several threads.

    Args:
        path: the index.
        align: what aligns the texts that are shown.

    Raises:
        RunFolderError: the file is no index of this version, or is damaged.
    """

    def __init__(self, path: Path, align: Align) -> None:
        import duckdb

        self._align, self._turn = align, threading.Lock()
        try:
            self._connection = connect(path, read_only=True)
            self.facts = msgspec.json.decode(self._ask("SELECT json FROM about")[0]["json"], type=About)
            orders = self._table("SELECT errors, rate FROM orders")
        except (duckdb.Error, msgspec.MsgspecError) as error:
            raise RunFolderError(f"{path}: no index that can be read: {error}; delete it") from error
        self._orders = {name: _numbers(orders[name]) for name in orders.column_names}
        self._total = self.facts.n * len(self.facts.cells)
        self._selected = functools.lru_cache(KEPT_SELECTIONS)(self._select)
        self._having = functools.lru_cache(KEPT_WORDS)(self._with_word)

    def close(self) -> None:
        """Close the index."""
        self._connection.close()

    def about(self, *, audio: bool) -> dict[str, Any]:
        """What there is to ask for."""
        attributes = [
            {"name": one.name, "groups": sorted({name for v in one.values for name in v}), "withheld": one.withheld}
            for one in self.facts.attributes
        ]
        return {
            "total": self._total,
            "normalizer": self.facts.normalizer,
            "k": self.facts.k,
            "cells": self.facts.cells,
            "attributes": attributes,
            "audio": audio,
        }

    def rows(self, page: Page) -> dict[str, Any]:
        """How many results there are, and some of them."""
        found = self._selected(page.filter)
        shown = self._shown(found[page.offset : page.offset + page.limit])
        return {"total": len(found), "rows": [_row(one) for one in shown]}

    def utterance(self, name: str) -> dict[str, Any] | None:
        """One utterance under all systems and conditions, without `audio`; None if there is none of that name."""
        known = self.source(name)
        if known is None:
            return None
        numbers = np.arange(len(self.facts.cells), dtype=np.uint32) * self.facts.n + known["number"]
        shown = self._shown(numbers)
        results = [_row(one) | {"reference": one["reference"], "hypothesis": one["text"]} for one in shown]
        return {"id": name, "speaker": known["speaker"], "groups": self._groups(int(numbers[0])), "results": results}

    def source(self, name: str) -> dict[str, Any] | None:
        """The row of `utterances` that is shown by this name; None if there is none."""
        found = self._ask("SELECT * FROM utterances WHERE id = ?", name)
        return found[0] if found else None

    def _groups(self, number: int) -> list[tuple[str, list[str]]]:
        """The groups of a result's utterance that may be told."""
        row = self._ask("SELECT * FROM results WHERE number = ?", number)[0]
        codes = [(one, row[f"a{at}"]) for at, one in enumerate(self.facts.attributes)]
        return [(one.name, one.values[code - 1]) for one, code in codes if code]

    def _shown(self, numbers: Numbers) -> list[dict[str, Any]]:
        """Results with their names, references and steps, in this order."""
        if not len(numbers):
            return []
        found = self._look_up("results", ROW, numbers)
        wordings = self._look_up("wordings", ("number", "text"), [one["wording"] for one in found])
        places = [one["number"] % self.facts.n for one in found]
        names = self._look_up("utterances", ("number", "id"), places)
        references = [one["text"] for one in wordings]
        with self._turn:  # A normaliser keeps what it has learnt, and is no one's alone.
            steps = self._align(references, [one["text"] for one in found])
        parts = zip(found, names, references, steps, strict=True)
        return [
            one | {"id": name["id"], "place": self.facts.cells[one["cell"]], "reference": reference, "steps": made}
            for one, name, reference, made in parts
        ]

    def _select(self, wanted: Filter) -> Numbers:
        """The numbers of the results that fit, in their order."""
        mask = self._fitting(wanted)
        for part in wanted.words:
            mask = mask & self._having(part)
        if wanted.order == "id":
            return np.flatnonzero(mask).astype(np.uint32)
        order = self._orders[wanted.order]
        return order[mask[order]]

    def _fitting(self, wanted: Filter) -> Mask:
        """Which results fit, whatever their words."""
        conditions, lists = self._conditions(wanted)
        mask = np.zeros(self._total, np.bool_)
        if not all(lists):
            return mask
        if not conditions:
            return ~mask
        mask[
            _numbers(self._table(f"SELECT number FROM results WHERE {' AND '.join(conditions)}", *lists)["number"])
        ] = 1
        return mask

    def _conditions(self, wanted: Filter) -> tuple[list[str], list[list[int]]]:
        """A filter in SQL, and the lists of numbers in it; no text of a request is in either."""
        conditions, lists = [], []
        if wanted.system or wanted.condition:
            asked = (wanted.system, wanted.condition)
            cells = [at for at, cell in enumerate(self.facts.cells) if all(map(_is_or_any, asked, cell))]
            conditions.append("cell IN (SELECT unnest(?::UINTEGER[]))")
            lists.append(cells)
        places = {one.name: at for at, one in enumerate(self.facts.attributes)}
        for name, group in wanted.groups:
            at = places.get(name)
            values = [] if at is None else self.facts.attributes[at].values
            conditions.append(f"a{at} IN (SELECT unnest(?::UINTEGER[]))")
            lists.append([code for code, value in enumerate(values, 1) if group in value])
        if wanted.errors:
            conditions.append(ERRORS[wanted.errors])
        return conditions, lists

    def _with_word(self, part: str) -> Mask:
        """Which results have a word with this part, said or heard."""
        found = self._table("SELECT numbers FROM words WHERE contains(word, ?)", part)["numbers"]
        mask = np.zeros(self._total, np.bool_)
        for chunk in found.chunks:
            mask[chunk.flatten().to_numpy()] = True
        return mask

    def _look_up(self, table: str, columns: Sequence[str], numbers: Sequence[int] | Numbers) -> list[Any]:
        """The row of each number, in the order of the numbers."""
        wanted = [int(number) for number in numbers]
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE number IN (SELECT unnest(?::UINTEGER[]))"
        found = {row["number"]: row for row in self._ask(query, wanted)} if wanted else {}
        return [found[number] for number in wanted]

    def _ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows that a statement gives."""
        rows: list[dict[str, Any]] = self._table(query, *values).to_pylist()
        return rows

    def _table(self, query: str, *values: Any) -> pa.Table:
        """What a statement gives; each call has a cursor of its own, so that calls do not meet."""
        with self._connection.cursor() as cursor:
            return cursor.sql(query, params=list(values)).to_arrow_table()


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the contract."""
    system, condition = one["place"]
    named = {"id": one["id"], "system": system, "condition": condition, "failed": one["failed"], "words": one["words"]}
    return named | {name: one[name] for name in (*COUNTS, "steps")}


def _is_or_any(wanted: str, name: str) -> bool:
    """Whether a name is the one that is wanted, if one is."""
    return wanted in ("", name)


def _numbers(column: pa.ChunkedArray) -> Numbers:
    """A column of numbers as one array."""
    found: Numbers = column.to_numpy()
    return found
