"""Models on disk: what a model's files are, said in one digest, which of them are missing, and whether they load."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from asrfair.errors import InputError

LOADING_S = 600
"""How long a model may take to load, seconds."""


def folder_sha256(path: Path, only: Sequence[str] = ("**/*",)) -> str:
    """Digest of a model: of one file, or of the files below a folder with their places, weights included.

    Args:
        path: a file or a folder; links are followed, and what has a name that begins with a dot is left out.
        only: which files of a folder, with wildcards.

    Returns:
        Hex digest; the same wherever the folder lies and whatever it is called.
    """
    digest = hashlib.sha256()
    for file in sorted({file for name in only for file in path.glob(name)}) if path.is_dir() else [path]:
        place = file.relative_to(path) if path.is_dir() else Path()
        if file.is_file() and not any(part.startswith(".") for part in place.parts):
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            digest.update(f"{place.as_posix()}\n".encode() + content)
    return digest.hexdigest()


def checked_folder(engine: str, path: str, needed: Sequence[str] = ()) -> Path:
    """A model's folder, with the files that it must hold.

    Args:
        engine: the engine's name, for messages.
        path: what the option `model` says.
        needed: names of files, with wildcards.

    Raises:
        InputError: no such folder, or files that are not in it.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"the engine {engine}: model={path} is not a folder")
    absent = [name for name in needed if not any(folder.glob(name))]
    if absent:
        raise InputError(f"the engine {engine}: model={path} has no {', '.join(absent)}; a model's folder holds them")
    return folder


def at_least(engine: str, least: int, **values: int) -> None:
    """Refuse counts below their least.

    Args:
        engine: the engine's name, for messages.
        least: what is allowed.
        values: option -> value.

    Raises:
        InputError: one of them is below.
    """
    for name, value in values.items():
        if value < least:
            raise InputError(f"the engine {engine}: {name}={value} is below {least}")


def one_of(engine: str, name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a value that an option does not know.

    Raises:
        InputError: the value is none of those allowed.
    """
    if value not in allowed:
        raise InputError(f"the engine {engine}: {name}={value} is none of {', '.join(allowed)}")


def try_loading(engine: str, model: str, code: str, *arguments: str) -> None:
    """Load a model in another process first, for libraries that end the process, or crash, over a bad file.

    Args:
        engine: the engine's name, for messages.
        model: what the user called the model.
        code: Python that loads it; `sys.argv[1:]` are the arguments. What it writes to stderr is the reason.
        arguments: for the code.

    Raises:
        InputError: the other process failed, or needed longer than `LOADING_S`.
    """
    command = [sys.executable, "-c", code, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LOADING_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise InputError(f"the engine {engine}: model={model} was not loaded within {LOADING_S} s") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise InputError(f"the engine {engine} cannot load model={model}: {lines[-1].strip()}")
