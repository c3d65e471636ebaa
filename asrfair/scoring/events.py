"""What each error was: one row per word that was substituted, deleted or inserted.

The alignment is that of `alignment.align` (with `levenshtein` costs jiwer's), so the rows of a pair are as many as
`counts.count_errors` says, kind by kind. The total of a pair is unique, but which word is aligned with which is a
choice among the alignments that reach it: confusions and kinds depend on the aligner, and it must be the same for all
systems and groups.

A *run* is a stretch of errors of one kind with no hit and no other kind between: three or more inserted words in a row
are what hallucination looks like, three or more deleted words what skipping does. A *span* is a stretch of errors of
any kind without a hit between; it is what compounds are found in (`error_classes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, compress
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asrfair.errors import InputError
from asrfair.scoring.alignment import align
from asrfair.scoring.arrays import int32_array
from asrfair.scoring.counts import Texts, check_costs, checked_pairs
from asrfair.scoring.error_classes import ERROR_CLASSES, classify
from asrfair.scoring.tokens import MAX_WORDS, Tokens, blocks, split_words

EVENTS = pa.schema(
    [
        ("row", pa.int64()),
        ("kind", pa.string()),
        ("reference", pa.string()),
        ("hypothesis", pa.string()),
        ("run", pa.int32()),
        ("error_class", pa.string()),
    ]
)
"""The columns of `error_events`."""

_NO_EVENTS = pa.Table.from_batches([], EVENTS)

KINDS = ("substitution", "deletion", "insertion")
BLOCK_PAIRS = 5_000
_SUBSTITUTION, _DELETION, _INSERTION = range(3)
_TAGS = {"replace": _SUBSTITUTION, "delete": _DELETION, "insert": _INSERTION}
_SPAN_KINDS = {"substitution": "replace", "deletion": "delete", "insertion": "insert"}

Step = tuple[str, int, int]
"""One error: rapidfuzz's tag, the place in the reference, the place in the hypothesis (in words)."""


def error_events(references: Texts, hypotheses: Texts, *, costs: str = "levenshtein", language: str = "en") -> pa.Table:
    """Every error word of each pair of texts, as they are (normalise first).

    Args:
        references: what was said, n texts.
        hypotheses: what was recognised, n texts; None where recognition failed: no events.
        costs: `levenshtein` (jiwer) or `sclite`.
        language: BCP 47, for the lists of hesitations and number words (see `error_classes`).

    Returns:
        Rows of `EVENTS`, in the order of the pairs and of their words: `row` is the pair (from 0), `kind` substitution,
        deletion or insertion, `reference` and `hypothesis` the words (null where there is none), `run` the words in
        the run of the same kind that it is in, `error_class` one of `error_classes.ERROR_CLASSES`.

    Raises:
        InputError: as `count_errors`.

    >>> for row in error_events(["the ice cream is cold", "yes"], ["the icecream is cold um", None]).to_pylist():
    ...     print(*row.values())
    0 substitution ice icecream 1 compound
    0 deletion cream None 1 compound
    0 insertion None um 1 hesitation
    """
    check_costs(costs)
    spoken, recognised = checked_pairs(references, hypotheses)
    parts = [
        _events_of(spoken[rows], recognised[rows], rows.start, costs, language) for rows in blocks(spoken, BLOCK_PAIRS)
    ]
    return pa.concat_tables([_NO_EVENTS, *parts]).combine_chunks()


def words_in_runs(events: pa.Table, n_pairs: int, kind: str, *, least: int = 3) -> NDArray[np.int64]:
    """Words of each pair that stand in long runs of one kind of error.

    Args:
        events: of `error_events`.
        n_pairs: how many pairs it was given.
        kind: `insertion` (what hallucination looks like), `deletion` (what skipping does) or `substitution`.
        least: words that make a run long.

    Returns:
        int64, shape (n_pairs,).

    Raises:
        InputError: the kind is unknown.

    >>> words_in_runs(error_events(["a", "a"], ["a b c d", "a b"]), 2, "insertion").tolist()
    [3, 0]
    """
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is unknown; there are: {', '.join(KINDS)}")
    inside = pc.and_(pc.equal(events["kind"], kind), pc.greater_equal(events["run"], least))
    rows = pc.filter(events["row"], inside).to_pylist()
    return np.bincount(np.array(rows, np.int64), minlength=n_pairs)


