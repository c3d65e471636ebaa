"""The Poisson model and its standard errors: the same as statsmodels', the same as refitting without each speaker."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from regression_data import dense, rng_of, speech, utterances

from asrfair.errors import InputError
from asrfair.stats import group_interval
from asrfair.stats.rates import satterthwaite_df
from asrfair.stats.regression.design import Factor, distinct
from asrfair.stats.regression.pml import fit_poisson
from asrfair.stats.regression.sandwich import inference

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"


def fitted(key=1, *, with_snr=True, **sizes):
    errors, words, speaker, group, site, snr = utterances(key, **sizes)
    factors = [Factor("site", site, ("x", "y", "z")), Factor("group", group, ("A", "B", "C"))]
    return fit_poisson(errors, words, speaker, factors, {"snr": snr} if with_snr else {})


def all_of(fit):
    return inference(fit, np.eye(len(fit.columns)))


@pytest.mark.parametrize("with_snr", [True, False])
def test_coefficients_and_cr1_are_those_of_statsmodels(with_snr):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sm = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")
    fit = fitted(with_snr=with_snr)
    matrix = dense(fit)
    model = sm.GLM(fit.errors, matrix, family=sm.families.Poisson(), offset=np.log(fit.words))
    theirs = model.fit(cov_type="cluster", cov_kwds={"groups": fit.speaker}, tol=1e-13)
    assert fit.coefficients == pytest.approx(theirs.params, abs=1e-9)
    n, p = matrix.shape
    # statsmodels' CR1 has the factor (n-1)/(n-p) besides G/(G-1).
    assert all_of(fit).se_cr1 * np.sqrt((n - 1) / (n - p)) == pytest.approx(theirs.bse, rel=1e-6)


@pytest.mark.skipif(not (REFERENCE / "glmm.py").exists(), reason="no reference code beside the checkout")
@pytest.mark.parametrize("key", range(4))
def test_standard_errors_and_df_are_those_of_the_reference(key):
    sys.path.insert(0, str(REFERENCE))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    import glmm

    sys.dont_write_bytecode = written
    sys.path.remove(str(REFERENCE))
    fit = fitted(key, n_speakers=15 + 20 * key)
    matrix = dense(fit)
    b, mu, information = glmm.pois_pml(matrix, fit.errors, np.log(fit.words), fit.speaker, fit.n_speakers)
    theirs = glmm.cluster_inference(
        matrix, fit.errors, mu, information, fit.speaker, fit.n_speakers, np.eye(matrix.shape[1])
    )
    ours = all_of(fit)
    assert fit.coefficients == pytest.approx(b, abs=1e-9)
    for found, expected in zip((ours.se_cr1, ours.se, ours.df), theirs, strict=True):
        assert found == pytest.approx(expected, rel=1e-6)


def test_with_groups_only_the_ratio_is_that_of_the_pooled_rates():
    errors, words, speaker, group, *_ = utterances(3)
    fit = fit_poisson(errors, words, speaker, [Factor("group", group, ("A", "B", "C"))])
    rates = [errors[group == g].sum() / words[group == g].sum() for g in range(3)]
    assert np.exp(fit.coefficient("group=B")) == pytest.approx(rates[1] / rates[0], rel=1e-12)
    assert np.exp(fit.coefficient("group=C")) == pytest.approx(rates[2] / rates[0], rel=1e-12)


def test_one_group_alone_has_the_interval_of_the_rates():
    """Intercept only: CR3 is the jackknife of `rates`, and so are the degrees of freedom."""
    errors, words = np.array([5.0, 8, 3, 10]), np.array([50.0, 40, 60, 50])
    found = inference(fit_poisson(errors, words, np.arange(4)), np.ones((1, 1)))
    expected = group_interval(errors, words)
    assert found.se[0] * expected.wer == pytest.approx(expected.se, rel=1e-9)
    assert found.df[0] == pytest.approx(expected.df, rel=1e-9)
    assert found.df[0] == pytest.approx(2.850304, abs=1e-6)


def test_equal_speakers_have_one_df_less_than_there_are_of_them_in_each_group():
    rng = rng_of(4)
    group = Factor("group", np.arange(20) % 2, ("A", "B"))
    fit = fit_poisson(1.0 + rng.poisson(10, 20), np.full(20, 100.0), np.arange(20), [group])
    equal = 1.0 + 0.0 * fit.errors
    assert inference(fit, np.array([[1.0, 0.0], [1.0, 1.0]])).df == pytest.approx([9, 9])
    assert satterthwaite_df(equal[:10]) == pytest.approx(9)


def test_cr3_is_the_jackknife_of_refits_without_each_speaker():
    """One Newton step from the fit: exact to second order, so within a few per cent of the full refit's spread."""
    errors, words, speaker, group, site, snr = utterances(5, n_speakers=30)
    fit = fitted(5, n_speakers=30)
    changes = all_of(fit).changes
    refits = np.empty_like(changes)
    for s in range(30):
        others = speaker != s
        factors = [Factor("site", site[others], tuple("xyz")), Factor("group", group[others], tuple("ABC"))]
        again = fit_poisson(errors[others], words[others], speaker[others], factors, {"snr": snr[others]})
        assert again.columns == fit.columns
        refits[s] = again.coefficients - fit.coefficients
    number_of = distinct([speaker])[0][np.unique(speaker, return_index=True)[1]]
    assert np.abs(changes[number_of] - refits).max() < 0.1 * np.abs(refits).max()
    assert all_of(fit).se == pytest.approx(np.sqrt(29 / 30 * np.sum(refits**2, axis=0)), rel=0.03)


