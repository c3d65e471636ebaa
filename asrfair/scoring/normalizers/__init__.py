"""Finding normalisers: by file name in this folder, else by the entry-point group `asrfair.normalizers`.

`minimal+my/list.txt` is `minimal` and then the equivalence classes of that file (see `_equivalences`).
"""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path

from asrfair.errors import InputError
from asrfair.scoring.normalizers._base import Normalizer
from asrfair.scoring.normalizers._equivalences import read_classes, with_classes

__all__ = ["Normalizer", "available_normalizers", "find_normalizer"]

ENTRY_POINTS = "asrfair.normalizers"


def available_normalizers() -> list[str]:
    """The names of every normaliser found, sorted.

    >>> [name for name in available_normalizers() if name in ("minimal", "none", "whisper-en")]
    ['minimal', 'none', 'whisper-en']
    """
    return sorted({*_own(), *_entry_points()})


def find_normalizer(name: str) -> Normalizer:
    r"""The normaliser of that name; the same object every time, so that what it has learnt is kept.

    Args:
        name: e.g. `whisper-en`; or with a list of equivalence classes, `whisper-en+path/to/list.txt`.

    Raises:
        InputError: there is none (the message lists those there are), or the list has faults.

    >>> find_normalizer("minimal").normalize(["\u201cDon\u2019t!\u201d she said."])
    ["don't she said"]
    """
    base, plus, path = name.partition("+")
    if not plus:
        return _find_base(name)
    if not path:
        raise InputError(f"normalizer {name!r}: name a file of equivalent words after the plus: {base}+ward.txt")
    return _find_with_classes(base, path, read_classes(path))


@functools.cache
def _find_with_classes(base: str, path: str, text: str) -> Normalizer:
    """A base with a list; made afresh where the list's text has changed."""
    return with_classes(_find_base(base), path, text)


@functools.cache
def _find_base(name: str) -> Normalizer:
    """A normaliser without a list of classes."""
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
