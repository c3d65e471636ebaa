"""Speech as the simulations make it: speakers with log-normal rates, utterances with over-dispersed errors, bursts.

Errors of an utterance are negative binomial with mean `base N exp(u)`, u the speaker's log rate (mean such that the
population's pooled rate is R), plus a rare burst of inserted words. Three regimes (METHODS section 2): conversation,
read sentences, and a recogniser that hallucinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Regime:
    """Rate, log-sd of speakers, gamma shape; words and utterances with their coefficients of variation; bursts."""

    rate: float
    sigma: float
    shape: float
    words: float
    words_cv: float
    utterances: float
    utterances_cv: float
    burst_share: float = 0.0
    burst_words: float = 0.0


REGIMES = {
    "conversation": Regime(0.20, 0.40, 8.0, 35, 0.8, 30, 0.6),
    "read": Regime(0.08, 0.55, 1.5, 10, 0.4, 50, 0.4),
    "hallucination": Regime(0.05, 0.70, 0.7, 9, 0.5, 40, 0.6, 0.002, 25),
}


def rng_of(*key: object) -> np.random.Generator:
    """The generator of one case of a study."""
    from asrfair.seeds import stable_hash

    return np.random.Generator(np.random.Philox(key=stable_hash("validity", *key)))


def voices(rng: np.random.Generator, regime: Regime, n: int, sigma: float | None = None) -> Floats:
    """Log rates of n speakers relative to the regime's rate, such that the mean rate is the regime's."""
    spread = regime.sigma if sigma is None else sigma
    return spread * rng.standard_normal(n) - spread**2 / 2


def speech(rng: np.random.Generator, regime: Regime, log_rates: Floats) -> tuple[Floats, Floats]:
    """Errors and words of each speaker, summed over their utterances.

    Args:
        rng: of the case.
        regime: which.
        log_rates: of each speaker, any shape.
    """
    flat = log_rates.ravel()
    speaker, words, errors = utterances(rng, regime, flat)
    sums = [np.bincount(speaker, values, len(flat)).reshape(log_rates.shape) for values in (errors, words)]
    return sums[0], sums[1]


def utterances(rng: np.random.Generator, regime: Regime, log_rates: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Speaker, words and errors of every utterance of the speakers, whose log rates have shape (m,)."""
    speaker = np.repeat(np.arange(len(log_rates)), _sizes(rng, regime, len(log_rates)))
    words = np.maximum(1.0, np.rint(regime.words * _log_normal(rng, regime.words_cv, len(speaker))))
    base = regime.rate - regime.burst_share * regime.burst_words / regime.words
    means = base * words * np.exp(log_rates[speaker])
    errors = rng.poisson(means * rng.gamma(regime.shape, 1 / regime.shape, len(speaker))).astype(float)
    if regime.burst_share:
        hit = rng.random(len(speaker)) < regime.burst_share
        errors[hit] += rng.poisson(regime.burst_words, int(hit.sum()))
    return speaker, words, errors


def _sizes(rng: np.random.Generator, regime: Regime, n: int) -> NDArray[np.int64]:
    """Utterances of each speaker, at least 2."""
    drawn = np.rint(regime.utterances * _log_normal(rng, regime.utterances_cv, n))
    return np.maximum(2, drawn).astype(np.int64)


def _log_normal(rng: np.random.Generator, cv: float, n: int) -> Floats:
    """Log-normal numbers of mean 1 and this coefficient of variation."""
    sigma = np.sqrt(np.log1p(cv**2))
    return np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)
