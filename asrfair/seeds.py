"""Randomness that belongs to the thing, not to the process.

Every random draw of asrfair comes from a generator made for one utterance under one condition (or for one named
purpose), so that results do not depend on the order of the run, on batch size or on the number of workers.
The global generators of `random` and `numpy.random` are never used.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stable_hash(*parts: object) -> int:
    """A 128-bit integer that depends on the parts alone: not on the process, the platform or `PYTHONHASHSEED`.

    Args:
        *parts: strings, integers, None; the type and the boundaries between parts count.

    >>> stable_hash("a", "bc") == stable_hash("ab", "c")
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return int.from_bytes(digest.digest(), "little")


def rng_for(seed: int, utterance_id: str, condition_id: str) -> np.random.Generator:
    """The generator of one utterance under one condition (counter-based: Philox, Salmon et al. 2011).

    Args:
        seed: the run's seed.
        utterance_id: which utterance (or what purpose).
        condition_id: which condition, e.g. `machine-hum@5dB`.

    >>> rng_for(1, "u1", "clean").integers(10) == rng_for(1, "u1", "clean").integers(10)
    np.True_
    """
    import numpy as np

    return np.random.Generator(np.random.Philox(key=stable_hash(seed, utterance_id, condition_id)))
