"""Writing files so that a crash, a kill or a full disk leaves the old file or the new one, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from asrfair.errors import RunFolderError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; on success sync it and rename it into place, on failure remove it.

    Args:
        path: the file to make or to replace; its folder exists.

    Raises:
        RunFolderError: the disk is full or cannot be written; `path` is as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror or error}; nothing was changed") from error
    finally:
        with suppress(OSError):  # A name that is too long, say: then it is not there either.
            aside.unlink(missing_ok=True)


def write_aside(path: Path, data: bytes) -> None:
    """Write a whole file through `written_aside`.

    Args:
        path: the file to make or to replace; its folder exists.
        data: its content.

    Raises:
        RunFolderError: the disk is full or cannot be written; `path` is as it was.
    """
    with written_aside(path) as aside:
        aside.write_bytes(data)


def made_folder(folder: Path) -> None:
    """Make a folder, with those above it, if it is not there.

    Raises:
        RunFolderError: it cannot be made, or cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be made a folder: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunFolderError(f"{folder}: nothing can be written there: allow it, or use another folder")


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