def _events_of(references: list[str], hypotheses: list[str | None], first: int, costs: str, language: str) -> pa.Table:
    """The events of one block, whose first pair has the number `first`."""
    differ = [text is not None and text != other for other, text in zip(references, hypotheses, strict=True)]
    spoken = [" ".join(text.split()) for text in compress(references, differ)]
    recognised = [" ".join(text.split()) for text in compress(cast("list[str]", hypotheses), differ)]
    tokens = split_words([*spoken, *recognised])
    if len(tokens.words) > MAX_WORDS:
        raise InputError(f"a text of more than {MAX_WORDS} distinct words; cut it into utterances")
    if costs == "levenshtein":
        steps = _steps(tokens)
    else:
        steps = [steps_of_spans(*pair, costs) for pair in zip(spoken, recognised, strict=True)]
    sizes = np.fromiter(map(len, steps), np.int64, len(steps))
    if not sizes.any():
        return _NO_EVENTS
    pairs = np.repeat(np.arange(len(steps)), sizes)
    rows = first + np.flatnonzero(differ)[pairs]
    return _table(tokens, list(chain.from_iterable(steps)), pairs, rows, language)


def _steps(tokens: Tokens) -> list[list[Step]]:
    """The errors of each pair; the first half of the texts are the references."""
    texts = tokens.strings()
    half = len(texts) // 2
    return [
        cast("list[Step]", Levenshtein.editops(spoken, recognised).as_list())
        for spoken, recognised in zip(texts[:half], texts[half:], strict=True)
    ]


def steps_of_spans(reference: str, hypothesis: str, costs: str) -> list[Step]:
    """The errors of one pair, from its spans.

    Args:
        reference: what was said.
        hypothesis: what was recognised.
        costs: `levenshtein` or `sclite`.
    """
    steps: list[Step] = []
    at = to = 0
    for span in align(reference, hypothesis, costs=costs):
        n_spoken, n_recognised = len(span.reference), len(span.hypothesis)
        tag = _SPAN_KINDS.get(span.kind)
        if tag:
            steps += [
                (tag, at + min(k, n_spoken), to + min(k, n_recognised)) for k in range(max(n_spoken, n_recognised))
            ]
        at, to = at + n_spoken, to + n_recognised
    return steps


def _table(
    tokens: Tokens, steps: list[Step], pairs: NDArray[np.int64], rows: NDArray[np.int64], language: str
) -> pa.Table:
    """The table of some errors: their steps, and the pair (in `tokens`) and row of each."""
    tags, places, targets = zip(*steps, strict=True)
    kinds = np.fromiter(map(_TAGS.__getitem__, tags), np.int8, len(steps))
    at, to = np.array(places, np.int64), np.array(targets, np.int64)
    has_spoken, has_recognised = kinds != _INSERTION, kinds != _DELETION
    joined = np.zeros(len(steps), np.bool_)
    joined[1:] = (pairs[1:] == pairs[:-1]) & (at[1:] == (at + has_spoken)[:-1]) & (to[1:] == (to + has_recognised)[:-1])
    spoken = _numbers(tokens, pairs, at, has_spoken)
    recognised = _numbers(tokens, pairs + (len(tokens.starts) - 1) // 2, to, has_recognised)
    spans = np.flatnonzero(~joined)
    classes = classify(tokens.words, spoken, recognised, spans, language)
    joined[1:] &= kinds[1:] == kinds[:-1]
    words = _string_array(tokens.words)
    columns = [
        pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows, np.int64))]),
        _string_array(KINDS).take(int32_array(kinds)),
        words.take(int32_array(spoken, has_spoken)),
        words.take(int32_array(recognised, has_recognised)),
        int32_array(_run_lengths(joined)),
        _string_array(ERROR_CLASSES).take(int32_array(classes)),
    ]
    return pa.table(columns, schema=EVENTS)


def _numbers(
    tokens: Tokens, texts: NDArray[np.int64], places: NDArray[np.int64], exists: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """The number of the word at a place of a text; 0 where there is none."""
    found = np.zeros(len(texts), np.int32)
    found[exists] = tokens.numbers[(tokens.starts[texts] + 1 + places)[exists]]
    return found


def _run_lengths(joined: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The length of the run that each is in; `joined` is true where one goes on the run of the one before."""
    lengths = np.diff(np.append(np.flatnonzero(~joined), len(joined)))
    return np.repeat(lengths, lengths)


def _string_array(texts: Sequence[str]) -> pa.StringArray:
    """An Arrow string array over its buffers (see `arrays`)."""
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    offsets = np.zeros(len(data) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, data), np.int32, len(data)), out=offsets[1:])
    return pa.StringArray.from_buffers(len(data), pa.py_buffer(offsets), pa.py_buffer(b"".join(data)))
