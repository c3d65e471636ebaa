"""Resampling, compiled by numba where it is installed (the extra `fast`), else by numpy: the same replicates.

Each function makes replicates `first ... first + count - 1` from `counter`'s random numbers. Errors and words of a
speaker are packed into one 64-bit integer (words in the low 32 bits), so that one read and one addition serve both;
sums that could overflow 32 bits are refused the packing and go through numpy. numba is looked for only when a job is
large enough to be worth its import (half a second); its compiled code is kept on disk where that can be written.
"""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from asrfair.stats import counter

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WORTH_COMPILING = 20_000_000
"""Draws from which numba's import and compilation pay."""
_PACKED = 2**31
_BLOCK = 2_000_000


def resampled_sums(errors: Integers, words: Integers, key: int, first: int, count: int) -> tuple[Integers, Integers]:
    """Sums of errors and words over m speakers drawn with replacement, for each replicate.

    Args:
        errors: of each speaker, shape (m,), not negative.
        words: of each speaker, shape (m,), not negative.
        key: of the analysis; the replicates depend on it alone.
        first: number of the first replicate.
        count: how many.

    Returns:
        Errors and words of each replicate, each of shape (count,).
    """
    m = len(errors)
    compiled = _compiled(m * count)
    packed = max(errors.max(initial=0), words.max(initial=0)) * m < _PACKED
    if compiled is not None and packed:
        table = (errors.astype(np.int64) << 32) | words.astype(np.int64)
        sums = np.empty(count, np.int64)
        compiled.resample(table, counter.starts(key, first, count), sums)
        return sums >> 32, sums & (2**32 - 1)
    found = np.empty((2, count), np.int64)
    for at in range(0, count, block := max(1, _BLOCK // m)):
        drawn = counter.draws(key, first + at, min(block, count - at), m)
        found[0, at : at + len(drawn)] = errors[drawn].sum(axis=1)
        found[1, at : at + len(drawn)] = words[drawn].sum(axis=1)
    return found[0], found[1]


def flipped_sums(values: Floats, key: int, first: int, count: int) -> Floats:
    """Sums of the values with random signs, for each replicate, shape (count,)."""
    compiled = _compiled(len(values) * count)
    if compiled is not None:
        sums = np.empty(count)
        padded = np.concatenate([values, np.zeros(-len(values) % 64)]).reshape(-1, 8, 8)
        bits = np.arange(256)[:, None] >> np.arange(8) & 1
        compiled.flip(padded @ (2.0 * bits.T - 1.0), counter.starts(key, first, count), sums)
        return sums
    blocks = []
    for at in range(0, count, block := max(1, _BLOCK // max(len(values), 1))):
        blocks.append(counter.signs(key, first + at, min(block, count - at), len(values)) @ values)
    return np.concatenate(blocks) if blocks else np.empty(0)


def permuted_sums(
    errors: Integers, words: Integers, sizes: Integers, key: int, count: int
) -> tuple[Integers, Integers]:
    """Sums of errors and words within groups after the speakers were put in random order.

    Args:
        errors: of each speaker, shape (m,), not negative.
        words: of each speaker, shape (m,), not negative.
        sizes: speakers of each group, adding up to m, shape (g,): the first `sizes[0]` of an order are group 0.
        key: of the analysis; the orders are those of `counter.permutations`.
        count: how many permutations.

    Returns:
        Errors and words, each of shape (count, g).
    """
    m = len(errors)
    compiled = _compiled(m * count)
    if compiled is not None and max(errors.max(initial=0), words.max(initial=0)) * m < _PACKED:
        sums = np.empty((count, len(sizes)), np.int64)
        compiled.permute((errors << 32) | words, sizes.astype(np.int64), counter.starts(key, 0, count), sums)
        return sums >> 32, sums & (2**32 - 1)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    blocks = [
        [np.add.reduceat(values[orders], starts, axis=1) for values in (errors, words)]
        for orders in counter.permutations(key, count, m)
    ]
    found = [np.concatenate(part) for part in zip(*blocks, strict=True)]
    return found[0], found[1]


def _compiled(n_draws: int) -> ModuleType | None:
    """The compiled loops, if the job is large enough and numba is there and finds a folder to keep its code in."""
    if n_draws < WORTH_COMPILING or importlib.util.find_spec("numba") is None:
        return None
    try:
        return importlib.import_module("asrfair.stats.compiled")
    except RuntimeError:  # numba cannot write its cache; numpy makes the same replicates
        return None
