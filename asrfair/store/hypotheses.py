"""The hypotheses on disk, and beside them what was heard: the writer of a run folder.

`hypotheses/` has a row per system, condition and utterance; `mixes/` what the system heard under every condition that
is not clean (`tables.MIXES`); `probes/` what it wrote when nobody spoke, in the columns of hypotheses; `repeats/` what
it wrote when it was asked again, in the same columns, with `system_id` = `NAME#2`, `NAME#3` and so on. Mixes are
committed before the hypotheses that were made from them, so that no hypothesis is without. All are in the run folder,
or at a URL that the run folder names (`home`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from asrfair.errors import RunFolderError
from asrfair.files import made_folder
from asrfair.records import Hypothesis, Mix, Word
from asrfair.store.home import Home
from asrfair.store.lock import held
from asrfair.store.parts import PART_ROWS, Parts
from asrfair.store.remote_lock import RemoteLock
from asrfair.store.repeats import REPEATS_FOLDER
from asrfair.tables import HYPOTHESES, MIXES

FOLDER = "hypotheses"
MIXES_FOLDER = "mixes"
PROBES_FOLDER = "probes"

_values = attrgetter(*HYPOTHESES.names)
_mix_values = attrgetter(*MIXES.names)


class HypothesisStore:
    """The writer of a run folder's hypotheses; use it as a context.

    Args:
        run_folder: made if absent.
        store_url: where the rows are to be, e.g. `s3://bucket/prefix`; None for where the run has them already, which
            is the run folder if nobody said otherwise.

    Raises:
        InputError: the URL cannot be used.
        RunFolderError: another process holds the run folder or the store, it cannot be written, or the run has its rows
            elsewhere.
    """

    def __init__(self, run_folder: Path, store_url: str | None = None) -> None:
        self.run_folder = run_folder
        self._lock = ExitStack()
        self._remote_lock: RemoteLock | None = None
        self._home = Home(run_folder, store_url)
        self._hypotheses = Parts(self._home.place(FOLDER), "hypotheses")
        self._mixes = Parts(self._home.place(MIXES_FOLDER), "mixes")
        self._probes = Parts(self._home.place(PROBES_FOLDER), "hypotheses")
        self._repeats = Parts(self._home.place(REPEATS_FOLDER), "hypotheses")

    def __enter__(self) -> HypothesisStore:
        try:
            self.run_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self.run_folder}: cannot be written: {error.strerror}") from error
        with ExitStack() as stack:
            stack.enter_context(held(self.run_folder))
            self._hold_home(stack)
            self._hypotheses.open_for_writing()
            for parts in (self._mixes, self._probes, self._repeats):
                if parts.exists():
                    parts.open_for_writing()
            self._lock = stack.pop_all()
        return self

    def _hold_home(self, stack: ExitStack) -> None:
        """Hold what is outside the run folder too, and write down where it is."""
        home = self._home
        if home.remote is not None:
            self._remote_lock = stack.enter_context(RemoteLock(home.remote))
        elif home.folder != self.run_folder:
            made_folder(home.folder)
            stack.enter_context(held(home.folder))
        home.note()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def append(
        self,
        rows: Sequence[Hypothesis],
        mixes: Sequence[Mix] = (),
        probes: Sequence[Hypothesis] = (),
        repeats: Sequence[Hypothesis] = (),
    ) -> None:
        """Commit some rows, each kind as a part of its own; they last when this returns.

        Args:
            rows: hypotheses.
            mixes: what was heard for them.
            probes: what was written when nobody spoke.
            repeats: what was written when a system was asked again; see `repeat_id`.

        Raises:
            RunFolderError: the disk is full or cannot be written; earlier parts are as they were.
        """
        self._hold()
        beside = ((self._mixes, mix_table(mixes)), (self._probes, table_of(probes)), (self._repeats, table_of(repeats)))
        for parts, table in beside:
            if len(table):
                if not parts.exists():
                    parts.open_for_writing()
                parts.append(table)
        if rows:
            self._hypotheses.append(table_of(rows))

    def append_table(self, rows: pa.Table, *, part_rows: int = PART_ROWS) -> None:
        """Commit a table of `tables.HYPOTHESES`.

        Args:
            rows: what to store.
            part_rows: rows that a crash may lose; more where they can be had again from a file.

        Raises:
            RunFolderError: the disk is full or cannot be written; earlier parts are as they were.
        """
        self._hold()
        self._hypotheses.append(rows, part_rows=part_rows)

    def _hold(self) -> None:
        """Make sure that a remote store is still this process's."""
        if self._remote_lock is not None:
            self._remote_lock.hold()

    def known(self, system_id: str, condition_id: str) -> dict[str, tuple[str, str, str | None]]:
        """What is there for one system and condition: utterance_id -> (key, status, error) of its latest row."""
        return _known(self._hypotheses, system_id, condition_id)

    def known_probes(self, system_id: str, condition_id: str) -> dict[str, tuple[str, str, str | None]]:
        """As `known`, of the probes."""
        return _known(self._probes, system_id, condition_id)

    def known_repeats(self, system_id: str, condition_id: str) -> dict[str, tuple[str, str, str | None]]:
        """As `known`, of one time that a system was asked again (`repeat_id`)."""
        return _known(self._repeats, system_id, condition_id)

    def rows(self, system_id: str, condition_id: str) -> dict[str, Hypothesis]:
        """All there is for one system and condition: utterance_id -> its latest row."""
        return _rows(self._hypotheses, system_id, condition_id)

    def repeat_rows(self, system_id: str, condition_id: str) -> dict[str, Hypothesis]:
        """As `rows`, of one time that a system was asked again (`repeat_id`)."""
        return _rows(self._repeats, system_id, condition_id)

    def n_parts(self) -> int:
        """How many parts there are of the table that has the most."""
        return max(len(parts.parts()) for parts in (self._hypotheses, self._mixes, self._probes, self._repeats))

    def compact(self) -> None:
        """Merge small parts and drop rows that a later one supersedes; a crash at any point loses nothing."""
        self._hold()
        for parts in (self._hypotheses, self._mixes, self._probes, self._repeats):
            parts.compact()


