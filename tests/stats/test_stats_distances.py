"""Distances between error distributions: worked values, other tools' values, invariances, and the test by speakers."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats.distances import barycentre_cost, energy_distance, wasserstein_1, wasserstein_1_excess
from asrfair.stats.kernel_distances import median_distance, mmd2, sinkhorn_divergence
from asrfair.stats.permuted_distances import MEASURES, distance_test

X, Y, UNEQUAL = (0.0, 0.2, 0.4), (0.2, 0.4, 0.6), ((0.0, 0.5), (30, 10))
WEIGHTED = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=25)


def near(value):
    return pytest.approx(value, abs=1e-6)


def _pair(rows):
    """Utterance WERs and words."""
    errors, words = (np.array(column, float) for column in zip(*rows, strict=True))
    return errors / words, words


def _speech(rng, m, sigma=0.4, rate=0.2, utterances=20):
    words = rng.integers(5, 40, (m, utterances))
    return rng.poisson(words * rate * rng.lognormal(-sigma * sigma / 2, sigma, (m, 1))).ravel(), words.ravel()


def _two_groups(rng, m_a=15, m_b=15, rate_a=0.2, utterances=20):
    (e_a, n_a), (e_b, n_b) = (
        _speech(rng, m_a, rate=rate_a, utterances=utterances),
        _speech(rng, m_b, utterances=utterances),
    )
    speakers = np.repeat(np.arange(m_a + m_b), utterances)
    return np.where(speakers < m_a, "a", "b"), speakers, np.concatenate([e_a, e_b]), np.concatenate([n_a, n_b])


def test_the_worked_example_of_the_methods():
    assert wasserstein_1(X, Y) == near(0.2)
    assert barycentre_cost([(X, None), (Y, None)], order=1) == near(0.1)
    assert barycentre_cost([(X, None), (Y, None)], order=2) == near(0.01)
    assert energy_distance(X, Y) == near(0.1333333)
    assert sinkhorn_divergence(X, Y, epsilon=0.1) == near(0.1244786)
    assert sinkhorn_divergence(X, Y, epsilon=0.001) == near(0.1990758)
    assert mmd2(X, Y, bandwidth=0.2) == near(-0.1472694)


def test_the_worked_example_with_unequal_weights():
    assert wasserstein_1(X, UNEQUAL[0], None, UNEQUAL[1]) == near(0.125)
    groups, shares = [(X, None), UNEQUAL], (0.75, 0.25)
    assert barycentre_cost(groups, shares, order=1) == near(0.03125)
    assert barycentre_cost(groups, shares, order=2) == near(0.00546875)


def test_the_kl_term_makes_the_difference_to_pot():
    """Sinkhorn's matrix scaling by hand: <P,C> + eps KL(P | ab) gives our value, <P,C> alone the 0.168 of POT."""

    def costs(x, y, epsilon=0.1):
        cost = np.abs(np.subtract.outer(x, y))
        kernel, v = np.exp(-cost / epsilon), np.ones(3)
        for _ in range(3000):
            u = 1 / 3 / (kernel @ v)
            v = 1 / 3 / (kernel.T @ u)
        plan = u[:, None] * kernel * v
        return np.array([np.sum(plan * cost), np.sum(plan * cost) + epsilon * np.sum(plan * np.log(plan * 9))])

    without, with_kl = costs(X, Y) - costs(X, X) / 2 - costs(Y, Y) / 2
    assert with_kl == pytest.approx(sinkhorn_divergence(X, Y), abs=1e-9)
    assert without == pytest.approx(0.168, abs=5e-4)


@settings(max_examples=60, deadline=None)
@given(WEIGHTED, WEIGHTED)
def test_scipy_has_the_same_distances_on_the_line(a, b):
    from scipy import stats

    (x, p), (y, q) = _pair(a), _pair(b)
    assert wasserstein_1(x, y, p, q) == pytest.approx(stats.wasserstein_distance(x, y, p, q), abs=1e-9)
    assert energy_distance(x, y, p, q) == pytest.approx(stats.energy_distance(x, y, p, q) ** 2, abs=1e-9)


@given(WEIGHTED, WEIGHTED)
def test_w1_is_at_least_the_difference_of_the_pooled_rates(a, b):
    (x, p), (y, q) = _pair(a), _pair(b)
    gap = abs(np.average(x, weights=p) - np.average(y, weights=q))
    found = wasserstein_1(x, y, p, q)
    assert found >= gap - 1e-9
    assert wasserstein_1_excess(x, y, p, q) == pytest.approx(max(0.0, found - gap), abs=1e-9)


@given(WEIGHTED, st.floats(0, 2))
def test_w1_is_that_difference_where_one_group_is_worse_throughout(a, worse):
    x, p = _pair(a)
    assert wasserstein_1(x, x + worse, p, p) == pytest.approx(worse, abs=1e-9)
    assert wasserstein_1_excess(x, x + worse, p, p) == pytest.approx(0, abs=1e-9)


