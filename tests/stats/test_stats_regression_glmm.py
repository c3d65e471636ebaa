"""The mixed model and the spread of speakers: against brute force, the reference, and what was planted."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from regression_data import dense, rng_of, speech, utterances

from asrfair.errors import InputError
from asrfair.stats.regression import estimate_spread
from asrfair.stats.regression.design import Factor
from asrfair.stats.regression.glmm import fit_mixed
from asrfair.stats.regression.pml import fit_poisson

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
ERRORS, WORDS = np.array([5.0, 8, 3, 10, 2, 4, 6, 1, 9, 0]), np.array([50.0, 40, 60, 50, 50, 80, 40, 30, 50, 20])
GROUP = Factor("group", np.arange(10) // 5, ("A", "B"))


def brute_force(place):
    """Log-likelihood of the ten speakers above by a fine sum over the speaker's effect."""
    a, b, log_sigma = place
    sigma = math.exp(log_sigma)
    u = np.linspace(-12, 12, 20_001)[:, None] * sigma
    mean = WORDS * np.exp(a + b * GROUP.codes + u)
    logs = ERRORS * np.log(mean) - mean - 0.5 * (u / sigma) ** 2
    return float(np.sum(np.log(np.exp(logs - logs.max(axis=0)).sum(axis=0)) + logs.max(axis=0)))


def test_the_fit_is_the_maximum_of_the_likelihood_by_brute_force():
    found = fit_mixed(fit_poisson(ERRORS, WORDS, np.arange(10), [GROUP]))
    place = np.append(found.coefficients, math.log(found.sigma))
    top = brute_force(place)
    for moved in (*np.eye(3), *-np.eye(3)):
        assert brute_force(place + 1e-3 * moved) < top
    for j in range(3):
        step = 1e-4 * np.eye(3)[j]
        slope = (brute_force(place + step) - brute_force(place - step)) / 2e-4
        assert slope == pytest.approx(0.0, abs=2e-4)


def test_the_ten_speakers_by_hand():
    """The maximum of `brute_force`, found once by Nelder and Mead's method."""
    found = fit_mixed(fit_poisson(ERRORS, WORDS, np.arange(10), [GROUP]))
    assert found.converged
    assert (*found.coefficients, found.sigma) == pytest.approx((-2.2740984, -0.2581060, 0.4970479), abs=1e-6)


@pytest.mark.skipif(not (REFERENCE / "glmm.py").exists(), reason="no reference code beside the checkout")
@pytest.mark.parametrize(("key", "sigma"), [(1, 0.4), (2, 0.8), (3, 1.3)])
def test_the_fit_is_that_of_the_reference(key, sigma):
    pytest.importorskip("scipy", reason="the reference needs scipy")
    sys.path.insert(0, str(REFERENCE))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    import glmm

    sys.dont_write_bytecode = written
    sys.path.remove(str(REFERENCE))
    _, words, speaker, group, site, snr = utterances(key)
    errors = speech(rng_of(key), np.log(0.15) - 0.2 * snr + 0.3 * (group == 1), words, speaker, sigma=sigma)
    factors = [Factor("site", site, ("x", "y", "z")), Factor("group", group, ("A", "B", "C"))]
    fit = fit_poisson(errors, words, speaker, factors, {"snr": snr})
    theirs = glmm.pois_glmm(dense(fit), fit.errors, np.log(fit.words), fit.speaker, fit.n_speakers)
    ours = fit_mixed(fit)
    assert ours.coefficients == pytest.approx(theirs["beta"], abs=1e-6)
    assert ours.sigma == pytest.approx(theirs["sigma"], abs=1e-6)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs["se_robust"], rel=1e-5)


