"""Conditional quality share: the quality share inside strata, so that groups are compared like with like.

A stratum h is what the utterance was: its prompt, its SNR bin, its length bin. Inside it, `s_gh = c_gh / n_gh` is the
share of group g's utterances with WER > t (`quality`); each group is then standardised to the pooled mix of strata,

    s_g* = sum_h p_h s_gh,    p_h = sum_g n_gh / sum_gh n_gh.

It is the analogue of equal opportunity and equalised odds: equal chances of an unusable transcript given what there was
to transcribe, where the plain share (demographic parity) also counts who was given the noisier room or the harder text.

Strata that a group lacks say nothing of that group and are dropped for all groups, so that all keep one mix; they and
their utterances are counted. A stratum that rests on a single speaker of a group is dropped too: without that speaker
it would be lacking.

Uncertainty: the jackknife over all speakers, each deleted whole, shares and pooled mix computed again; groups are the
strata of the variance, `V = sum_g (m_g-1)/m_g sum_(s in g) (theta_(-s) - theta)^2`, with Satterthwaite degrees of
freedom from the utterances of each speaker. A gap is read on the log ratio, its difference beside it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.records import Disparity, GroupInterval
from asrfair.stats.arrays import Floats, labels
from asrfair.stats.planning import detectable_ratio
from asrfair.stats.quality import beyond_threshold
from asrfair.stats.rates import NO_SPREAD, check_confidence, combine_df, log_interval, satterthwaite_df
from asrfair.stats.student_t import student_t_quantile, student_t_sf
from asrfair.stats.utterances import group_of_speakers, utterance_errors


@dataclass(frozen=True, slots=True)
class ConditionalQuality:
    """Standardised quality shares of all groups, and their gaps to a baseline.

    Attributes:
        threshold: WER above which an utterance counts.
        shares: per group the standardised share (in the place of `wer`) with its interval on the log scale.
        gaps: per other group its comparison with the baseline; empty without one or where nothing is left.
        n_strata: strata kept.
        n_strata_dropped: strata that some group lacks, or has from one speaker only.
        n_dropped: per group its utterances in dropped strata.
        n_excluded: utterances without reference words.
    """

    threshold: float
    shares: Mapping[str, GroupInterval]
    gaps: Mapping[str, Disparity]
    n_strata: int
    n_strata_dropped: int
    n_dropped: Mapping[str, int]
    n_excluded: int


def conditional_quality(
    groups: ArrayLike,
    speakers: ArrayLike,
    strata: ArrayLike,
    errors: ArrayLike,
    words: ArrayLike,
    *,
    threshold: float = 0.25,
    baseline: str | None = None,
    confidence: float = 0.95,
) -> ConditionalQuality:
    """Quality shares of groups inside strata, standardised to the pooled mix of strata.

    Args:
        groups: group of each utterance, shape (n,): strings.
        speakers: speaker of each utterance, shape (n,): strings or integers; a speaker is in one group only.
        strata: stratum of each utterance, shape (n,): prompt, SNR bin, length bin; strings or integers.
        errors: errors of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,).
        threshold: a WER as a fraction.
        baseline: the group that the others are compared with; None for no gaps.
        confidence: nominal level of the intervals.

    Returns:
        Shares and gaps; a share is None where no stratum is left.

    Raises:
        InputError: as `utterance_errors`, a speaker in two groups, or a baseline that is no group.

    >>> found = conditional_quality(
    ...     ["x"] * 4 + ["y"] * 4, [0, 1, 0, 1, 2, 3, 2, 3], ["quiet", "quiet", "loud", "loud"] * 2,
    ...     [0, 1, 2, 3, 0, 0, 0, 4], [4] * 8, baseline="y")
    >>> found.shares["x"].wer, found.gaps["x"].difference
    (0.5, 0.25)
    """
    check_confidence(confidence)
    said = utterance_errors(speakers, errors, words)
    heard = np.asarray(words, dtype=np.float64) > 0
    n = len(heard)
    names, speaker, of = group_of_speakers(said.speakers, labels(groups, "groups", n)[heard].astype(str))
    kinds, stratum = np.unique(labels(strata, "strata", n)[heard], return_inverse=True)
    if baseline is not None and baseline not in names:
        raise InputError(f"baseline {baseline!r} is no group with reference words: {', '.join(names) or 'none'}")
    shape = (len(of), len(kinds))
    place = speaker * shape[1] + stratum
    n_all = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    beyond = np.bincount(place, beyond_threshold(said, threshold), minlength=shape[0] * shape[1])
    c_all = beyond.astype(np.float64).reshape(shape)
    members = [of == g for g in range(len(names))]
    kept = np.ones(shape[1], dtype=np.bool_)
    for member in members:
        kept &= np.count_nonzero(n_all[member], axis=0) >= 2
    shares, gaps = _results(c_all[:, kept], n_all[:, kept], members, names, baseline, confidence)
    return ConditionalQuality(
        threshold,
        shares,
        gaps,
        int(np.count_nonzero(kept)),
        int(np.count_nonzero(~kept)),
        {name: int(n_all[member][:, ~kept].sum()) for name, member in zip(names, members, strict=True)},
        said.n_excluded,
    )


def _results(
    c: Floats, n: Floats, members: list[NDArray[np.bool_]], names: list[str], baseline: str | None, confidence: float
) -> tuple[dict[str, GroupInterval], dict[str, Disparity]]:
    """Shares and gaps from counts by speaker and kept stratum, shape (m, H)."""
    heard = n.any(axis=1)  # a speaker of dropped strata only has no say
    c, n, members = c[heard], n[heard], [member[heard] for member in members]
    if not n.size:
        return {name: GroupInterval(None, None, None, None, None, 0, confidence) for name in names}, {}
    share, without = _standardised(c, n, members)
    spread = _Jackknife(members, [satterthwaite_df(n[member].sum(axis=1)) for member in members])
    shares = {
        name: _interval(share[g], spread.of(without[:, g] - share[g]), int(members[g].sum()), confidence)
        for g, name in enumerate(names)
    }
    gaps: dict[str, Disparity] = {}
    if baseline is not None:
        b = names.index(baseline)
        for g, name in enumerate(names):
            if g != b:
                gaps[name] = _gap(share[[g, b]], without[:, [g, b]], spread, confidence)
    return shares, gaps


def _standardised(c: Floats, n: Floats, members: list[NDArray[np.bool_]]) -> tuple[Floats, Floats]:
    """Share of each group, shape (K,), and the same without each speaker, shape (m, K)."""
    pooled = n.sum(axis=0)
    mix = pooled / pooled.sum()
    mix_without = (pooled - n) / (pooled.sum() - n.sum(axis=1, keepdims=True))
    share, without = np.empty(len(members)), np.empty((len(n), len(members)))
    for g, member in enumerate(members):
        beyond, utterances = c[member].sum(axis=0), n[member].sum(axis=0)
        share[g] = mix @ (beyond / utterances)
        without[:, g] = mix_without @ (beyond / utterances)
        rest = (beyond - c[member]) / (utterances - n[member])
        without[member, g] = np.sum(mix_without[member] * rest, axis=1)
    return share, without


@dataclass(frozen=True, slots=True)
class _Jackknife:
    """The stratified jackknife: members and degrees of freedom of each group."""

    members: list[NDArray[np.bool_]]
    dfs: list[float]

    def of(self, changes: Floats) -> tuple[float, float] | None:
        """Standard error and degrees of freedom from what deleting each speaker changes; None without spread."""
        parts = []
        for member, df in zip(self.members, self.dfs, strict=True):
            m = np.count_nonzero(member)
            parts.append((float((m - 1) / m * np.sum(changes[member] ** 2)), df))
        known = [(variance, df) for variance, df in parts if variance > 0]
        if not known or not math.sqrt(sum(v for v, _ in known)) > NO_SPREAD:
            return None
        return math.sqrt(sum(v for v, _ in known)), combine_df([v for v, _ in known], [df for _, df in known])


def _interval(share: float, spread: tuple[float, float] | None, m: int, confidence: float) -> GroupInterval:
    """One share with its interval on the log scale."""
    low = high = None
    if spread is not None and share > 0:
        low, high = log_interval(float(share), spread[0] / float(share), spread[1], confidence)
    se, df = spread if spread is not None else (None, None)
    return GroupInterval(float(share), low, high, se, df, m, confidence)


def _gap(share: Floats, without: Floats, jackknife: _Jackknife, confidence: float) -> Disparity:
    """Group against baseline: columns 0 and 1."""
    a, b = float(share[0]), float(share[1])
    low = high = ratio_low = ratio_high = p = df = se_log = mde = None
    spread = jackknife.of(without[:, 0] - without[:, 1] - (a - b))
    if spread is not None:
        reach = student_t_quantile(0.5 + confidence / 2, spread[1]) * spread[0]
        low, high = a - b - reach, a - b + reach
    if a and b and np.all(without > 0):
        spread = jackknife.of(np.log(without[:, 0] / without[:, 1]) - math.log(a / b))
        if spread is not None:
            se_log, df = spread
            ratio_low, ratio_high = log_interval(a / b, se_log, df, confidence)
            p = 2.0 * student_t_sf(abs(math.log(a / b)) / se_log, df)
            mde = detectable_ratio(se_log, df)
    ratio = a / b if a and b else None
    if p is None and ratio == 1.0:
        p = 1.0  # as `disparity`: equal shares are no evidence of a gap
    return Disparity(a, b, a - b, low, high, ratio, ratio_low, ratio_high, p, df, se_log, mde, False, confidence)
