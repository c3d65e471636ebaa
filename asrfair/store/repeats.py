"""What systems wrote when they were asked again: `repeats/`, in the columns of hypotheses.

The first time is in `hypotheses/`; the second of the system `NAME` is the system `NAME#2` here, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from asrfair.store.home import Home
from asrfair.store.parts import Parts

REPEATS_FOLDER = "repeats"
REPEAT_SIGN = "#"
"""Between the name of a system and the number of the time that it was asked, in `repeats/`."""


def read_repeats(
    run_folder: Path,
    *,
    columns: Sequence[str] | None = None,
    system_id: str | None = None,
    condition_id: str | None = None,
) -> pa.Table:
    """What systems wrote when they were asked again: the latest rows; empty if there are none.

    Args:
        run_folder: which run.
        columns: which columns of `tables.HYPOTHESES`; all by default.
        system_id: only this system and time (`repeat_id`), where given.
        condition_id: only this condition, where given.
    """
    parts = Parts(Home(run_folder).place(REPEATS_FOLDER), "hypotheses")
    return parts.read(columns=columns, system_id=system_id, condition_id=condition_id)


def repeat_id(system_id: str, number: int) -> str:
    """The `system_id` in `repeats/` of the time that a system was asked; the first is in `hypotheses/`.

    >>> repeat_id("engine", 2)
    'engine#2'
    """
    return f"{system_id}{REPEAT_SIGN}{number}"


def repeat_number(system_id: str, name: str) -> int | None:
    """Which time a `system_id` of `repeats/` is for a system; None if it is another's.

    >>> repeat_number("engine", "engine#3"), repeat_number("engine", "engine#2#3")
    (3, None)
    """
    base, _, number = name.rpartition(REPEAT_SIGN)
    return int(number) if base == system_id and number.isascii() and number.isdecimal() else None
