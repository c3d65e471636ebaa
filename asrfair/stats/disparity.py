"""One group against another: ratio and difference of word error rates, with intervals and a p-value.

Everything is decided on the log ratio `l = log(R_A / R_B)`; the difference is printed beside it, because the two scales
can tell different stories. Two designs:

- **Disjoint speakers** (`compare_groups`): `l` has variance `V_A/R_A^2 + V_B/R_B^2` (jackknife, `rates`), Satterthwaite
  degrees of freedom combined over both, `p = 2 P(T > |l|/se)`; the interval of the difference is MOVER (Zou & Donner
  2008) from the two groups' own intervals. "MOVER excludes 0" is conservative and decides nothing.
- **Shared speakers** (`compare_paired`): two systems, clean and noisy, or groups that a speaker is in both of. Each
  speaker is deleted from both sides at once: `V = (m-1)/m sum_s (theta_(-s) - theta)^2` over the m speakers of the
  union, for the log ratio and for the difference. Degrees of freedom are m-1 where all speakers are on both sides.
  Where only some are, speakers in A only, in B only and in both are three strata, whose shares of V are combined by
  Satterthwaite's rule (and never exceed m-1). Simulated type-I error at 5 %, 4 speakers in A only, 49 in B only, 1 in
  both: 10 to 11 % with m-1, 4 to 5 % so; 50 in B of whom 5 also in A: 9 to 10 % and 6 %.

`mde_ratio` is the smallest ratio that a design with this se and df shows with 80 % power at 5 %,
`exp((t_.975 + t_.80) se)`: what "not shown" could not have seen.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.records import Disparity, GroupInterval
from asrfair.stats.planning import detectable_ratio
from asrfair.stats.rates import (
    NO_SPREAD,
    RateEstimate,
    Sums,
    check_confidence,
    combine_df,
    estimate,
    log_interval,
    satterthwaite_df,
    speaker_sums,
)
from asrfair.stats.student_t import student_t_quantile, student_t_sf


def compare_groups(
    errors_a: ArrayLike, words_a: ArrayLike, errors_b: ArrayLike, words_b: ArrayLike, *, confidence: float = 0.95
) -> Disparity:
    """Group A against group B, with different speakers in each.

    Args:
        errors_a: errors of each speaker of A, shape (m_A,).
        words_a: reference words of each speaker of A, shape (m_A,).
        errors_b: errors of each speaker of B, shape (m_B,).
        words_b: reference words of each speaker of B, shape (m_B,).
        confidence: nominal level of the intervals.

    Returns:
        Difference, ratio, intervals, p; None for what cannot be estimated: no ratio and no p without errors on
        either side, no interval from one speaker.

    Raises:
        InputError: as `group_interval`.

    >>> found = compare_groups([5, 8, 3, 10], [50, 40, 60, 50], [2, 4, 6, 1, 5], [50, 80, 40, 30, 50])
    >>> print(f"{found.ratio:.2f} times ({found.ratio_low:.2f} to {found.ratio_high:.2f}), p {found.p:.2f}")
    1.81 times (0.66 to 4.95), p 0.20
    """
    check_confidence(confidence)
    a, b = estimate(*speaker_sums(errors_a, words_a)), estimate(*speaker_sums(errors_b, words_b))
    return compare_estimates(a, b, confidence)


def compare_paired(
    errors_a: ArrayLike,
    words_a: ArrayLike,
    errors_b: ArrayLike,
    words_b: ArrayLike,
    *,
    confidence: float = 0.95,
    p_from: str = "ratio",
) -> Disparity:
    """A against B where speakers are shared: sums of the same m speakers on both sides, in the same order.

    Args:
        errors_a: errors of each speaker in A, shape (m,); 0 for a speaker who is not in A.
        words_a: reference words of each speaker in A, shape (m,); 0 for a speaker who is not in A.
        errors_b: errors of the same speakers in B, shape (m,).
        words_b: reference words of the same speakers in B, shape (m,).
        confidence: nominal level of the intervals.
        p_from: the scale of the test: `ratio` for groups and conditions, `difference` for two systems on one audio.

    Returns:
        As `compare_groups`, with `paired` true. None also where one speaker holds all words or errors of a side.

    Raises:
        InputError: as `group_interval`, or the two sides have not the same number of speakers.

    >>> found = compare_paired([10, 12, 7], [100, 90, 80], [8, 13, 5], [100, 90, 80], p_from="difference")
    >>> print(f"{found.difference:.4f}, {found.df:.0f} df")
    0.0111, 2 df
    """
    check_confidence(confidence)
    if p_from not in ("ratio", "difference"):
        raise InputError(f"p_from {p_from!r}: must be 'ratio' or 'difference'")
    (e_a, n_a), (e_b, n_b) = speaker_sums(errors_a, words_a), speaker_sums(errors_b, words_b)
    if len(e_a) != len(e_b):
        raise InputError(f"{len(e_a)} speakers in A but {len(e_b)} in B: give the same speakers in the same order")
    said = (e_a > 0) | (n_a > 0) | (e_b > 0) | (n_b > 0)
    return _compare_union(e_a[said], n_a[said], e_b[said], n_b[said], confidence, p_from)


def compare_estimates(a: RateEstimate, b: RateEstimate, confidence: float = 0.95) -> Disparity:
    """The log-Welch comparison of two estimates from disjoint speakers."""
    difference = None if a.rate is None or b.rate is None else a.rate - b.rate
    low, high = _mover(a.interval(confidence), b.interval(confidence))
    variances, dfs = (a.log_variance, b.log_variance), (a.df, b.df)
    se_log = df = None
    if None not in variances and None not in dfs:
        known = [v for v in variances if v is not None]
        se_log, df = math.sqrt(sum(known)), combine_df(known, [nu for nu in dfs if nu is not None])
    return _disparity((a.rate, b.rate), (difference, low, high), se_log, df, confidence)


def _compare_union(e_a: Sums, n_a: Sums, e_b: Sums, n_b: Sums, confidence: float, p_from: str) -> Disparity:
    """The jackknife over the union of speakers; every speaker is on one side at least."""
    rates = tuple(float(e.sum() / n.sum()) if n.any() else None for e, n in ((e_a, n_a), (e_b, n_b)))
    rate_a, rate_b = rates
    if rate_a is None or rate_b is None:
        return _disparity((rate_a, rate_b), (None, None, None), None, None, confidence, paired=True)
    sides = np.stack([(e_a > 0) | (n_a > 0), (e_b > 0) | (n_b > 0)])
    without = [_without_each(e, n) for e, n in ((e_a, n_a), (e_b, n_b))]
    difference = rate_a - rate_b
    se, df = _jackknife(without[0] - without[1] - difference, sides, n_a, n_b)
    reach = None if se is None or df is None else student_t_quantile(0.5 + confidence / 2, df) * se
    interval = (None, None) if reach is None else (difference - reach, difference + reach)
    se_log = df_log = None
    if rate_a and rate_b and all(np.all(r > 0) for r in without):
        changes = np.log(without[0] / rate_a) - np.log(without[1] / rate_b)
        se_log, df_log = _jackknife(changes, sides, n_a, n_b)
    found = _disparity((rate_a, rate_b), (difference, *interval), se_log, df_log, confidence, paired=True)
    if p_from == "ratio":
        return found
    return replace(found, p=_two_sided(difference, se, df), df=df)


def _without_each(errors: Sums, words: Sums) -> Sums:
    """The pooled rate without each speaker in turn; NaN where nobody else has words."""
    others = words.sum() - words
    rates = np.full(len(words), np.nan)
    np.divide(errors.sum() - errors, others, out=rates, where=others > 0)
    return rates


def _jackknife(changes: Sums, sides: np.ndarray, n_a: Sums, n_b: Sums) -> tuple[float | None, float | None]:
    """Standard error and degrees of freedom from what deleting each speaker changes; (None, None) if undefined."""
    m = len(changes)
    total = float(np.sum(changes**2))
    if m < 2 or not math.isfinite(total) or math.sqrt(total) < NO_SPREAD:
        return None, None
    both = sides[0] & sides[1]
    shares, dfs = [], []
    for members, words in ((sides[0] & ~both, n_a), (sides[1] & ~both, n_b), (both, None)):
        share = float(np.sum(changes[members] ** 2))
        if share > 0:
            shares.append(share)
            dfs.append(_stratum_df(members, words))
    return math.sqrt((m - 1) / m * total), min(combine_df(shares, dfs), m - 1.0)


def _stratum_df(members: np.ndarray, words: Sums | None) -> float:
    """Degrees of freedom of one stratum: of unequal words on one side, else one less than its speakers; at least 1."""
    if words is not None and np.count_nonzero(words[members]) > 1:
        return satterthwaite_df(words[members])
    return max(float(np.count_nonzero(members)) - 1.0, 1.0)


def _mover(a: GroupInterval, b: GroupInterval) -> tuple[float | None, float | None]:
    """Interval of `wer_a - wer_b` recovered from the two intervals (Zou & Donner 2008)."""
    if a.wer is None or a.low is None or a.high is None or b.wer is None or b.low is None or b.high is None:
        return None, None
    difference = a.wer - b.wer
    return (
        difference - math.hypot(a.wer - a.low, b.high - b.wer),
        difference + math.hypot(a.high - a.wer, b.wer - b.low),
    )


def _disparity(
    rates: tuple[float | None, float | None],
    difference: tuple[float | None, float | None, float | None],
    se_log: float | None,
    df: float | None,
    confidence: float,
    *,
    paired: bool = False,
) -> Disparity:
    """Put a comparison together; the ratio, its interval, p and mde follow from the log scale."""
    a, b = rates
    ratio = a / b if a and b else None
    low, high, p, mde = None, None, None, None
    if ratio is not None and se_log is not None and df is not None:
        low, high = log_interval(ratio, se_log, df, confidence)
        p = _two_sided(math.log(ratio), se_log, df)
        mde = detectable_ratio(se_log, df)
    elif ratio == 1.0:
        p = 1.0  # equal rates are no evidence of a gap, whatever their spread
    return Disparity(a, b, *difference, ratio, low, high, p, df, se_log, mde, paired, confidence)


def _two_sided(estimated: float, se: float | None, df: float | None) -> float | None:
    """Two-sided p of t = estimated / se."""
    return None if se is None or df is None else 2.0 * student_t_sf(abs(estimated) / se, df)
