"""What must hold of every comparison."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats import compare_groups, compare_paired, holm

SPEAKERS = st.lists(st.tuples(st.integers(1, 60), st.integers(10, 400)), min_size=3, max_size=20)
A = ((5, 8, 3, 10), (50, 40, 60, 50))
B = ((2, 4, 6, 1, 5), (50, 80, 40, 30, 50))


def _sums(speakers):
    return tuple(zip(*speakers, strict=True))


@given(SPEAKERS)
def test_identical_groups_have_ratio_1_and_p_1(speakers):
    found = compare_groups(*_sums(speakers), *_sums(speakers))
    assert (found.ratio, found.difference, found.p) == (1.0, 0.0, pytest.approx(1.0))


@given(SPEAKERS, SPEAKERS)
def test_the_other_way_round_is_the_same_finding(a, b):
    forth, back = compare_groups(*_sums(a), *_sums(b)), compare_groups(*_sums(b), *_sums(a))
    assume(forth.ratio_low is not None)
    assert forth.p == pytest.approx(back.p, rel=1e-9)
    assert forth.ratio == pytest.approx(1 / back.ratio)
    assert forth.ratio_low == pytest.approx(1 / back.ratio_high)
    assert forth.difference_low == pytest.approx(-back.difference_high)
    assert forth.mde_ratio == pytest.approx(back.mde_ratio)


@given(SPEAKERS, SPEAKERS)
def test_p_below_5_percent_is_a_ratio_interval_without_1(a, b):
    found = compare_groups(*_sums(a), *_sums(b))
    assume(found.ratio_low is not None)
    assert (found.p < 0.05) == (not found.ratio_low <= 1 <= found.ratio_high)


def test_mde_ratio_is_the_reach_of_the_design_at_80_percent_power():
    """t_.975 = 2.4726 and t_.80 = .9076 at 5.7609 df (scipy), times the standard error of the log ratio."""
    from scipy import stats

    found = compare_groups(*A, *B)
    reach = stats.t.ppf(0.975, found.df) + stats.t.ppf(0.80, found.df)
    assert found.mde_ratio == pytest.approx(np.exp(reach * found.se_log), rel=1e-12)


def test_no_errors_on_a_side_gives_a_difference_but_no_ratio_and_no_p():
    found = compare_groups((0, 0, 0), (50, 60, 70), *B)
    assert found.difference == pytest.approx(-0.072)
    assert (found.ratio, found.ratio_low, found.p, found.mde_ratio, found.difference_low) == (None,) * 5


def test_one_speaker_gives_a_ratio_but_no_interval_and_no_p():
    found = compare_groups((5,), (50,), *B)
    assert found.ratio == pytest.approx(0.1 / 0.072)
    assert (found.ratio_low, found.p, found.df, found.difference_low) == (None,) * 4


def test_no_words_on_a_side_gives_nothing():
    for found in (compare_groups((1, 1), (0, 0), *B), compare_paired((1, 1), (0, 0), (1, 2), (10, 10))):
        assert (found.wer_a, found.difference, found.ratio, found.p) == (None,) * 4


def test_within_speakers_sees_what_between_speakers_cannot():
    """Every speaker does worse in A by about the same factor, but speakers differ a lot."""
    words = (100, 100, 100, 100, 100, 100)
    a, b = (12, 25, 49, 6, 36, 70), (10, 20, 40, 5, 30, 60)
    assert compare_paired(a, words, b, words).p < 0.001
    assert compare_groups(a, words, b, words).p > 0.5


def test_shared_speakers_throughout_give_m_minus_1_df():
    words = (100, 90, 80, 100, 120, 60)
    assert compare_paired((10, 12, 7, 9, 20, 6), words, (8, 13, 5, 6, 14, 6), words).df == 5


def test_speakers_of_one_side_only_weigh_as_in_the_comparison_of_disjoint_groups():
    """With nobody shared, the union jackknife has the same df and, but for (m-1)/m, the same variance."""
    zeros_a, zeros_b = (0,) * len(A[0]), (0,) * len(B[0])
    union = compare_paired(A[0] + zeros_b, A[1] + zeros_b, zeros_a + B[0], zeros_a + B[1])
    apart = compare_groups(*A, *B)
    assert union.ratio == pytest.approx(apart.ratio)
    assert union.df == pytest.approx(apart.df, rel=0.25)
    assert union.se_log == pytest.approx(apart.se_log, rel=0.2)


def test_a_few_shared_speakers_do_not_lend_their_group_the_df_of_the_other():
    """4 speakers in A only, 40 in B only, 1 in both: m-1 = 44 df would be those of a large study."""
    rng = np.random.Generator(np.random.Philox(key=3))
    words = np.full(45, 100)
    in_a, in_b = np.arange(45) < 5, np.arange(45) >= 4
    errors = rng.poisson(100 * 0.2 * rng.lognormal(0, 0.4, 45))
    found = compare_paired(errors * in_a, words * in_a, errors * in_b, words * in_b)
    assert found.paired
    assert found.df < 8


@given(SPEAKERS, SPEAKERS)
def test_df_never_exceed_the_speakers(a, b):
    n = min(len(a), len(b))
    found = compare_paired(*_sums(a[:n]), *_sums(b[:n]))
    assert found.df is None or found.df <= n - 1


def test_a_side_whose_errors_are_one_speakers_has_no_log_jackknife():
    """Without that speaker the log ratio is infinite: no p, but the difference keeps its interval."""
    found = compare_paired((9, 0, 0), (50, 50, 50), (3, 4, 5), (50, 50, 50))
    assert found.ratio == pytest.approx(0.75)
    assert (found.p, found.ratio_low) == (None, None)
    assert found.difference_low < found.difference < found.difference_high


def test_sides_of_different_length_are_refused():
    with pytest.raises(InputError, match="same speakers"):
        compare_paired((1, 2), (10, 10), (1,), (10,))
    with pytest.raises(InputError, match="p_from"):
        compare_paired((1, 2), (10, 10), (1, 2), (10, 10), p_from="median")


PS = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=20)


@given(PS)
def test_holm_is_monotone_and_between_the_raw_p_and_bonferroni(ps):
    adjusted = holm(ps)
    tested = [(p, q) for p, q in zip(ps, adjusted, strict=True) if p is not None]
    assert [q for p, q in zip(ps, adjusted, strict=True) if p is None] == [None] * (len(ps) - len(tested))
    assert all(p <= q <= min(1.0, len(tested) * p) + 1e-15 for p, q in tested)
    in_order = [q for _, q in sorted(tested)]
    assert in_order == sorted(in_order)


@given(PS, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order_of_tests(ps, random):
    order = list(range(len(ps)))
    random.shuffle(order)
    expected = holm(ps)
    assert holm([ps[i] for i in order]) == [expected[i] for i in order]