def test_no_spread_between_speakers_is_sigma_0_and_the_poisson_fit():
    words = np.full(60, 100.0)
    errors = np.tile([9.0, 10.0, 11.0], 20)
    fit = fit_poisson(errors, words, np.arange(60), [Factor("group", np.arange(60) % 2, ("A", "B"))])
    found = fit_mixed(fit)
    assert found.converged
    assert found.sigma == 0.0
    assert found.coefficients == pytest.approx(fit.coefficients, abs=1e-4)


def test_speakers_far_apart_and_with_many_errors_are_fitted():
    """A start far from the top: the step in sigma is shortened with all others, or it would no longer lead uphill."""
    errors = np.array([2.0, 2048, 286, 97, 1220, 1642, 339, 23, 187, 36])
    words = np.array([16.0, 281, 332, 317, 125, 214, 392, 45, 283, 76])
    site = np.array([0, 2, 1, 1, 0, 0, 1, 2, 1, 1])
    found = fit_mixed(fit_poisson(errors, words, np.arange(10), [Factor("site", site, ("x", "y", "z"))]))
    assert found.converged
    assert found.sigma == pytest.approx(1.174, abs=0.001)


def test_a_more_diverse_group_has_another_median_ratio_than_ratio_of_rates():
    """Why exp(b) is never called the ratio of error rates (METHODS section 4): with equal rates it is well below 1."""
    rng, m = rng_of(4), 400
    sd = np.repeat([0.9, 0.1], m)
    rates = 0.15 * np.exp(sd * rng.standard_normal(2 * m) - sd**2 / 2)
    words = np.full(2 * m, 500.0)
    group = Factor("group", 1 - np.arange(2 * m) // m, ("calm", "diverse"))
    fit = fit_poisson(rng.poisson(rates * words).astype(float), words, np.arange(2 * m), [group])
    assert fit.coefficients[1] == pytest.approx(0.0, abs=0.12)
    assert fit_mixed(fit).coefficients[1] < -0.2


def test_planted_spread_is_found():
    rng, m = rng_of(5), 300
    speaker = np.repeat(np.arange(m), 20)
    words = np.full(len(speaker), 20.0)
    errors = speech(rng, np.full(len(speaker), math.log(0.2)), words, speaker, sigma=0.5, shape=4.0)
    found = estimate_spread(errors, words, speaker)
    assert found.sigma == pytest.approx(0.5, abs=0.05)
    assert found.phi == pytest.approx(1 + 4.0 / 4.0, abs=0.3)  # a gamma of shape k adds mean / k to the dispersion
    assert (found.words_per_speaker, found.cv, found.n_speakers) == (400.0, 0.0, m)
    assert found.wer == pytest.approx(errors.sum() / words.sum())


def test_bursts_are_not_taken_for_differences_between_speakers():
    """Speakers who are all alike but err in bursts, two short utterances each: a bare Poisson model sees a spread."""
    rng, m = rng_of(6), 400
    speaker = np.repeat(np.arange(m), 4)
    words = np.full(len(speaker), 12.0)
    errors = speech(rng, np.full(len(speaker), math.log(0.3)), words, speaker, sigma=0.0, shape=1.0)
    sums = np.bincount(speaker, errors)
    bare = fit_mixed(fit_poisson(sums, np.full(m, 48.0), np.arange(m)))
    assert bare.sigma > 0.4
    assert estimate_spread(errors, words, speaker).sigma < 0.5 * bare.sigma


def test_what_says_nothing_of_the_spread_is_none_or_refused():
    alone = estimate_spread([1, 2, 3], [10, 10, 10], ["a", "b", "c"])
    assert alone.phi is None
    with pytest.raises(InputError, match="no errors"):
        estimate_spread([0, 0, 0], [10, 10, 10], ["a", "b", "c"])
    with pytest.raises(InputError, match="no utterance has reference words"):
        estimate_spread([1, 0, 0], [0, 0, 0], ["a", "b", "c"])
    with pytest.raises(InputError, match=r"errors\[1\]: nan"):
        estimate_spread([1, math.nan, 0], [1, 1, 1], ["a", "b", "c"])
