"""Pools: noise that is made once and drawn from by seeded offsets, as a loop without a seam.

A pool is cut from its source so that its end runs over into its beginning: the last `FADE_S` seconds are cross-faded
with what precedes the first sample (equal power, for noise). An utterance takes as much as it is long from a place of
its own; one that is longer than the pool hears it again, and the scene says so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import AudioError
from asrfair.stress.scene import Scene
from asrfair.stress.stretch import level_dbfs, stretch_of

POOL_S = 60.0
"""Length of a pool of synthetic noise."""

FADE_S = 0.05
PIECE_S = 10.0
"""Recorded noise is cut into pieces of about this length, which each speaker goes through in turn."""

DRAWS = 16
QUIET_DB = 25.0
"""A stretch this far below the whole is a pause of the machine: another is drawn."""


def looped(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Samples as a loop: shorter by the cross-fade, whose end goes on at its beginning.

    Args:
        samples: float32, shape (n,).
        rate_hz: samples a second.
    """
    fade = min(round(FADE_S * rate_hz), len(samples) // 3)
    if fade == 0:
        return samples
    rise = np.sin(np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32))
    loop = samples[:-fade].copy()
    loop[:fade] = samples[:fade] * rise + samples[-fade:] * np.sqrt(1 - rise**2)
    return loop


def taken_from(
    pool: NDArray[np.float32], n: int, rng: np.random.Generator, scene: Scene, within: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """A stretch of a pool from a place drawn by `rng`; the pool is gone round as often as needed.

    Args:
        pool: a loop, float32, shape (m,).
        n: samples wanted.
        rng: of the utterance under the condition.
        scene: told which stretch it is, and if it goes round.
        within: first and last place that it may begin at; anywhere unless given.

    Returns:
        float32, shape (n,); a view of the pool where it does not go round: do not write to it.

    Raises:
        AudioError: the pool is silent wherever it was tried.
    """
    begin, end = within or (0, len(pool))
    whole = level_dbfs(pool, scene.banks)
    if whole is None or n == 0:
        raise AudioError("the noise is silent: it has no level to set")
    for _ in range(DRAWS):
        taken = stretch_of(pool, begin + int(rng.integers(max(1, end - begin))), n, scene.banks)
        if taken.level_dbfs is not None and taken.level_dbfs > whole - QUIET_DB:
            break
    else:
        start = int(rng.choice(_sounding(pool, n, (begin, end), whole - QUIET_DB)))
        taken = stretch_of(pool, start, n, scene.banks)
    if taken.level_dbfs is None:
        raise AudioError("the noise is silent: it has no level to set")
    if n > len(pool):
        scene.note("noise shorter than the speech: looped with a cross-fade")
    scene.taken = taken
    return taken.samples


def _sounding(pool: NDArray[np.float32], n: int, within: tuple[int, int], limit_db: float) -> NDArray[np.int64]:
    """The places from which on `n` samples are not silent; the loudest if there are none.

    Rare (short speech beside a machine that sounds once in a minute), hence looked for only after draws have failed.
    """
    begin, end = within
    heard = np.take(pool, np.arange(begin, end + n), mode="wrap")
    energy = np.concatenate([[0.0], np.cumsum(np.square(heard, dtype=np.float64))])
    power = (energy[n : n + end - begin] - energy[: end - begin]) / n
    places = np.flatnonzero(power > 1.001 * 10 ** (limit_db / 10))
    return begin + (places if len(places) else np.array([np.argmax(power)]))