@settings(deadline=None)
@given(WEIGHTED, WEIGHTED, st.sampled_from([0.01, 100.0]), st.randoms(use_true_random=False))
def test_units_order_splitting_and_total_weight_change_nothing(a, b, c, random):
    """In percent all are 100 times (squares 10,000 times); an utterance cut in two of one WER is the same speech."""
    (x, p), (y, q) = _pair(a), _pair(b)
    mixed = random.sample(range(len(x)), len(x))
    other = np.append(x[mixed], x[0]), np.append(p[mixed], p[0] / 2)
    other[1][mixed.index(0)] /= 2
    for measure, power in (
        (wasserstein_1, 1),
        (energy_distance, 1),
        (lambda x, y, p, q: barycentre_cost([(x, p), (y, q)]), 1),
        (lambda x, y, p, q: barycentre_cost([(x, p), (y, q)], order=2), 2),
    ):
        expected = measure(x, y, p, q)
        assert measure(c * other[0], c * y, 7 * other[1], q) == pytest.approx(c**power * expected, rel=1e-7, abs=1e-9)


@settings(deadline=None)
@given(WEIGHTED, WEIGHTED, st.floats(0.05, 0.95))
def test_two_groups_have_closed_forms(a, b, p):
    """Order 1: min(p, 1-p) W1. Order 2: p (1-p) W2^2, W2 here from the quantile functions on a fine common grid."""
    (x, v), (y, w) = _pair(a), _pair(b)
    groups = [(x, v), (y, w)]
    assert barycentre_cost(groups, (p, 1 - p)) == pytest.approx(min(p, 1 - p) * wasserstein_1(x, y, v, w), abs=1e-9)
    n = int(v.sum() * w.sum())
    ways = [np.sort(np.repeat(z, (t * n / t.sum()).round().astype(int))) for z, t in groups]
    assert barycentre_cost(groups, (p, 1 - p), order=2) == pytest.approx(
        p * (1 - p) * np.mean((ways[0] - ways[1]) ** 2), abs=1e-9
    )


def test_three_groups_by_hand():
    """Points 0, .1, .5: median .1, costs (.1 + .4)/3; mean .2, costs (.04 + .01 + .09)/3."""
    groups = [([0.0], None), ([0.1], None), ([0.5], None)]
    assert barycentre_cost(groups) == pytest.approx(0.5 / 3)
    assert barycentre_cost(groups, order=2) == pytest.approx(0.14 / 3)
    assert barycentre_cost(groups[:1]) == 0.0


def test_identical_distributions_have_no_distance():
    for x, w in ((np.array(X), None), (np.array(UNEQUAL[0]), np.array(UNEQUAL[1], float))):
        assert wasserstein_1(x, x, w, w) == energy_distance(x, x, w, w) == barycentre_cost([(x, w), (x, w)]) == 0.0
        assert sinkhorn_divergence(x, x, w, w) == pytest.approx(0, abs=1e-9)
    assert mmd2([0.3, 0.3], [0.3, 0.3]) == 0.0


def test_error_vectors_tell_apart_what_wer_does_not():
    """Both groups have WER .3; one is misheard (S), the other cut off (D)."""
    rng = np.random.Generator(np.random.Philox(key=31))
    noise = 0.02 * rng.random((40, 3))
    misheard, cut_off = noise[:20] + np.array([0.3, 0, 0]), noise[20:] + np.array([0, 0.3, 0])
    assert sinkhorn_divergence(misheard, cut_off) > 0.3
    assert mmd2(misheard, cut_off) > 0.3
    assert mmd2(noise[:20], noise[20:]) < 0.1


def test_sinkhorn_on_the_line_tends_to_w1():
    rng = np.random.Generator(np.random.Philox(key=32))
    x, y, p = rng.random(12), rng.random(9) + 0.2, rng.random(12)
    assert sinkhorn_divergence(x, y, p, epsilon=0.003) == pytest.approx(wasserstein_1(x, y, p), abs=0.01)


def test_mmd_is_unbiased_under_one_distribution():
    rng = np.random.Generator(np.random.Philox(key=33))
    drawn = np.array([mmd2(rng.random(10), rng.random(15), bandwidth=0.3) for _ in range(800)])
    assert abs(drawn.mean()) < 4 * drawn.std() / 800**0.5


