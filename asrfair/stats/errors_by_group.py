"""Where a gap sits: in which kinds of error, and in which words.

- **Kinds** (`type_gaps`): with `R = (S + D + I)/N`, the gap between a group and its baseline is the sum of the gaps of
  its parts, `R_A - R_B = (S_A/N_A - S_B/N_B) + ...`, and each part has its own jackknife t interval on the plain scale
  (`sides`). The same holds for any other division of the errors (hesitations, numbers, compounds, other). The total
  does not depend on the aligner, its parts do (METHODS section 1). The parts are described, not tested.
- **Words** (`confusions`): how often a word was taken for another per 1,000 reference words of a group, and its excess
  over the other groups (rate ratio, jackknife interval). They are chosen from the data because they are frequent, so
  their intervals are no tests and no p-value is given. Transcripts can be private: a confusion is shown for a group
  only where at least three of its speakers met it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats.policy import MIN_SPEAKERS
from asrfair.stats.rates import Sums, check_confidence, estimate
from asrfair.stats.sides import Gap, Mask, Rows, checked_values, compare_sides, difference_of_sides, is_suppressed

TOTAL = "all"
PER_WORDS = 1_000


@dataclass(frozen=True, slots=True)
class TypeGap:
    """One part of the gap between a group and its baseline.

    Attributes:
        group, baseline: who is compared with whom.
        part: the kind or class of error, or `all`.
        gap: errors of that part per reference word on both sides, and their difference; None where either side has
            fewer than three speakers.
    """

    group: str
    baseline: str
    part: str
    gap: Gap | None


def type_gaps(
    errors: Mapping[str, ArrayLike], words: ArrayLike, rows: Rows, *, confidence: float = 0.95
) -> list[TypeGap]:
    """The gap of each group, part by part; the parts of a group add up to its part `all`.

    Args:
        errors: part -> errors of each row, shape (n,): parts that exclude each other.
        words: reference words of each row, shape (n,).
        rows: the speakers and groups of the rows; rows without a transcript left out.
        confidence: nominal level of the intervals.

    Returns:
        For each group but the baseline its parts in the order given, then `all`.

    Raises:
        InputError: a shape, or a number that is negative or not finite.

    >>> rows = Rows.from_labels(range(6), ["a"] * 3 + ["b"] * 3, baseline="b")
    >>> parts = {"substitution": [18, 16, 21, 4, 5, 3], "deletion": [4, 3, 6, 2, 1, 4]}
    >>> for found in type_gaps(parts, [100] * 6, rows):
    ...     print(f"{found.part} {found.gap.difference:.2f} ({found.gap.low:.2f} to {found.gap.high:.2f})")
    substitution 0.14 (0.09 to 0.20)
    deletion 0.02 (-0.01 to 0.05)
    all 0.16 (0.07 to 0.26)
    """
    check_confidence(confidence)
    parts = {part: checked_values(values, rows, part) for part, values in errors.items()}
    if TOTAL in parts:
        raise InputError(f"errors: {TOTAL!r} is the sum of the parts; leave it out")
    parts[TOTAL] = np.sum(list(parts.values()), axis=0) if parts else np.zeros(len(rows.codes))
    spoken = checked_values(words, rows, "words")
    return [
        TypeGap(group, against, part, _gap(rows, values, spoken, (here, there), confidence))
        for group, against, here, there in rows.contrasts()
        if group != against
        for part, values in parts.items()
    ]


def _gap(rows: Rows, values: Sums, words: Sums, sides: tuple[Mask, Mask], confidence: float) -> Gap | None:
    (e_a, n_a), (e_b, n_b) = ((rows.sums(values, side), rows.sums(words, side)) for side in sides)
    if is_suppressed(estimate(e_a, n_a)) or is_suppressed(estimate(e_b, n_b)):
        return None
    return difference_of_sides(e_a, n_a, e_b, n_b, confidence)


@dataclass(frozen=True, slots=True)
class Confusion:
    """One word taken for another, in one group.

    Attributes:
        group, baseline: who is compared with whom.
        reference: what was said; None for an insertion.
        hypothesis: what was recognised; None for a deletion.
        count: how often, in the group.
        n_speakers: speakers of the group that met it; three at least.
        per_1000_words, baseline_per_1000_words: its rates per 1,000 reference words.
        ratio, ratio_low, ratio_high: their ratio with its interval; None where it never occurs in the baseline, or
            too little varies to tell.
    """

    group: str
    baseline: str
    reference: str | None
    hypothesis: str | None
    count: int
    n_speakers: int
    per_1000_words: float
    baseline_per_1000_words: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """Errors word by word, as `scoring.error_events` gives them.

    Attributes:
        rows: the row that each is in, integers, shape (n_errors,).
        references: what was said, strings with nulls.
        hypotheses: what was recognised, strings with nulls.
    """

    rows: NDArray[np.int64]
    references: pa.ChunkedArray
    hypotheses: pa.ChunkedArray


def confusions(
    errors: ErrorWords, words: ArrayLike, rows: Rows, *, most: int = 20, by: str = "count", confidence: float = 0.95
) -> list[Confusion]:
    """The confusions of each group that are most frequent, or most in excess.

    Args:
        errors: the errors; `rows` below are what their row numbers mean.
        words: reference words of each row, shape (n,).
        rows: the speakers and groups of the rows.
        most: how many a group.
        by: `count`, or `excess`: the count less what it would be at the baseline's rate.
        confidence: nominal level of the intervals.

    Returns:
        Group by group, the first ones first; ties in the order of the words.

    Raises:
        InputError: `by` is unknown, a row number is none of the rows, or a number of words is no number.

    >>> rows = Rows.from_labels(range(6), ["a"] * 3 + ["b"] * 3)
    >>> words = ErrorWords(np.arange(4), pa.chunked_array([["pin"] * 4]), pa.chunked_array([["pen"] * 4]))
    >>> [(c.group, c.reference, c.hypothesis, c.per_1000_words) for c in confusions(words, [100] * 6, rows)]
    [('a', 'pin', 'pen', 10.0)]
    """
    check_confidence(confidence)
    if by not in ("count", "excess"):
        raise InputError(f"by {by!r}: must be 'count' or 'excess'")
    if len(errors.rows) and not (errors.rows.min() >= 0 and errors.rows.max() < len(rows.codes)):
        raise InputError(f"errors: a row number is none of the {len(rows.codes)} rows")
    spoken = checked_values(words, rows, "words")
    pairs, labels = _pairs(errors)
    found: list[Confusion] = []
    for group, against, here, there in rows.contrasts():
        side = _Side(pairs, errors.rows, rows, spoken, (here, there))
        found += [
            side.confusion(group, against, labels[number], number, confidence)
            for number in side.foremost(len(labels), most, by)
        ]
    return found


def _pairs(errors: ErrorWords) -> tuple[NDArray[np.int64], list[tuple[str | None, str | None]]]:
    """The number of each error's pair of words, and the pairs in alphabetical order."""
    said, written = errors.references.to_pylist(), errors.hypotheses.to_pylist()
    both = list(zip(said, written, strict=True))
    labels = sorted(set(both), key=lambda pair: (pair[0] or "", pair[1] or ""))
    number = {pair: at for at, pair in enumerate(labels)}
    return np.fromiter(map(number.__getitem__, both), np.int64, len(both)), labels


