"""What turns each reference into what was recognised, as flat arrays: the alignment of many utterances at once.

A hypothesis is kept as the steps by which it differs from its reference, so that a text that was recognised well costs
nothing. The alignment is that of `alignment.align`, so the steps of a pair are as many as `counts.count_errors` says,
kind by kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asrfair.errors import InputError
from asrfair.scoring.counts import check_costs
from asrfair.scoring.events import Step, steps_of_spans
from asrfair.scoring.tokens import MAX_WORDS, Tokens, split_words

SUBSTITUTION, DELETION, INSERTION = range(3)
_KINDS = {"replace": SUBSTITUTION, "delete": DELETION, "insert": INSERTION}


@dataclass(frozen=True, slots=True)
class Edits:
    """References by word numbers, and the steps from each to its hypothesis.

    Attributes:
        words: the distinct words of all texts by their number; number 0 is no word.
        lengths: words per reference, int64, shape (n_references,).
        spoken: the words of the references one after the other, int32, shape (sum of lengths,).
        n_steps: steps per hypothesis, int64, shape (n_hypotheses,); 0 where recognition failed.
        kinds: `SUBSTITUTION`, `DELETION` or `INSERTION`, int64, shape (sum of n_steps,).
        places: which word of the reference, from 0; for an insertion the word that it stands before, same shape.
        heard: the word in its place, 0 in a deletion, same shape.
    """

    words: list[str]
    lengths: NDArray[np.int64]
    spoken: NDArray[np.int32]
    n_steps: NDArray[np.int64]
    kinds: NDArray[np.int64]
    places: NDArray[np.int64]
    heard: NDArray[np.int32]


def find_edits(
    references: Sequence[str],
    hypotheses: Sequence[str | None],
    against: NDArray[np.int64],
    *,
    costs: str = "levenshtein",
) -> Edits:
    """Align many pairs of texts, as they are (normalise first).

    Args:
        references: what was said, n_references texts; several hypotheses may share one.
        hypotheses: what was recognised, n_hypotheses texts; None where recognition failed.
        against: the reference of each hypothesis, shape (n_hypotheses,).
        costs: `levenshtein` (jiwer) or `sclite`.

    Raises:
        InputError: the costs are unknown, or there are more distinct words than can be numbered.

    >>> found = find_edits(["the cat sat"], ["a cat sat down", None], np.array([0, 0]))
    >>> found.n_steps.tolist(), found.places.tolist(), [found.words[number] for number in found.heard]
    ([2, 0], [0, 3], ['a', 'down'])
    """
    check_costs(costs)
    spoken = [" ".join(text.split()) for text in references]
    recognised = [None if text is None else " ".join(text.split()) for text in hypotheses]
    tokens = split_words([*spoken, *(text or "" for text in recognised)])
    if len(tokens.words) > MAX_WORDS:
        raise InputError(f"the transcripts have more than {MAX_WORDS} distinct words; report a part of them")
    strings = tokens.strings()
    steps: list[list[Step]] = []
    for at, (text, row) in enumerate(zip(recognised, against.tolist(), strict=True)):
        if text is None or text == spoken[row]:
            steps.append([])
        elif costs == "levenshtein":
            script = Levenshtein.editops(strings[row], strings[len(spoken) + at]).as_list()
            steps.append(cast("list[Step]", script))
        else:
            steps.append(steps_of_spans(spoken[row], text, costs))
    return _edits(tokens, len(spoken), steps)


def _edits(tokens: Tokens, n_references: int, steps: list[list[Step]]) -> Edits:
    """The arrays; the first `n_references` texts of the tokens are the references."""
    n_steps = np.fromiter(map(len, steps), np.int64, len(steps))
    tags, places, targets = zip(*chain.from_iterable(steps), strict=True) if n_steps.any() else ((), (), ())
    kinds = np.fromiter(map(_KINDS.__getitem__, tags), np.int64, len(tags))
    texts = n_references + np.repeat(np.arange(len(steps)), n_steps)
    heard = np.zeros(len(kinds), np.int32)
    has = kinds != DELETION
    heard[has] = tokens.numbers[(tokens.starts[texts] + 1 + np.array(targets, np.int64))[has]]
    said = tokens.numbers[: tokens.starts[n_references]]
    lengths = tokens.lengths[:n_references]
    return Edits(tokens.words, lengths, said[said != 0], n_steps, kinds, np.array(places, np.int64), heard)
