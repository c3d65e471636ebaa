"""Where the parts of a table are: a folder of this machine, or a prefix of an object store.

A part is there whole or not at all, whatever dies: on the disk it is written aside, synced and renamed; an object store
shows an object only when all of it has come (`RemotePlace`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from asrfair.errors import RunFolderError
from asrfair.files import written_aside


class Place(ABC):
    """A folder, somewhere."""

    @abstractmethod
    def shown(self, name: str = "") -> str:
        """What to call the folder, or a file in it, in a message."""

    @abstractmethod
    def exists(self) -> bool:
        """Whether the folder is there."""

    @abstractmethod
    def make(self) -> None:
        """Make the folder and clear away what a killed process left half written.

        Raises:
            RunFolderError: it cannot be written.
        """

    @abstractmethod
    def names(self) -> list[str]:
        """The names of the parts, in no order."""

    @abstractmethod
    def parquet(self, name: str) -> pq.ParquetFile:
        """Open a part; it closes what it opened."""

    @abstractmethod
    def written(self, name: str) -> AbstractContextManager[Path | pa.BufferOutputStream]:
        """Give something to write a part to; when the block ends well the part is there, whole, and lasts.

        Raises:
            RunFolderError: it cannot be written; nothing was changed.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a part."""


class LocalPlace(Place):
    """A folder of this machine.

    Args:
        folder: it may be absent until something is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shown(self, name: str = "") -> str:
        """The path."""
        return str(self._folder / name)

    def exists(self) -> bool:
        """Whether the folder is there."""
        return self._folder.exists()

    def make(self) -> None:
        """Make the folder and remove what a killed process left."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self._folder}: cannot be written: {error.strerror}") from error
        for leftover in self._folder.glob(".*.tmp"):
            leftover.unlink()

    def names(self) -> list[str]:
        """What is there and is called a part."""
        return [path.name for path in self._folder.glob("part-*.parquet")]

    def parquet(self, name: str) -> pq.ParquetFile:
        """Open a part."""
        return pq.ParquetFile(self._folder / name)

    @contextmanager
    def written(self, name: str) -> Iterator[Path]:
        """A path beside the part, synced and renamed at the end."""
        with written_aside(self._folder / name) as aside:
            yield aside

    def delete(self, name: str) -> None:
        """Delete a part."""
        (self._folder / name).unlink()
