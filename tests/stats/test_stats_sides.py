"""Who is compared with whom: never a group with itself, never one speaker as if they were two."""

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats import compare_groups, compare_paired
from asrfair.stats.sides import Rows, compare_sides, difference_of_sides


def random_sums(seed, m):
    rng = np.random.Generator(np.random.Philox(key=seed))
    words = rng.integers(50, 300, m).astype(float)
    return np.rint(words * rng.lognormal(-2, 0.5, m)) + 1, words


def spread(values, at, m):
    whole = np.zeros(m)
    whole[at] = values
    return whole


def test_the_rest_has_neither_the_group_nor_those_in_no_group():
    rows = Rows.from_labels(range(5), ["a", "a|b", "b", None, "c"])
    sides = {group: (here.tolist(), there.tolist()) for group, _, here, there in rows.contrasts()}
    assert sides["a"] == ([True, True, False, False, False], [False, False, True, False, True])
    assert sides["b"] == ([False, True, True, False, False], [True, False, False, False, True])


def test_a_baseline_is_compared_with_nothing():
    rows = Rows.from_labels(range(4), ["a", "a", "b", "b"], baseline="b")
    assert [(group, against, there.any()) for group, against, _, there in rows.contrasts()] == [
        ("a", "b", True),
        ("b", "b", False),
    ]


def test_disjoint_and_shared_speakers_get_the_test_they_need():
    (e_a, n_a), (e_b, n_b) = random_sums(1, 6), random_sums(2, 8)
    ours = compare_sides(
        spread(e_a, slice(0, 6), 14),
        spread(n_a, slice(0, 6), 14),
        spread(e_b, slice(6, 14), 14),
        spread(n_b, slice(6, 14), 14),
    )
    assert ours == compare_groups(e_a, n_a, e_b, n_b)
    shared = compare_sides(e_b, n_b, e_b[::-1] * 2, n_b[::-1])
    assert shared == compare_paired(e_b, n_b, e_b[::-1] * 2, n_b[::-1])


def test_the_policy_withholds_p_from_few_speakers():
    (e_a, n_a), (e_b, n_b) = random_sums(1, 4), random_sums(2, 8)
    found = compare_sides(
        spread(e_a, slice(0, 4), 12),
        spread(n_a, slice(0, 4), 12),
        spread(e_b, slice(4, 12), 12),
        spread(n_b, slice(4, 12), 12),
    )
    assert (found.p, found.ratio_low is None) == (None, False)


@pytest.mark.parametrize("shared", [False, True])
def test_a_difference_is_the_jackknife_and_may_be_of_negative_rates(shared):
    e, n = random_sums(3, 12)
    mask = np.arange(12) < 5
    if shared:
        a, n_a, b, n_b = e, n, e[::-1], n
    else:
        a, n_a, b, n_b = e * mask, n * mask, e * ~mask, n * ~mask
    found = difference_of_sides(a, n_a, b, n_b)
    moved = difference_of_sides(a - 0.9 * n_a, n_a, b - 0.9 * n_b, n_b)
    assert moved.rate_a < 0
    assert (moved.low, moved.high, moved.df) == pytest.approx((found.low, found.high, found.df))
    without = np.array(
        [
            (np.delete(a, s).sum() / np.delete(n_a, s).sum()) - (np.delete(b, s).sum() / np.delete(n_b, s).sum())
            for s in range(12)
        ]
    )
    changes = without - found.difference
    if shared:
        variance = 11 / 12 * np.sum(changes**2)
    else:
        variance = 4 / 5 * np.sum(changes[mask] ** 2) + 6 / 7 * np.sum(changes[~mask] ** 2)
    from scipy.stats import t

    assert (found.high - found.low) / 2 == pytest.approx(t.ppf(0.975, found.df) * variance**0.5)


def test_no_spread_is_no_interval():
    zero, some = np.zeros(6), np.array([1.0, 2, 3, 0, 0, 0])
    n_a, n_b = np.array([9.0, 9, 9, 0, 0, 0]), np.array([0.0, 0, 0, 9, 9, 9])
    found = difference_of_sides(some, n_a, zero, n_b)
    assert (found.difference, found.low, found.df) == (pytest.approx(6 / 27), None, None)
    assert difference_of_sides(some, n_a, zero, zero).difference is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["x", None], {"a": [True, False]}), r"speakers\[1\]: a row without speaker"),
        (([1.0, float("nan")], {}), r"speakers\[1\]: a row without speaker"),
        (([[1]], {}), "2 dimensions"),
        (([1, 2], {"a": [1, 0]}), "group 'a': give true or false for each of the 2 rows"),
        (([1, 2], {"a": [True]}), "group 'a'"),
    ],
)
def test_rows_that_are_none_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Rows(*arguments)
    with pytest.raises(InputError, match="baseline 'z' is no group; there are: a"):
        Rows([1], {"a": [True]}, baseline="z")