class _Side:
    """One group, its baseline, and the confusions of both."""

    def __init__(
        self, pairs: NDArray[np.int64], at: NDArray[np.int64], rows: Rows, words: Sums, masks: tuple[Mask, Mask]
    ) -> None:
        self.speakers, self.n_speakers = rows.codes[at], rows.n_speakers
        self.pairs = pairs
        self.inside = masks[0][at], masks[1][at]
        self.words = rows.sums(words, masks[0]), rows.sums(words, masks[1])

    def foremost(self, n_pairs: int, most: int, by: str) -> list[int]:
        """The pairs to show, the first ones first."""
        counts = [np.bincount(self.pairs[inside], minlength=n_pairs) for inside in self.inside]
        here = self.inside[0]
        met = np.unique(self.pairs[here] * self.n_speakers + self.speakers[here]) // max(self.n_speakers, 1)
        value = counts[0].astype(np.float64)
        n_words, n_other = (float(n.sum()) for n in self.words)
        if by == "excess" and n_other:
            value -= counts[1] * (n_words / n_other)
        shown = np.flatnonzero((np.bincount(met, minlength=n_pairs) >= MIN_SPEAKERS) & (n_words > 0))
        order: list[int] = shown[np.argsort(-value[shown], kind="stable")][:most].tolist()
        return order

    def confusion(
        self, group: str, against: str, pair: tuple[str | None, str | None], number: int, confidence: float
    ) -> Confusion:
        events = [
            np.bincount(self.speakers[inside & (self.pairs == number)], minlength=self.n_speakers).astype(np.float64)
            for inside in self.inside
        ]
        found = compare_sides(events[0], self.words[0], events[1], self.words[1], confidence)
        count = int(events[0].sum())
        rest = None if found.wer_b is None else PER_WORDS * found.wer_b
        return Confusion(
            group,
            against,
            *pair,
            count,
            int(np.count_nonzero(events[0])),
            PER_WORDS * count / float(self.words[0].sum()),
            rest,
            found.ratio,
            found.ratio_low,
            found.ratio_high,
        )
