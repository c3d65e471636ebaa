"""Totals of a scores file: summed counts per system, condition and normaliser, and the rates that follow from them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from asrfair.records import ErrorCounts, Total

_KEYS = ["system_id", "condition_id", "normalizer"]
_SUMS = ["hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors"]


def totals(path: Path) -> list[Total]:
    """Sum a scores file, a row group at a time.

    Args:
        path: `scores.parquet` of a run folder.

    Returns:
        One total per system, condition and normaliser, in the order of the file.
    """
    parts = []
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=[*_KEYS, "status", *_SUMS])
            failed = pc.cast(pc.equal(rows["status"], "failed"), pa.int64())
            rows = rows.append_column("n_failed", failed).append_column("n", pa.repeat(pa.scalar(1), len(rows)))
            parts.append(_summed(rows.drop_columns(["status"])))
    if not parts:
        return []
    return [_total(row) for row in _summed(pa.concat_tables(parts)).to_pylist()]


def _summed(rows: pa.Table) -> pa.Table:
    """Sum every column that is not a key."""
    names = ["n", "n_failed", *_SUMS]
    summed = rows.group_by(_KEYS, use_threads=False).aggregate([(name, "sum") for name in names])
    return summed.rename_columns([name.removesuffix("_sum") for name in summed.column_names])


def _total(row: dict[str, str | int | None]) -> Total:
    """One total from one row of sums."""
    sums = {name: int(row[name] or 0) for name in ("n", "n_failed", *_SUMS)}
    counts = ErrorCounts(*(sums[name] for name in _SUMS[:4]))
    cer = sums["char_errors"] / sums["n_ref_chars"] if sums["n_ref_chars"] else None
    keys = [str(row[name]) for name in _KEYS]
    return Total(keys[0], keys[1], keys[2], sums["n"], sums["n_failed"], counts, cer)
