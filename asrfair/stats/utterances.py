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
from asrfair.stats.arrays import Floats, labels, numbers


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
    e = numbers(errors, "errors")
    n = numbers(words, "words", len(e))
    s = labels(speakers, "speakers", len(e))
    heard = n > 0
    return UtteranceErrors(s[heard], e[heard], n[heard], int(np.count_nonzero(~heard)))


def group_of_speakers(
    speakers: NDArray[Any], groups: NDArray[np.str_]
) -> tuple[list[str], NDArray[np.intp], NDArray[np.intp]]:
    """Number speakers and groups, each speaker in one group.

    Args:
        speakers: speaker of each utterance, shape (n,).
        groups: group of each utterance, shape (n,).

    Returns:
        Names of the groups, sorted; the number of the speaker of each utterance, shape (n,); the number of the group
        of each speaker, shape (m,), in the sorted order of speakers.

    Raises:
        InputError: a speaker in two groups.

    >>> group_of_speakers(np.array([7, 7, 3]), np.array(["y", "y", "x"]))[1].tolist()
    [1, 1, 0]
    """
    names, group = np.unique(groups, return_inverse=True)
    people, speaker = np.unique(speakers, return_inverse=True)
    of = np.zeros(len(people), dtype=np.intp)
    of[speaker] = group
    torn = np.flatnonzero(of[speaker] != group)
    if len(torn):
        who, first = speaker[torn[0]], group[torn[0]]
        both = f"{str(names[first])!r} and {str(names[of[who]])!r}"
        raise InputError(f"speaker {people[who]} is in {both}: give each speaker one group")
    return [str(name) for name in names], speaker, of
