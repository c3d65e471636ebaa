"""Recall of the words that must not be lost: names of drugs, of people, of places.

An occurrence of a term in the reference is *recalled* if all its words are hits in the alignment, one after another on
both sides (nothing inserted between them). Every occurrence counts, overlapping ones too. A term that is recognised
where it was not said is no recall: it counts nowhere here. The alignment is that of `alignment.align`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.scoring.alignment import align
from asrfair.scoring.counts import Texts, check_costs, checked_pairs

Terms = dict[str, list[tuple[list[str], int]]]
"""First word -> the terms that begin with it: their words and number."""


@dataclass(frozen=True, slots=True)
class KeywordCounts:
    """Terms said and recalled, one row per pair and term that was said in it.

    Attributes:
        terms: the terms.
        rows: the pair, int64, shape (k,).
        numbers: the term's place in `terms`, int64, shape (k,).
        said: occurrences in the reference, at least 1, int64, shape (k,).
        found: those recalled, int64, shape (k,).
    """

    terms: tuple[str, ...]
    rows: NDArray[np.int64]
    numbers: NDArray[np.int64]
    said: NDArray[np.int64]
    found: NDArray[np.int64]

    def by_pair(self, n_pairs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Occurrences recalled and said in each pair, all terms together, shape (n_pairs,) each."""
        found, said = (np.bincount(self.rows, counts, n_pairs).astype(np.int64) for counts in (self.found, self.said))
        return found, said


def keyword_counts(
    references: Texts, hypotheses: Texts, terms: Sequence[str], *, costs: str = "levenshtein"
) -> KeywordCounts:
    """Count the terms said and recalled in each pair of texts, as they are (normalise all three alike first).

    Args:
        references: what was said, n texts.
        hypotheses: what was recognised, n texts; None where recognition failed: nothing is counted there.
        terms: words or phrases, each once.
        costs: `levenshtein` (jiwer) or `sclite`.

    Raises:
        InputError: as `count_errors`; or a term is empty or given twice, or there is none.

    >>> found = keyword_counts(["take st john's wort and aspirin"], ["take john's wort and aspirin"],
    ...                        ["aspirin", "st john's wort"])
    >>> [(found.terms[n], f, s) for n, f, s in zip(found.numbers, found.found.tolist(), found.said.tolist())]
    [('aspirin', 1, 1), ("st john's wort", 0, 1)]
    """
    check_costs(costs)
    spoken, recognised = checked_pairs(references, hypotheses)
    names, wanted = _checked_terms(terms)
    entries: list[tuple[int, int, int, int]] = []
    for row, (reference, hypothesis) in enumerate(zip(spoken, recognised, strict=True)):
        words = reference.split()
        if hypothesis is None or wanted.keys().isdisjoint(words):
            continue
        starts = _occurrences(words, wanted)
        if starts:
            entries += _counted(row, starts, _hit_runs(reference, hypothesis, costs))
    columns = np.array(entries, np.int64).reshape(-1, 4).T
    return KeywordCounts(names, columns[0], columns[1], columns[2], columns[3])


def _checked_terms(terms: Sequence[str]) -> tuple[tuple[str, ...], Terms]:
    """The terms with single spaces, and the same by their first word."""
    if isinstance(terms, str) or not terms:
        raise InputError("terms: give a list of words or phrases, one at least")
    names = [" ".join(term.split()) for term in terms]
    for at, name in enumerate(names):
        if not name:
            raise InputError(f"terms[{at}]: {terms[at]!r} is empty; leave it out")
        if name in names[:at]:
            raise InputError(f"terms[{at}]: {name!r} was given before; leave it out")
    found: Terms = {}
    for number, name in enumerate(names):
        words = name.split()
        found.setdefault(words[0], []).append((words, number))
    return tuple(names), found


def _occurrences(words: list[str], wanted: Terms) -> list[tuple[int, int, int]]:
    """Term, first place and end of every occurrence."""
    return [
        (number, at, at + len(term))
        for at, word in enumerate(words)
        for term, number in wanted.get(word, ())
        if words[at : at + len(term)] == term
    ]


def _hit_runs(reference: str, hypothesis: str, costs: str) -> NDArray[np.int64]:
    """For each place of the reference, the number of the span of hits that it is in; -1 if it is no hit."""
    spans = align(reference, hypothesis, costs=costs)
    numbers = [number if span.kind == "hit" else -1 for number, span in enumerate(spans)]
    return np.repeat(np.array(numbers, np.int64), [len(span.reference) for span in spans])


def _counted(
    row: int, occurrences: list[tuple[int, int, int]], runs: NDArray[np.int64]
) -> list[tuple[int, int, int, int]]:
    """Row, term, said and found of each term that occurs."""
    said = Counter(number for number, _, _ in occurrences)
    found = Counter(number for number, start, end in occurrences if runs[start] >= 0 and runs[start] == runs[end - 1])
    return [(row, number, said[number], found[number]) for number in sorted(said)]