def test_the_median_heuristic_takes_the_median_distance():
    assert median_distance(np.array([[0.0], [1.0], [4.0]])) == 3.0
    assert median_distance(np.array([[0.0]] * 9 + [[2.0]])) == 2.0, "median 0: of the positive ones"
    rng = np.random.Generator(np.random.Philox(key=34))
    many = rng.random((3000, 1))
    assert median_distance(many) == median_distance(many[::-1])
    assert median_distance(many) == pytest.approx(1 - 0.5**0.5, abs=0.01), "P(|U-V| < t) = 1 - (1-t)^2"


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_tested_is_the_distance(measure):
    columns = _two_groups(np.random.Generator(np.random.Philox(key=35)), 4, 5, utterances=6)
    group, _, e, n = columns
    (x, p), (y, q) = ((e[group == g] / n[group == g], n[group == g]) for g in "ab")
    expected = {
        "w1": lambda: wasserstein_1(x, y, p, q),
        "energy": lambda: energy_distance(x, y, p, q),
        "mmd": lambda: mmd2(x, y),
        "sinkhorn": lambda: sinkhorn_divergence(x, y, p, q),
        "barycentre_1": lambda: barycentre_cost([(x, p), (y, q)]),
        "barycentre_2": lambda: barycentre_cost([(x, p), (y, q)], order=2),
    }[measure]()
    found = distance_test(*columns, measure=measure, n_permutations=9)
    assert found.observed == pytest.approx(expected, abs=1e-9)
    assert found.excess == max(0.0, found.observed - found.mean_permuted)
    assert found.n_speakers == (4, 5)


def test_the_permutation_finds_what_enumeration_of_all_splits_gives():
    from itertools import combinations

    columns = _two_groups(np.random.Generator(np.random.Philox(key=36)), 3, 4, rate_a=0.4, utterances=4)
    _, speakers, e, n = columns
    every = []
    for chosen in combinations(range(7), 3):
        a = np.isin(speakers, chosen)
        every.append(wasserstein_1(e[a] / n[a], e[~a] / n[~a], n[a], n[~a]))
    found = distance_test(*columns, n_permutations=5000)
    assert found.observed == pytest.approx(every[0])
    assert found.mean_permuted == pytest.approx(np.mean(every), rel=0.02)
    exact = np.mean(np.array(every) >= every[0] - 1e-12)
    assert found.p == pytest.approx(exact, abs=4 * (exact / 5000) ** 0.5)


@pytest.mark.parametrize("measure", ["w1", "energy", "mmd"])
def test_groups_that_are_alike_are_rarely_found_different(measure):
    """Nominal 5 %, 200 repetitions; speakers differ, so permuting utterances would reject far more often."""
    rng = np.random.Generator(np.random.Philox(key=37))
    found = [
        distance_test(*_two_groups(rng, 8, 10, utterances=8), measure=measure, n_permutations=99) for _ in range(200)
    ]
    assert 0.01 <= np.mean([test.p <= 0.05 for test in found]) <= 0.10
    assert np.mean([test.observed - test.mean_permuted for test in found]) == pytest.approx(0, abs=0.005)


def test_utterances_permuted_as_if_they_were_speakers_reject_true_nulls():
    """Why `speakers` is asked for: the same data with every utterance named a speaker of its own."""
    rng = np.random.Generator(np.random.Philox(key=38))
    found = []
    for _ in range(100):
        group, _, e, n = _two_groups(rng)
        found.append(distance_test(group, np.arange(len(e)), e, n, n_permutations=99).p <= 0.05)
    assert np.mean(found) > 0.15


def test_a_planted_gap_is_found():
    rng = np.random.Generator(np.random.Philox(key=39))
    for measure in ("w1", "energy", "mmd"):
        found = distance_test(*_two_groups(rng, rate_a=0.4), measure=measure)
        assert found.p < 0.01, measure
        assert found.excess > 0


def test_one_mean_and_two_shapes_are_told_apart():
    """a errs on every utterance alike, b badly on one in five: the same WER."""
    speakers = np.repeat(np.arange(20), 10)
    a = speakers < 10
    errors = np.where(a, 2, np.where(np.arange(200) % 5 == 0, 10, 0))
    found = distance_test(np.where(a, "a", "b"), speakers, errors, np.full(200, 10))
    assert wasserstein_1_excess(errors[a] / 10, errors[~a] / 10) == pytest.approx(found.observed) == pytest.approx(0.32)
    assert found.p < 0.01


def test_the_order_of_utterances_changes_nothing():
    columns = _two_groups(np.random.Generator(np.random.Philox(key=40)), 5, 6, utterances=5)
    mixed = np.random.Generator(np.random.Philox(key=41)).permutation(55)
    for measure in ("w1", "energy", "mmd", "barycentre_2"):
        left = distance_test(*columns, measure=measure, n_permutations=50)
        right = distance_test(*[column[mixed] for column in columns], measure=measure, n_permutations=50)
        assert left.p == right.p
        assert (left.observed, left.mean_permuted) == pytest.approx((right.observed, right.mean_permuted), rel=1e-9)


