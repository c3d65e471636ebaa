"""A mixed model: the word error rate of the median speaker, and how much speakers differ.

`errors_i ~ Poisson(words_i exp(x_i'b + u_s))`, `u_s ~ N(0, sigma^2)` for each speaker s (Liu, Veliche & Peng 2022). A
speaker's likelihood depends on the data through `y_s = sum errors` and `L_s = sum words exp(x'b)` only, so it is one
integral a speaker, done by adaptive Gauss-Hermite quadrature with 15 nodes about the mode; Newton's method takes the
information from Louis' identity (1982), `I = E[complete information] - Var[complete score]`. Standard errors are a
sandwich by speaker, with t(G - p): the model's own are too small for what varies within a speaker, because errors
within an utterance are not Poisson (71 to 79 % coverage, METHODS section 4).

What exp(b) is *not*: the ratio of word error rates. It compares the median speakers of two groups. Where one group is
more diverse than the other (log sd .7 and .25), it differs from the ratio of rates by -0.19 on the log scale, for any
number of speakers. It is therefore always called the median-speaker ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asrfair.stats.regression.design import Floats, totals
from asrfair.stats.regression.pml import PoissonFit

NODES = 15
_STEPS = 60
_CONVERGED = 1e-9
_FLAT = 1e-6
"""Log-likelihood that a step may lose: with very few errors, score and height are not quite of the same quadrature."""
_FLOOR = -6.0
"""Log of a sigma that is no spread at all."""
_CEILING = 3.0
"""Log of a sigma that is on its way to infinity."""


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A fitted mixed model of p columns.

    Attributes:
        coefficients: log ratios between median speakers, shape (p,).
        covariance: of the coefficients, by speaker (sandwich), shape (p, p).
        sigma: standard deviation of the log rates of speakers who are alike in all columns; 0 where none is seen.
        df: degrees of freedom, speakers less columns.
        converged: false where Newton's method did not settle: then nothing of this should be reported.
    """

    coefficients: Floats
    covariance: Floats
    sigma: float
    df: float
    converged: bool


@dataclass(frozen=True, slots=True)
class _Speakers:
    """What is known of the speakers' effects u at some (b, sigma): moments given the data, each of shape (G,).

    Attributes:
        height: log-likelihood, but for a constant.
        mean: E exp(u).
        variance: Var exp(u).
        square: E u^2.
        square_variance: Var u^2.
        covariance: Cov(exp(u), u^2).
        expected: words exp(x'b) of each row, shape (n,).
    """

    height: float
    mean: Floats
    variance: Floats
    square: Floats
    square_variance: Floats
    covariance: Floats
    expected: Floats


def fit_mixed(fit: PoissonFit) -> MixedFit:
    """Fit the mixed model to the rows of a Poisson fit, starting from it.

    >>> from asrfair.stats.regression.pml import fit_poisson
    >>> errors, words = np.array([5.0, 8, 3, 10, 2, 4, 6, 1]), np.full(8, 50.0)
    >>> found = fit_mixed(fit_poisson(errors, words, np.arange(8)))
    >>> print(f"median speaker {np.exp(found.coefficients[0]):.3f}, sigma {found.sigma:.2f}")
    median speaker 0.091, sigma 0.38
    """
    model = _Model(fit)
    place, at, converged = _climbed(model)
    covariance = model.covariance(place, at)
    sigma = float(np.exp(place[-1])) if place[-1] > _FLOOR else 0.0
    df = float(fit.n_speakers - fit.design.n_columns)
    return MixedFit(place[:-1], covariance, sigma, df, converged and df > 0 and bool(np.isfinite(covariance).all()))


def _climbed(model: _Model) -> tuple[Floats, _Speakers, bool]:
    """Newton's method from the Poisson fit: where it ended, and whether that is the top."""
    place = model.start()
    at = model.speakers(place)
    for _ in range(_STEPS):
        score, information = model.slope(place, at)
        step = _newton(score, information, at_floor=place[-1] <= _FLOOR)
        step /= max(1.0, abs(step[-1]))
        size = 1.0
        while True:
            tried = place + size * step
            tried[-1] = max(tried[-1], _FLOOR)
            reached = model.speakers(tried)
            if reached.height >= at.height - max(_FLAT, 1e-11 * abs(at.height)) or size < 1e-4:
                break
            size /= 2
        if not np.isfinite(reached.height) or tried[-1] > _CEILING:
            return place, at, False
        moved = float(np.abs(tried - place).max())
        place, at = tried, reached
        if moved < _CONVERGED:
            return place, at, True
    return place, at, False


def _newton(score: Floats, information: Floats, *, at_floor: bool) -> Floats:
    """The next step; sigma stays where it is if it is at its floor and wants to go lower."""
    free = len(score) - 1 if at_floor and score[-1] < 0 else len(score)
    step = np.zeros_like(score)
    inner = information[:free, :free]
    values, vectors = np.linalg.eigh(inner)
    # Off the maximum the information may not be positive definite; its absolute values still point uphill.
    usable = np.maximum(np.abs(values), 1e-9 * np.abs(values).max())
    step[:free] = vectors @ ((vectors.T @ score[:free]) / usable)
    return step


