"""FAAS, the score of the ASR-FairBench leaderboard (Rai et al., Interspeech 2025), as printed. Not recommended.

For each category (gender, ethnicity, ...), from a Poisson mixed model of the errors of utterances with the log of the
reference length, `predicted WER_g = exp(b0 + b_g + b_logRef X) / (exp(X) - 1)`, X = mean log(words + 1);
`raw_g = 100 (1 - (WER_g - min) / (max - min))`; `category = sum_g p_g raw_g`, p_g = share of utterances; p of the
likelihood ratio test of the category, and `adjusted = category p / 0.05` where p < 0.05. Then
`overall = sum_c w_c adjusted_c / sum_c w_c` and `FAAS = 10 log10(overall / WER)`.

Here for comparison with published figures only; nothing is ranked by it, because:

1. PyPI `faas-metric` 1.0.2 stops with "MixedLM failed to converge" on every input tried: the fit here is our own.
2. Patched, it fits a Gaussian mixed model to WER and exponentiates it; printed is a Poisson model, which ours is.
3. Scaling by min and max erases size: gaps of 1 and of 50 points between two groups have one category score.
4. The factor p / 0.05 measures sample size: in the package, 40 speakers and a gap of 20 points score -144 to -179.
5. WER in percent or as a fraction shifts it by exactly 20. Both are given.
6. Its WER is a mean over utterances, in which three words weigh as much as forty.

Not in the paper, so ours: the speaker's effect is gamma and not normal (`poisson_mixed`); equal rates are 100 for all
groups; the weights w_c are equal by default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.arrays import Floats, labels, numbers
from asrfair.stats.poisson_mixed import fit_poisson_mixed, likelihood_ratio_p
from asrfair.stats.utterances import UtteranceErrors, utterance_errors

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class FaasCategory:
    """One category of FAAS.

    Attributes:
        name: e.g. `gender`.
        predicted: WER of each group from the model.
        score: 0 to 100; None if there are fewer than two groups or one has no errors.
        p: of the likelihood ratio test; None likewise.
        adjusted: the score, times p / 0.05 where p < 0.05.
        weight: in the overall score.
    """

    name: str
    predicted: Mapping[str, float]
    score: float | None
    p: float | None
    adjusted: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Faas:
    """FAAS as printed.

    Attributes:
        score_percent: with WER in percent; None where it is undefined (an overall score or a WER of 0).
        score_fraction: with WER as a fraction, 20 more.
        overall: weighted mean of the adjusted category scores.
        wer_utterance_mean: mean of the utterances' WER, a fraction; not the pooled rate.
        categories: one each.
        not_recommended: always true, and why is in the docstring of the module.
    """

    score_percent: float | None
    score_fraction: float | None
    overall: float | None
    wer_utterance_mean: float | None
    categories: tuple[FaasCategory, ...]
    not_recommended: bool = True


def faas_paper(
    categories: Mapping[str, ArrayLike],
    speakers: ArrayLike,
    errors: ArrayLike,
    words: ArrayLike,
    *,
    weights: Mapping[str, float] | None = None,
) -> Faas:
    """FAAS as printed, for comparison with published figures only.

    Args:
        categories: per category the group of each utterance, shape (n,): strings.
        speakers: speaker of each utterance, shape (n,): strings or integers.
        errors: errors of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,); utterances without are left out.
        weights: importance of each category; None weighs all the same.

    Raises:
        InputError: as `utterance_errors`; no category; weights that do not name the categories.

    >>> sexes = np.repeat(["f", "m"], 12)
    >>> found = faas_paper({"gender": sexes}, np.repeat(np.arange(8), 3), [1, 2, 3, 2] * 6, [10] * 24)
    >>> found.categories[0].score, round(found.score_fraction - found.score_percent, 9), found.not_recommended
    (100.0, 20.0, True)
    """
    if not categories:
        raise InputError("no category: give at least one, e.g. gender")
    shares = dict.fromkeys(categories, 1.0) if weights is None else dict(weights)
    if shares.keys() != categories.keys():
        raise InputError(f"weights of {', '.join(sorted(shares))} for categories {', '.join(sorted(categories))}")
    numbers(list(shares.values()), "weights")
    said = utterance_errors(speakers, errors, words)
    n = len(said.words) + said.n_excluded
    heard = np.asarray(words, dtype=np.float64) > 0
    found = tuple(
        _category(name, labels(groups, name, n)[heard].astype(str), said, shares[name])
        for name, groups in categories.items()
    )
    known = [(category.weight, category.adjusted) for category in found if category.adjusted is not None]
    total = sum(weight for weight, _ in known)
    overall = sum(weight * adjusted for weight, adjusted in known) / total if total else None
    wer = float(np.mean(said.rates)) if len(said.words) else None
    return Faas(faas_score(overall, wer, scale=100.0), faas_score(overall, wer), overall, wer, found)


def faas_score(overall: float | None, wer: float | None, *, scale: float = 1.0) -> float | None:
    """`10 log10(overall / (scale WER))`; None where a logarithm is undefined. `scale` is 100 for WER in percent.

    >>> round(faas_score(10.0, 0.15, scale=100), 7), round(faas_score(10.0, 0.15), 7)
    (-1.7609126, 18.2390874)
    """
    return 10.0 * math.log10(overall / (scale * wer)) if overall and wer else None


def category_score(rates: ArrayLike, shares: ArrayLike) -> float:
    """`sum p_g raw_g` from predicted rates and shares of utterances; 100 where all rates are equal.

    >>> category_score([0.10, 0.11], [0.5, 0.5]), category_score([0.10, 0.60], [0.5, 0.5])
    (50.0, 50.0)
    """
    r, p = numbers(rates, "rates"), numbers(shares, "shares")
    low, high = float(r.min()), float(r.max())
    if high - low <= 1e-9 * high:
        return 100.0
    return float(np.sum(p / p.sum() * 100.0 * (1.0 - (r - low) / (high - low))))


def adjusted_score(score: float, p: float) -> float:
    """The category score, times p / 0.05 where p is below.

    >>> round(adjusted_score(50.0, 0.01), 9), adjusted_score(50.0, 0.2)
    (10.0, 50.0)
    """
    return score * p / ALPHA if p < ALPHA else score


def _category(name: str, groups: np.ndarray, said: UtteranceErrors, weight: float) -> FaasCategory:
    """Fit the model with and without the groups of one category."""
    names, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, said.errors, minlength=len(names))
    if len(names) < 2 or not np.all(sums > 0):
        return FaasCategory(name, {}, None, None, None, weight)
    length = np.log(said.words + 1.0)
    centre = float(length.mean())
    covariate = (length - centre)[:, None][:, : int(np.ptp(length) > 1e-9)]  # no slope if all are of one length
    _, speaker = np.unique(said.speakers, return_inverse=True)
    dummies: Floats = np.eye(len(names))[group]
    full = fit_poisson_mixed(np.hstack([dummies, covariate]), said.errors, speaker)
    null = fit_poisson_mixed(np.hstack([np.ones((len(group), 1)), covariate]), said.errors, speaker)
    rates = np.exp(full.coefficients[: len(names)]) / math.expm1(centre)
    p = likelihood_ratio_p(full, null)
    score = category_score(rates, np.bincount(group))
    predicted = {str(g): float(rate) for g, rate in zip(names, rates, strict=True)}
    return FaasCategory(name, predicted, score, p, adjusted_score(score, p), weight)
