"""FAAS as printed: the worked example, why it is not recommended, and the model behind it."""

import math

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats.faas import adjusted_score, category_score, faas_paper, faas_score
from asrfair.stats.poisson_mixed import PoissonMixed, fit_poisson_mixed, likelihood_ratio_p, log_likelihood


def near(value):
    return pytest.approx(value, abs=1e-6)


def _speech(seed, speakers=40, ratio=1.0, per_speaker=15, sigma=0.4):
    """Two groups by turns; the second has `ratio` times the WER of the first, 0.2."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    speaker = np.repeat(np.arange(speakers), per_speaker)
    words = rng.integers(5, 40, len(speaker))
    rate = 0.2 * np.where(speaker % 2, ratio, 1.0) * rng.lognormal(-sigma * sigma / 2, sigma, speakers)[speaker]
    return np.where(speaker % 2, "m", "f"), speaker, rng.poisson(rate * words), words


def test_the_worked_example_of_the_methods():
    assert category_score([0.1, 0.3], [0.5, 0.5]) == near(50)
    assert adjusted_score(50.0, 0.01) == near(10)
    assert faas_score(10.0, 0.15, scale=100) == near(-1.7609126)
    assert faas_score(10.0, 0.15) == near(18.2390874)
    assert faas_score(adjusted_score(50.0, 0.2), 0.15, scale=100) == near(5.2287875)


def test_the_size_of_a_gap_is_erased():
    """Finding (iii): one point or fifty, the same score."""
    assert (
        category_score([0.10, 0.11], [1, 1]) == pytest.approx(category_score([0.10, 0.60], [1, 1])) == pytest.approx(50)
    )


def test_percent_or_fraction_is_worth_twenty():
    """Finding (v)."""
    group, *rest = _speech(1)
    found = faas_paper({"gender": group}, *rest)
    assert found.score_fraction - found.score_percent == pytest.approx(20)
    assert found.not_recommended


def test_more_of_the_same_data_lowers_the_score():
    """Finding (iv): the same people and the same WERs, with ten times the words; the score falls by tens."""
    group, speaker, errors, words = _speech(2, ratio=2.0)
    small = faas_paper({"gender": group}, speaker, errors, words)
    more = [np.concatenate([column, column]) for column in (group, errors, words)]
    large = faas_paper({"gender": more[0]}, np.concatenate([speaker, speaker + 40]), *more[1:])
    assert small.wer_utterance_mean == pytest.approx(large.wer_utterance_mean)
    assert large.score_percent < small.score_percent - 10


def test_predicted_rates_follow_the_planted_ratio():
    group, *rest = _speech(3, speakers=100, ratio=2.0)
    found = faas_paper({"gender": group}, *rest).categories[0]
    assert found.predicted["m"] / found.predicted["f"] == pytest.approx(2.0, rel=0.2)
    assert found.predicted["f"] == pytest.approx(0.2, rel=0.2)
    assert found.score == pytest.approx(50)
    assert found.p < 0.001
    assert found.adjusted == pytest.approx(50 * found.p / 0.05)


def test_groups_that_are_alike_are_rarely_penalised():
    """With a speaker effect in the model; without one the test takes utterances as independent."""
    p = [
        faas_paper({"g": g}, *rest).categories[0].p
        for g, *rest in (_speech(100 + i, 30, per_speaker=6) for i in range(60))
    ]
    assert np.mean(np.array(p) < 0.05) <= 0.15


def test_categories_are_averaged_by_their_weights():
    group, speaker, errors, words = _speech(4)
    other = np.where(speaker < 20, "x", "y")
    categories = {"gender": group, "place": other}
    found = faas_paper(categories, speaker, errors, words, weights={"gender": 3, "place": 1})
    gender, place = found.categories
    assert found.overall == pytest.approx((3 * gender.adjusted + place.adjusted) / 4)
    assert faas_paper(categories, speaker, errors, words).overall == pytest.approx(
        (gender.adjusted + place.adjusted) / 2
    )


def test_the_order_of_utterances_changes_nothing():
    columns = _speech(5)
    mixed = np.random.Generator(np.random.Philox(key=6)).permutation(len(columns[0]))
    left, right = (faas_paper({"g": c[0]}, *c[1:]) for c in (columns, [column[mixed] for column in columns]))
    assert left.score_percent == pytest.approx(right.score_percent, abs=1e-4)


def test_what_cannot_be_scored_is_none():
    words, speakers = [10] * 6, [0, 0, 1, 1, 2, 2]
    one = faas_paper({"g": ["a"] * 6}, speakers, [1] * 6, words)
    assert (one.categories[0].score, one.overall, one.score_percent) == (None, None, None)
    silent = faas_paper({"g": ["a", "a", "b", "b", "b", "b"]}, speakers, [0, 0, 1, 1, 2, 1], words)
    assert silent.categories[0].score is None
    assert faas_score(0.0, 0.1) is faas_score(10.0, 0.0) is faas_score(None, 0.1) is None
    assert faas_paper({"g": []}, [], [], []).wer_utterance_mean is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: faas_paper({}, [1], [1], [1]),
        lambda: faas_paper({"g": ["a"]}, [1], [-1], [1]),
        lambda: faas_paper({"g": ["a"]}, [1], [1], [np.nan]),
        lambda: faas_paper({"g": ["a", "b"]}, [1], [1], [1]),
        lambda: faas_paper({"g": ["a"]}, [1], [1], [1], weights={"h": 1}),
        lambda: faas_paper({"g": ["a"]}, [1], [1], [1], weights={"g": -1}),
    ],
)
def test_wrong_input_is_refused(call):
    with pytest.raises(InputError):
        call()


def test_the_likelihood_is_the_poisson_one_integrated_over_gamma_speakers():
    from scipy import integrate, stats

    y, mu, k = np.array([1.0, 3, 0]), np.exp([0.2, 0.7, -0.4]), 2.5

    def at(u):
        return np.prod(stats.poisson.pmf(y, u * mu)) * stats.gamma.pdf(u, k, scale=1 / k)

    expected = math.log(integrate.quad(at, 0, 40)[0]) + sum(math.lgamma(v + 1) for v in y)
    assert log_likelihood(np.log(mu)[:, None], y, np.zeros(3, int), k, np.ones(1)) == pytest.approx(expected, abs=1e-6)


def test_without_spread_between_speakers_it_is_poisson_regression():
    """Group rates of a Poisson regression without covariate are pooled rates."""
    group, speaker = np.repeat([0, 1], 300), np.arange(600) % 20
    y = np.where(group, 3.0, 2.0)  # less varied than Poisson: no speaker effect is found
    fit = fit_poisson_mixed(np.eye(2)[group], y, speaker)
    assert np.exp(fit.coefficients) == pytest.approx([2.0, 3.0], rel=1e-4)
    assert fit.speaker_variance < 1e-4


def test_a_planted_speaker_variance_is_found():
    rng = np.random.Generator(np.random.Philox(key=9))
    speaker = np.repeat(np.arange(300), 10)
    y = rng.poisson(4.0 * rng.gamma(2.0, 0.5, 300)[speaker]).astype(float)
    fit = fit_poisson_mixed(np.ones((3000, 1)), y, speaker)
    assert fit.speaker_variance == pytest.approx(0.5, rel=0.2)
    assert math.exp(fit.coefficients[0]) == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 8, 11])
def test_the_likelihood_ratio_is_chi_squared(df):
    from scipy import stats

    for half in (0.0, 0.01, 1.3, 9.0, 60.0):
        full, null = PoissonMixed(np.zeros(df + 2), half, 0.1), PoissonMixed(np.zeros(2), 0.0, 0.1)
        assert likelihood_ratio_p(full, null) == pytest.approx(stats.chi2.sf(2 * half, df), rel=1e-9)
