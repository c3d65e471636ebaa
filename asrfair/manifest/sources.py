"""Which files a MANIFEST argument means, and whether the rows file is of a kind that can be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asrfair.errors import Fault, ManifestError
from asrfair.manifest.columns import Chunk, Layout
from asrfair.manifest.dataset import DATASET_FILE
from asrfair.manifest.faults import FaultList
from asrfair.manifest.read_csv import read_csv
from asrfair.manifest.read_jsonl import read_jsonl
from asrfair.manifest.read_parquet import read_parquet

READERS: Mapping[str, Callable[[Path, Layout, FaultList], Iterator[Chunk]]] = {
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".parquet": read_parquet,
}
_NAMES = tuple(f"{stem}{suffix}" for stem in ("manifest", "rows") for suffix in READERS)
_INSTEAD = {
    ".json": "write JSON Lines: one object a line, in a .jsonl file",
    ".tsv": "write it with commas, as .csv",
    ".xlsx": "save the sheet as CSV UTF-8",
    ".gz": "unpack it first",
    ".toml": "give the rows file or the folder; dataset.toml is read from beside the rows",
}
_MAGIC = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip: unpack it first",
    b"PK\x03\x04": "a zip file or an Excel workbook: save the sheet as CSV UTF-8",
    b"PAR1": "Parquet: name it .parquet",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The two files of a manifest, as the user named them (`rows`, `dataset`), and as paths."""

    rows: str
    dataset: str

    @property
    def rows_path(self) -> Path:
        """The rows file."""
        return Path(self.rows)

    @property
    def dataset_path(self) -> Path:
        """The `dataset.toml` beside it."""
        return Path(self.dataset)


def _refuse(place: str, message: str) -> ManifestError:
    return ManifestError([Fault(place, 0, "", message)])


def _rows_in(folder: str) -> str:
    """The one rows file of a folder."""
    present = [name for name in _NAMES if os.path.isfile(os.path.join(folder, name))]
    if len(present) > 1:
        raise _refuse(folder, f"has several rows files ({', '.join(present)}): name the one to use, or keep one")
    if not present:
        others = sorted(name for name in os.listdir(folder) if os.path.splitext(name)[1] in READERS)
        hint = f" (it has {', '.join(others[:5])}: rename it, or name it as the manifest)" if others else ""
        raise _refuse(folder, f"has no rows file: add manifest.jsonl, manifest.csv or manifest.parquet{hint}")
    return os.path.join(folder, present[0])


def find_source(path: str | os.PathLike[str]) -> Source:
    """Find the rows file and the `dataset.toml` that a MANIFEST argument means.

    Args:
        path: a folder with one of `manifest.jsonl|csv|parquet` or `rows.jsonl|csv|parquet`, or a rows file.

    Raises:
        ManifestError: there is no such thing, or not exactly one.
    """
    given = os.fspath(path)
    try:
        rows = _rows_in(given) if os.path.isdir(given) else given
    except OSError as error:
        raise _refuse(given, f"cannot be read: {error.strerror}") from error
    if not os.path.exists(rows):
        raise _refuse(given, "does not exist: give the folder of a manifest, or its rows file")
    suffix = os.path.splitext(rows)[1].lower()
    if suffix not in READERS:
        remedy = _INSTEAD.get(suffix, "write .jsonl, .csv or .parquet")
        raise _refuse(given, f"is not a rows file that can be read: {remedy}")
    return Source(rows, os.path.join(os.path.dirname(rows), DATASET_FILE))


def can_be_read(source: Source, faults: FaultList) -> bool:
    """Whether the rows file has something in it, in an encoding that can be read; a fault says what it has instead."""
    try:
        with open(source.rows, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        faults.add(0, "", f"cannot be read: {error.strerror}")
        return False
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        faults.add(0, "", "is empty: write one row for each utterance")
        return False
    if source.rows.lower().endswith(".parquet"):
        return True
    found = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    if found is None and start.count(b"\0") > len(start) // 4:
        found = "UTF-16"
    if found is None:
        return _looks_like_lines(source, start, faults)
    faults.add(0, "", f"is {found}{': save it as UTF-8' if found.startswith('UTF') else ''}")
    return False


def _looks_like_lines(source: Source, start: bytes, faults: FaultList) -> bool:
    """Whether a JSONL file is not one pretty-printed document."""
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].strip()
    if source.rows.lower().endswith(".jsonl") and first in (b"[", b"{"):
        faults.add(1, "", "is one JSON document over many lines: write JSON Lines, one whole object a line")
        return False
    return True


def row_reader(source: Source) -> Callable[[Path, Layout, FaultList], Iterator[Chunk]]:
    """The reader of a source's rows."""
    return READERS[os.path.splitext(source.rows)[1].lower()]
