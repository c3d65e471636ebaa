"""The run folder on disk: hypotheses and what was heard for them, as Parquet parts that a crash cannot hurt."""

from asrfair.store.hypotheses import (
    HypothesisStore,
    mix_table,
    table_of,
)
from asrfair.store.lock import held
from asrfair.store.parts import MERGED_ROWS, PART_ROWS
from asrfair.store.reading import iter_hypotheses, read_hypotheses, read_mixes, read_probes
from asrfair.store.repeats import read_repeats, repeat_id, repeat_number

__all__ = [
    "MERGED_ROWS",
    "PART_ROWS",
    "HypothesisStore",
    "held",
    "iter_hypotheses",
    "mix_table",
    "read_hypotheses",
    "read_mixes",
    "read_probes",
    "read_repeats",
    "repeat_id",
    "repeat_number",
    "table_of",
]
