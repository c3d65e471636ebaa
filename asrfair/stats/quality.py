"""Quality share: how many of a group's utterances come out worse than a listener would put up with.

`s_g(t) = #{utterances of g with WER > t} / n_g`, at t = 0.25 (needs correcting) and 0.5 (useless); utterances without
reference words have no WER and are in neither number. It is the analogue of demographic parity: the same share of
unusable transcripts in each group, whatever they said and wherever they said it. `conditional_quality` asks it inside
strata.

Inference is that of any rate (`rates`, `disparity`), with E_s = utterances of speaker s beyond t and N_s = all of them:
speakers are the unit, and utterances of one speaker are never taken as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.records import Disparity, GroupInterval
from asrfair.stats.disparity import compare_estimates, compare_paired
from asrfair.stats.rates import Sums, check_confidence, estimate
from asrfair.stats.utterances import UtteranceErrors, utterance_errors

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class QualitySums:
    """Per-speaker counts of one group.

    Attributes:
        speakers: each speaker once, sorted, shape (m,).
        beyond: utterances of each with WER above the threshold, shape (m,).
        utterances: utterances of each that have reference words, shape (m,).
        n_excluded: utterances without reference words.
    """

    speakers: NDArray[Any]
    beyond: Sums
    utterances: Sums
    n_excluded: int


def beyond_threshold(utterances: UtteranceErrors, threshold: float) -> NDArray[np.bool_]:
    """Which utterances have a WER strictly above the threshold, whatever floating point makes of 3/30 and 0.1.

    Raises:
        InputError: the threshold is negative, NaN or infinite.
    """
    if not (np.isfinite(threshold) and threshold >= 0):
        raise InputError(f"threshold {threshold}: give a WER as a fraction, e.g. 0.25")
    beyond: NDArray[np.bool_] = utterances.errors > threshold * utterances.words * (1.0 + _ROUNDING)
    return beyond


def quality_sums(speakers: ArrayLike, errors: ArrayLike, words: ArrayLike, *, threshold: float = 0.25) -> QualitySums:
    """Count utterances and those beyond the threshold by speaker.

    Args:
        speakers: speaker of each utterance of one group, shape (n,): strings or integers.
        errors: errors of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,).
        threshold: a WER as a fraction; an utterance at the threshold is not beyond it.

    Raises:
        InputError: as `utterance_errors`, or a threshold that is no WER.

    >>> quality_sums(["ann", "ann", "bo"], [1, 2, 9], [4, 4, 9]).beyond.tolist()
    [1.0, 1.0]
    """
    said = utterance_errors(speakers, errors, words)
    names, at = np.unique(said.speakers, return_inverse=True)
    beyond = np.bincount(at, beyond_threshold(said, threshold), minlength=len(names)).astype(np.float64)
    return QualitySums(names, beyond, np.bincount(at, minlength=len(names)).astype(np.float64), said.n_excluded)


def quality_share(
    speakers: ArrayLike, errors: ArrayLike, words: ArrayLike, *, threshold: float = 0.25, confidence: float = 0.95
) -> GroupInterval:
    """The share of one group's utterances with a WER above the threshold, with its interval.

    Args:
        speakers: speaker of each utterance, shape (n,): strings or integers.
        errors: errors of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,).
        threshold: a WER as a fraction.
        confidence: nominal level, strictly between 0 and 1.

    Returns:
        The share in the place of `wer`, its interval (log scale: the upper end may pass 1), standard error and degrees
        of freedom; None for what cannot be estimated.

    Raises:
        InputError: as `quality_sums`, or a level that is no probability.

    >>> quality_share(["ann", "ann", "bo", "bo"], [1, 2, 9, 0], [4, 4, 9, 9]).wer
    0.5
    """
    check_confidence(confidence)
    sums = quality_sums(speakers, errors, words, threshold=threshold)
    return estimate(sums.beyond, sums.utterances).interval(confidence)


def compare_quality(a: QualitySums, b: QualitySums, *, confidence: float = 0.95) -> Disparity:
    """The quality share of group A against that of group B: the gap of demographic parity.

    Args:
        a: counts of A at some threshold.
        b: counts of B at the same threshold.
        confidence: nominal level of the intervals.

    Returns:
        As `compare_groups` where no speaker is in both, else as `compare_paired`; the shares stand in `wer_a`, `wer_b`.

    Raises:
        InputError: a level that is no probability, or speakers named by strings in one and by numbers in the other.

    >>> a = quality_sums(["ann", "ann", "bo", "bo", "cy"], [1, 2, 9, 0, 3], [4, 4, 9, 9, 9])
    >>> b = quality_sums(["di", "di", "ed", "ed", "flo"], [1, 2, 0, 0, 0], [4, 4, 9, 9, 9])
    >>> round(compare_quality(a, b).difference, 3)
    0.4
    """
    check_confidence(confidence)
    if len(a.speakers) and len(b.speakers) and (a.speakers.dtype.kind in "iu") != (b.speakers.dtype.kind in "iu"):
        raise InputError("speakers are strings in one group and integers in the other: name them in one way")
    if not np.intersect1d(a.speakers, b.speakers).size:
        return compare_estimates(estimate(a.beyond, a.utterances), estimate(b.beyond, b.utterances), confidence)
    union = np.union1d(a.speakers, b.speakers)
    sides = []
    for sums in (a, b):
        beyond, utterances = np.zeros(len(union)), np.zeros(len(union))
        at = np.searchsorted(union, sums.speakers)
        beyond[at], utterances[at] = sums.beyond, sums.utterances
        sides += [beyond, utterances]
    return compare_paired(*sides, confidence=confidence)