def _known(parts: Parts, system_id: str, condition_id: str) -> dict[str, tuple[str, str, str | None]]:
    """utterance_id -> (key, status, error) of its latest row."""
    names = ["utterance_id", "key", "status", "error"]
    rows = parts.read(columns=names, system_id=system_id, condition_id=condition_id)
    columns = [rows[name].to_pylist() for name in names]
    return {row[0]: row[1:] for row in zip(*columns, strict=True)}


def _rows(parts: Parts, system_id: str, condition_id: str) -> dict[str, Hypothesis]:
    """utterance_id -> its latest row."""
    rows = parts.read(system_id=system_id, condition_id=condition_id).to_pylist()
    for row in rows:
        row["words"] = None if row["words"] is None else [Word(**word) for word in row["words"]]
    return {row["utterance_id"]: Hypothesis(**row) for row in rows}


def table_of(rows: Sequence[Hypothesis]) -> pa.Table:
    """Hypotheses as a table of `tables.HYPOTHESES`."""
    if not rows:
        return HYPOTHESES.empty_table()
    columns: dict[str, Sequence[Any]] = dict(zip(HYPOTHESES.names, zip(*map(_values, rows), strict=True), strict=True))
    if any(columns["words"]):
        columns["words"] = [None if words is None else [_word(word) for word in words] for words in columns["words"]]
    return pa.table([pa.array(columns[field.name], field.type) for field in HYPOTHESES], schema=HYPOTHESES)


def mix_table(mixes: Sequence[Mix]) -> pa.Table:
    """What was heard, as a table of `tables.MIXES`."""
    if not mixes:
        return MIXES.empty_table()
    columns = zip(*map(_mix_values, mixes), strict=True)
    return pa.table([pa.array(c, field.type) for c, field in zip(columns, MIXES, strict=True)], schema=MIXES)


def _word(word: Word) -> dict[str, object]:
    """A word as `tables.WORD` has it."""
    return {"text": word.text, "start_s": word.start_s, "end_s": word.end_s, "confidence": word.confidence}
