"""Where a run's hypotheses are: in the run folder, or at a URL that `store.json` in the run folder tells every verb."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from asrfair.errors import RunFolderError
from asrfair.files import write_aside
from asrfair.store.place import LocalPlace, Place
from asrfair.store.remote import Remote, check_url

STORE_FILE = "store.json"
FOLDERS = ("hypotheses", "mixes", "probes", "repeats")


class StoreFile(msgspec.Struct, forbid_unknown_fields=True):
    """What `store.json` says.

    Attributes:
        url: where the hypotheses are; without credentials.
        schema_version: of this file.
    """

    url: str
    schema_version: int = 1


class Home:
    """Where the tables of a run are.

    Args:
        run_folder: which run.
        url: where its hypotheses are to be; None for where they are, which is the run folder unless `store.json` says
            otherwise.

    Raises:
        InputError: not a URL, or one with credentials.
        RunFolderError: the run has its hypotheses elsewhere, or the store cannot be reached.
    """

    def __init__(self, run_folder: Path, url: str | None = None) -> None:
        self._run_folder = run_folder
        stored = _stored_url(run_folder)
        if url is not None:
            check_url(url)
            self._check_same(url, stored)
        self.url = stored if url is None else url
        path = _local_path(self.url)
        self.remote = Remote(self.url) if self.url is not None and path is None else None
        self.folder = run_folder if path is None else path

    def place(self, name: str) -> Place:
        """Where a table is."""
        return LocalPlace(self.folder / name) if self.remote is None else self.remote.place(name)

    def note(self) -> None:
        """Write `store.json`, if the hypotheses are not in the run folder and it is not there."""
        path = self._run_folder / STORE_FILE
        if self.url is not None and not path.exists():
            write_aside(path, msgspec.json.format(msgspec.json.encode(StoreFile(self.url))) + b"\n")

    def _check_same(self, url: str, stored: str | None) -> None:
        """Refuse to move a run's hypotheses."""
        if stored is not None and stored != url:
            raise RunFolderError(
                f"{self._run_folder}: its hypotheses are at {stored}, not at {url}; use that, or another --out"
            )
        if stored is None and any(any((self._run_folder / name).glob("part-*.parquet")) for name in FOLDERS):
            raise RunFolderError(
                f"{self._run_folder}: has hypotheses of its own; continue without the store {url}, or use another --out"
            )


def _stored_url(run_folder: Path) -> str | None:
    """What `store.json` says; None if there is none."""
    path = run_folder / STORE_FILE
    if not path.exists():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=StoreFile)
    except (msgspec.MsgspecError, OSError) as error:
        raise RunFolderError(f"{path}: cannot be used: {error}") from error
    if found.schema_version != 1:
        raise RunFolderError(f"{path}: schema_version {found.schema_version} is of a newer asrfair; this one knows 1")
    return found.url


def _local_path(url: str | None) -> Path | None:
    """The path of a file:// URL; None for another."""
    parts = urlsplit(url or "")
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
