"""The door of the room: a manifest is read, checked and either handed on whole or refused with every fault in it."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.errors import ManifestError
from asrfair.manifest.audio_files import AudioCheck, check_audio
from asrfair.manifest.checks import RowChecks
from asrfair.manifest.columns import Layout
from asrfair.manifest.dataset import Dataset, read_dataset
from asrfair.manifest.faults import FaultList, WarningList
from asrfair.manifest.manifest import Manifest
from asrfair.manifest.sources import Source, can_be_read, find_source, row_reader
from asrfair.manifest.warn import Warner
from asrfair.manifest.whole import check_whole
from asrfair.tables import MANIFEST


def _digest(source: Source) -> str:
    """SHA-256 over the bytes of `dataset.toml`, then of the rows."""
    digest = hashlib.sha256(source.dataset_path.read_bytes())
    with source.rows_path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _rows(
    source: Source, layout: Layout, language: str | None, faults: FaultList
) -> tuple[pa.Table, NDArray[np.int64]]:
    """All rows, each checked by itself, and where each begins in the file."""
    checks = RowChecks(layout, language, faults)
    tables, lines = [], []
    if can_be_read(source, faults):
        for chunk in row_reader(source)(source.rows_path, layout, faults):
            tables.append(checks.table(chunk))
            lines.append(chunk.lines)
    # Columns that only some chunks have are null in the others.
    table = pa.concat_tables([MANIFEST.empty_table(), *tables], promote_options="default")
    return table, np.concatenate([np.zeros(0, dtype=np.int64), *lines])


def _arranged(table: pa.Table, layout: Layout) -> pa.Table:
    """The contract's columns, then every declared attribute, present or not, then the rest."""
    for name in layout.attributes:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, layout.kinds[name].arrow_type))
    return table.select([*MANIFEST.names, *layout.attributes, *layout.undeclared])


def load_manifest(path: str | os.PathLike[str], *, audio: AudioCheck = "ignore") -> Manifest:
    """Read and check a manifest.

    Args:
        path: a folder with one rows file (`manifest` or `rows`, `.jsonl`, `.csv` or `.parquet`), or a rows file;
            `dataset.toml` lies beside the rows.
        audio: `ignore` does not look at audio; `exists` needs a local file for every row; `readable` opens each
            file's header and holds the segments to its length, but lets pass a manifest without any audio.

    Returns:
        The manifest, with what is worth saying in its `warnings`.

    Raises:
        ManifestError: with every fault of `dataset.toml` and of the rows, in file order (the first 10,000 of a file).
    """
    source = find_source(path)
    about, faults, warnings = FaultList(source.dataset), FaultList(source.rows), WarningList(source.rows)
    dataset, attributes = read_dataset(source.dataset_path, about)
    layout = Layout(attributes)
    table, lines = _rows(source, layout, dataset.language if dataset else None, faults)
    table = _arranged(table, layout)
    check_whole(table, lines, layout, faults)
    check_audio(table, lines, source.rows_path.parent, audio, faults, warnings)
    if dataset is None or about.total or faults.total:
        raise ManifestError([*about.faults(), *faults.faults()])
    return _sound(source, dataset, table, lines, layout, warnings)


def _sound(
    source: Source,
    dataset: Dataset,
    table: pa.Table,
    lines: NDArray[np.int64],
    layout: Layout,
    warnings: WarningList,
) -> Manifest:
    """A manifest without faults, with its warnings."""
    Warner(table, lines, layout, warnings).everything(source.dataset)
    digest = _digest(source)
    return Manifest(dataset, source.rows_path, digest, table, layout.undeclared, warnings.faults())
