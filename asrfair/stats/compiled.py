"""The inner loops of `kernels`, compiled by numba: imported by `kernels` alone, and only for jobs that are worth it.

Each replicate is made by one thread from its own start (see `counter`), so the number of threads changes nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from asrfair.stats.counter import GOLDEN, MIX_1, MIX_2

_30, _27, _31, _32 = (np.uint64(shift) for shift in (30, 27, 31, 32))
_LOW, _BYTE = np.uint64(0xFFFFFFFF), np.uint64(255)


@numba.njit(cache=True)
def mixed(z: Any) -> Any:
    """`counter.mixed` of one number."""
    z = (z ^ (z >> _30)) * MIX_1
    z = (z ^ (z >> _27)) * MIX_2
    return z ^ (z >> _31)


@numba.njit(parallel=True, cache=True, nogil=True)
def resample(table: Any, starts: Any, sums: Any) -> None:
    """Sum as many entries of the table as it has, drawn with replacement, for each start."""
    m = np.uint64(len(table))
    for b in numba.prange(len(starts)):
        state, total = starts[b], np.int64(0)
        for _ in range(len(table) // 2):
            state += GOLDEN
            word = mixed(state)
            total += table[((word >> _32) * m) >> _32]
            total += table[((word & _LOW) * m) >> _32]
        if len(table) % 2:
            total += table[((mixed(state + GOLDEN) >> _32) * m) >> _32]
        sums[b] = total


@numba.njit(parallel=True, cache=True, nogil=True)
def flip(tables: Any, starts: Any, sums: Any) -> None:
    """Sum values with random signs, eight at a time: `tables[i, j, bits]` is the signed sum of eight values."""
    for b in numba.prange(len(starts)):
        state, total = starts[b], 0.0
        for block in range(len(tables)):
            state += GOLDEN
            word = mixed(state)
            for byte in range(8):
                total += tables[block, byte, (word >> np.uint64(8 * byte)) & _BYTE]
        sums[b] = total


@numba.njit(parallel=True, cache=True, nogil=True)
def permute(table: Any, sizes: Any, starts: Any, sums: Any) -> None:
    """Shuffle the table (Fisher and Yates) and sum it within groups of these sizes, for each start."""
    for b in numba.prange(len(starts)):
        order, state = table.copy(), starts[b]
        for i in range(len(table) - 1, 0, -1):
            state += GOLDEN
            at = ((mixed(state) >> _32) * np.uint64(i + 1)) >> _32
            here = order[i]
            order[i] = order[at]
            order[at] = here
        reached = 0
        for g in range(len(sizes)):
            total = np.int64(0)
            for _ in range(sizes[g]):
                total += order[reached]
                reached += 1
            sums[b, g] = total
