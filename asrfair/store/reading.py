"""What a run folder holds, for those who only read: the latest rows of its tables, wherever they are (`home`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from asrfair.store.home import Home
from asrfair.store.hypotheses import FOLDER, MIXES_FOLDER, PROBES_FOLDER
from asrfair.store.parts import Parts


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
    parts = Parts(Home(run_folder).place(FOLDER), "hypotheses")
    return parts.read(columns=columns, system_id=system_id, condition_id=condition_id)


def read_probes(run_folder: Path) -> pa.Table:
    """What systems wrote when nobody spoke: the latest rows, in the columns of hypotheses; empty if there are none."""
    return Parts(Home(run_folder).place(PROBES_FOLDER), "hypotheses").read()


def read_mixes(
    run_folder: Path,
    *,
    columns: Sequence[str] | None = None,
    system_id: str | None = None,
    condition_id: str | None = None,
) -> pa.Table:
    """What was heard under conditions other than clean: the latest rows of `tables.MIXES`; empty if there are none.

    Args:
        run_folder: which run.
        columns: which columns; all by default.
        system_id: only this system, where given.
        condition_id: only this condition, where given.
    """
    parts = Parts(Home(run_folder).place(MIXES_FOLDER), "mixes")
    return parts.read(columns=columns, system_id=system_id, condition_id=condition_id)


def iter_hypotheses(run_folder: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """All rows of all parts in the order of writing, superseded ones included, a batch at a time."""
    return Parts(Home(run_folder).place(FOLDER), "hypotheses").batches(columns)
