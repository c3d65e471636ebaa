"""Counting hits, substitutions, deletions and insertions, pair by pair.

A word is what stands between white space. An empty hypothesis deletes every reference word; an empty reference has
every hypothesis word inserted (and no rate: `records.ErrorCounts.wer` is None). A hypothesis that is None is a failed
utterance: its counts are null, never deletions. With `levenshtein` costs, S, D and I equal those of jiwer 4
(`jiwer.process_words`), ties included; with `sclite` costs, those of NIST sclite. Their totals can differ: on
`a b c d e` against `d e x y z` the first has 5 substitutions, the second 3 deletions and 3 insertions. Never mix them
between systems or groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from operator import ne
from typing import TypeAlias, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.scoring.arrays import int32_array, list_of_texts
from asrfair.scoring.distances import COSTS, substitutions
from asrfair.scoring.tokens import MAX_WORDS, Tokens, blocks, split_words
from asrfair.tables import ERROR_COUNTS

BLOCK_PAIRS = 5_000

Texts: TypeAlias = Sequence[str | None] | pa.Array | pa.ChunkedArray


def count_errors(references: Texts, hypotheses: Texts, *, costs: str = "levenshtein") -> pa.Table:
    """Count the word errors of each pair of texts, as they are (normalise first).

    Args:
        references: what was said, n texts.
        hypotheses: what was recognised, n texts; None where recognition failed.
        costs: `levenshtein` (jiwer) or `sclite`.

    Returns:
        n rows: hits, substitutions, deletions, insertions (`tables.ERROR_COUNTS`); null where recognition failed.

    Raises:
        InputError: the numbers of texts differ, a reference is None, or the costs are unknown.

    >>> count_errors(["the cat sat on the mat", "yes", ""], ["the cat sit on mat", None, "um"]).to_pylist()[:2]
    [{'hits': 4, 'substitutions': 1, 'deletions': 1, 'insertions': 0},
     {'hits': None, 'substitutions': None, 'deletions': None, 'insertions': None}]
    """
    check_costs(costs)
    spoken, recognised = checked_pairs(references, hypotheses)
    counts, valid = count_arrays(spoken, recognised, costs)
    return pa.table([int32_array(column, valid) for column in counts], schema=ERROR_COUNTS)


def check_costs(costs: str) -> None:
    """Refuse unknown costs with an `InputError`."""
    if costs not in COSTS:
        raise InputError(f"costs {costs!r} are unknown; there are: {', '.join(COSTS)}")


def checked_pairs(references: Texts, hypotheses: Texts) -> tuple[list[str], list[str | None]]:
    """References and hypotheses as lists of one length, or an `InputError`."""
    if isinstance(references, str) or isinstance(hypotheses, str):
        raise InputError("references and hypotheses are sequences of texts, not one text; put it in a list")
    spoken, recognised = list_of_texts(references), list_of_texts(hypotheses)
    if len(spoken) != len(recognised):
        raise InputError(f"{len(spoken)} references and {len(recognised)} hypotheses; each needs the other")
    if None in spoken:
        raise InputError(f"reference {spoken.index(None) + 1} is None; an utterance without speech has an empty one")
    return cast("list[str]", spoken), recognised


def count_arrays(
    references: list[str], hypotheses: Sequence[str | None], costs: str
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The counts of `count_errors`: int32, shape (4, n), in the order of its columns; and which pairs have any."""
    counts = np.zeros((4, len(references)), np.int32)
    valid = np.ones(len(references), np.bool_)
    for rows in blocks(references, BLOCK_PAIRS):
        spoken, recognised = references[rows], hypotheses[rows]
        if None in recognised:
            valid[rows] = np.fromiter((text is not None for text in recognised), np.bool_, len(spoken))
        counts[:, rows] = _count_block(spoken, recognised, valid[rows], costs)
    return counts, valid


def _count_block(
    references: list[str], hypotheses: Sequence[str | None], valid: NDArray[np.bool_], costs: str
) -> NDArray[np.int32]:
    """Counts of one block, int32, shape (4, n); equal texts are all hits, and only the others are compared."""
    counts = np.zeros((4, len(references)), np.int32)
    differ = np.fromiter(map(ne, references, hypotheses), np.bool_, len(references))
    for at in np.flatnonzero(~differ).tolist():
        counts[0, at] = len(references[at].split())
    differ &= valid
    spoken, recognised = list(compress(references, differ)), list(compress(hypotheses, differ))
    counts[:, differ] = _compare(spoken, cast("list[str]", recognised), costs)
    return counts


def _compare(references: list[str], hypotheses: list[str], costs: str) -> NDArray[np.int64]:
    """Counts of some pairs, int64, shape (4, n)."""
    tokens = _words([*references, *hypotheses])
    texts, n_words = tokens.strings(), tokens.lengths
    n = len(references)
    lengths = n_words[:n], n_words[n:]
    replaced, errors = substitutions(texts[:n], texts[n:], lengths, costs)
    surplus = lengths[0] - lengths[1]
    deleted = (errors - replaced + surplus) // 2
    return np.stack([lengths[0] - replaced - deleted, replaced, deleted, deleted - surplus])


def _words(texts: list[str]) -> Tokens:
    """The words of a block of texts, whatever white space parts them."""
    tokens = split_words(texts)
    names = [word for word in tokens.words[1:] if word]
    if " ".join(names).split() != names:
        tokens = split_words([" ".join(text.split()) for text in texts])
    if len(tokens.words) > MAX_WORDS:
        raise InputError(f"a text of more than {MAX_WORDS} distinct words; cut it into utterances")
    return tokens
