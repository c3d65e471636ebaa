"""Distances between distributions of error vectors, e.g. the rates of substitutions, deletions and insertions.

For utterance WER alone, `distances` says the same with no parameter; these are for more than one number an utterance:
two groups of one WER, of which one is misheard and the other cut off.

- `mmd2`, unbiased (Gretton et al. 2012): `E k(x,x') + E k(y,y') - 2 E k(x,y)` over pairs of different utterances,
  Gaussian kernel `exp(-|x-y|^2 / 2h^2)`; may be negative. Default bandwidth h: the median of the distances between the
  pooled utterances (median heuristic; of 1,000 evenly spaced ones in sorted order if more; of the positive distances
  if the median is 0).
- `sinkhorn_divergence` (Feydy et al. 2019): `S = OT(a,b) - OT(a,a)/2 - OT(b,b)/2`,
  `OT = min <P,C> + eps KL(P | a x b)`, cost the Euclidean distance, from the dual potentials in the log domain. The KL
  term belongs to it: the debiased `<P,C>` alone, as POT computes it, is another number, 0.168 against 0.124 in the
  worked example of METHODS. As eps goes to 0 the divergence tends to the Wasserstein-1 distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.arrays import Floats, numbers

_MOST_FOR_MEDIAN = 1000
_ROWS = 2000
"""Rows of a kernel matrix made at a time."""


def mmd2(values_a: ArrayLike, values_b: ArrayLike, *, bandwidth: float | None = None) -> float:
    """Unbiased squared maximum mean discrepancy with a Gaussian kernel; every utterance counts the same.

    Args:
        values_a: numbers or vectors of A's utterances, shape (n_A,) or (n_A, d), at least two.
        values_b: those of B, shape (n_B,) or (n_B, d), at least two.
        bandwidth: h in the unit of the values; None for the median heuristic.

    Raises:
        InputError: fewer than two utterances, dimensions that differ, NaN or infinity, or a bandwidth not positive.

    >>> round(mmd2([0.0, 0.2, 0.4], [0.2, 0.4, 0.6], bandwidth=0.2), 7)
    -0.1472694
    """
    a, b = vectors(values_a, "values_a"), vectors(values_b, "values_b")
    _same_dimension(a, b)
    if min(len(a), len(b)) < 2:
        raise InputError(f"{len(a)} and {len(b)} utterances: give at least two on each side")
    h = median_distance(np.concatenate([a, b])) if bandwidth is None else bandwidth
    if not (h > 0 and np.isfinite(h)):
        if bandwidth is None:
            return 0.0  # all utterances are the same
        raise InputError(f"bandwidth {bandwidth}: must be positive and finite")
    n, m = len(a), len(b)
    within = (_kernel_sum(a, a, h) - n) / (n * (n - 1)) + (_kernel_sum(b, b, h) - m) / (m * (m - 1))
    return float(within - 2.0 * _kernel_sum(a, b, h) / (n * m))


def sinkhorn_divergence(
    values_a: ArrayLike,
    values_b: ArrayLike,
    weights_a: ArrayLike | None = None,
    weights_b: ArrayLike | None = None,
    *,
    epsilon: float = 0.1,
    max_iterations: int = 5000,
) -> float:
    """Debiased Sinkhorn divergence with its KL term; O(n_A n_B) an iteration.

    Args:
        values_a: numbers or vectors of A's utterances, shape (n_A,) or (n_A, d).
        values_b: those of B, shape (n_B,) or (n_B, d).
        weights_a: e.g. words of each utterance, shape (n_A,), of any sum; None weighs all the same.
        weights_b: those of B, shape (n_B,).
        epsilon: blur, in the unit of the values.
        max_iterations: refused if the potentials have not settled by then.

    Raises:
        InputError: no utterances, shapes that differ, NaN or infinity, weights that are negative or all 0, an epsilon
            that is not positive, or no convergence.

    >>> round(sinkhorn_divergence([0.0, 0.2, 0.4], [0.2, 0.4, 0.6]), 7)
    0.1244786
    """
    a, b = vectors(values_a, "values_a"), vectors(values_b, "values_b")
    _same_dimension(a, b)
    if not (epsilon > 0 and np.isfinite(epsilon)):
        raise InputError(f"epsilon {epsilon}: must be positive and finite")
    (a, p), (b, q) = _weighted(a, weights_a, "weights_a"), _weighted(b, weights_b, "weights_b")
    cross = _transport(distances(a, b), p, q, epsilon, max_iterations)
    own = [_transport(distances(x, x), w, w, epsilon, max_iterations) for x, w in ((a, p), (b, q))]
    return cross - 0.5 * own[0] - 0.5 * own[1]


def median_distance(pooled: Floats) -> float:
    """The median heuristic: median distance between different rows of (n, d); 0 where all are equal."""
    if len(pooled) > _MOST_FOR_MEDIAN:
        by_value = pooled[np.lexsort(pooled.T[::-1])]
        pooled = by_value[np.linspace(0, len(pooled) - 1, _MOST_FOR_MEDIAN).round().astype(np.intp)]
    apart = distances(pooled, pooled)[np.triu_indices(len(pooled), 1)]
    middle = float(np.median(apart))
    if middle > 0 or not apart.any():
        return middle
    return float(np.median(apart[apart > 0]))


def distances(a: Floats, b: Floats) -> Floats:
    """Euclidean distances of the rows of (n, d) and (m, d), shape (n, m)."""
    if a.shape[1] == 1:
        return np.abs(a - b.T)
    square = np.zeros((len(a), len(b)))
    for x, y in zip(a.T, b.T, strict=True):
        square += (x[:, None] - y[None, :]) ** 2
    found: Floats = np.sqrt(square)
    return found


def vectors(values: ArrayLike, name: str) -> Floats:
    """Finite numbers as rows, shape (n, d); a flat list has d = 1."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not a list of numbers or of vectors of one length") from error
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or not found.size:
        raise InputError(f"{name}: shape {found.shape}; give one number or one vector an utterance, at least one")
    if not np.isfinite(found).all():
        raise InputError(f"{name}: NaN or infinity at row {int(np.argmin(np.isfinite(found).all(axis=1)))}")
    return found


