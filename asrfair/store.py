"""The hypotheses on disk: Parquet parts that a crash cannot hurt.

A run folder's `hypotheses/` holds `part-000001.parquet` and so on. Each part is written aside, synced and renamed, so
it is there whole or not at all; no part is ever changed. A later row for the same system, condition and utterance
supersedes an earlier one. One process at a time may write: it holds a lock that the kernel releases when it dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.errors import RunFolderError
from asrfair.files import written_aside
from asrfair.records import Hypothesis, Word
from asrfair.tables import HYPOTHESES, check_table

FOLDER = "hypotheses"
LOCK_FILE = ".lock"
PART_ROWS = 10_000
"""Parts with fewer rows are merged by `compact`, into parts of at least this many where there are as many."""

MERGED_ROWS = 200_000
"""A merged part is closed when it has this many rows, so that memory does not grow with the run."""

_PLACE = ["system_id", "condition_id", "utterance_id"]
_REPEATING = ["system_id", "condition_id", "status", "error"]
"""Columns that a dictionary makes smaller; the others hardly repeat."""

_values = attrgetter(*HYPOTHESES.names)


@contextmanager
def held(run_folder: Path) -> Iterator[None]:
    """Hold a run folder for writing, and clear away what a killed process left half written.

    Args:
        run_folder: which run; it exists.

    Raises:
        RunFolderError: another process holds it, or it cannot be written.
    """
    try:
        lock = os.open(run_folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RunFolderError(f"{run_folder}: cannot be written: {error.strerror}") from error
    try:
        _take(lock, run_folder)
        for leftover in run_folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        os.close(lock)


def _take(lock: int, run_folder: Path) -> None:
    """Lock an open file and write down whose it is."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(lock, 100).decode("ascii", "replace").strip() or "unknown"
        raise RunFolderError(
            f"{run_folder}: another asrfair (process {holder}) is writing to this run; wait until it ends, "
            "stop it, or use another --out"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)


