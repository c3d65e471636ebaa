"""Distances between distributions of utterance WER on the line: who gets hurt, not only how much on average.

A distribution is the utterance WERs of a group, weighted by reference words, so that its mean is the pooled rate.

- `wasserstein_1`: `W1 = int |F_A^-1(u) - F_B^-1(u)| du = int |F_A(x) - F_B(x)| dx`, in WER. `W1 >= |R_A - R_B|`, with
  equality where one group is worse at every quantile; the excess over it is a difference in shape: the same mean, other
  utterances hurt.
- `barycentre_cost` of any number of groups with weights p: the smallest change of utterance WERs that makes all groups
  alike (Chzhen et al. 2020). Order 2: `sum p_g int (Q_g - Qbar)^2`, Qbar = sum p_g Q_g the mean of the quantile
  functions; order 1: `sum p_g int |Q_g - Qbar|`, Qbar(u) the weighted median of Q_g(u). A diagnostic and not a target:
  it also makes the best group worse.
- `energy_distance`: `2 E|X-Y| - E|X-X'| - E|Y-Y'| = 2 int (F_A - F_B)^2 dx` (twice Cramer's), no parameter; scipy's
  function of that name gives its square root.

All are O(n log n), and all are positive between samples of one distribution: `distance_test` says by how much.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.arrays import Floats, numbers

Distribution = tuple[Floats, Floats]
"""Values and weights, each of shape (n,)."""


def wasserstein_1(
    values_a: ArrayLike, values_b: ArrayLike, weights_a: ArrayLike | None = None, weights_b: ArrayLike | None = None
) -> float:
    """Wasserstein-1 distance of two weighted distributions, in the unit of the values.

    Args:
        values_a: e.g. utterance WERs of A, shape (n_A,).
        values_b: those of B, shape (n_B,).
        weights_a: e.g. words of each utterance, shape (n_A,), of any sum; None weighs all the same.
        weights_b: those of B, shape (n_B,).

    Raises:
        InputError: no values, shapes that differ, a number that is negative, NaN or infinite, or no weight.

    >>> round(wasserstein_1([0.0, 0.2, 0.4], [0.0, 0.5], None, [30, 10]), 9)
    0.125
    """
    x, apart = _cdf_difference(distribution(values_a, weights_a), distribution(values_b, weights_b))
    return float(np.sum(np.abs(apart) * np.diff(x)))


def wasserstein_1_excess(
    values_a: ArrayLike, values_b: ArrayLike, weights_a: ArrayLike | None = None, weights_b: ArrayLike | None = None
) -> float:
    """W1 less the difference of the means: how much of the distance is shape. Arguments as `wasserstein_1`.

    >>> wasserstein_1_excess([0.1, 0.1], [0.0, 0.2]), wasserstein_1_excess([0.0, 0.5], [0.25, 0.75])
    (0.1, 0.0)
    """
    a, b = distribution(values_a, weights_a), distribution(values_b, weights_b)
    x, apart = _cdf_difference(a, b)
    step = np.diff(x)
    return max(0.0, float(np.sum(np.abs(apart) * step)) - abs(float(np.sum(apart * step))))


def energy_distance(
    values_a: ArrayLike, values_b: ArrayLike, weights_a: ArrayLike | None = None, weights_b: ArrayLike | None = None
) -> float:
    """Energy distance (squared form) of two weighted distributions. Arguments as `wasserstein_1`.

    >>> round(energy_distance([0.0, 0.2, 0.4], [0.2, 0.4, 0.6]), 7)
    0.1333333
    """
    x, apart = _cdf_difference(distribution(values_a, weights_a), distribution(values_b, weights_b))
    return float(2.0 * np.sum(apart**2 * np.diff(x)))


def barycentre_cost(
    groups: Sequence[tuple[ArrayLike, ArrayLike | None]], shares: ArrayLike | None = None, *, order: int = 1
) -> float:
    """Cost of moving all groups to their barycentre.

    Args:
        groups: values and weights of each group, at least one; weights None weigh all values the same.
        shares: weight p_g of each group, of any sum; None weighs all groups the same.
        order: 1 (unit of the values) or 2 (its square).

    Raises:
        InputError: as `wasserstein_1`; no groups; an order that is neither.

    >>> x, y = ([0.0, 0.2, 0.4], None), ([0.2, 0.4, 0.6], None)
    >>> round(barycentre_cost([x, y]), 9), round(barycentre_cost([x, y], order=2), 9)
    (0.1, 0.01)
    """
    if order not in (1, 2):
        raise InputError(f"order {order}: must be 1 or 2")
    if not groups:
        raise InputError("no groups: give at least one")
    checked = [distribution(values, weights) for values, weights in groups]
    _, p = distribution(np.zeros(len(checked)), shares, "shares")
    return barycentre_cost_of(checked, p, order)


def barycentre_cost_of(groups: Sequence[Distribution], p: Floats, order: int) -> float:
    """`barycentre_cost` of checked distributions with shares that sum to 1."""
    sorted_values, reached = [], []
    for values, weights in groups:
        order_of = np.argsort(values, kind="stable")
        sorted_values.append(values[order_of])
        reached.append(np.cumsum(weights[order_of]))
    edges = np.unique(np.concatenate([[0.0], *reached]))
    edges = edges[edges < 1.0]
    width = np.diff(np.append(edges, 1.0))
    middle = edges + width / 2.0
    quantiles = np.stack(
        [x[np.minimum(np.searchsorted(c, middle), len(x) - 1)] for x, c in zip(sorted_values, reached, strict=True)]
    )
    if order == 2:
        moved = (quantiles - p @ quantiles) ** 2
    else:
        by_value = np.argsort(quantiles, axis=0, kind="stable")
        at = np.argmax(np.cumsum(p[by_value], axis=0) >= 0.5 - 1e-12, axis=0)
        median = np.take_along_axis(quantiles, np.take_along_axis(by_value, at[None], 0), 0)
        moved = np.abs(quantiles - median)
    return float(np.sum(p @ moved * width))


def distribution(values: ArrayLike, weights: ArrayLike | None, name: str = "weights") -> Distribution:
    """Checked values, and weights that sum to 1.

    Raises:
        InputError: no values, shapes that differ, a number that is negative, NaN or infinite, or no weight.
    """
    x = numbers(values, "values")
    w = np.ones(len(x)) if weights is None else numbers(weights, name, len(x))
    if not w.any():
        raise InputError(f"{name}: {'all are 0' if len(w) else 'no values'}; give at least one with weight")
    return x, w / w.sum()


def _cdf_difference(a: Distribution, b: Distribution) -> tuple[Floats, Floats]:
    """Pooled values sorted, shape (n,), and F_A - F_B from each to the next, shape (n-1,)."""
    x = np.concatenate([a[0], b[0]])
    order = np.argsort(x, kind="stable")
    apart = np.cumsum(np.concatenate([a[1], -b[1]])[order])
    return x[order], apart[:-1]
