"""The F distribution against scipy, Student's t and itself."""

import math

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats.f_distribution import f_sf
from asrfair.stats.student_t import student_t_sf


def test_the_tail_agrees_with_scipy():
    from scipy.stats import f

    rng = np.random.Generator(np.random.Philox(key=3))
    df_between, df_within = np.exp(rng.uniform(-1, 7, 600)), np.exp(rng.uniform(-0.5, 10, 600))
    statistics = np.exp(rng.normal(0, 3, 600))
    expected = f.sf(statistics, df_between, df_within)
    seen = expected > 1e-280
    assert seen.sum() > 300
    for values in zip(statistics[seen], df_between[seen], df_within[seen], expected[seen], strict=True):
        assert f_sf(*values[:3]) == pytest.approx(values[3], rel=1e-9, abs=1e-300), values


@pytest.mark.parametrize("df", [1.0, 2.85, 10.0, 999.5])
@pytest.mark.parametrize("t", [0.01, 0.7, 2.1, 9.0, 300.0])
def test_f_on_one_df_is_the_square_of_t(t, df):
    assert f_sf(t * t, 1, df) == pytest.approx(2 * student_t_sf(t, df), rel=1e-10)


def test_both_tails_make_one():
    """P(F(a, b) > x) + P(F(b, a) > 1/x) = 1."""
    for x in (0.2, 0.9, 1.0, 1.4, 6.0):
        assert f_sf(x, 3.5, 12) + f_sf(1 / x, 12, 3.5) == pytest.approx(1, abs=1e-12)


def test_two_and_two_df_have_a_closed_form():
    for x in (1e-6, 0.5, 1.0, 40.0, 1e12):
        assert f_sf(x, 2, 2) == pytest.approx(1 / (1 + x), rel=1e-11)


def test_many_df_within_are_chi_squared():
    assert f_sf(1.5, 2, math.inf) == pytest.approx(math.exp(-1.5), rel=1e-6)


def test_the_ends():
    assert f_sf(0, 2, 3) == f_sf(-1, 2, 3) == 1.0
    assert f_sf(math.inf, 2, 3) == 0.0


@pytest.mark.parametrize("arguments", [(1, 0, 3), (1, 3, -1), (1, math.nan, 3), (math.nan, 2, 3)])
def test_what_has_no_tail_is_refused(arguments):
    with pytest.raises(InputError):
        f_sf(*arguments)