class HypothesisStore:
    """The writer of a run folder's hypotheses; use it as a context.

    Args:
        run_folder: made if absent.

    Raises:
        RunFolderError: another process holds the run folder, or it cannot be written.
    """

    def __init__(self, run_folder: Path) -> None:
        self._run_folder = run_folder
        self._folder = run_folder / FOLDER
        self._lock = ExitStack()
        self._last = 0

    def __enter__(self) -> HypothesisStore:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self._run_folder}: cannot be written: {error.strerror}") from error
        self._lock.enter_context(held(self._run_folder))
        for leftover in self._folder.glob(".*.tmp"):
            leftover.unlink()
        self._last = max((_number(part) for part in _parts(self._run_folder)), default=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def append(self, rows: Sequence[Hypothesis]) -> None:
        """Commit some rows as a part of their own; they last when this returns.

        Raises:
            RunFolderError: the disk is full or cannot be written; earlier parts are as they were.
        """
        if rows:
            self.append_table(table_of(rows))

    def append_table(self, rows: pa.Table, *, part_rows: int = PART_ROWS) -> None:
        """Commit a table of `tables.HYPOTHESES`.

        Args:
            rows: what to store.
            part_rows: rows that a crash may lose; more where they can be had again from a file.

        Raises:
            RunFolderError: the disk is full or cannot be written; earlier parts are as they were.
        """
        check_table(rows.schema, "hypotheses", "hypotheses to store")
        for start in range(0, len(rows), part_rows):
            self._write([rows.slice(start, part_rows)])

    def known(self, system_id: str, condition_id: str) -> dict[str, tuple[str, str, str | None]]:
        """What is there for one system and condition: utterance_id -> (key, status, error) of its latest row."""
        names = ["utterance_id", "key", "status", "error"]
        rows = read_hypotheses(self._run_folder, columns=names, system_id=system_id, condition_id=condition_id)
        columns = [rows[name].to_pylist() for name in names]
        return {row[0]: row[1:] for row in zip(*columns, strict=True)}

    def rows(self, system_id: str, condition_id: str) -> dict[str, Hypothesis]:
        """All there is for one system and condition: utterance_id -> its latest row."""
        rows = read_hypotheses(self._run_folder, system_id=system_id, condition_id=condition_id).to_pylist()
        for row in rows:
            row["words"] = None if row["words"] is None else [Word(**word) for word in row["words"]]
        return {row["utterance_id"]: Hypothesis(**row) for row in rows}

    def n_parts(self) -> int:
        """How many parts there are."""
        return len(_parts(self._run_folder))

    def compact(self) -> None:
        """Merge small parts and drop rows that a later one supersedes.

        A crash at any point loses nothing: merged parts are in place before the old ones go, and rows that are there
        twice are the same rows.
        """
        parts = _parts(self._run_folder)
        sizes = [_rows(part) for part in parts]
        small = [part for part, size in zip(parts, sizes, strict=True) if size < PART_ROWS]
        if len(small) < 2:
            return
        starts = dict(zip(parts, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        last = _last_rows(pa.concat_tables(_read(part, _PLACE) for part in parts))
        is_last = np.zeros(sum(sizes), dtype=bool)
        is_last[last.to_numpy()] = True

        def kept() -> Iterator[pa.Table]:
            for part in small:
                rows = _read(part, HYPOTHESES.names)
                yield rows.filter(pa.array(is_last[starts[part] : starts[part] + len(rows)]))

        self._write_merged(kept())
        for part in small:
            part.unlink()

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
        path = self._folder / f"part-{self._last + 1:06d}.parquet"
        with written_aside(path) as aside:
            pq.write_table(pa.concat_tables(tables), aside, compression="zstd", use_dictionary=_REPEATING)
        self._last += 1


def table_of(rows: Sequence[Hypothesis]) -> pa.Table:
    """Hypotheses as a table of `tables.HYPOTHESES`."""
    columns: dict[str, Sequence[Any]] = dict(zip(HYPOTHESES.names, zip(*map(_values, rows), strict=True), strict=True))
    if any(columns["words"]):
        columns["words"] = [None if words is None else [_word(word) for word in words] for words in columns["words"]]
    return pa.table([pa.array(columns[field.name], field.type) for field in HYPOTHESES], schema=HYPOTHESES)


def _word(word: Word) -> dict[str, object]:
    """A word as `tables.WORD` has it."""
    return {"text": word.text, "start_s": word.start_s, "end_s": word.end_s, "confidence": word.confidence}


def read_hypotheses(
    run_folder: Path,
    *,
    columns: Sequence[str] | None = None,
    system_id: str | None = None,
    condition_id: str | None = None,
) -> pa.Table:
    """The latest row of every system, condition and utterance.

    Args:
        run_folder: which run.
        columns: which columns of `tables.HYPOTHESES`; all by default.
        system_id: only this system, where given.
        condition_id: only this condition, where given.

    Returns:
        A table in the order in which the rows were written.

    Raises:
        RunFolderError: a part is damaged or of another version.
    """
    wanted = list(columns or HYPOTHESES.names)
    tables = []
    for batch in _batches(run_folder, list(dict.fromkeys([*_PLACE, *wanted]))):
        for name, value in (("system_id", system_id), ("condition_id", condition_id)):
            if value is not None:
                batch = batch.filter(pc.equal(batch[name], value))
        tables.append(pa.Table.from_batches([batch]))
    schema = pa.schema([HYPOTHESES.field(name) for name in dict.fromkeys([*_PLACE, *wanted])])
    rows = pa.concat_tables(tables) if tables else schema.empty_table()
    one_cell = system_id is not None and condition_id is not None
    if one_cell and pc.count_distinct(rows["utterance_id"]).as_py() == len(rows):
        return rows.select(wanted)
    return _latest(rows).select(wanted)


def iter_hypotheses(run_folder: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows of all parts in the order of writing, superseded ones included, a batch at a time."""
    return _batches(run_folder, list(columns))


def _last_rows(places: pa.Table) -> pa.ChunkedArray:
    """The number of the last row of every place."""
    numbered = places.append_column("row", pa.array(np.arange(len(places))))
    return numbered.group_by(_PLACE, use_threads=False).aggregate([("row", "max")])["row_max"]


def _latest(rows: pa.Table) -> pa.Table:
    """Drop rows that a later row supersedes."""
    last = _last_rows(rows.select(_PLACE))
    return rows if len(last) == len(rows) else rows.take(pc.take(last, pc.sort_indices(last)))


def _parts(run_folder: Path) -> list[Path]:
    """The parts in the order of writing."""
    return sorted((run_folder / FOLDER).glob("part-*.parquet"), key=_number)


def _number(part: Path) -> int:
    """The number of a part."""
    return int(part.stem.removeprefix("part-"))


def _open(part: Path) -> pq.ParquetFile:
    """Open a part, held to its schema.

    Raises:
        RunFolderError: it is damaged or of another version.
    """
    try:
        file = pq.ParquetFile(part)
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(part, error) from error
    check_table(file.schema_arrow, "hypotheses", str(part))
    return file


def _damaged(part: Path, error: Exception) -> RunFolderError:
    """What to say of a part that cannot be read."""
    return RunFolderError(
        f"{part}: damaged ({error}); bring it back from a copy, or delete it and run the same command again, which "
        "transcribes what it held"
    )


def _rows(part: Path) -> int:
    """How many rows a part has."""
    with _open(part) as file:
        return int(file.metadata.num_rows)


def _read(part: Path, columns: Sequence[str]) -> pa.Table:
    """Some columns of a part."""
    try:
        with _open(part) as file:
            return file.read(columns=list(columns))
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(part, error) from error


def _batches(run_folder: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of all parts, a batch at a time."""
    for part in _parts(run_folder):
        with ExitStack() as stack:
            file = stack.enter_context(_open(part))
            try:
                for batch in file.iter_batches(columns=columns, batch_size=65_536):
                    yield batch.select(columns)
            except (pa.ArrowInvalid, OSError) as error:
                raise _damaged(part, error) from error
