"""Our own Student t is scipy's, for any df and far into the tails."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from asrfair.errors import InputError
from asrfair.stats.student_t import student_t_cdf, student_t_quantile, student_t_sf

DFS = [0.5, 0.7, 1, 1.3, 2, 2.850304, 3, 5.760891, 10, 29, 39.9, 40.1, 100, 1000.5, 1e4, 1e6]


@pytest.mark.parametrize("df", DFS)
def test_upper_tail_equals_scipy_to_1e_12(df):
    for t in [*np.logspace(-3, 3, 60), 1.7, 1.73, 1.74, 1e10]:
        expected = stats.t.sf(t, df)
        if expected > 1e-290:
            assert student_t_sf(float(t), df) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("df", DFS)
def test_quantile_equals_scipy_to_1e_11(df):
    for p in [1e-20, 1e-8, 0.001, 0.025, 0.2, 0.4, 0.501, 0.6, 0.8, 0.800001, 0.9, 0.975, 0.9999, 1 - 1e-12]:
        assert student_t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-11)


def test_tables_of_any_textbook():
    assert student_t_quantile(0.975, 1) == pytest.approx(12.7062047362, abs=1e-9)
    assert student_t_quantile(0.975, 30) == pytest.approx(2.0422724563, abs=1e-9)
    assert student_t_quantile(0.975, math.inf) == pytest.approx(1.9599639845, abs=1e-9)


def test_one_and_two_df_have_closed_forms():
    """Cauchy: 1/2 - atan(t)/pi = atan(1/t)/pi. df 2: 1/2 - t / (2 sqrt(2 + t^2)), in a form that does not cancel."""
    for t in (1e-6, 0.3, 1.5, 2.0, 40.0, 1e8):
        assert student_t_sf(t, 1) == pytest.approx(math.atan(1 / t) / math.pi, rel=1e-13)
        root = math.sqrt(2 + t * t)
        assert student_t_sf(t, 2) == pytest.approx(1 / (root * (root + t)), rel=1e-13)


@given(st.floats(0.5, 1e6), st.floats(1e-12, 1 - 1e-12))
def test_quantile_inverts_the_distribution(df, p):
    t = student_t_quantile(p, df)
    tail = student_t_cdf(t, df) if p < 0.5 else student_t_sf(t, df)
    assert tail == pytest.approx(min(p, 1 - p), rel=1e-11)


@given(st.floats(-50, 50), st.floats(0.5, 1e6))
def test_both_tails_add_to_one(t, df):
    assert student_t_cdf(t, df) + student_t_sf(t, df) == pytest.approx(1, abs=1e-15)
    assert student_t_sf(t, df) == student_t_cdf(-t, df)


def test_extremes_do_not_overflow():
    assert student_t_sf(0.0, 3) == 0.5
    assert student_t_sf(math.inf, 3) == 0.0
    assert student_t_cdf(math.inf, 3) == 1.0
    assert student_t_sf(1e200, 2) == 0.0
    assert student_t_quantile(1e-300, 0.5) == -math.inf
    assert student_t_sf(2.0, 1e300) == pytest.approx(stats.norm.sf(2.0), rel=1e-13)
    assert student_t_quantile(0.6, 1e300) == pytest.approx(stats.norm.ppf(0.6), rel=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0.0, 3), (1.0, 3), (-0.1, 3), (math.nan, 3), (0.5, 0), (0.5, math.nan)])
def test_a_question_without_answer_is_refused(p, df):
    with pytest.raises(InputError):
        student_t_quantile(p, df)
