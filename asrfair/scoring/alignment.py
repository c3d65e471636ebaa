"""Which word was recognised as which: one alignment of two texts, for people to look at and for word-level statistics.

With `levenshtein` costs it is jiwer's (rapidfuzz's edit script); with `sclite` costs it is one of those that have
sclite's counts: of several, the one that, read from the end, takes a diagonal step (hit or substitution) before a
deletion, and a deletion before an insertion.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from asrfair.scoring.counts import check_costs

_KINDS = {"equal": "hit", "replace": "substitution", "delete": "deletion", "insert": "insertion"}


@dataclass(frozen=True, slots=True)
class AlignedSpan:
    """A run of words on both sides that were aligned in the same way.

    Attributes:
        kind: `hit`, `substitution`, `deletion` or `insertion`.
        reference: the reference's words; none in an insertion.
        hypothesis: the hypothesis' words; none in a deletion; as many as the reference's in a hit or substitution.
    """

    kind: str
    reference: tuple[str, ...]
    hypothesis: tuple[str, ...]


def align(reference: str, hypothesis: str, *, costs: str = "levenshtein") -> list[AlignedSpan]:
    """Align two texts word by word, as they are (normalise first).

    Args:
        reference: what was said.
        hypothesis: what was recognised.
        costs: `levenshtein` (jiwer) or `sclite`.

    Returns:
        The spans in order; joined, they are both texts. Their words per kind are as many as `count_errors` says.

    Raises:
        InputError: the costs are unknown.

    >>> [(span.kind, *span.hypothesis) for span in align("the cat sat", "a cat sat down")]
    [('substitution', 'a'), ('hit', 'cat', 'sat'), ('insertion', 'down')]
    """
    check_costs(costs)
    spoken, recognised = reference.split(), hypothesis.split()
    if costs == "sclite":
        return _spans(_sclite_steps(spoken, recognised), spoken, recognised)
    return [
        AlignedSpan(
            _KINDS[step.tag],
            tuple(spoken[step.src_start : step.src_end]),
            tuple(recognised[step.dest_start : step.dest_end]),
        )
        for step in Levenshtein.opcodes(spoken, recognised)
    ]


def _spans(steps: list[str], spoken: list[str], recognised: list[str]) -> list[AlignedSpan]:
    """Runs of equal steps."""
    spans, at, to = [], 0, 0
    for kind, run in groupby(steps):
        length = len(list(run))
        n_spoken = 0 if kind == "insertion" else length
        n_recognised = 0 if kind == "deletion" else length
        spans.append(AlignedSpan(kind, tuple(spoken[at : at + n_spoken]), tuple(recognised[to : to + n_recognised])))
        at, to = at + n_spoken, to + n_recognised
    return spans


def _sclite_steps(spoken: list[str], recognised: list[str]) -> list[str]:
    """One step per word pair, deletion or insertion: least 4S + 3D + 3I, then fewest errors (see `distances`)."""
    costs = _sclite_costs(spoken, recognised)
    steps, row, column = [], len(spoken), len(recognised)
    base = row + column + 1
    while row or column:
        here = costs[row][column]
        same = row and column and spoken[row - 1] == recognised[column - 1]
        if row and column and here == costs[row - 1][column - 1] + (0 if same else 4 * base + 1):
            steps.append("hit" if same else "substitution")
            row, column = row - 1, column - 1
        elif row and here == costs[row - 1][column] + 3 * base + 1:
            steps.append("deletion")
            row -= 1
        else:
            steps.append("insertion")
            column -= 1
    return steps[::-1]


def _sclite_costs(spoken: list[str], recognised: list[str]) -> list[list[int]]:
    """Least cost of aligning the first i words with the first j, for all i and j."""
    base = len(spoken) + len(recognised) + 1
    gap, replaced = 3 * base + 1, 4 * base + 1
    costs = [[gap * column for column in range(len(recognised) + 1)]]
    for number, word in enumerate(spoken, start=1):
        above, row = costs[-1], [gap * number]
        for column, other in enumerate(recognised):
            diagonal = above[column] + (0 if word == other else replaced)
            row.append(min(diagonal, above[column + 1] + gap, row[column] + gap))
        costs.append(row)
    return costs
