"""Finding normalisers: by file name in this folder, else by the entry-point group `asrfair.normalizers`."""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path

from asrfair.errors import InputError
from asrfair.scoring.normalizers._base import Normalizer

__all__ = ["Normalizer", "available_normalizers", "find_normalizer"]

ENTRY_POINTS = "asrfair.normalizers"


def available_normalizers() -> list[str]:
    """The names of every normaliser found, sorted.

    >>> [name for name in available_normalizers() if name in ("minimal", "none", "whisper-en")]
    ['minimal', 'none', 'whisper-en']
    """
    return sorted({*_own(), *_entry_points()})


@functools.cache
def find_normalizer(name: str) -> Normalizer:
    r"""The normaliser of that name; the same object every time, so that what it has learnt is kept.

    Args:
        name: e.g. `whisper-en`.

    Raises:
        InputError: there is none; the message lists those there are.

    >>> find_normalizer("minimal").normalize(["\u201cDon\u2019t!\u201d she said."])
    ["don't she said"]
    """
    module = _own().get(name)
    if module is not None:
        return _class_in(module)()
    entry = _entry_points().get(name)
    if entry is None:
        raise InputError(f"no normalizer {name!r}; there are: {', '.join(available_normalizers())}")
    found = entry.load()
    if not (inspect.isclass(found) and issubclass(found, Normalizer)):
        raise InputError(f"normalizer {name!r}: entry point {entry.value} is not a Normalizer class")
    return found()


def _own() -> dict[str, str]:
    """Name -> module of the normalisers in this folder."""
    files = Path(__file__).parent.glob("*.py")
    return {file.stem.replace("_", "-"): f"{__name__}.{file.stem}" for file in files if not file.stem.startswith("_")}


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """Name -> entry point of the normalisers that other packages bring."""
    import importlib.metadata

    return {entry.name: entry for entry in importlib.metadata.entry_points(group=ENTRY_POINTS)}


def _class_in(module: str) -> type[Normalizer]:
    """The one concrete normaliser that a file of this folder defines."""
    members = vars(importlib.import_module(module)).values()
    (found,) = (
        member
        for member in members
        if inspect.isclass(member) and issubclass(member, Normalizer) and member.__module__ == module
    )
    return found
