"""Sums and differences of rates of the same people: is a gap another one under that normaliser, system or noise?

A contrast is `theta = sum_k w_k log R_k` (`log_contrast`), or `sum_k w_k R_k` (`rate_contrast`), over sides k, each
with the errors and words of the same list of speakers (0 and 0 for one who is not on it). A gap under two normalisers,
`log(R_A1/R_B1) - log(R_A2/R_B2)`, has four sides. Each speaker is deleted from all sides at once, so what the sides
share cancels.

Speakers of A alone and of B alone are strata, each with `m_h - 1` degrees of freedom (a within-speaker contrast). Where
some are in both groups, the variance is that of one stratum and the degrees of freedom are combined over the three
parts as in `disparity.compare_paired`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.stats.jackknife import Estimate, from_replicates
from asrfair.stats.rates import NO_SPREAD, Sums, combine_df

Side = tuple[float, Sums, Sums]
"""Weight, errors of each speaker and words of each speaker, shape (m,)."""

IN_A, IN_B, IN_BOTH = 1, 2, 3


def log_contrast(sides: Sequence[Side], membership: NDArray[np.int64] | None = None) -> Estimate:
    """A weighted sum of log rates with its jackknife error.

    Args:
        sides: the rates and their weights.
        membership: 1, 2 or 3 for a speaker of A, of B or of both, shape (m,); one group without it.

    Returns:
        The estimate on the log scale (`log_interval` gives that of the ratio); None where a rate has no errors or no
        words, or loses all of them with one speaker.

    >>> clean, noisy, words = np.array([10, 6, 8.0]), np.array([20, 15, 15.0]), np.array([100, 80, 90.0])
    >>> found = log_contrast([(1.0, noisy, words), (-1.0, clean, words)])
    >>> print(f"{np.exp(found.value):.3f} times, {found.df:.0f} df")
    2.083 times, 2 df
    """
    said = np.any([(errors > 0) | (words > 0) for _, errors, words in sides], axis=0)
    m = int(np.count_nonzero(said))
    value, without = 0.0, np.zeros(m)
    for weight, errors, words in sides:
        e, n = errors[said], words[said]
        left_e, left_n = e.sum() - e, n.sum() - n
        if not (e.sum() > 0 and n.sum() > 0):
            return Estimate(None, None, None, m)
        value += weight * float(np.log(e.sum() / n.sum()))
        if not ((left_e > 0) & (left_n > 0)).all():
            without += np.nan
        else:
            without += weight * np.log(left_e / left_n)
    return by_membership(value, without, np.full(m, IN_A) if membership is None else membership[said])


def rate_contrast(sides: Sequence[Side], membership: NDArray[np.int64] | None = None) -> Estimate:
    """A weighted sum of rates with its jackknife error; arguments as `log_contrast`.

    Returns:
        The estimate on the plain scale; None where a side has no words, or loses all of them with one speaker.

    >>> clean, noisy, words = np.array([10, 6, 8.0]), np.array([20, 15, 15.0]), np.array([100, 80, 90.0])
    >>> found = rate_contrast([(1.0, noisy, words), (-1.0, clean, words)])
    >>> print(f"{found.value:+.4f} (se {found.se:.4f})")
    +0.0963 (se 0.0096)
    """
    said = np.any([(errors > 0) | (words > 0) for _, errors, words in sides], axis=0)
    m = int(np.count_nonzero(said))
    value, without = 0.0, np.zeros(m)
    for weight, errors, words in sides:
        e, n = errors[said], words[said]
        if not n.sum() > 0:
            return Estimate(None, None, None, m)
        value += weight * float(e.sum() / n.sum())
        left = n.sum() - n
        rates = np.full(m, np.nan)
        np.divide(e.sum() - e, left, out=rates, where=left > 0)
        without += weight * rates
    return by_membership(value, without, np.full(m, IN_A) if membership is None else membership[said])


def by_membership(
    value: float | None, without: Sums, groups: NDArray[np.int64], words: tuple[Sums, Sums] | None = None
) -> Estimate:
    """The jackknife of a statistic of two groups that may share speakers.

    Args:
        value: of everybody.
        without: each speaker, shape (m,).
        groups: `IN_A`, `IN_B` or `IN_BOTH`, shape (m,).
        words: of each speaker in A and in B, for Satterthwaite's degrees of freedom; `m_h - 1` without them.
    """
    if np.any(groups == IN_BOTH):
        return _crossed(value, without, groups)
    weights = None if words is None else np.where(groups == IN_A, *words)
    return from_replicates(value, without, strata=groups, words=weights)


def _crossed(value: float | None, without: Sums, groups: NDArray[np.int64]) -> Estimate:
    """One stratum for the variance, three for the degrees of freedom."""
    m = len(without)
    found = from_replicates(value, without)
    if value is None or found.se is None or found.se < NO_SPREAD:
        return found
    shares, dfs = [], []
    for stratum in (IN_A, IN_B, IN_BOTH):
        members = groups == stratum
        share = float(np.sum((without[members] - value) ** 2))
        if share > 0:
            shares.append(share)
            dfs.append(max(float(np.count_nonzero(members)) - 1.0, 1.0))
    return Estimate(value, found.se, min(combine_df(shares, dfs), m - 1.0), m)
