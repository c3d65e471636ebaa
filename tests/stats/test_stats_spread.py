"""The spread of many groups and its omnibus test."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats import compare_groups
from asrfair.stats.rates import estimate
from asrfair.stats.spread import spread

A = ((5, 8, 3, 10), (50, 40, 60, 50))
B = ((2, 4, 6, 1, 5), (50, 80, 40, 30, 50))
SPEAKERS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 400)), min_size=3, max_size=8)


def _group(rng, m, rate=0.2, sigma=0.4, words=300):
    n = np.maximum(20, np.rint(words * rng.lognormal(-0.18, 0.6, m)))
    return rng.poisson(rate * n * rng.lognormal(-sigma * sigma / 2, sigma, m)), n


def _equal_groups(rng):
    return {str(m): _group(rng, m) for m in (5, 8, 10, 12, 15, 20, 25, 30, 40, 60)}


def _without_rounding(found):
    """All fields as nested tuples, floats rounded."""
    fields = (getattr(found, name) for name in found.__dataclass_fields__)
    return repr([round(f, 9) if isinstance(f, float) else f for f in fields if not isinstance(f, tuple)]), [
        (g.group, round(g.rate, 9), round(g.se, 9), round(g.shrunken, 9)) for g in found.groups
    ]


def test_what_is_described_is_what_the_rates_say():
    found = spread({"a": A, "b": B})
    assert (found.worst, found.best) == ("a", "b")
    assert found.max_min == pytest.approx(0.058)
    assert found.max_over_min == pytest.approx(1.8055556, abs=1e-6)
    a, b = found.groups
    assert (a.group, a.gap_to_best, b.gap_to_best) == ("a", pytest.approx(0.8055556, abs=1e-6), 0.0)
    assert (a.se, b.se) == (pytest.approx(0.0399331, abs=1e-6), pytest.approx(0.0193643, abs=1e-6))
    assert found.sd_naive == pytest.approx(0.029)
    assert found.variance_corrected == pytest.approx(0.029**2 - 0.25 * (0.0399331**2 + 0.0193643**2), abs=1e-7)
    assert b.rate <= b.shrunken <= a.shrunken <= a.rate


@pytest.fixture(scope="module")
def every_split():
    """Range, variance and Q of all 126 ways to make groups of 4 and 5, the observed one first."""
    e, n = np.array(A[0] + B[0], float), np.array(A[1] + B[1], float)

    def statistics(chosen):
        sides = [np.isin(np.arange(9), chosen), ~np.isin(np.arange(9), chosen)]
        found = [estimate(e[side], n[side]) for side in sides]
        rates, words = np.array([f.rate for f in found]), np.array([f.words for f in found])
        overall = e.sum() / n.sum()
        variance = np.sum(words / n.sum() * (rates - overall) ** 2)
        q = np.log(rates[0] / rates[1]) ** 2 / (found[0].log_variance + found[1].log_variance)
        return abs(rates[0] - rates[1]), variance, q

    return np.array([statistics(chosen) for chosen in combinations(range(9), 4)])


@pytest.mark.parametrize(("at", "name"), [(0, "p_range"), (1, "p_variance"), (2, "p_q")])
def test_the_permutation_finds_what_enumeration_of_all_splits_gives(every_split, at, name):
    """27/126 = .214286 for the difference is the worked value of the methods."""
    exact = np.mean(every_split[:, at] >= every_split[0, at] - 1e-12)
    if name == "p_range":
        assert exact == pytest.approx(27 / 126)
    found = getattr(spread({"a": A, "b": B}, n_permutations=20_000), name)
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)


def test_welch_of_two_groups_is_the_square_of_the_log_welch_t():
    found, expected = spread({"a": A, "b": B}, method="welch"), compare_groups(*A, *B)
    assert found.p == pytest.approx(expected.p, rel=1e-9)
    assert (found.method, found.n_permutations, found.p_range) == ("welch", 0, None)


def test_equal_groups_are_rarely_found_different():
    """Ten equal groups, nominal 5 %: 200 repetitions, 199 permutations, every statistic and Welch's F."""
    rng = np.random.Generator(np.random.Philox(key=21))
    found = []
    for _ in range(200):
        groups = _equal_groups(rng)
        seen = spread(groups, n_permutations=199)
        found.append((seen.p_range, seen.p_variance, seen.p_q, spread(groups, method="welch").p))
    share = np.mean(np.array(found) <= 0.05, axis=0)
    assert np.all(share >= 0.01), share
    assert np.all(share <= 0.10), share


def test_equal_groups_have_no_spread_on_average_once_corrected():
    """Max-min and the naive spread of equal groups are large; the corrected variance centres on 0."""
    rng = np.random.Generator(np.random.Philox(key=22))
    drawn = [spread(_equal_groups(rng), method="welch") for _ in range(150)]
    corrected = np.array([found.variance_corrected for found in drawn])
    assert abs(corrected.mean()) < 4 * corrected.std() / 150**0.5
    assert np.mean([found.max_min for found in drawn]) > 0.06
    assert np.mean([found.sd_naive for found in drawn]) > 0.02


