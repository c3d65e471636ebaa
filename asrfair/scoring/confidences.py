"""Which confidence goes with which recognised word, and whether that word was right.

Engines give a confidence to each word as they write it; errors are counted on normalised text, where words vanish
(`um`), split (`don't`) or merge (`twenty one`). So each of the engine's words is normalised by itself, and the words
that come out are laid beside the words of the normalised hypothesis:

- a word that becomes several gives its confidence to each, one that vanishes has none to give;
- a stretch of words that the two ways of normalising write differently has the lowest confidence of the engine's
  words in it (it is wrong if any of them is);
- a word of the hypothesis with no word of the engine's beside it, or one that the engine gave no confidence to, is
  left out and counted.

A recognised word is correct if it is a hit of `alignment.align`; deleted words have no confidence and are in no figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asrfair.errors import InputError
from asrfair.scoring.alignment import align
from asrfair.scoring.counts import check_costs, checked_pairs
from asrfair.scoring.normalizers import Normalizer

EngineWord = tuple[str, float | None]
"""What the engine wrote, and its confidence: 0 to 1, None where it gave none."""


@dataclass(frozen=True, slots=True)
class WordConfidences:
    """The recognised words that have a confidence.

    Attributes:
        rows: the utterance of each word, int64, shape (k,).
        confidences: 0 to 1, float64, shape (k,).
        correct: whether the word was a hit, shape (k,).
        n_without: recognised words left out, as they have no confidence.
    """

    rows: NDArray[np.int64]
    confidences: NDArray[np.float64]
    correct: NDArray[np.bool_]
    n_without: int


def word_confidences(
    references: Sequence[str],
    hypotheses: Sequence[str | None],
    words: Sequence[Sequence[EngineWord] | None],
    normalizer: Normalizer,
    *,
    costs: str = "levenshtein",
) -> WordConfidences:
    """Pair confidences with recognised words, over n utterances.

    Args:
        references: what was said, as it is written (not normalised), n texts.
        hypotheses: what was recognised, as the engine wrote it, n texts; None where recognition failed.
        words: the engine's words with their confidences, n lists; None where it gave none.
        normalizer: the same for all three.
        costs: `levenshtein` (jiwer) or `sclite`.

    Raises:
        InputError: lengths differ, costs are unknown, or a confidence is NaN or not in [0, 1].

    >>> from asrfair.scoring import find_normalizer
    >>> words = [("The", 0.9), ("well-known", 0.4), ("cat.", 0.8)]
    >>> found = word_confidences(["the well known hat"], ["The well-known cat."], [words], find_normalizer("minimal"))
    >>> list(zip(found.confidences.tolist(), found.correct.tolist()))
    [(0.9, True), (0.4, True), (0.4, True), (0.8, False)]
    """
    check_costs(costs)
    checked_pairs(references, hypotheses)
    if len(words) != len(hypotheses):
        raise InputError(f"{len(hypotheses)} hypotheses and {len(words)} lists of words; each needs the other")
    spoken = normalizer.normalize(references)
    recognised = normalizer.normalize([text or "" for text in hypotheses])
    given = _normalized_words(words, normalizer)
    rows: list[int] = []
    confidences: list[float] = []
    correct: list[bool] = []
    n_words = 0
    for row, (hypothesis, tokens) in enumerate(zip(recognised, given, strict=True)):
        if hypotheses[row] is None:
            continue
        found = _laid_beside(hypothesis.split(), tokens)
        n_words += len(found)
        for confidence, hit in zip(found, _hits(spoken[row], hypothesis, costs), strict=True):
            if confidence is not None:
                rows.append(row)
                confidences.append(confidence)
                correct.append(hit)
    return WordConfidences(
        np.array(rows, np.int64), np.array(confidences, np.float64), np.array(correct, np.bool_), n_words - len(rows)
    )


def _normalized_words(
    words: Sequence[Sequence[EngineWord] | None], normalizer: Normalizer
) -> Iterator[list[EngineWord]]:
    """The engine's words of each utterance, normalised one by one."""
    for row, some in enumerate(words):
        for text, confidence in some or ():
            if confidence is not None and not 0.0 <= confidence <= 1.0:
                raise InputError(f"words[{row}]: {text!r} has the confidence {confidence}; it must be in [0, 1]")
    flat = list(chain.from_iterable(some or () for some in words))
    distinct = list(dict.fromkeys(text for text, _ in flat))
    left = dict(zip(distinct, map(str.split, normalizer.normalize(distinct)), strict=True))
    return ([(word, confidence) for text, confidence in some or () for word in left[text]] for some in words)


def _laid_beside(hypothesis: list[str], given: list[EngineWord]) -> list[float | None]:
    """The confidence of each word of the hypothesis."""
    texts = [text for text, _ in given]
    confidences = [confidence for _, confidence in given]
    if texts == hypothesis:
        return confidences
    found: list[float | None] = [None] * len(hypothesis)
    for start, end, first, last, same in _stretches(texts, hypothesis):
        here = confidences[start:end]
        if same:
            found[first:last] = here
        elif here and None not in here:
            found[first:last] = [min(c for c in here if c is not None)] * (last - first)
    return found


def _stretches(given: list[str], hypothesis: list[str]) -> Iterator[tuple[int, int, int, int, bool]]:
    """Places in both texts of what is the same, and of what stands between (all kinds of difference in one)."""
    at = to = 0
    for step in Levenshtein.opcodes(given, hypothesis):
        if step.tag == "equal":
            yield at, step.src_start, to, step.dest_start, False
            yield step.src_start, step.src_end, step.dest_start, step.dest_end, True
            at, to = step.src_end, step.dest_end
    yield at, len(given), to, len(hypothesis), False


def _hits(reference: str, hypothesis: str, costs: str) -> list[bool]:
    """Whether each word of the hypothesis is a hit."""
    return [span.kind == "hit" for span in align(reference, hypothesis, costs=costs) for _ in span.hypothesis]
