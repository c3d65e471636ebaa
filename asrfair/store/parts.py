"""A table as Parquet parts that a crash cannot hurt.

A place holds `part-000001.parquet` and so on. Each part is there whole or not at all (`Place`), and no part is ever
changed. A later row for the same system, condition and utterance supersedes an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from asrfair.errors import RunFolderError
from asrfair.store.place import Place
from asrfair.tables import SCHEMAS, check_table

PART_ROWS = 10_000
"""Parts with fewer rows are merged by `compact`, into parts of at least this many where there are as many."""

MERGED_ROWS = 200_000
"""A merged part is closed when it has this many rows, so that memory does not grow with the run."""

PLACE = ["system_id", "condition_id", "utterance_id"]
_REPEATING = ("system_id", "condition_id", "status", "error", "notes")
"""Columns that a dictionary makes smaller; the others hardly repeat."""


class Parts:
    """The parts of one table; one process at a time may write (see `lock`).

    Args:
        place: where they are; it may be absent until something is written.
        name: key of `tables.SCHEMAS`, with the columns of a place: system, condition and utterance.
    """

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._schema = SCHEMAS[name]
        self._last = 0

    def open_for_writing(self) -> None:
        """Make the folder and clear away what a killed process left half written.

        Raises:
            RunFolderError: it cannot be written.
        """
        self._place.make()
        self._last = max((_number(part) for part in self.parts()), default=0)

    def exists(self) -> bool:
        """Whether there is a place for them."""
        return self._place.exists()

    def append(self, rows: pa.Table, *, part_rows: int = PART_ROWS) -> None:
        """Commit rows; they last when this returns.

        Args:
            rows: a table of the schema.
            part_rows: rows that a crash may lose; more where they can be had again from a file.

        Raises:
            RunFolderError: the disk is full or cannot be written; earlier parts are as they were.
        """
        check_table(rows.schema, self._name, f"{self._name} to store")
        for start in range(0, len(rows), part_rows):
            self._write([rows.slice(start, part_rows)])

    def compact(self) -> None:
        """Merge small parts and drop rows that a later one supersedes.

        A crash at any point loses nothing: merged parts are in place before the old ones go, and rows that are there
        twice are the same rows.
        """
        parts = self.parts()
        sizes = [self._rows(part) for part in parts]
        small = [part for part, size in zip(parts, sizes, strict=True) if size < PART_ROWS]
        if len(small) < 2:
            return
        starts = dict(zip(parts, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        is_last = np.zeros(sum(sizes), dtype=bool)
        is_last[_last_rows(_encoded(self._read(part, PLACE)) for part in parts)] = True

        def kept() -> Iterator[pa.Table]:
            for part in small:
                rows = self._read(part, self._schema.names)
                yield rows.filter(pa.array(is_last[starts[part] : starts[part] + len(rows)]))

        self._write_merged(kept())
        for part in small:
            self._place.delete(part)

    def read(
        self, *, columns: Sequence[str] | None = None, system_id: str | None = None, condition_id: str | None = None
    ) -> pa.Table:
        """The latest row of every system, condition and utterance, in the order in which the rows were written.

        Args:
            columns: which columns; all by default.
            system_id: only this system, where given.
            condition_id: only this condition, where given.

        Raises:
            RunFolderError: a part is damaged or of another version.
        """
        wanted = list(columns or self._schema.names)
        read = list(dict.fromkeys([*PLACE, *wanted]))
        tables = []
        for batch in self.batches(read):
            for name, value in (("system_id", system_id), ("condition_id", condition_id)):
                if value is not None:
                    batch = batch.filter(pc.equal(batch[name], value))
            tables.append(pa.Table.from_batches([batch]))
        schema = pa.schema([self._schema.field(name) for name in read])
        rows = pa.concat_tables(tables) if tables else schema.empty_table()
        one_cell = system_id is not None and condition_id is not None
        if one_cell and pc.count_distinct(rows["utterance_id"]).as_py() == len(rows):
            return rows.select(wanted)
        return _latest(rows).select(wanted)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of all rows in the order of writing, superseded ones included, a batch at a time."""
        for part in self.parts():
            with ExitStack() as stack:
                file = stack.enter_context(self._open(part))
                try:
                    for batch in file.iter_batches(columns=list(columns), batch_size=65_536):
                        yield batch.select(list(columns))
                except (pa.ArrowInvalid, OSError) as error:
                    raise _damaged(self._place.shown(part), error) from error

    def parts(self) -> list[str]:
        """The names of the parts in the order of writing."""
        return sorted(self._place.names(), key=_number)

    def _write_merged(self, tables: Iterable[pa.Table]) -> None:
        """Write tables into parts of about `MERGED_ROWS` rows."""
        waiting: list[pa.Table] = []
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= MERGED_ROWS:
                self._write(waiting)
                waiting = []
        if sum(map(len, waiting)):
            self._write(waiting)

    def _write(self, tables: Sequence[pa.Table]) -> None:
        """Write one part."""
        repeating = [name for name in _REPEATING if name in self._schema.names]
        with self._place.written(f"part-{self._last + 1:06d}.parquet") as sink:
            pq.write_table(pa.concat_tables(tables), sink, compression="zstd", use_dictionary=repeating)
        self._last += 1

    def _open(self, part: str) -> pq.ParquetFile:
        """Open a part, held to its schema.

        Raises:
            RunFolderError: it is damaged or of another version.
        """
        try:
            file = self._place.parquet(part)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(self._place.shown(part), error) from error
        check_table(file.schema_arrow, self._name, self._place.shown(part))
        return file

    def _rows(self, part: str) -> int:
        """How many rows a part has."""
        with self._open(part) as file:
            return int(file.metadata.num_rows)

    def _read(self, part: str, columns: Sequence[str]) -> pa.Table:
        """Some columns of a part."""
        try:
            with self._open(part) as file:
                return file.read(columns=list(columns))
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(self._place.shown(part), error) from error


def _encoded(places: pa.Table) -> pa.Table:
    """Places with each system and condition written once."""
    return pa.table({name: column.dictionary_encode() for name, column in zip(PLACE, places.columns, strict=True)})


def _last_rows(places: Iterable[pa.Table]) -> NDArray[np.int64]:
    """The numbers of the last row of every place, ascending.

    A place becomes one number: grouping by three columns of text would need twice the memory.
    """
    table = pa.concat_tables(places).unify_dictionaries()
    numbers = np.zeros(len(table), np.int64)
    for name in PLACE:
        column = table[name]
        codes = [chunk.indices.to_numpy() for chunk in column.chunks]
        numbers *= max((len(chunk.dictionary) for chunk in column.chunks), default=1)
        numbers += np.concatenate([*codes, np.zeros(0, np.int32)])
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    is_last = np.ones(len(order), dtype=bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    return np.sort(order[is_last])


def _latest(rows: pa.Table) -> pa.Table:
    """Drop rows that a later row supersedes."""
    last = _last_rows([_encoded(rows.select(PLACE))])
    return rows if len(last) == len(rows) else rows.take(last)


def _number(part: str) -> int:
    """The number of a part."""
    return int(Path(part).stem.removeprefix("part-"))


def _damaged(part: str, error: Exception) -> RunFolderError:
    """What to say of a part that cannot be read."""
    return RunFolderError(
        f"{part}: damaged ({error}); bring it back from a copy, or delete it and run the same command again, which "
        "transcribes what it held"
    )
