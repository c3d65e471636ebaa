"""How unequal the rates of many groups are: between-group variance, shrunken rates, generalised entropy, Gini.

Plain functions of arrays: rates `R_g`, their standard errors, weights `w_g` (words of each group, or equal).

- Between-group variance, naive `sum u_g (R_g - Rbar)^2` with weights u that sum to 1. Noise alone makes it positive, so
  it is corrected by what independent groups of one true rate would show, `sum u_g (1 - u_g) SE_g^2`; the same idea as
  the double-corrected variance of Lum, Zhang & Bower (2022). The corrected one is unbiased and may be negative.
- Shrunken rates `mu + tau^2 / (tau^2 + SE_g^2) (R_g - mu)` (empirical Bayes; mu the inverse-variance mean, tau^2 the
  corrected variance): for ranking groups, so that a small group does not come last by its noise.
- Generalised entropy `GE_a = (sum w (R/mu)^a - 1) / (a (a - 1))` (Speicher et al. 2018 use it for fairness): a = 1 is
  Theil's index `sum w (R/mu) ln(R/mu)`, a = 0 the mean log deviation `-sum w ln(R/mu)`.
- Gini `sum_gh w_g w_h |R_g - R_h| / (2 mu)`.

Entropy and Gini are biased upward by noise, as every spread of estimates is; only the corrected variance is not.
What is undefined is None: any index where the mean rate is 0; an entropy of order 0 or less where one rate is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.arrays import Floats, numbers


@dataclass(frozen=True, slots=True)
class BetweenGroup:
    """The variance of rates between groups, in squared rate units.

    Attributes:
        naive: as the rates show it, noise included.
        corrected: less what noise alone would show; negative where the rates differ less than noise does.
        sd: `sqrt(max(0, corrected))`, in rate units.
    """

    naive: float
    corrected: float
    sd: float


def between_group_variance(rates: ArrayLike, ses: ArrayLike, weights: ArrayLike | None = None) -> BetweenGroup:
    """Between-group variance of rates, naive and corrected for sampling noise.

    Args:
        rates: error rate of each group, shape (K,).
        ses: standard error of each rate, shape (K,); the groups are taken as independent (no speaker in two).
        weights: weight of each group, shape (K,), of any sum; None weighs all groups the same.

    Raises:
        InputError: no groups, shapes that differ, or a number that is negative, NaN or infinite.

    >>> found = between_group_variance([0.10, 0.12, 0.20, 0.15], [0.01, 0.02, 0.03, 0.02])
    >>> print(f"{found.naive:.8f} {found.corrected:.8f} {found.sd:.4f}")
    0.00141875 0.00108125 0.0329
    """
    r, u = _rates_and_weights(rates, weights)
    noise = float(np.sum(u * (1.0 - u) * numbers(ses, "ses", len(r)) ** 2))
    naive = float(np.sum(u * (r - np.sum(u * r)) ** 2))
    return BetweenGroup(naive, naive - noise, math.sqrt(max(0.0, naive - noise)))


def shrunken_rates(rates: ArrayLike, ses: ArrayLike) -> Floats:
    """Empirical Bayes rates, for ranking groups only: they are biased towards the mean on purpose.

    A group whose standard error is 0 keeps its rate and does not enter the mean: its noise is not known.

    Args:
        rates: error rate of each group, shape (K,).
        ses: standard error of each rate, shape (K,).

    Returns:
        Rates, shape (K,); all equal to the inverse-variance mean where the corrected variance is not positive.

    Raises:
        InputError: as `between_group_variance`.

    >>> shrunken_rates([0.10, 0.12, 0.20, 0.15], [0.01, 0.02, 0.03, 0.02]).round(4).tolist()
    [0.1015, 0.1194, 0.1626, 0.1413]
    """
    r, _ = _rates_and_weights(rates, None)
    se = numbers(ses, "ses", len(r))
    noisy = se > 0
    if not noisy.any():
        return r
    tau2 = max(0.0, between_group_variance(r, se).corrected)
    precision = 1.0 / se[noisy] ** 2
    mu = float(np.sum(precision * r[noisy]) / np.sum(precision))
    found = r.copy()
    found[noisy] = mu + tau2 / (tau2 + se[noisy] ** 2) * (r[noisy] - mu)
    return found


def generalised_entropy(rates: ArrayLike, weights: ArrayLike | None = None, alpha: float = 1.0) -> float | None:
    """Generalised entropy index of rates: 0 where all are equal.

    Args:
        rates: error rate of each group, shape (K,).
        weights: weight of each group, shape (K,), of any sum; None weighs all groups the same.
        alpha: 1 is Theil's index, 0 the mean log deviation, 2 half the squared coefficient of variation.

    Returns:
        The index; None where the mean rate is 0, or where a rate with weight is 0 and `alpha` is not positive.

    Raises:
        InputError: as `between_group_variance`, or `alpha` is not finite.

    >>> round(generalised_entropy([0.10, 0.12, 0.20, 0.15], [400, 300, 100, 200], 1), 7)
    0.0275428
    """
    if not math.isfinite(alpha):
        raise InputError(f"alpha {alpha}: give a finite order (1 is Theil, 0 the mean log deviation)")
    r, w = _rates_and_weights(rates, weights)
    r, w = r[w > 0], w[w > 0]
    mu = float(np.sum(w * r))
    if mu <= 0 or (alpha <= 0 and not np.all(r > 0)):
        return None
    relative = r / mu
    if alpha == 1:
        up = relative > 0
        return float(np.sum(w[up] * relative[up] * np.log(relative[up])))
    if alpha == 0:
        return float(-np.sum(w * np.log(relative)))
    return float((np.sum(w * relative**alpha) - 1.0) / (alpha * (alpha - 1.0)))


def gini(rates: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Gini coefficient of rates: 0 where all are equal; None where the mean rate is 0.

    Args:
        rates: error rate of each group, shape (K,).
        weights: weight of each group, shape (K,), of any sum; None weighs all groups the same.

    Raises:
        InputError: as `between_group_variance`.

    >>> round(gini([0.10, 0.12, 0.20, 0.15], [400, 300, 100, 200]), 7)
    0.1238095
    """
    r, w = _rates_and_weights(rates, weights)
    mu = float(np.sum(w * r))
    if mu <= 0:
        return None
    return float(w @ np.abs(r[:, None] - r[None, :]) @ w / (2.0 * mu))


def _rates_and_weights(rates: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    """Checked rates, and weights that sum to 1."""
    r = numbers(rates, "rates")
    if not len(r):
        raise InputError("rates: empty; give one rate a group")
    if weights is None:
        return r, np.full(len(r), 1.0 / len(r))
    w = numbers(weights, "weights", len(r))
    if not w.sum() > 0:
        raise InputError("weights: all are 0; give at least one group weight")
    return r, w / w.sum()