def test_cutting_an_utterance_in_two_and_changing_the_order_changes_nothing():
    errors, words, speaker, group, site, snr = utterances(6)
    whole = fitted(6)
    order = rng_of(7).permutation(len(errors) * 2)
    errors, words = (np.tile(values / 2, 2)[order] for values in (errors, words))
    speaker, group, site, snr = (np.tile(values, 2)[order] for values in (speaker, group, site, snr))
    factors = [Factor("site", site, ("x", "y", "z")), Factor("group", group, ("A", "B", "C"))]
    halves = fit_poisson(errors, words, speaker, factors, {"snr": snr})
    assert halves.coefficients == pytest.approx(whole.coefficients, abs=1e-9)
    for name in ("se_cr1", "se", "df"):
        assert getattr(all_of(halves), name) == pytest.approx(getattr(all_of(whole), name), rel=1e-7)


def test_many_patterns_of_sites_give_what_one_dense_jackknife_gives():
    """Speakers who met different sites are in different blocks; the formula of the module does not care."""
    rng = rng_of(8)
    n, g = 4000, 300
    speaker = rng.integers(0, g, n)
    site = (speaker * 7 + rng.integers(0, 3, n) ** 2) % 11
    words = rng.integers(3, 20, n).astype(float)
    errors = speech(rng, np.full(n, -1.5), words, speaker)
    fit = fit_poisson(errors, words, speaker, [Factor("site", site, tuple(map(str, range(11))))])
    matrix, found = dense(fit), all_of(fit)
    for s in range(0, g, 37):
        own = fit.speaker == s
        without = fit.information - (matrix[own].T * fit.expected[own]) @ matrix[own]
        score = matrix[own].T @ (fit.errors - fit.expected)[own]
        assert found.changes[s] == pytest.approx(-np.linalg.solve(without, score), rel=1e-6, abs=1e-10)


def test_a_level_without_errors_is_named_and_moves_nothing_else():
    errors, words, speaker, group, site, _ = utterances(9)
    errors = np.where(site == 2, 0.0, errors)
    factors = [Factor("site", site, ("x", "y", "quiet")), Factor("group", group, ("A", "B", "C"))]
    fit = fit_poisson(errors, words, speaker, factors)
    assert fit.separated == (("site", "quiet"),)
    assert fit.columns == ("intercept", "site=y", "group=B", "group=C")
    kept = site != 2
    alone = fit_poisson(
        errors[kept], words[kept], speaker[kept], [Factor(f.name, f.codes[kept], f.levels) for f in factors]
    )
    assert fit.coefficients == pytest.approx(alone.coefficients, abs=1e-12)


