"""A seeded, stratified, nested sample of a manifest, the same for every system.

Strata are the cells of all groupable attributes. Every utterance gets a rank: its place in its stratum in a seeded
random order, as a fraction of the stratum's size. The `limit` lowest ranks are the sample, so it is proportional to the
strata, and a larger limit contains every smaller one (a run can be extended without wasting what it has). The first
utterance of every group comes before all others, so no group is left out while there are places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from asrfair.errors import InputError
from asrfair.seeds import stable_hash


def sample_rows(
    utterance_ids: Sequence[str], strata: Sequence[tuple[str | None, ...]], limit: int, seed: int
) -> list[int]:
    """Which rows are in the sample.

    Args:
        utterance_ids: of all rows, unique.
        strata: for each row its group in each attribute; None is missing, and a group like any other here.
        limit: how many rows to take, at least 1.
        seed: the run's seed.

    Returns:
        Row numbers in manifest order; all rows where `limit` is not below their number.

    Raises:
        InputError: `limit` is below 1.

    >>> sample_rows(["u1", "u2", "u3", "u4"], [("a",), ("a",), ("a",), ("b",)], 2, seed=0)[-1]
    3
    """
    if limit < 1:
        raise InputError(f"--limit {limit}: take at least 1 utterance")
    if limit >= len(utterance_ids):
        return list(range(len(utterance_ids)))
    shuffled = sorted(range(len(utterance_ids)), key=lambda row: stable_hash(seed, "sample", utterance_ids[row]))
    sizes = Counter(strata)
    seen: Counter[tuple[str | None, ...]] = Counter()
    met: set[tuple[int, str | None]] = set()
    ranked: list[tuple[float, int, int]] = []
    for row in shuffled:
        stratum = strata[row]
        groups = set(enumerate(stratum))
        rank = (seen[stratum] + 0.5) / sizes[stratum]
        ranked.append((0.0 if groups - met else rank, len(ranked), row))
        seen[stratum] += 1
        met |= groups
    return sorted(row for _, _, row in sorted(ranked)[:limit])
