"""The bootstrap and the permutation tests, against worked numbers, exhaustive answers and their own promises."""

import math
from itertools import product

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats.bootstrap import bootstrap_interval, bootstrap_sums
from asrfair.stats.legacy import mapsswe
from asrfair.stats.max_t import max_t, statistics
from asrfair.stats.permutation import permutation_test, sign_flip_test

A = ([5, 8, 3, 10], [50, 40, 60, 50])
B = ([2, 4, 6, 1, 5], [50, 80, 40, 30, 50])


def rng_of(key):
    return np.random.Generator(np.random.Philox(key=key))


def test_the_worked_permutation_tests_of_methods_11():
    found = permutation_test(*A, *B)
    assert found.statistic == pytest.approx(1.4696457, abs=1e-6)
    assert (found.p, found.n_permutations, found.exact) == (pytest.approx(28 / 126), 126, True)
    assert permutation_test(*A, *B, studentised=False).p == pytest.approx(27 / 126)


def test_the_worked_sign_flip_of_methods_11():
    first, second = np.array([10, 12, 7, 9, 20, 6]), np.array([8, 13, 5, 6, 14, 6])
    assert sign_flip_test(first - second).p == 8 / 64


def test_sign_flips_are_exact_up_to_twenty_speakers():
    values = rng_of(1).integers(-5, 9, 11)
    sums = [abs(np.dot(values, signs)) for signs in product((-1, 1), repeat=11)]
    assert sign_flip_test(values).p == np.mean(np.array(sums) >= abs(values.sum()))


def test_sampled_permutations_agree_with_enumerated_ones():
    rng = rng_of(2)
    a, b = (rng.integers(1, 30, 9), np.full(9, 100)), (rng.integers(5, 40, 8), np.full(8, 100))
    sampled = permutation_test(*a, *b, n_permutations=9_999)
    many = permutation_test(*a, *b, n_permutations=40_000, seed=1)
    assert not sampled.exact
    assert sampled.p == pytest.approx(many.p, abs=0.015)


def test_three_against_three_is_refused_because_it_could_never_reach_the_level():
    assert permutation_test([1, 2, 3], [9, 9, 9], [7, 8, 9], [9, 9, 9]).p is None
    assert sign_flip_test([1, 2, 3, 4, 5]).p is None
    assert sign_flip_test([1, 2, 3, 4, 5, 6]).p == 2 / 64


def test_max_t_adjusts_like_the_largest_of_all_cells():
    """Four noise cells around one strong one: its p stays small, theirs are far larger than unadjusted."""
    rng, m = rng_of(3), 40
    inside = np.arange(m) < 20
    words = np.full(m, 500.0)
    cells = []
    for cell in range(5):
        rate = np.where(inside & (cell == 0), 0.4, 0.2)
        cells.append(
            (rng.poisson(words * rate * np.exp(0.3 * rng.standard_normal(m))).astype(float), words, inside, ~inside)
        )
    observed = [float(statistics(e, n, a[None, :], b[None, :])[0]) for e, n, a, b in cells]
    adjusted = max_t([*observed, None], [*cells, cells[0]])
    assert adjusted[0] < 0.01
    assert adjusted[5] is None
    alone = [max_t([t], [c])[0] for t, c in zip(observed[1:], cells[1:], strict=True)]
    assert all(p >= q for p, q in zip(adjusted[1:5], alone, strict=True))


def test_bootstrap_replicates_have_the_moments_of_the_multinomial():
    errors, words = rng_of(4).integers(0, 50, 30), rng_of(5).integers(50, 500, 30)
    sums, _ = bootstrap_sums(errors, words, n_replicates=20_000)
    assert sums.mean() == pytest.approx(errors.sum(), rel=0.005)
    assert sums.var() == pytest.approx(30 * errors.var(), rel=0.05)


def test_percentile_intervals_equal_scipys_within_monte_carlo_error():
    from scipy import stats

    rng = rng_of(6)
    words = rng.integers(100, 900, 60)
    errors = rng.poisson(words * 0.15 * np.exp(0.4 * rng.standard_normal(60)))
    ours = bootstrap_interval(errors, words, method="percentile", n_replicates=20_000)
    theirs = stats.bootstrap(
        (errors, words), lambda e, n, axis: e.sum(axis) / n.sum(axis), paired=True, method="percentile", rng=rng
    ).confidence_interval
    width = theirs.high - theirs.low
    assert abs(ours.low - theirs.low) < 0.04 * width
    assert abs(ours.high - theirs.high) < 0.04 * width


@pytest.mark.parametrize(("method", "m"), [("percentile", 20), ("expanded", 9), ("bootstrap-t", 2), ("bca", 100)])
def test_an_interval_that_would_not_cover_is_refused(method, m):
    with pytest.raises(InputError, match=r"needs|must be"):
        bootstrap_interval(np.arange(m) + 1, np.full(m, 100), method=method)


@pytest.mark.parametrize("method", ["bootstrap-t", "expanded"])
def test_a_group_without_errors_or_spread_has_no_studentised_interval(method):
    found = bootstrap_interval(np.zeros(60), np.full(60, 10), method=method)
    assert found.wer == 0.0
    assert bootstrap_interval(np.full(60, 3), np.full(60, 10)).low is None
    nothing = bootstrap_interval([1] * 60, [0] * 60, method=method)
    assert (nothing.wer, nothing.low, nothing.high) == (None, None, None)


def test_fractions_of_errors_are_refused():
    with pytest.raises(InputError, match="whole numbers"):
        bootstrap_interval([0.5] * 5, [10] * 5)


def test_mapsswe_needs_the_word_legacy():
    with pytest.raises(InputError, match="legacy=True"):
        mapsswe([1, 2], [2, 1])
    found = mapsswe([2, 0, 1, 3], [1, 0, 2, 1], legacy=True)
    assert found.z == pytest.approx(0.5 / (np.std([1, 0, -1, 2], ddof=1) / 2))
    assert found.p == pytest.approx(math.erfc(found.z / math.sqrt(2)))
    assert mapsswe([1, 1], [0, 0], legacy=True).p is None


@pytest.mark.parametrize("bad", [[1.0, math.nan], [[1.0]]])
def test_bad_differences_are_refused(bad):
    with pytest.raises(InputError, match="finite numbers"):
        sign_flip_test(bad)


def test_a_studentised_interval_beyond_floating_point_is_none():
    """A fault that the validity study found: five speakers, one burst, and a replicate with nearly no spread."""
    found = bootstrap_interval([1, 1, 1, 1, 400], [1000, 1000, 1000, 1000, 1001], n_replicates=999)
    assert found.low is None or found.low < found.wer < found.high
