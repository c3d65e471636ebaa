"""Error rate against the level of a condition: isotonic curves, where they cross a rate, and the area under them.

Easier levels cannot make recognition worse, so the rates on a grid of levels are pooled to a curve that never rises
towards the easier end (pool adjacent violators, all levels of equal weight: least squares under that order; Barlow et
al. 1972), here in its closed form `g_k = min_(a<=k) max_(b>=k) mean(R_a .. R_b)`, for many curves at once. Between
levels it is linear. The level at a rate t is where the curve comes down to t: of several, the hardest. A curve that is
below t already at the hardest level crosses beyond it (-inf), one that is above t even at the easiest crosses beyond
that (+inf): both are censored, not estimated. The area is the trapezoid of the rates as measured, over the range of
levels: the mean rate of a listener for whom all levels are equally likely.

Everything here is oriented: x grows towards the easier end (an SNR as it is, a loss rate times -1).
"""

from __future__ import annotations

import numpy as np

from asrfair.stats.arrays import Floats

_ROUNDING = 1e-12


def isotonic(rates: Floats) -> Floats:
    """The closest curve that never rises with the index.

    Args:
        rates: shape (..., k), levels from hardest to easiest.

    Returns:
        Of the same shape.

    >>> isotonic(np.array([0.80, 0.55, 0.35, 0.36, 0.10])).tolist()
    [0.8, 0.55, 0.355, 0.355, 0.1]
    """
    k = rates.shape[-1]
    found = np.full(rates.shape, np.inf)
    for start in range(k):
        means = np.cumsum(rates[..., start:], axis=-1) / np.arange(1, k - start + 1)
        highest = np.maximum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        found[..., start:] = np.minimum(found[..., start:], highest)
    return found


def level_at(x: Floats, curve: Floats, rate: Floats | float) -> Floats:
    """Where curves come down to a rate.

    Args:
        x: levels from hardest to easiest, shape (k,), ascending.
        curve: rates that never rise, shape (n, k).
        rate: one for all curves or one each, shape (n,).

    Returns:
        Shape (n,): -inf below the rate throughout, +inf above it throughout.

    >>> curve = isotonic(np.array([[0.80, 0.55, 0.35, 0.36, 0.10]]))
    >>> [float(level_at(np.array([-5.0, 0, 5, 10, 20]), curve, t)[0].round(6)) for t in (0.30, 0.90, 0.05)]
    [12.156863, -inf, inf]
    """
    wanted = np.broadcast_to(np.asarray(rate, dtype=np.float64), len(curve))
    reached = curve <= wanted[:, None] + _ROUNDING
    first = np.argmax(reached, axis=1)
    at = np.clip(first, 1, None)
    every = np.arange(len(curve))
    above, below = curve[every, at - 1], curve[every, at]
    drop = above - below
    share = np.clip(np.divide(above - wanted, drop, out=np.ones_like(drop), where=drop > 0), 0.0, 1.0)
    found: Floats = x[at - 1] + share * (x[at] - x[at - 1])
    found = np.where(first == 0, np.where(curve[:, 0] < wanted - _ROUNDING, -np.inf, x[0]), found)
    return np.where(reached.any(axis=1), found, np.inf)


def area(x: Floats, rates: Floats) -> Floats:
    """The mean rate over the range of levels, by the trapezoid rule.

    Args:
        x: levels, shape (k,), ascending, at least two.
        rates: shape (..., k).

    >>> float(area(np.array([-5.0, 0, 5, 10, 20]), np.array([0.80, 0.55, 0.35, 0.36, 0.10])).round(6))
    0.388
    """
    found: Floats = np.sum((rates[..., 1:] + rates[..., :-1]) / 2.0 * np.diff(x), axis=-1) / (x[-1] - x[0])
    return found