def test_several_groups_have_a_barycentre_and_vectors_a_kernel():
    rng = np.random.Generator(np.random.Philox(key=42))
    group, speakers, e, n = _two_groups(rng, 8, 8, utterances=5)
    three = np.where(speakers > 11, "c", group)
    assert distance_test(three, speakers, e, n, measure="barycentre_1", n_permutations=19).n_speakers == (8, 4, 4)
    parts = np.stack([e, n // 9, e // 2], axis=1)
    for measure in ("mmd", "sinkhorn"):
        assert 0 < distance_test(group, speakers, parts, n, measure=measure, n_permutations=4).p <= 1
    with pytest.raises(InputError, match="of 3 groups"):
        distance_test(three, speakers, e, n)
    with pytest.raises(InputError, match="vectors of 3"):
        distance_test(group, speakers, parts, n)


def test_too_few_are_not_tested():
    words = [10] * 6
    assert distance_test(["a"] * 6, range(6), [1] * 6, words).flags == ("too_few_groups",)
    two = distance_test(["a", "a", "b", "b", "b", "b"], range(6), [1] * 6, words)
    assert (two.observed, two.p, two.flags) == (None, None, ("too_few_speakers",))
    three = distance_test(["a", "a", "a", "b", "b", "b"], range(6), [1, 2, 3, 7, 8, 9], words)
    assert three.observed == pytest.approx(0.6)
    assert (three.p, three.flags) == (None, ("too_few_speakers_to_test",))
    assert distance_test([], [], [], []).flags == ("too_few_groups",)


def test_utterances_without_reference_words_take_no_part():
    columns = _two_groups(np.random.Generator(np.random.Philox(key=43)), 4, 4, utterances=3)
    empty = [np.append(column, extra) for column, extra in zip(columns, ("a", 0, 5, 0), strict=True)]
    assert distance_test(*empty, n_permutations=20) == distance_test(*columns, n_permutations=20)


def test_everybody_the_same_is_no_evidence():
    speakers = np.repeat(np.arange(8), 2)
    for measure in MEASURES:
        found = distance_test(speakers // 4, speakers, [1] * 16, [10] * 16, measure=measure, n_permutations=9)
        assert (found.observed, found.excess, found.p) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9), 1.0)


@pytest.mark.parametrize("wrong", [[], [np.nan], [-0.1], [np.inf], [[0.1]], ["a"]])
def test_what_is_no_distribution_is_refused(wrong):
    for measure in (wasserstein_1, wasserstein_1_excess, energy_distance):
        with pytest.raises(InputError):
            measure([0.1], wrong)
    with pytest.raises(InputError):
        barycentre_cost([(wrong, None)])


def test_wrong_weights_options_and_shapes_are_refused():
    for wrong in ([1.0], [0.0, 0.0], [1.0, -1.0], [1.0, np.nan]):
        with pytest.raises(InputError, match="weights"):
            wasserstein_1([0.1, 0.2], [0.1], wrong)
        with pytest.raises(InputError, match="weights_a"):
            sinkhorn_divergence([0.1, 0.2], [0.1], wrong)
    for call in (
        lambda: barycentre_cost([]),
        lambda: barycentre_cost([([0.1], None)], order=3),
        lambda: mmd2([0.1], [0.1, 0.2]),
        lambda: mmd2([0.1, 0.2], [[0.1, 0.2], [0.3, 0.4]]),
        lambda: mmd2([0.1, 0.2], [0.1, np.nan]),
        lambda: mmd2([0.1, 0.2], [0.1, 0.3], bandwidth=0),
        lambda: sinkhorn_divergence([0.1], []),
        lambda: sinkhorn_divergence([0.1], ["x"]),
        lambda: sinkhorn_divergence([0.1], [0.2], epsilon=0),
        lambda: sinkhorn_divergence(X, Y, epsilon=0.01, max_iterations=2),
        lambda: distance_test(["a"], [1], [1], [1], measure="kl"),
        lambda: distance_test(["a"], [1], [1], [1], n_permutations=0),
        lambda: distance_test(["a"], [1], [1, 2], [1]),
        lambda: distance_test(["a"], [1], [-1], [1]),
        lambda: distance_test(["a"], [1], ["x"], [1]),
        lambda: distance_test(["a", "b"], [1, 1], [1, 1], [1, 1]),
        lambda: distance_test(["a", "b"], [1], [1, 1], [1, 1]),
    ):
        with pytest.raises(InputError):
            call()


def test_scipy_and_pot_are_not_needed():
    import subprocess

    code = (
        "import sys; import numpy as np; from asrfair.stats.permuted_distances import MEASURES, distance_test\n"
        "groups, each = [0, 0, 0, 1, 1, 1, 1], range(7)\n"
        "for m in MEASURES: distance_test(groups, each, each, [9] * 7, measure=m, n_permutations=2)\n"
        "sys.exit('scipy' in sys.modules or 'ot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
