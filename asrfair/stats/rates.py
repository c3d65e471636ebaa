"""Word error rates of a group of speakers, with their uncertainty.

The unit of inference is the speaker: everything here is a function of per-speaker sums `E_s` (errors, S + D + I) and
`N_s` (reference words, H + S + D), because utterances of one speaker are not independent. Taking them as independent
makes "95 %" intervals that cover 42 to 72 % (METHODS section 2).

- Pooled rate `R = sum E_s / sum N_s`: errors per reference word. It can exceed 1, and is never clipped.
- Its variance is the delete-one-speaker jackknife in closed form, `V = (m-1)/m sum d_s^2 / (N - N_s)^2` with
  `d_s = E_s - R N_s` and m speakers (MacKinnon, Nielsen & Webb 2023 call it CV3).
- Degrees of freedom by Satterthwaite's rule for `C = cov(d)`, if speakers' rates have one common variance:
  `nu = tr(C)^2 / tr(C^2)`; it lies in [1, m-1], and is m-1 where all speakers have the same number of words.
- Interval `R exp(+- t_nu sqrt(V)/R)`: log scale, so it stays positive and honours the skew of error rates.
- Macro rate: the mean of the speakers' rates, a random speaker's WER: the same engine with `E_s := E_s/N_s, N_s := 1`.

A speaker with words of reference 0 but insertions counts in the numerator; a speaker with neither says nothing and is
not counted. What cannot be estimated is None: a rate without reference words; an interval from one speaker, from no
errors, where one speaker has all the words, or where all speakers have exactly the same rate (a spread of zero is not
a measured one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.records import GroupInterval
from asrfair.stats.student_t import student_t_quantile

Sums = NDArray[np.float64]
"""Per-speaker sums, shape (m,)."""

NO_SPREAD = 1e-10
"""Standard errors of a log rate below this are rounding, not spread."""


def group_interval(errors: ArrayLike, words: ArrayLike, *, confidence: float = 0.95) -> GroupInterval:
    """The pooled word error rate of one group with its interval.

    Args:
        errors: errors of each speaker, shape (m,): not negative, finite; need not be integers.
        words: reference words of each speaker, shape (m,).
        confidence: nominal level, strictly between 0 and 1.

    Returns:
        Rate, interval, jackknife standard error (rate scale) and Satterthwaite degrees of freedom; None for what
        cannot be estimated (see the module).

    Raises:
        InputError: shapes differ, or a number is negative, NaN or infinite.

    >>> found = group_interval([5, 8, 3, 10], [50, 40, 60, 50])
    >>> print(f"{found.wer:.3f} ({found.low:.3f} to {found.high:.3f}), {found.df:.2f} df")
    0.130 (0.047 to 0.356), 2.85 df
    """
    check_confidence(confidence)
    return estimate(*speaker_sums(errors, words)).interval(confidence)


def macro_interval(errors: ArrayLike, words: ArrayLike, *, confidence: float = 0.95) -> GroupInterval:
    """The mean of the speakers' rates with its interval: `group_interval` with every speaker counting the same.

    Speakers without reference words have no rate and are left out.

    >>> macro_interval([5, 8, 3, 10], [50, 40, 60, 50]).wer
    0.1375
    """
    check_confidence(confidence)
    e, n = speaker_sums(errors, words)
    heard = n > 0
    rates = e[heard] / n[heard]
    return estimate(rates, np.ones_like(rates)).interval(confidence)


def macro_rate(errors: Sums, words: Sums) -> float | None:
    """Mean of the speakers' rates (checked sums); None if no speaker has reference words."""
    heard = words > 0
    return float(np.mean(errors[heard] / words[heard])) if heard.any() else None


@dataclass(frozen=True, slots=True)
class RateEstimate:
    """One pooled rate with everything that inference and policy need.

    Attributes:
        errors, words: sums over the speakers.
        rate: errors / words; None without words.
        variance: jackknife variance of the rate; None where it cannot be estimated.
        df: Satterthwaite degrees of freedom; None where they cannot be estimated.
        n_speakers: speakers with words or errors.
        effective_speakers: `N^2 / sum N_s^2`, so many speakers with equal words weigh as much; None without words.
        largest_share: share of the words that the most talkative speaker has; None without words.
    """

    errors: float
    words: float
    rate: float | None
    variance: float | None
    df: float | None
    n_speakers: int
    effective_speakers: float | None
    largest_share: float | None

    @property
    def se(self) -> float | None:
        """Jackknife standard error of the rate."""
        return None if self.variance is None else math.sqrt(self.variance)

    @property
    def log_variance(self) -> float | None:
        """Variance of the log rate; None where there are no errors or no spread, so that it means nothing."""
        if self.variance is None or not self.rate:
            return None
        log_variance = self.variance / self.rate**2
        return log_variance if log_variance > NO_SPREAD**2 else None

    def interval(self, confidence: float) -> GroupInterval:
        """The interval on the log scale."""
        low = high = None
        if self.rate is not None and self.df is not None and self.log_variance is not None:
            low, high = log_interval(self.rate, math.sqrt(self.log_variance), self.df, confidence)
        return GroupInterval(self.rate, low, high, self.se, self.df, self.n_speakers, confidence)


