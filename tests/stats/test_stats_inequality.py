"""Between-group variance and inequality indices: worked values, unbiasedness, invariances, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats.inequality import between_group_variance, generalised_entropy, gini, shrunken_rates

RATES, SES, WORDS = (0.10, 0.12, 0.20, 0.15), (0.01, 0.02, 0.03, 0.02), (400, 300, 100, 200)
GROUPS = st.lists(st.tuples(st.floats(0.001, 2.0), st.integers(1, 10_000)), min_size=2, max_size=12)


def near(value):
    return pytest.approx(value, abs=1e-6)


def test_the_worked_example_of_the_methods():
    found = between_group_variance(RATES, SES)
    assert (found.naive, found.corrected) == (near(0.00141875), near(0.00108125))
    assert found.sd == near(0.0328824)
    assert generalised_entropy(RATES, WORDS, 1) == near(0.0275428)
    assert generalised_entropy(RATES, WORDS, 0) == near(0.0260075)
    assert generalised_entropy(RATES, WORDS, 2) == near(0.0297304)
    assert gini(RATES, WORDS) == near(0.1238095)
    assert generalised_entropy(RATES) == near(0.0341226)
    assert gini(RATES) == near(0.1447368)


def test_shrunken_rates_worked_by_hand():
    """Weights 10000, 2500, 10000/9, 2500: mu = 0.1177586; tau2 = 0.00108125."""
    assert shrunken_rates(RATES, SES) == pytest.approx([0.1015033, 0.1193946, 0.1626411, 0.1412935], abs=1e-6)


def test_the_corrected_variance_is_unbiased_and_the_naive_is_not():
    """True rates of variance 0.0004 between groups (population form), each seen with its own noise."""
    rng = np.random.Generator(np.random.Philox(key=11))
    true, ses = np.array([0.08, 0.10, 0.12, 0.10, 0.13, 0.07]), np.array([0.01, 0.02, 0.03, 0.01, 0.02, 0.005])
    weights = np.array([3.0, 1, 1, 2, 1, 4])
    for w in (None, weights):
        drawn = [between_group_variance(true + ses * rng.standard_normal(6), ses, w) for _ in range(4000)]
        exact = between_group_variance(true, np.zeros(6), w).naive
        corrected = np.array([found.corrected for found in drawn])
        assert np.mean(corrected) == pytest.approx(exact, abs=4 * corrected.std() / 4000**0.5)
        assert np.mean([found.naive for found in drawn]) > exact + 1e-4


def test_noise_alone_may_give_a_negative_variance_but_never_a_negative_sd():
    found = between_group_variance([0.10, 0.101], [0.05, 0.05])
    assert found.corrected < 0
    assert found.sd == 0.0


def test_no_spread_beyond_noise_shrinks_all_rates_to_one():
    found = shrunken_rates([0.10, 0.11, 0.12], [0.05, 0.05, 0.05])
    assert found == pytest.approx([0.11, 0.11, 0.11])


def test_a_rate_without_measured_noise_is_not_shrunken():
    found = shrunken_rates([0.0, 0.11, 0.13], [0.0, 0.02, 0.02])
    assert found[0] == 0.0
    assert 0.11 < found[1] < found[2] < 0.13
    assert shrunken_rates([0.1, 0.2], [0.0, 0.0]).tolist() == [0.1, 0.2]


def test_the_noisier_of_two_equal_rates_is_shrunken_further():
    found = shrunken_rates([0.30, 0.30, 0.10, 0.10], [0.02, 0.08, 0.02, 0.02])
    assert found[1] < found[0] < 0.30


@given(GROUPS, st.sampled_from([0.01, 7.0]))
def test_percent_or_fraction_and_words_or_thousands_give_the_same_indices(groups, c):
    rates, words = (np.array(column, float) for column in zip(*groups, strict=True))
    for alpha in (0, 1, 2, -1, 0.5):
        expected = generalised_entropy(rates, words, alpha)
        assert generalised_entropy(c * rates, 3 * words, alpha) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert gini(c * rates, 3 * words) == pytest.approx(gini(rates, words), rel=1e-9, abs=1e-12)


@given(GROUPS)
def test_indices_are_zero_for_equal_rates_and_never_negative(groups):
    rates, words = (np.array(column, float) for column in zip(*groups, strict=True))
    for alpha in (0, 1, 2):
        assert generalised_entropy(rates, words, alpha) >= -1e-12
        assert generalised_entropy(np.full(len(rates), rates[0]), words, alpha) == pytest.approx(0, abs=1e-12)
    assert 0 <= gini(rates, words) < 1


@given(GROUPS)
def test_a_group_split_in_two_of_the_same_rate_changes_no_index(groups):
    rates, words = (np.array(column, float) for column in zip(*groups, strict=True))
    split_rates, split_words = np.append(rates, rates[0]), np.append(words, words[0] / 2)
    split_words[0] /= 2
    assert generalised_entropy(split_rates, split_words) == pytest.approx(generalised_entropy(rates, words), abs=1e-12)
    assert gini(split_rates, split_words) == pytest.approx(gini(rates, words), abs=1e-12)


def test_orders_one_and_zero_are_the_limits_of_the_general_formula():
    for alpha in (0, 1):
        assert generalised_entropy(RATES, WORDS, alpha + 1e-5) == pytest.approx(
            generalised_entropy(RATES, WORDS, alpha), rel=1e-4
        )


def test_what_is_undefined_is_none():
    assert generalised_entropy([0, 0.1], alpha=0) is None
    assert generalised_entropy([0, 0.1], alpha=-1) is None
    assert generalised_entropy([0, 0.1]) == pytest.approx(np.log(2))
    assert generalised_entropy([0.0, 0.0]) is None
    assert gini([0.0, 0.0]) is None
    assert generalised_entropy([0, 0.1, 0.2], [0, 1, 1], 0) is not None, "a group without weight has no say"


@pytest.mark.parametrize("wrong", [[], [0.1, np.nan], [-0.1, 0.2], [np.inf, 1], [[0.1, 0.2]], ["a", "b"]])
def test_what_is_no_rate_is_refused(wrong):
    for measure in (lambda r: between_group_variance(r, r), lambda r: shrunken_rates(r, r), generalised_entropy, gini):
        with pytest.raises(InputError):
            measure(wrong)


def test_weights_and_errors_that_do_not_fit_are_refused():
    for wrong in ([1.0], [0.0, 0.0], [-1.0, 2.0]):
        with pytest.raises(InputError, match="weights"):
            gini([0.1, 0.2], wrong)
    with pytest.raises(InputError, match="ses"):
        between_group_variance([0.1, 0.2], [0.1])
    with pytest.raises(InputError, match="alpha"):
        generalised_entropy([0.1, 0.2], alpha=float("nan"))
