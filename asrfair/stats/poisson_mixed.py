"""A Poisson regression with a gamma effect of the speaker, whose likelihood is closed: what `faas` needs, no more.

Errors of utterance i of speaker s are Poisson with mean `u_s mu_i`, `mu_i = exp(x_i b)`, and u_s gamma with mean 1 and
variance 1/k. With `Y_s` and `M_s` the sums of errors and of mu over the speaker's utterances, the log likelihood is

    sum_i (y_i log mu_i - log y_i!) + sum_s [log Gamma(Y_s + k) - log Gamma(k) + k log k - (Y_s + k) log(M_s + k)].

(Hausman, Hall & Griliches 1984.) Newton's method finds b for each k, a golden section finds log k between -6 and 12,
where it is Poisson within the noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stats.arrays import Floats

_LOG_K = (-6.0, 12.0)
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True, eq=False)
class PoissonMixed:
    """A fit.

    Attributes:
        coefficients: b, on the log scale, shape (q,).
        log_likelihood: at b and k, without the term of `y!`.
        speaker_variance: 1/k.
    """

    coefficients: Floats
    log_likelihood: float
    speaker_variance: float


def fit_poisson_mixed(design: Floats, errors: Floats, speaker: NDArray[np.intp]) -> PoissonMixed:
    """Maximum likelihood.

    Args:
        design: covariates, shape (n, q), of full rank, of which some sum is constant; each indicator with errors.
        errors: errors of each utterance, shape (n,).
        speaker: number of the speaker of each utterance from 0, shape (n,).

    >>> found = fit_poisson_mixed(np.ones((6, 1)), np.array([1.0, 2, 3, 1, 2, 3]), np.array([0, 0, 0, 1, 1, 1]))
    >>> round(float(found.coefficients[0]), 6), found.speaker_variance < 1e-4
    (0.693147, True)
    """
    b = np.linalg.lstsq(design, np.full(len(errors), math.log(float(errors.mean()))), rcond=None)[0]
    low, high = _LOG_K
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    fits = [_fit(design, errors, speaker, math.exp(x), b) for x in inner]
    while high - low > 1e-3:
        better = int(fits[1].log_likelihood > fits[0].log_likelihood)
        if better:
            low, inner[0], fits[0] = inner[0], inner[1], fits[1]
        else:
            high, inner[1], fits[1] = inner[1], inner[0], fits[0]
        inner[better] = low + _GOLDEN * (high - low) if better else high - _GOLDEN * (high - low)
        fits[better] = _fit(design, errors, speaker, math.exp(inner[better]), fits[better].coefficients)
    return max(fits, key=lambda fit: fit.log_likelihood)


def likelihood_ratio_p(full: PoissonMixed, null: PoissonMixed) -> float:
    """P of the likelihood ratio test, chi-squared on the number of coefficients that the null lacks.

    >>> a, b = PoissonMixed(np.zeros(3), -10.0, 0.1), PoissonMixed(np.zeros(1), -12.0, 0.1)
    >>> round(likelihood_ratio_p(a, b), 6)  # exp(-2)
    0.135335
    """
    half = max(0.0, full.log_likelihood - null.log_likelihood)
    df = len(full.coefficients) - len(null.coefficients)
    tail = math.erfc(math.sqrt(half)) if df % 2 else math.exp(-half)
    for d in range(2 - df % 2, df, 2):
        power = d / 2.0
        tail += math.exp(power * math.log(half) - half - math.lgamma(power + 1.0)) if half else 0.0
    return min(1.0, tail)


def _fit(design: Floats, errors: Floats, speaker: NDArray[np.intp], k: float, b: Floats) -> PoissonMixed:
    """The coefficients of one k, from a start; Newton's steps are halved until the likelihood grows."""
    found = log_likelihood(design, errors, speaker, k, b)
    for _ in range(100):
        mu = np.exp(design @ b)
        of_speaker = np.bincount(speaker, mu) + k
        total = np.bincount(speaker, errors) + k
        weight = (total / of_speaker)[speaker] * mu
        score = design.T @ (errors - weight)
        pulled = np.stack([np.bincount(speaker, mu * column) for column in design.T], axis=1)
        information = design.T @ (design * weight[:, None]) - pulled.T @ (pulled * (total / of_speaker**2)[:, None])
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        if score @ step < 0:
            step = score / float(np.sum(weight))
        size = 1.0
        while (new := log_likelihood(design, errors, speaker, k, b + size * step)) < found - 1e-12 and size > 1e-8:
            size /= 2.0
        gained, found, b = new - found, new, b + size * step
        if gained < 1e-10:
            break
    return PoissonMixed(b, found, 1.0 / k)


def log_likelihood(design: Floats, errors: Floats, speaker: NDArray[np.intp], k: float, b: Floats) -> float:
    """The log likelihood less the term of `y!`; minus infinity where a mean overflows."""
    eta = design @ b
    if float(eta.max()) > 300.0:
        return -math.inf
    total, mean = np.bincount(speaker, errors), np.bincount(speaker, np.exp(eta))
    gammas = math.fsum(math.lgamma(y + k) - math.lgamma(k) for y in total.tolist())
    # k log k - (Y + k) log(M + k), without the cancellation of two large terms
    rest = -k * np.log1p(mean / k) - total * np.log(mean + k)
    return float(errors @ eta) + gammas + float(rest.sum())
