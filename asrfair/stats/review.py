"""What a confidence threshold would do: who is asked to check how much, and which errors that catches.

A person reviews every word with a confidence below `t`. Per group: the share of its words that are reviewed, and the
share of its wrong words that are among them. The same threshold can cost one group more work and catch fewer of its
errors; a threshold chosen on everybody's words is chosen for whoever has most of them. Both are rates by speaker, with
interval and comparison as in `harm_rates`. Deleted words cannot be caught and are in neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.calibration import Words
from asrfair.stats.harm_rates import HarmRate, rates_by_group
from asrfair.stats.sides import Rows


@dataclass(frozen=True, slots=True)
class Review:
    """What a threshold does to one group.

    Attributes:
        group: who.
        threshold: words with a confidence below it are reviewed.
        reviewed: share of its words that are.
        caught: share of its wrong words that are.
    """

    group: str
    threshold: float
    reviewed: HarmRate
    caught: HarmRate


def review(
    confidences: ArrayLike, correct: ArrayLike, threshold: float, rows: Rows, *, confidence: float = 0.95
) -> list[Review]:
    """Review rate and errors caught by group.

    Args:
        confidences: of each word, 0 to 1, shape (n,).
        correct: whether it was right, boolean, shape (n,).
        threshold: words below it are reviewed; from 0 (none) to above 1 (all).
        rows: the speakers and groups of the words.
        confidence: nominal level of the intervals.

    Returns:
        One entry a group.

    Raises:
        InputError: a shape, a confidence that is NaN or not in [0, 1], or a threshold that is NaN.

    >>> rows = Rows([1, 1, 2, 2, 3, 3], {"a": [True] * 6})
    >>> right = [True, False, True, False, False, True]
    >>> (found,) = review([0.9, 0.2, 0.4, 0.9, 0.3, 0.8], right, 0.5, rows)
    >>> print(f"{found.reviewed.rate:.2f} {found.caught.rate:.2f}")
    0.50 0.67
    """
    words = Words.checked(confidences, correct, rows)
    if np.isnan(threshold):
        raise InputError("threshold nan: give a confidence; words below it are reviewed")
    below, wrong = words.confidences < threshold, ~words.correct
    reviewed = rates_by_group("reviewed", "word", below, np.ones(len(below)), rows, confidence=confidence, share=True)
    caught = rates_by_group("caught", "wrong word", below & wrong, wrong, rows, confidence=confidence, share=True)
    return [
        Review(all_words.group, threshold, all_words, wrong_words)
        for all_words, wrong_words in zip(reviewed, caught, strict=True)
    ]


def threshold_for(confidences: ArrayLike, review_rate: float) -> float:
    """The highest threshold below which there are at most so many words, everybody's together.

    Args:
        confidences: of each word, 0 to 1, shape (n,), one at least.
        review_rate: the share of the words that can be reviewed, 0 to 1.

    Returns:
        The threshold: above 1 if all can be. Where many words have one confidence, the share that it reviews can be
        well below what was asked for.

    Raises:
        InputError: no words, a confidence that is NaN or not in [0, 1], or a rate that is no share.

    >>> threshold_for([0.1, 0.4, 0.4, 0.9], 0.25), threshold_for([0.1, 0.4, 0.4, 0.9], 0.5)
    (0.4, 0.4)
    """
    found = np.sort(np.asarray(confidences, np.float64), axis=None)
    if not len(found) or not (found[0] >= 0.0 and found[-1] <= 1.0):
        raise InputError("confidences: give at least one, each in [0, 1]; leave words without confidence out")
    if not 0.0 <= review_rate <= 1.0:
        raise InputError(f"review_rate {review_rate} is not between 0 and 1 (0.1 is 10 % of the words)")
    at = int(np.floor(review_rate * len(found) + 1e-9))
    return float(found[at]) if at < len(found) else float(np.nextafter(1.0, 2.0))
