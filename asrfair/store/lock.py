"""One process at a time may write to a run folder: it holds a lock that the kernel releases when it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asrfair.errors import RunFolderError

LOCK_FILE = ".lock"


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
