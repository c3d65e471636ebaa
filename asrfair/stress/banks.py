"""Sounds that many utterances draw from (noise, impulse responses, voices): made once, held as shared memory.

A bank is a read-only array. With a folder it is a file there that every worker process maps into its memory, so that
the machine holds it once; the first to need it makes it, the others wait. Without a folder it is held in this process.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from asrfair.files import made_folder, written_aside

Samples = NDArray[np.float32]
T = TypeVar("T")

MOST_DERIVED = 256
"""So many things that were computed from banks are held; those that were not used for the longest time go first."""


class Banks:
    """Named arrays, each made once.

    Args:
        folder: shared by the processes of a run, made if absent; None for this process alone.

    >>> banks = Banks()
    >>> banks.get("ones", lambda: np.ones(3, dtype=np.float32)).flags.writeable
    False
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._held: dict[str, Samples] = {}
        self._derived: OrderedDict[tuple[object, ...], tuple[Samples, Any]] = OrderedDict()

    def __getstate__(self) -> Path | None:
        """What another process gets: the folder, never the arrays."""
        return self.folder

    def __setstate__(self, folder: Path | None) -> None:
        self.__init__(folder)  # type: ignore[misc]

    def get(self, key: str, make: Callable[[], Samples]) -> Samples:
        """The array of this name, made if nobody has made it.

        Args:
            key: everything that the array depends on, as text: digests of files, parameters, the sample rate.
            make: makes it; float32, any shape.

        Returns:
            The array, read-only.
        """
        if key not in self._held:
            self._held[key] = _frozen(make()) if self.folder is None else self._mapped(self.folder, key, make)
        return self._held[key]

    def derived(self, source: Samples, what: str, make: Callable[[], T]) -> T:
        """Something that is computed from a bank's array, such as a spectrum: once a process, as long as it is in use.

        Args:
            source: an array of a bank, or a part of one; from an array that can be written to it is made each time.
            what: what it is, with everything else that it depends on.
            make: makes it.
        """
        if source.flags.writeable:
            return make()
        key = (source.__array_interface__["data"][0], source.shape, source.strides, what)
        if key not in self._derived:
            self._derived[key] = (source, make())  # The source is kept, so that its memory is nobody else's.
            if len(self._derived) > MOST_DERIVED:
                self._derived.popitem(last=False)
        self._derived.move_to_end(key)
        made: T = self._derived[key][1]
        return made

    def _mapped(self, folder: Path, key: str, make: Callable[[], Samples]) -> Samples:
        """The array in its file, written by one process only."""
        made_folder(folder)
        path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
        with (folder / f"{path.stem}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                made = np.ascontiguousarray(make(), dtype=np.float32)
                with written_aside(path) as aside, aside.open("wb") as file:
                    np.save(file, made)
        mapped: Samples = np.asarray(np.load(path, mmap_mode="r"))
        return mapped


def _frozen(samples: Samples) -> Samples:
    """An array that nobody writes to."""
    held = np.ascontiguousarray(samples, dtype=np.float32)
    held.flags.writeable = False
    return held
