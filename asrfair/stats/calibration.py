"""Whether an engine's word confidences mean the same for every group, and what a review threshold would do.

Words with a confidence `c` in [0, 1] and whether they were correct, `y`. Per group, over its words:

- **Reliability bins**: ten of equal width, `[0, .1), ..., [.9, 1]`: words, mean confidence, accuracy.
- **Expected calibration error** (Naeini, Cooper & Hauskrecht 2015): `ECE = sum_b |sum_{i in b} (c_i - y_i)| / n`. It is
  never negative, so chance alone makes it positive: with few words a well calibrated group has one too.
- **Over-confidence**: `mean(c) - mean(y)`, signed, with its gap between groups. An engine that is surer than it is
  right for one group hides that group's errors from whoever trusts the number.

What a review threshold would do to each group is in `review`. Deleted words have no confidence and are in none of this.
Intervals are delete-one-speaker jackknife with Satterthwaite's degrees of freedom of the words: log scale for the ECE,
plain scale for over-confidence (`sides`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats.rates import NO_SPREAD, Sums, check_confidence, estimate, log_interval, satterthwaite_df
from asrfair.stats.sides import Gap, Mask, Rows, difference_of_sides, flags_of, is_suppressed, plain_interval

N_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The words of one group with a confidence from `low` up to `high` (with it in the last bin).

    Attributes:
        low, high: the edges.
        n_words: how many words.
        confidence, accuracy: their means; None without words.
    """

    low: float
    high: float
    n_words: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The confidences of one group; all but the counts is None where it has fewer than three speakers.

    Attributes:
        group, baseline: who, and who it is compared with.
        n_speakers, n_words: on what it rests.
        bins: reliability, ten bins.
        ece, ece_low, ece_high: expected calibration error.
        overconfidence, overconfidence_low, overconfidence_high: mean confidence less accuracy.
        gap: over-confidence less the baseline's; None for the baseline itself and where either side is suppressed.
        flags: of the policy table.
    """

    group: str
    baseline: str
    n_speakers: int
    n_words: int
    bins: tuple[Bin, ...] | None
    ece: float | None
    ece_low: float | None
    ece_high: float | None
    overconfidence: float | None
    overconfidence_low: float | None
    overconfidence_high: float | None
    gap: Gap | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Checked confidences: shape (n,) each, one entry a word.

    Attributes:
        confidences: float64, 0 to 1.
        correct: whether the word was right.
    """

    confidences: Sums
    correct: Mask

    @classmethod
    def checked(cls, confidences: ArrayLike, correct: ArrayLike, rows: Rows) -> Words:
        """The words that `rows` has the speakers of, or an `InputError`."""
        found, right = np.asarray(confidences, np.float64), np.asarray(correct)
        if found.ndim != 1 or right.shape != found.shape or right.dtype != np.bool_:
            raise InputError("confidences and correct: give one number, and true or false, for each word")
        wrong = ~((found >= 0.0) & (found <= 1.0))
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InputError(f"confidences[{at}]: {found[at]} is not in [0, 1]; leave words without confidence out")
        if len(found) != len(rows.codes):
            raise InputError(f"{len(found)} words but {len(rows.codes)} rows; give the speaker of each word")
        return cls(found, right)


def calibration(
    confidences: ArrayLike, correct: ArrayLike, rows: Rows, *, confidence: float = 0.95
) -> list[Calibration]:
    """Calibration by group.

    Args:
        confidences: of each word, 0 to 1, shape (n,).
        correct: whether it was right, boolean, shape (n,).
        rows: the speakers and groups of the words.
        confidence: nominal level of the intervals.

    Returns:
        One entry a group.

    Raises:
        InputError: a shape, or a confidence that is NaN or not in [0, 1].

    >>> rows = Rows([1, 1, 2, 2, 3, 3], {"a": [True] * 6})
    >>> (found,) = calibration([0.9, 0.5, 0.8, 0.9, 0.9, 0.6], [True, False, True, True, True, True], rows)
    >>> print(f"{found.ece:.2f} {found.overconfidence:.2f} ({found.overconfidence_low:.2f} to "
    ...       f"{found.overconfidence_high:.2f})")
    0.23 -0.07 (-0.65 to 0.52)
    """
    check_confidence(confidence)
    words = Words.checked(confidences, correct, rows)
    return [_calibration(words, rows, contrast, confidence) for contrast in rows.contrasts()]


def _calibration(words: Words, rows: Rows, contrast: tuple[str, str, Mask, Mask], confidence: float) -> Calibration:
    group, against, here, there = contrast
    excess, ones = words.confidences - words.correct, np.ones(len(words.correct))
    ours = rows.sums(excess, here), rows.sums(ones, here)
    theirs = rows.sums(excess, there), rows.sums(ones, there)
    ratio = estimate(*ours)
    known = (group, against, ratio.n_speakers, int(np.count_nonzero(here)))
    flags = tuple(flag for flag in flags_of(ratio) if flag not in ("no_errors", "no_spread"))
    if is_suppressed(ratio):
        return Calibration(*known, None, None, None, None, None, None, None, None, flags)
    gap = None
    if group != against and not is_suppressed(estimate(*theirs)):
        gap = difference_of_sides(*ours, *theirs, confidence)
    bins = _bins(words.confidences)
    return Calibration(
        *known,
        _reliability(words, bins, here),
        *_ece(excess, bins, rows, here, confidence),
        ratio.rate,
        *plain_interval(ratio, confidence),
        gap,
        flags,
    )


def _bins(confidences: Sums) -> NDArray[np.int64]:
    """The bin of each word: the last whose lower edge, `k / 10`, is not above its confidence."""
    edges = np.arange(1, N_BINS) / N_BINS
    return np.searchsorted(edges, confidences, side="right").astype(np.int64)


def _reliability(words: Words, bins: NDArray[np.int64], mask: Mask) -> tuple[Bin, ...]:
    inside = bins[mask]
    sizes = np.bincount(inside, minlength=N_BINS).tolist()
    sums = (np.bincount(inside, values[mask], N_BINS).tolist() for values in (words.confidences, words.correct))
    return tuple(
        Bin(at / N_BINS, (at + 1) / N_BINS, n, sure / n if n else None, right / n if n else None)
        for at, (n, sure, right) in enumerate(zip(sizes, *sums, strict=True))
    )


def _ece(
    excess: Sums, bins: NDArray[np.int64], rows: Rows, mask: Mask, confidence: float
) -> tuple[float | None, float | None, float | None]:
    """The expected calibration error with its interval, each speaker deleted in turn."""
    cells = rows.codes[mask] * N_BINS + bins[mask]
    by_speaker = np.bincount(cells, excess[mask], rows.n_speakers * N_BINS).reshape(-1, N_BINS)
    sizes = np.bincount(rows.codes[mask], minlength=rows.n_speakers).astype(np.float64)
    present = sizes > 0
    by_speaker, sizes = by_speaker[present], sizes[present]
    m, total = len(sizes), float(sizes.sum())
    if not total:
        return None, None, None
    sums = by_speaker.sum(axis=0)
    found = float(np.abs(sums).sum()) / total
    if m < 2 or not found:
        return found, None, None
    without = np.abs(sums - by_speaker).sum(axis=1) / (total - sizes)
    se_log = math.sqrt((m - 1) / m * float(np.sum((without - found) ** 2))) / found
    if se_log < NO_SPREAD:
        return found, None, None
    return found, *log_interval(found, se_log, satterthwaite_df(sizes), confidence)