class _Model:
    """The likelihood of (b, log sigma) and its derivatives."""

    def __init__(self, fit: PoissonFit) -> None:
        self._fit = fit
        self._errors = totals(fit.speaker, fit.errors, fit.n_speakers)
        self._target = fit.design.cross(fit.errors)
        nodes, weights = np.polynomial.hermite.hermgauss(NODES)
        self._nodes, self._log_weights = nodes, np.log(weights) + nodes**2

    def start(self) -> Floats:
        """The Poisson fit, and sigma from the moments of the speakers' errors."""
        expected = totals(self._fit.speaker, self._fit.expected, self._fit.n_speakers)
        excess = np.sum((self._errors - expected) ** 2 - self._errors) / np.sum(expected**2)
        variance = np.log1p(np.clip(excess, 0.02, 5.0))
        place = np.append(self._fit.coefficients, 0.5 * np.log(variance))
        place[0] -= variance / 2
        return place

    def speakers(self, place: Floats) -> _Speakers:
        """The moments of the speakers' effects, by quadrature about their modes."""
        fit, y, variance = self._fit, self._errors, float(np.exp(2 * place[-1]))
        with np.errstate(all="ignore"):
            expected = fit.words * np.exp(fit.design.linear(place[:-1]))
            rate = totals(fit.speaker, expected, fit.n_speakers)
            mode = _mode(y, rate, variance)
            width = np.sqrt(2.0 / (rate * np.exp(mode) + 1.0 / variance))
            u = mode[:, None] + width[:, None] * self._nodes
            factor = np.exp(u)
            logs = y[:, None] * u - rate[:, None] * factor - u * u / (2 * variance) + self._log_weights
            top = logs.max(axis=1)
            weights = np.exp(logs - top[:, None])
            mass = weights.sum(axis=1)
            weights /= mass[:, None]
            height = np.sum(top + np.log(mass * width)) - len(y) * place[-1] + place[:-1] @ self._target
        square = u * u
        mean, second = (weights * factor).sum(axis=1), (weights * square).sum(axis=1)
        off, off_square = factor - mean[:, None], square - second[:, None]
        weighted = weights * off
        moments = ((weighted * off).sum(axis=1), second, (weights * off_square**2).sum(axis=1))
        covariance = (weighted * off_square).sum(axis=1)
        return _Speakers(float(height) if np.isfinite(height) else -np.inf, mean, *moments, covariance, expected)

    def slope(self, place: Floats, at: _Speakers) -> tuple[Floats, Floats]:
        """Score and Louis' information, shapes (p + 1,) and (p + 1, p + 1)."""
        fit, variance = self._fit, float(np.exp(2 * place[-1]))
        weights = at.expected * at.mean[fit.speaker]
        means = fit.design.by_speaker(at.expected, fit.speaker, fit.n_speakers)
        p = fit.design.n_columns
        information = np.empty((p + 1, p + 1))
        information[:p, :p] = fit.design.gram(weights) - (means.T * at.variance) @ means
        information[:p, p] = information[p, :p] = means.T @ (at.covariance / variance)
        information[p, p] = np.sum(2 * at.square / variance - at.square_variance / variance**2)
        score = np.append(self._target - fit.design.cross(weights), np.sum(at.square / variance - 1.0))
        return score, information

    def covariance(self, place: Floats, at: _Speakers) -> Floats:
        """The sandwich by speaker, of the coefficients only."""
        fit, variance = self._fit, float(np.exp(2 * place[-1]))
        g, p = fit.n_speakers, fit.design.n_columns
        residuals = fit.errors - at.expected * at.mean[fit.speaker]
        scores = np.column_stack([fit.design.by_speaker(residuals, fit.speaker, g), at.square / variance - 1.0])
        information = self.slope(place, at)[1]
        if place[-1] <= _FLOOR:
            scores, information = scores[:, :p], information[:p, :p]
        bread = np.linalg.pinv(information, hermitian=True)
        found: Floats = (g / (g - 1) * bread @ (scores.T @ scores) @ bread)[:p, :p]
        return found


def _mode(errors: Floats, rate: Floats, variance: float) -> Floats:
    """The most likely effect of each speaker: the root of `y - L exp(u) - u / sigma^2`, by Newton's method."""
    mode = np.log((errors + 1.0 / variance) / (rate + 1.0 / variance))
    for _ in range(50):
        size = rate * np.exp(mode)
        step = np.clip((errors - size - mode / variance) / (size + 1.0 / variance), -2.0, 2.0)
        mode = mode + step
        if np.abs(step).max() < 1e-11:
            break
    return mode