def estimate(errors: Sums, words: Sums) -> RateEstimate:
    """Rate, jackknife variance and degrees of freedom from checked per-speaker sums."""
    said = (errors > 0) | (words > 0)
    e, n = errors[said], words[said]
    total_errors, total = float(e.sum()), float(n.sum())
    if not total:
        return RateEstimate(total_errors, total, None, None, None, len(e), None, None)
    share = n / total
    effective, largest = float(1.0 / np.sum(share * share)), float(share.max())
    rate = total_errors / total
    if np.count_nonzero(n) < 2:
        return RateEstimate(total_errors, total, rate, None, None, len(e), effective, largest)
    others = total - n
    variance = (len(e) - 1) / len(e) * float(np.sum(((e - rate * n) / others) ** 2))
    return RateEstimate(total_errors, total, rate, variance, satterthwaite_df(n), len(e), effective, largest)


def satterthwaite_df(words: Sums) -> float:
    """Degrees of freedom of the jackknife variance from the words of each speaker, at least two of them positive.

    `C_st = p_s p_t (delta_st - p_s - p_t + P2)` with shares p and `P2 = sum p^2`. The closed form of METHODS section 0
    subtracts powers that cancel where one speaker has nearly all the words; here that speaker is taken out of the sums,
    so that the answer keeps its digits (it tends to 1 for two speakers, however unequal).

    >>> satterthwaite_df(np.array([30.0, 30.0, 30.0]))
    2.0
    """
    k = int(np.argmax(words))
    q = np.delete(words, k) / words.sum()
    rest = float(q.sum())
    top = 1.0 - rest
    squared = q * q
    q2, q3, q4 = float(np.sum(squared)), float(np.sum(squared * q)), float(np.sum(squared * squared))
    p2 = top * top + q2
    diagonal = squared * ((1.0 - q) ** 2 + (p2 - squared))
    c_top = top * top * (rest * rest + q2)
    trace = c_top + float(diagonal.sum())
    with_top = top * q * (top * rest - q2 + q)
    pairs = p2 * p2 * q2 * q2 - 4.0 * p2 * q2 * q3 + 2.0 * q2 * q4 + 2.0 * q3 * q3
    same = float(np.sum((squared * (p2 - 2.0 * q)) ** 2))
    square = c_top * c_top + 2.0 * float(np.sum(with_top**2)) + float(np.sum(diagonal**2)) + max(pairs - same, 0.0)
    return min(max(trace * trace / square, 1.0), float(np.count_nonzero(words) - 1))


def combine_df(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Satterthwaite's rule for a sum of independent variances: `(sum V)^2 / sum(V^2 / nu)`."""
    return sum(variances) ** 2 / sum(v * v / df for v, df in zip(variances, dfs, strict=True))


def log_interval(centre: float, se_log: float, df: float, confidence: float) -> tuple[float | None, float | None]:
    """`centre exp(+- t se_log)`; (None, None) where the upper end is beyond the range of floating point."""
    reach = student_t_quantile(0.5 + confidence / 2.0, df) * se_log
    if reach > 300.0:
        return None, None
    return centre * math.exp(-reach), centre * math.exp(reach)


def speaker_sums(errors: ArrayLike, words: ArrayLike) -> tuple[Sums, Sums]:
    """Check and convert per-speaker sums at the door.

    Raises:
        InputError: not one number a speaker, lengths that differ, or a number that is negative, NaN or infinite.
    """
    e, n = _numbers(errors, "errors"), _numbers(words, "words")
    if len(e) != len(n):
        raise InputError(f"errors of {len(e)} speakers but words of {len(n)}: give one number a speaker in both")
    return e, n


def _numbers(values: ArrayLike, name: str) -> Sums:
    """A float64 vector of finite numbers, none negative."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not a list of numbers, one a speaker") from error
    if found.ndim != 1:
        raise InputError(f"{name}: {found.ndim} dimensions; give a list of numbers, one a speaker")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{name}[{at}]: {found[at]} is not a finite number that is not negative")
    return found


def check_confidence(confidence: float) -> None:
    """Refuse a level that is no probability.

    Raises:
        InputError: not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence {confidence} is not strictly between 0 and 1 (0.95 is 95 %)")
