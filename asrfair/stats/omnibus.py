"""One p-value for "any difference between these groups": a permutation of speakers, or Welch's analysis of variance.

Whole speakers, their (E_s, N_s) together, are permuted over the group labels; three statistics share the permutations:

- range: `max R_g - min R_g`;
- variance: `sum w_g (R_g - R)^2`, weights by words;
- Q: `sum ((log R_g - mu) / se_g)^2`, jackknife standard errors, mu the inverse-variance mean.

`p = (1 + #{statistic >= observed}) / (B + 1)`. A permutation in which a statistic is undefined (Q of a group without
errors) counts as no smaller than observed, so p errs upward.

Welch (1951), for many speakers: `F = [sum w (l - mu)^2 / (K-1)] / [1 + 2 (K-2) L / (K^2-1)]`, `l = log R_g`,
`L = sum (1 - w_g/W)^2 / nu_g`, on (K-1, (K^2-1) / 3L) degrees of freedom; w_g the inverse jackknife variance, nu_g
Satterthwaite's. Q against chi-squared with K-1 degrees of freedom, as meta-analyses do, rejects 30 % of true nulls at
5 %: not offered.

Only Q is studentised (Janssen 1997; Chung & Romano 2013), so only it still tests equal rates where groups differ both
in size and in how much their speakers vary. Rejected at 5 %, 400 simulations, range / variance / Q / Welch:

- ten equal groups of 5 to 60 speakers: 4 / 7 / 4 / 6 %; five of 5 to 40 at WER 0.03: 4 / 4 / 4 / 4 %;
- equal rates, 5 and 6 varied speakers (log-sd 0.7) beside 40 and 50 alike ones (0.25): 22 / 19 / 10 / 9 %;
- the same with the few alike and the many varied: 0 / 2 / 3 / 6 %;
- one group of 8 at 1.5 times the rate of four others: 40 / 30 / 19 / 20 %; one of 30: 25 / 60 / 54 / 52 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.stats.counter import permutations
from asrfair.stats.f_distribution import f_sf
from asrfair.stats.rates import NO_SPREAD, RateEstimate, Sums

_AT_A_TIME = 1 << 15
"""Permuted places worked on together, so that they stay in the processor's cache."""
_TIE = 1e-12


def permuted_p(members: Sequence[tuple[Sums, Sums]], key: int, count: int) -> tuple[float, float, float | None]:
    """P-values of range, variance and Q by permutation of speakers.

    Args:
        members: checked sums of the speakers of each group, at least two groups with words.
        key: of the permutations.
        count: how many.

    Returns:
        The three; the last is None where a group has no errors or no spread, so that Q is undefined.

    >>> a, b = (np.array([1.0, 2, 3]), np.full(3, 10.0)), (np.array([4.0, 5, 6]), np.full(3, 10.0))
    >>> round(permuted_p([a, b], 1, 1999)[0], 1)  # 2 of 20 ways
    0.1
    """
    e, n = (np.concatenate([s[i] for s in members]) for i in (0, 1))
    sizes = np.array([len(s[0]) for s in members])
    observed = _statistics(e[None], n[None], sizes)[:, 0]
    bar = np.where(np.isfinite(observed), observed * (1.0 - _TIE) - _TIE, np.inf)
    # Sorted, so that the speakers' order in the input changes nothing, not even the Monte Carlo error.
    order = np.lexsort((n, e))
    e, n = e[order], n[order]
    reached = np.zeros(3, dtype=np.int64)
    for block in permutations(key, count, len(e)):
        rows = max(1, _AT_A_TIME // len(e))
        for first in range(0, len(block), rows):
            at = block[first : first + rows]
            reached += np.count_nonzero(_statistics(e[at], n[at], sizes) >= bar[:, None], axis=1)
    p = (1.0 + reached) / (count + 1.0)
    return float(p[0]), float(p[1]), float(p[2]) if math.isfinite(observed[2]) else None


def _statistics(e: NDArray[np.float64], n: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Range, variance and Q of each row of speakers in group order: (B, m) in, (3, B) out; infinite where undefined."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        errors, words = np.add.reduceat(e, starts, axis=1), np.add.reduceat(n, starts, axis=1)
        rates = errors / words
        total = words.sum(axis=1, keepdims=True)
        overall = errors.sum(axis=1, keepdims=True) / total
        change = (e - np.repeat(rates, sizes, axis=1) * n) / (np.repeat(words, sizes, axis=1) - n)
        change *= change
        log_variance = (sizes - 1) / sizes * np.add.reduceat(change, starts, axis=1) / rates**2
        precision = 1.0 / log_variance
        logs = np.log(rates)
        mu = np.sum(precision * logs, axis=1, keepdims=True) / np.sum(precision, axis=1, keepdims=True)
        q = np.sum(precision * (logs - mu) ** 2, axis=1)
        q[~np.all(log_variance > NO_SPREAD**2, axis=1)] = np.inf
        found = np.stack(
            [rates.max(axis=1) - rates.min(axis=1), np.sum(words * (rates - overall) ** 2 / total, axis=1), q]
        )
    found[~np.isfinite(found)] = np.inf
    return found


def welch_p(estimates: Sequence[RateEstimate]) -> float | None:
    """P of Welch's analysis of variance on log rates; None where a group has no errors or no spread.

    Args:
        estimates: of at least two groups.

    >>> from asrfair.stats.rates import estimate
    >>> a = estimate(np.array([5.0, 8, 3, 10]), np.array([50.0, 40, 60, 50]))
    >>> b = estimate(np.array([2.0, 4, 6, 1, 5]), np.array([50.0, 80, 40, 30, 50]))
    >>> round(welch_p([a, b]), 2)  # two groups: the square of the log-Welch t
    0.2
    """
    known = [(found.rate, found.log_variance, found.df) for found in estimates]
    if any(rate is None or not rate or v is None or df is None for rate, v, df in known):
        return None
    rates, variances, dfs = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
    k, logs = len(rates), np.log(rates)
    share = (1.0 / variances) / np.sum(1.0 / variances)
    mu = np.sum(share * logs)
    lack = float(np.sum((1.0 - share) ** 2 / dfs))
    between = float(np.sum((logs - mu) ** 2 / variances)) / (k - 1)
    return f_sf(between / (1.0 + 2.0 * (k - 2) * lack / (k * k - 1)), k - 1, (k * k - 1) / (3.0 * lack))
