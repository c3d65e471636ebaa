"""Error counts of one block of pairs from edit distances alone, wherever they leave no choice.

With n reference words, m hypothesis words and d errors, D - I = n - m and S + D + I = d, so one of the four counts
gives the others. The total d is unique; how it is shared between S, D and I is a choice among the alignments that reach
it.

`levenshtein` (all errors cost 1): D + I >= |n - m|, so S <= d - |n - m|; and H is at most the longest common
subsequence L, so S = n + m - d - 2H >= n + m - d - 2L. Where both bounds meet there is no choice. Elsewhere the
choice is rapidfuzz's edit script, which is jiwer's.

`sclite` (substitution 4, deletion and insertion 3, NIST SCTK): the alignment of least cost, and among
those the one with the fewest errors. Cost C = 4S + 3(D + I) and e = S + D + I give S = C - 3e, so nothing is left to
choose. Both are minimised at once with costs 4B + 1 and 3B + 1, B larger than any number of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein
from rapidfuzz.process import cpdist

Integers = NDArray[np.int64]


def substitutions(
    references: list[str], hypotheses: list[str], lengths: tuple[Integers, Integers], costs: str
) -> tuple[Integers, Integers]:
    """Substitutions and total errors of each pair.

    Args:
        references: one character per word (see `tokens.Tokens.strings`), n strings.
        hypotheses: the same, n strings.
        lengths: words per reference and per hypothesis, shape (n,) each.
        costs: key of `COSTS`.

    Returns:
        S and S + D + I, shape (n,) each.
    """
    return COSTS[costs](references, hypotheses, lengths)


def pairwise(scorer: Any, references: list[str], hypotheses: list[str], **options: Any) -> Integers:
    """A rapidfuzz distance of each pair, one thread."""
    if not references:
        return np.zeros(0, np.int64)
    found: Integers = cpdist(
        references, hypotheses, scorer=scorer, dtype=np.int64, workers=1, scorer_kwargs=options or None
    )
    return found


def _levenshtein(
    references: list[str], hypotheses: list[str], lengths: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    errors = pairwise(Levenshtein.distance, references, hypotheses)
    most = errors - np.abs(lengths[0] - lengths[1])
    found = most.copy()
    open_ = np.flatnonzero(most > 1)
    places = open_.tolist()
    common = pairwise(LCSseq.similarity, [references[at] for at in places], [hypotheses[at] for at in places])
    least = np.maximum((lengths[0] + lengths[1] - errors)[open_] - 2 * common, 0)
    for at in open_[least < most[open_]].tolist():
        steps = Levenshtein.editops(references[at], hypotheses[at]).as_list()
        found[at] = [step[0] for step in steps].count("replace")
    return found, errors


def _sclite(
    references: list[str], hypotheses: list[str], lengths: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    base = int(np.max(lengths[0] + lengths[1], initial=0)) + 1
    weights = (3 * base + 1, 3 * base + 1, 4 * base + 1)
    cost, errors = np.divmod(pairwise(Levenshtein.distance, references, hypotheses, weights=weights), base)
    return cost - 3 * errors, errors


_Count = Callable[[list[str], list[str], tuple[Integers, Integers]], tuple[Integers, Integers]]
COSTS: Mapping[str, _Count] = {"levenshtein": _levenshtein, "sclite": _sclite}
"""The alignments there are, by the name of their costs."""
