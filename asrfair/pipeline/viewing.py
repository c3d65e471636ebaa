"""The verb view: the page of a run on a server of this machine, its utterances from an index.

The index is made once and kept in `.view` of the run folder under a digest of everything that it is made of, so that
another state of the run has another index; where nothing can be kept it lives as long as the server. It holds what the
run folder holds: transcripts and names, for whoever may read that folder. What is sent has no names without
`include_ids`, no sound without `include_audio`, and never a value that fewer than k speakers share.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pyarrow as pa

from asrfair import __version__
from asrfair.errors import InputError, RunFolderError
from asrfair.files import written_aside
from asrfair.manifest.sources import find_source
from asrfair.pipeline.joints import SCORES_FILE, manifest_of, manifest_path
from asrfair.pipeline.numbers import analysed, stated_file
from asrfair.pipeline.playing import RunSounds
from asrfair.pipeline.view_index import aligner, scored_normalizer, write_index
from asrfair.provenance import RunRecord, read_record
from asrfair.scoring.writer import read_metadata
from asrfair.stats.suppression import K_EXPORTED, K_LOCAL
from asrfair.store.home import Home
from asrfair.store.hypotheses import FOLDER as HYPOTHESES
from asrfair.view import Answers, Server, check_installed
from asrfair.view.answers import Align
from asrfair.view.index import VERSION
from asrfair.view.server import API

CACHE = ".view"
KEPT = 3
"""Indices that are kept of a run: of other options, or of its states before."""

NOTICE = """\
Single utterances are shown, with what was said and heard: for whoever may read this run folder.
The server listens on this machine alone, at an address nobody can guess. Ctrl-C ends it."""


@contextmanager
def view(
    run: str | Path,
    *,
    k: int = K_EXPORTED,
    card: str | Path | None = None,
    include_audio: bool = False,
    include_ids: bool = False,
    port: int = 0,
) -> Iterator[Server]:
    """Serve the page of a run that was analysed, with its utterances, until the context ends.

    Args:
        run: the run folder.
        k: speakers that a group needs to be shown, at least 3.
        card: a `card.toml` with what a person says of the service; the run folder's own by default, if it has one.
        include_audio: whether utterances can be heard.
        include_ids: whether they keep their names.
        port: of the loopback address; 0 for one that is free.

    Raises:
        InputError: no scores or tables in the run folder, other texts than those that were scored, no manifest, DuckDB
            is not installed, the port is taken.
    """
    if k < K_LOCAL:
        raise InputError(f"k {k}: a group of fewer than {K_LOCAL} speakers is never shown")
    check_installed()
    folder = Path(run)
    record = read_record(folder)
    signed = read_metadata(folder / SCORES_FILE)
    tables, further = analysed(folder)
    manifest = manifest_of(folder, record) if include_audio else None
    sounds = None if manifest is None else RunSounds(folder, manifest)
    align = aligner(scored_normalizer(folder, signed["normalizers"][0]), signed["costs"])
    page = _page(folder, record, tables, further, k, card)
    with (
        _answers(folder, record, tables["groups"], align, k, with_ids=include_ids) as answers,
        Server(page, answers, sounds, port=port) as server,
    ):
        yield server


def _page(
    folder: Path,
    record: RunRecord,
    tables: dict[str, pa.Table],
    further: dict[str, pa.Table],
    k: int,
    card: str | Path | None,
) -> bytes:
    """The page, whose utterances are at the server."""
    from asrfair.report import Stated, load_stated, make_card
    from asrfair.report.explorer import Served
    from asrfair.report.page import render_page

    path = stated_file(folder, card)
    stated = Stated() if path is None else load_stated(path)
    made = make_card(record.as_dict(), tables["groups"], tables["disparities"], further, k=k, stated=stated)
    return render_page(made, Served(API)).encode()


@contextmanager
def _answers(
    folder: Path, record: RunRecord, groups: pa.Table, align: Align, k: int, *, with_ids: bool
) -> Iterator[Answers]:
    """The index of the run as it is: kept from before, made and kept, or made for this time alone."""

    def write(path: Path) -> None:
        write_index(path, folder, record, manifest_of(folder, record), groups, k, with_ids=with_ids)

    key = _key(folder, record, k, with_ids=with_ids)
    cache = None if key is None else _cache(folder)
    if cache is not None:
        yield _kept(cache / f"{key}.duckdb", write, align)
        return
    with tempfile.TemporaryDirectory(prefix="asrfair-view-", ignore_cleanup_errors=True) as name:
        path = Path(name) / "index.duckdb"
        write(path)
        yield Answers(path, align)


def _kept(path: Path, write: Callable[[Path], None], align: Align) -> Answers:
    """A kept index, made if it is not there or cannot be read."""
    if path.exists():
        with suppress(RunFolderError):
            return Answers(path, align)
    with written_aside(path) as aside:
        write(aside)
    _forget(path.parent)
    return Answers(path, align)


def _cache(folder: Path) -> Path | None:
    """The folder of kept indices; None where nothing can be written."""
    cache = folder / CACHE
    try:
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError:
        return None


def _forget(cache: Path) -> None:
    """Delete the oldest indices."""
    kept = sorted(cache.glob("*.duckdb"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in kept[KEPT:]:
        with suppress(OSError):  # One that is open cannot be deleted everywhere.
            path.unlink()


def _key(folder: Path, record: RunRecord, k: int, *, with_ids: bool) -> str | None:
    """A digest of everything that an index is made of; None where the transcripts are not on this machine."""
    home = Home(folder)
    if home.remote is not None:
        return None
    source = find_source(manifest_path(folder, record))
    parts = sorted((home.folder / HYPOTHESES).glob("part-*.parquet"))
    files = [folder / SCORES_FILE, folder / "groups.parquet", source.rows_path, source.dataset_path, *parts]
    facts = (record.coverage, record.limit, record.seed, record.cells, VERSION, __version__, k, with_ids)
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:32]
