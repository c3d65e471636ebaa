"""Everybody's utterances, if spoken by one group: standardised word error rates.

`R_g = sum_i N_i exp(b_0 + b_g + v_i) / sum_i N_i`, v_i being the covariates' part of x_i'b, is `exp(b_0 + b_g)` times
the mean of exp(v_i) over all words. When speaker s is deleted, log R_g changes by `c'(b_(-s) - b)`, where c is the
intercept, the group and the mean of the covariates weighted by `N_i exp(v_i)`, and by what the mean loses with the
speaker's words. Utterances at a covariate level without errors have a predicted rate of 0, and count by their words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asrfair.stats.atoms import Codes
from asrfair.stats.regression.design import Floats, totals
from asrfair.stats.regression.pml import PoissonFit


@dataclass(frozen=True, slots=True)
class Population:
    """The utterances that rates are standardised to.

    Attributes:
        log_mean: log of the mean of exp(v_i) over words.
        direction: its derivative by the coefficients; 0 at the intercept and at the groups, shape (p,).
        changes: of log_mean at fixed coefficients, when each speaker is deleted, shape (S,).
    """

    log_mean: float
    direction: Floats
    changes: Floats


def population(fit: PoissonFit, attribute: str, words: Floats, speakers: Codes) -> Population:
    """The utterances of all groups that have errors.

    Args:
        fit: the model.
        attribute: the factor whose columns are the groups.
        words: of each utterance, those at covariate levels without errors included, shape (n,).
        speakers: number of each one's speaker, from 0 to S - 1, as given to the fit.
    """
    kept = np.array([not (j == 0 or name.startswith(f"{attribute}=")) for j, name in enumerate(fit.columns)])
    weights = fit.words * np.exp(fit.design.linear(np.where(kept, fit.coefficients, 0.0)))
    total, n_words, n_speakers = float(weights.sum()), float(words.sum()), int(speakers.max()) + 1
    own = totals(fit.speaker_ids[fit.speaker], weights, n_speakers)
    with np.errstate(divide="ignore"):
        changes = np.log1p(-own / total) - np.log1p(-totals(speakers, words, n_speakers) / n_words)
    direction = np.where(kept, fit.design.cross(weights) / total, 0.0)
    return Population(float(np.log(total / n_words)), direction, changes)
