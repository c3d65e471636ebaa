"""A counter-based generator: the random number at a place depends on the place alone.

Replicate b of a bootstrap or a permutation is the same whatever the number of threads, the order in which replicates
are made, or whether a compiled kernel or numpy makes them. The number at (replicate, place) is the finaliser of
SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators") over `start(replicate) + place *
GOLDEN`, where the start of each replicate is itself such a number of the key; the idea of a counter in place of a state
is that of Salmon et al. (2011). An index below n is the high word of `32 random bits x n` (Lemire 2019): its bias is
below n / 2^32. `kernels` has the same three lines compiled; a test holds them to each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Indices = NDArray[np.int64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = (np.uint64(shift) for shift in (30, 27, 31, 32))

_BLOCK = 4_000_000
"""Random numbers made at a time, so that memory stays small."""


def mixed(counters: Words) -> Words:
    """SplitMix64's finaliser: 64 random bits for each counter.

    >>> mixed(np.array([0x9E3779B97F4A7C15], np.uint64)).tolist() == [0xE220A8397B1DCDAF]
    True
    """
    found = (counters ^ (counters >> _30)) * MIX_1
    found = (found ^ (found >> _27)) * MIX_2
    return found ^ (found >> _31)


def starts(key: int, first: int, count: int) -> Words:
    """Where the counters of each replicate start, shape (count,).

    Args:
        key: of the whole analysis, e.g. from `seeds.stable_hash`; its low 64 bits count.
        first: number of the first replicate.
        count: how many.
    """
    replicates = np.arange(first + 1, first + count + 1, dtype=np.uint64)
    return mixed(np.uint64(key % 2**64) + replicates * GOLDEN)


def signs(key: int, first: int, count: int, n: int) -> NDArray[np.int8]:
    """Random signs, one bit each: shape (count, n), values -1 and 1."""
    n_words = -(-n // 64)
    places = np.arange(1, n_words + 1, dtype=np.uint64) * GOLDEN
    bits = mixed(starts(key, first, count)[:, None] + places)[:, :, None] >> np.arange(64, dtype=np.uint64)
    drawn: NDArray[np.int8] = (bits & np.uint64(1)).astype(np.int8).reshape(count, -1)[:, :n] * np.int8(2) - np.int8(1)
    return drawn


def draws(key: int, first: int, count: int, n: int) -> Indices:
    """Indices below n with replacement, n a replicate: shape (count, n).

    Each 64-bit word gives two draws: its high half the one at an even place, its low half the next.
    """
    places = np.arange(1, (n + 1) // 2 + 1, dtype=np.uint64) * GOLDEN
    words = mixed(starts(key, first, count)[:, None] + places)
    halves = np.stack([words >> _32, words & np.uint64(0xFFFFFFFF)], axis=-1).reshape(count, -1)[:, :n]
    return ((halves * np.uint64(n)) >> _32).astype(np.int64)


def permutations(key: int, count: int, n: int) -> Iterator[Indices]:
    """Random orders of n things, in blocks of shape (some, n), `count` of them altogether.

    Fisher and Yates' shuffle from the end, step i drawing an index up to i from word `n - 1 - i`; all replicates of a
    block take each step together.

    Args:
        key: of the whole analysis.
        count: how many permutations.
        n: how many things are put in order.
    """
    block = max(1, min(count, _BLOCK // max(n, 1)))
    for first in range(0, count, block):
        some = min(block, count - first)
        counters = starts(key, first, some)
        orders = np.repeat(np.arange(n, dtype=np.int64)[:, None], some, axis=1)
        column = np.arange(some)
        for i in range(n - 1, 0, -1):
            counters = counters + GOLDEN
            at = (((mixed(counters) >> _32) * np.uint64(i + 1)) >> _32).astype(np.int64)
            here = orders[i].copy()
            orders[i] = orders[at, column]
            orders[at, column] = here
        yield np.ascontiguousarray(orders.T)