def test_utterances_without_reference_words_are_dropped_and_counted():
    errors, words, speaker, group, *_ = utterances(10)
    factor = Factor("group", group, ("A", "B", "C"))
    words[:7] = 0.0
    fit = fit_poisson(errors, words, speaker, [factor])
    alone = fit_poisson(errors[7:], words[7:], speaker[7:], [Factor("group", group[7:], ("A", "B", "C"))])
    assert fit.n_without_words == 7
    assert fit.coefficients == pytest.approx(alone.coefficients, abs=1e-12)


def test_a_group_that_a_site_determines_is_refused_by_name():
    errors, words, speaker, group, *_ = utterances(11)
    factors = [Factor("site", group, ("x", "y", "z")), Factor("group", group, ("A", "B", "C"))]
    with pytest.raises(InputError, match="'group=B' is determined by 'site=y'"):
        fit_poisson(errors, words, speaker, factors)


def test_a_number_that_is_the_group_is_refused_by_name():
    errors, words, speaker, group, *_ = utterances(11)
    with pytest.raises(InputError, match="'age' is determined by 'group=B', 'group=C'"):
        fit_poisson(errors, words, speaker, [Factor("group", group, tuple("ABC"))], {"age": 1.0 + group})


@pytest.mark.parametrize(
    ("errors", "speakers", "said"),
    [([0.0, 0, 0, 0], [0, 1, 2, 3], "no errors at all"), ([1.0, 2, 1, 2], [0, 1, 0, 1], "2 speaker")],
)
def test_what_cannot_be_fitted_is_refused(errors, speakers, said):
    with pytest.raises(InputError, match=said):
        fit_poisson(np.array(errors), np.full(4, 10.0), np.array(speakers))


def test_a_contrast_that_rests_on_one_speaker_has_no_variance():
    errors, words, speaker, *_ = utterances(12)
    site = np.where(speaker == 5, 1, 0)
    errors[site == 1] += 1.0
    fit = fit_poisson(errors, words, speaker, [Factor("site", site, ("x", "only 5"))])
    found = inference(fit, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert found.defined.tolist() == [True, False]
    others = speaker != 5
    alone = inference(fit_poisson(errors[others], words[others], speaker[others]), np.ones((1, 1)))
    # Speaker 5 says nothing of the other site; only the factor (G-1)/G counts one speaker more.
    assert found.se[0] == pytest.approx(alone.se[0] * np.sqrt((39 / 40) / (38 / 39)), rel=1e-6)


def test_levels_without_a_finite_solution_together_are_refused():
    """All errors of site x are group A's, all of B's at y: B at x has none, so y over x and B over A have no end."""
    group, site = np.repeat([0, 1, 1], 4), np.repeat([0, 0, 1], 4)
    errors = np.where((group == 1) & (site == 0), 0.0, 3.0)
    factors = [Factor("site", site, ("x", "y")), Factor("group", group, ("A", "B"))]
    with pytest.raises(InputError, match=r"no finite solution .*merge levels"):
        fit_poisson(errors, np.full(12, 10.0), np.arange(12), factors)


def test_errors_far_from_the_mean_rate_are_fitted():
    """Rates of .001 and 9: a first step that overshoots is halved, and the ratio is still exact."""
    group = Factor("group", np.arange(200) % 2, ("A", "B"))
    errors = np.where(group.codes == 1, 9000.0, 1.0)
    words = np.where(group.codes == 1, 1000.0, 1000.0)
    fit = fit_poisson(errors, words, np.arange(200), [group])
    assert np.exp(fit.coefficient("group=B")) == pytest.approx(9000.0, rel=1e-9)