def test_a_group_at_twice_the_rate_is_found():
    rng = np.random.Generator(np.random.Philox(key=23))
    groups = {str(i): _group(rng, 15, rate=0.4 if i == 3 else 0.2) for i in range(6)}
    found = spread(groups)
    assert found.worst == "3"
    assert max(found.p, found.p_range, found.p_variance) < 0.01
    assert found.p == found.p_q
    assert found.sd_corrected > 0.05
    assert spread(groups, method="welch").p < 0.05


@settings(max_examples=25, deadline=None)
@given(st.lists(SPEAKERS, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_groups_and_speakers_changes_nothing(groups, random):
    """Not even the Monte Carlo error."""
    named = {str(i): group for i, group in enumerate(groups)}
    names = list(named)
    random.shuffle(names)
    shuffled = {name: random.sample(named[name], len(named[name])) for name in names}
    left, right = (
        spread({k: tuple(zip(*v, strict=True)) for k, v in given.items()}, n_permutations=50)
        for given in (named, shuffled)
    )
    assert _without_rounding(left) == _without_rounding(right)


def test_more_speech_of_everybody_changes_nothing():
    groups = {"a": A, "b": B, "c": ((4, 4, 5), (20, 30, 40))}
    scaled = {name: (64 * np.array(e), 64 * np.array(n)) for name, (e, n) in groups.items()}
    assert _without_rounding(spread(scaled)) == _without_rounding(spread(groups))


def test_another_seed_draws_other_permutations():
    assert len({spread({"a": A, "b": B}, seed=seed).p_range for seed in range(6)}) > 1


def test_small_and_silent_groups_are_named_and_left_out():
    found = spread({"a": A, "b": B, "two": ((1, 2), (10, 10)), "insertions only": ((1, 2, 3), (0, 0, 0))})
    assert found.left_out == ("insertions only", "two")
    assert found.n_speakers == 9
    assert found.p_q == spread({"a": A, "b": B}).p_q


def test_speakers_who_said_nothing_are_not_counted():
    e, n = A
    assert spread({"a": ((*e, 0, 0), (*n, 0, 0)), "b": B}) == spread({"a": A, "b": B})


def test_one_group_has_no_spread():
    for groups in ({}, {"a": A}, {"a": A, "b": ((1,), (10,))}):
        found = spread(groups)
        assert found.flags == ("too_few_groups",)
        assert (found.max_min, found.p, found.worst, found.method) == (None, None, None, "none")


def test_three_against_three_is_not_tested():
    """2 of 20 splits are as extreme as the most extreme one: p cannot reach 0.05."""
    found = spread({"a": ((1, 2, 3), (10, 10, 10)), "b": ((7, 8, 9), (10, 10, 10))})
    assert found.p is found.p_range is None
    assert found.flags == ("too_few_speakers_to_test",)
    assert found.max_min == pytest.approx(0.6)


def test_a_group_without_errors_has_no_ratio_and_no_q():
    found = spread({"a": A, "b": B, "c": ((0, 0, 0), (50, 50, 50))})
    assert (found.max_over_min, found.mld, found.p_q, found.p) == (None, None, None, None)
    assert found.flags == ("group_without_spread",)
    assert found.p_range is not None
    assert found.theil is not None
    assert spread({"a": A, "c": ((0, 0, 0), (50, 50, 50))}, method="welch").p is None


def test_nobody_makes_an_error():
    found = spread({"a": ((0, 0, 0, 0), (9, 9, 9, 9)), "b": ((0, 0, 0), (9, 9, 9))})
    assert (found.max_min, found.theil, found.gini, found.p_range, found.p_q) == (0.0, None, None, 1.0, None)


def test_many_speakers_take_welch():
    rng = np.random.Generator(np.random.Philox(key=24))
    found = spread({"a": _group(rng, 6000), "b": _group(rng, 4001)})
    assert found.method == "welch"
    assert 0 < found.p <= 1


@pytest.mark.parametrize("wrong", [((1, 2), (1,)), ((1, -2, 3), (5, 5, 5)), ((1, 2, 3), (5, np.nan, 5))])
def test_wrong_sums_are_refused_by_group(wrong):
    with pytest.raises(InputError, match="group 'x'"):
        spread({"a": A, "x": wrong})


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="method"):
        spread({"a": A, "b": B}, method="anova")
    with pytest.raises(InputError, match="n_permutations"):
        spread({"a": A, "b": B}, n_permutations=0)


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from asrfair.stats.spread import spread\n"
        "groups = {'a': ([1, 2, 3, 4], [9, 9, 9, 9]), 'b': ([1, 5, 3], [9, 9, 9])}\n"
        "spread(groups), spread(groups, method='welch')\n"
        "sys.exit('scipy' in sys.modules or 'pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
