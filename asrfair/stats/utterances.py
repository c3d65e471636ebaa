"""Utterances of one or more groups, checked once: what the measures of whole error distributions start from.

An utterance WER is `errors / words`; it is undefined without reference words, so such utterances take no part here and
are counted. Utterances describe a distribution; they are never the unit of inference, which needs `speakers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats.rates import speaker_sums

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class UtteranceErrors:
    """Utterances with reference words.

    Attributes:
        speakers: who speaks, shape (n,), as given (names or numbers).
        errors: errors of each, shape (n,).
        words: reference words of each, shape (n,), positive.
        n_excluded: utterances without reference words, left out.
    """

    speakers: NDArray[Any]
    errors: Floats
    words: Floats
    n_excluded: int

    @property
    def rates(self) -> Floats:
        """WER of each utterance, shape (n,)."""
        return self.errors / self.words


def utterance_errors(speakers: ArrayLike, errors: ArrayLike, words: ArrayLike) -> UtteranceErrors:
    """Check utterances and leave those without reference words out.

    Args:
        speakers: speaker of each utterance, shape (n,): strings or integers.
        errors: errors of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,).

    Raises:
        InputError: shapes that differ, or a number that is negative, NaN or infinite.

    >>> utterance_errors(["ann", "ann", "bo"], [1, 2, 0], [4, 0, 5]).rates.tolist()
    [0.25, 0.0]
    """
    e, n = speaker_sums(errors, words)
    s = labels(speakers, "speakers", len(e))
    heard = n > 0
    return UtteranceErrors(s[heard], e[heard], n[heard], int(np.count_nonzero(~heard)))


def labels(values: ArrayLike, name: str, length: int) -> NDArray[Any]:
    """One label an utterance, strings or integers.

    Raises:
        InputError: not as many as utterances, or neither strings nor integers.
    """
    found = np.asarray(values)
    if found.shape != (length,):
        raise InputError(f"{name}: shape {found.shape} for {length} utterances; give one an utterance")
    if length and found.dtype.kind not in "iuUSO":
        raise InputError(f"{name}: {found.dtype} is no label; give strings or integers, one an utterance")
    if found.dtype.kind == "O" and not all(isinstance(value, str) for value in found):
        raise InputError(f"{name}: not every one is a string; give strings or integers, none missing")
    return found