def _same_dimension(a: Floats, b: Floats) -> None:
    """Refuse to compare vectors of different lengths."""
    if a.shape[1] != b.shape[1]:
        raise InputError(
            f"vectors of {a.shape[1]} numbers against vectors of {b.shape[1]}: give the same on both sides"
        )


def _weighted(x: Floats, weights: ArrayLike | None, name: str) -> tuple[Floats, Floats]:
    """Rows with weight, and weights that sum to 1."""
    w = np.ones(len(x)) if weights is None else numbers(weights, name, len(x))
    if not w.any():
        raise InputError(f"{name}: all are 0; give at least one utterance weight")
    return x[w > 0], w[w > 0] / w.sum()


def _kernel_sum(a: Floats, b: Floats, h: float) -> float:
    """Sum of the Gaussian kernel over all pairs."""
    blocks = (a[first : first + _ROWS] for first in range(0, len(a), _ROWS))
    return float(sum(np.sum(np.exp(distances(block, b) ** 2 / (-2.0 * h * h))) for block in blocks))


def _transport(cost: Floats, p: Floats, q: Floats, epsilon: float, most: int) -> float:
    """`min <P,C> + eps KL(P | p x q)` by its dual: Sinkhorn's iterations on the potentials, in the log domain."""
    log_p, log_q = np.log(p), np.log(q)
    f, g = np.zeros(len(p)), np.zeros(len(q))
    symmetric = cost.shape[0] == cost.shape[1] and np.array_equal(cost, cost.T) and np.array_equal(p, q)
    for _ in range(most):
        new = -epsilon * _log_sum_exp((g[None, :] - cost) / epsilon + log_q[None, :])
        if symmetric:  # one potential; the average of the old and the new converges fast where alternation does not
            f, before = 0.5 * (f + new), f
            g = f
        else:
            f, before = new, f
            g = -epsilon * _log_sum_exp((f[None, :] - cost.T) / epsilon + log_p[None, :])
        if np.max(np.abs(f - before)) < 1e-11:
            return float(p @ f + q @ g)
    raise InputError(f"Sinkhorn did not settle in {most} iterations: give a larger epsilon than {epsilon}")


def _log_sum_exp(rows: Floats) -> Floats:
    """`log sum exp` of each row, without overflow."""
    top = rows.max(axis=1)
    found: Floats = top + np.log(np.sum(np.exp(rows - top[:, None]), axis=1))
    return found
