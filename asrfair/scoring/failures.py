"""Counting failed utterances by group and by kind: a failure belongs to the system, and may hit some groups more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from asrfair.records import ALL, MISSING


def failures_by_group(
    utterance_ids: pa.ChunkedArray, groups: Mapping[str, pa.ChunkedArray], hypotheses: pa.Table
) -> list[dict[str, Any]]:
    """Failures of one system under one condition.

    Args:
        utterance_ids: the utterances that were to be transcribed, in manifest order.
        groups: attribute -> group of each of them (several joined by `|`, null for missing).
        hypotheses: columns `utterance_id`, `status`, `error`; an utterance without a row is a failure too.

    Returns:
        One entry per attribute and group that has a failure, and one for everybody: `attribute, group, n_utterances,
        n_failed, kinds` (kind of failure -> count).
    """
    where = pc.index_in(utterance_ids.combine_chunks(), value_set=hypotheses["utterance_id"].combine_chunks())
    ok = pc.fill_null(pc.equal(hypotheses["status"].take(where), "ok"), False)
    rows = pc.indices_nonzero(pc.invert(ok))
    errors = hypotheses["error"].take(where.take(rows)).to_pylist()
    kinds = [(error or "missing: not transcribed").partition(":")[0] for error in errors]
    found = [_entry(ALL, ALL, len(utterance_ids), Counter(kinds))]
    for attribute, column in groups.items():
        sizes = _sizes(column)
        by_group: dict[str, Counter[str]] = {}
        for value, kind in zip(column.take(rows).to_pylist(), kinds, strict=True):
            for group in (value or MISSING).split("|"):
                by_group.setdefault(group, Counter())[kind] += 1
        found += [_entry(attribute, group, sizes[group], by_group[group]) for group in sorted(by_group)]
    return found


def _sizes(column: pa.ChunkedArray) -> Counter[str]:
    """How many utterances each group has."""
    sizes: Counter[str] = Counter()
    for entry in pc.value_counts(column.combine_chunks()).to_pylist():
        for group in (entry["values"] or MISSING).split("|"):
            sizes[group] += entry["counts"]
    return sizes


def _entry(attribute: str, group: str, n_utterances: int, kinds: Counter[str]) -> dict[str, Any]:
    """One entry of the list."""
    return {
        "attribute": attribute,
        "group": group,
        "n_utterances": n_utterances,
        "n_failed": kinds.total(),
        "kinds": dict(sorted(kinds.items())),
    }
