"""How far one transcript lies from another of the same speech: word edits over the longer of the two.

`S = Lev(T, T') / max(|T|, |T'|, 1)`: 0 for the same words, 1 for none in common; two empty transcripts are the same.
It is no error rate, since neither side is right: it is symmetric, and cannot exceed 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asrfair.errors import InputError
from asrfair.scoring.distances import pairwise
from asrfair.scoring.tokens import blocks, split_words

BLOCK_TEXTS = 10_000


def movement(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
    """The distance of each pair of normalised transcripts.

    Args:
        texts: words between spaces, n of them.
        others: the same speech in other sound, n of them.

    Returns:
        Shape (n,), from 0 to 1.

    Raises:
        InputError: not as many on both sides.

    >>> movement(["one two three", ""], ["one too three four", ""]).tolist()
    [0.5, 0.0]
    """
    if len(texts) != len(others):
        raise InputError(f"{len(texts)} transcripts and {len(others)} others; each needs the other")
    found = np.zeros(len(texts))
    for part in blocks(texts, BLOCK_TEXTS):
        pair = [*texts[part], *others[part]]
        n = len(pair) // 2
        tokens = split_words(pair)
        strings, lengths = tokens.strings(), tokens.lengths
        longest = np.maximum(np.maximum(lengths[:n], lengths[n:]), 1)
        found[part] = pairwise(Levenshtein.distance, strings[:n], strings[n:]) / longest
    return found
