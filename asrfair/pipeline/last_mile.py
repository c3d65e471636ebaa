"""The part of analyze that sets conditions side by side: what a customer's own room does, and to whom.

    tables |= last_mile(folder / "scores.parquet", record, specs, attributes, baselines, normalizer_headline="whisper-en")

From the scores alone, one system and normaliser at a time, every condition beside clean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from asrfair.manifest import Attribute
from asrfair.pipeline.side_by_side import Asked, side_by_side
from asrfair.provenance import RunRecord
from asrfair.stats.degradation import degradation_rows
from asrfair.stats.interactions import interaction_rows
from asrfair.tables import DEGRADATION, INTERACTIONS

SCHEMAS = {"degradation": DEGRADATION, "interactions": INTERACTIONS}


def last_mile(
    path: Path,
    record: RunRecord,
    specs: Sequence[str],
    attributes: Mapping[str, Attribute],
    baselines: Mapping[str, str],
    *,
    normalizer_headline: str,
    empty_ref: str = "count",
) -> dict[str, pa.Table]:
    """The tables of the last mile."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in SCHEMAS}
    asked = Asked(specs, attributes, baselines, (), empty_ref)
    for found in side_by_side(path, record, asked):
        rows["degradation"] += degradation_rows(found)
        rows["interactions"] += interaction_rows(found)
    return {name: pa.Table.from_pylist(rows[name], schema=schema) for name, schema in SCHEMAS.items()}
