"""Where in a pool a noise lies, and how strong it is there.

The energy of any stretch follows from running sums over the pool, which are made once: the level of a noise costs
nothing per utterance, and whoever has the pool at hand (a device, in its own memory) needs no samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import energy, rms_dbfs
from asrfair.stress.banks import Banks

_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a pool, which may go round it.

    Attributes:
        pool: float32, shape (m,).
        start: the place of its first sample.
        samples: float32, shape (n,): `pool[(start + t) % m]`.
        energy: the sum of its squares.
    """

    pool: NDArray[np.float32]
    start: int
    samples: NDArray[np.float32]
    energy: float

    @property
    def level_dbfs(self) -> float | None:
        """Root mean square level; None for digital silence."""
        return 10 * math.log10(self.energy / len(self.samples)) if self.energy > 0 else None


def stretch_of(pool: NDArray[np.float32], start: int, n: int, banks: Banks) -> Stretch:
    """`n` samples of a pool from a place on, round and round.

    Args:
        pool: float32, shape (m,).
        start: the place of the first sample; counted on from the beginning where it is beyond the end.
        n: samples wanted.
        banks: where the running sums of a bank are held.

    >>> stretch_of(np.arange(4, dtype=np.float32), 3, 3, Banks()).samples.tolist()
    [3.0, 0.0, 1.0]
    """
    start %= len(pool)
    return Stretch(pool, start, _round(pool, start, n), _energy(pool, start, n, banks))


def level_dbfs(pool: NDArray[np.float32], banks: Banks) -> float | None:
    """Root mean square level of a whole pool; None for digital silence."""
    return banks.derived(pool, "level", lambda: rms_dbfs(pool))


def _round(pool: NDArray[np.float32], start: int, n: int) -> NDArray[np.float32]:
    """A view of the pool where it does not go round; nobody may write to either."""
    if start + n <= len(pool):
        return pool[start : start + n]
    round_once = np.concatenate([pool[start:], pool[: min(start, start + n - len(pool))]])
    taken: NDArray[np.float32] = np.resize(round_once, n)
    return taken


def _energy(pool: NDArray[np.float32], start: int, n: int, banks: Banks) -> float:
    """The energy of a stretch."""
    sums = banks.derived(pool, "running energy", lambda: _running(pool))
    rounds, rest = divmod(n, len(pool))
    over = max(0, start + rest - len(pool))
    total = _span(pool, sums, start, start + rest - over) + _span(pool, sums, 0, over)
    return total + (rounds * _span(pool, sums, 0, len(pool)) if rounds else 0.0)


def _running(pool: NDArray[np.float32]) -> NDArray[np.float64]:
    """The energy before each whole block."""
    blocks = [energy(pool[at : at + _BLOCK]) for at in range(0, len(pool) - _BLOCK + 1, _BLOCK)]
    return np.concatenate([[0.0], np.cumsum(blocks)])


def _span(pool: NDArray[np.float32], sums: NDArray[np.float64], begin: int, end: int) -> float:
    """The energy from a place to another: whole blocks from the sums, the rest from the samples."""
    first, last = -(-begin // _BLOCK), end // _BLOCK
    if first >= last:
        return _few(pool[begin:end])
    return float(sums[last] - sums[first]) + _few(pool[begin : first * _BLOCK]) + _few(pool[last * _BLOCK : end])


def _few(samples: NDArray[np.float32]) -> float:
    """The energy of few samples."""
    exact = samples.astype(np.float64)
    return float(exact @ exact)
