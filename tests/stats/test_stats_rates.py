"""What must hold of every rate and its interval, whatever the data."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats import group_interval, macro_interval
from asrfair.stats.rates import estimate, satterthwaite_df, speaker_sums

SPEAKERS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 400)), min_size=3, max_size=30)


def _sums(speakers):
    errors, words = zip(*speakers, strict=True)
    return np.array(errors, float), np.array(words, float)


def _same(a, b, rel=1e-9):
    for name in ("wer", "low", "high", "se", "df"):
        left, right = getattr(a, name), getattr(b, name)
        assert (left is None) == (right is None), name
        if left is not None:
            assert left == pytest.approx(right, rel=rel, abs=1e-12), name


@given(SPEAKERS, st.randoms(use_true_random=False))
def test_the_order_of_speakers_changes_nothing(speakers, random):
    shuffled = list(speakers)
    random.shuffle(shuffled)
    _same(group_interval(*_sums(speakers)), group_interval(*_sums(shuffled)))


@given(SPEAKERS, st.sampled_from([0.01, 3.0, 1000.0]))
def test_c_times_the_speech_of_everybody_changes_nothing(speakers, c):
    """Hours cannot buy what only more speakers can: scaling all errors and words leaves rate, df and interval."""
    errors, words = _sums(speakers)
    _same(group_interval(errors, words), group_interval(c * errors, c * words))


@given(st.integers(2, 200), st.integers(1, 10_000))
def test_equal_words_give_m_minus_1_df(m, words):
    assert satterthwaite_df(np.full(m, float(words))) == pytest.approx(m - 1, rel=1e-9)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=30))
def test_df_lie_between_1_and_m_minus_1(words):
    assert 1.0 <= satterthwaite_df(np.array(words)) <= len(words) - 1


@pytest.mark.parametrize("words", [(1, 1), (1, 1e9), (1e-9, 1e9)])
def test_two_speakers_have_one_df_however_unequal(words):
    assert satterthwaite_df(np.array(words, float)) == 1.0


@pytest.mark.parametrize("share", [0.5, 0.9, 0.999, 0.999999, 1 - 1e-12])
def test_df_keep_their_digits_where_one_speaker_has_nearly_all_words(share):
    """Against the trace formula on the whole covariance matrix in integers-as-fractions arithmetic."""
    from fractions import Fraction

    others = [Fraction(1), Fraction(2), Fraction(4)]
    words = [sum(others) * Fraction(share) / (1 - Fraction(share)), *others]
    p = [n / sum(words) for n in words]
    p2 = sum(x * x for x in p)
    c = [[x * y * ((i == j) - x - y + p2) for j, y in enumerate(p)] for i, x in enumerate(p)]
    trace = sum(c[i][i] for i in range(4))
    square = sum(x * x for row in c for x in row)
    assert satterthwaite_df(np.array([float(n) for n in words])) == pytest.approx(float(trace**2 / square), rel=1e-6)


@given(SPEAKERS)
def test_the_interval_holds_the_rate_and_stays_positive(speakers):
    found = group_interval(*_sums(speakers))
    assume(found.low is not None)
    assert 0 < found.low < found.wer < found.high


@given(SPEAKERS, SPEAKERS)
def test_the_pooled_rate_lies_between_its_parts(a, b):
    parts = [group_interval(*_sums(speakers)).wer for speakers in (a, b)]
    pooled = group_interval(*_sums(a + b)).wer
    assert min(parts) - 1e-12 <= pooled <= max(parts) + 1e-12


@given(SPEAKERS)
def test_a_speaker_who_said_nothing_changes_nothing(speakers):
    _same(group_interval(*_sums(speakers)), group_interval(*_sums([*speakers, (0, 0)])))
    assert group_interval(*_sums([*speakers, (0, 0)])).n_speakers == len(speakers)


@given(SPEAKERS)
def test_the_closed_form_is_the_jackknife(speakers):
    """Delete each speaker, recompute the rate: the definition, speaker by speaker."""
    errors, words = _sums(speakers)
    m, rate = len(errors), errors.sum() / words.sum()
    deleted = [np.delete(errors, s).sum() / np.delete(words, s).sum() for s in range(m)]
    expected = math.sqrt((m - 1) / m * sum((r - rate) ** 2 for r in deleted))
    assert group_interval(errors, words).se == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_higher_confidence_is_a_wider_interval():
    narrow, wide = (group_interval([5, 8, 3], [50, 40, 60], confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_speaker_has_a_rate_but_no_interval():
    found = group_interval([5], [50])
    assert (found.wer, found.low, found.high, found.se, found.df) == (0.1, None, None, None, None)


def test_no_errors_is_a_rate_of_zero_without_interval():
    found = group_interval([0, 0, 0], [50, 40, 60])
    assert (found.wer, found.low, found.high) == (0.0, None, None)


def test_no_words_is_no_rate():
    found = group_interval([1, 0, 2], [0, 0, 0])
    assert (found.wer, found.low, found.se, found.df) == (None, None, None, None)
    assert group_interval([], []).wer is None


def test_where_one_speaker_has_all_words_there_is_no_interval():
    """Deleting that speaker leaves nothing to compute a rate of."""
    found = group_interval([3, 1, 0], [50, 0, 0])
    assert (found.wer, found.low, found.se, found.df) == (0.08, None, None, None)


def test_identical_rates_do_not_make_an_interval_of_no_width():
    found = group_interval([5, 10, 15], [50, 100, 150])
    assert (found.wer, found.low, found.high) == (pytest.approx(0.1), None, None)


def test_insertions_of_a_speaker_without_reference_words_count():
    """Silence that is transcribed as words is an error of the system, in the numerator of the group."""
    found = group_interval([5, 5, 6], [50, 50, 0])
    assert found.wer == pytest.approx(0.16)
    assert found.n_speakers == 3
    assert macro_interval([5, 5, 6], [50, 50, 0]).n_speakers == 2


def test_rates_above_one_are_not_clipped():
    found = group_interval([90, 120, 100], [50, 60, 40])
    assert found.wer > 2
    assert found.high > found.wer


def test_the_share_of_the_most_talkative_speaker_and_how_many_they_weigh_as():
    found = estimate(*speaker_sums([1, 1, 1], [50, 25, 25]))
    assert found.largest_share == 0.5
    assert found.effective_speakers == pytest.approx(1 / (0.25 + 2 * 0.0625))


@pytest.mark.parametrize(
    ("errors", "words", "says"),
    [
        ([1, 2], [10], "2 speakers"),
        ([-1, 2], [10, 20], r"errors\[0\]"),
        ([1, math.nan], [10, 20], r"errors\[1\]"),
        ([1, 2], [10, math.inf], r"words\[1\]"),
        ([[1, 2]], [[10, 20]], "dimensions"),
        (["a"], [1], "not a list of numbers"),
    ],
)
def test_bad_sums_are_refused_with_their_place(errors, words, says):
    with pytest.raises(InputError, match=says):
        group_interval(errors, words)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_that_is_no_probability_is_refused(confidence):
    with pytest.raises(InputError, match="confidence"):
        group_interval([1, 2], [10, 20], confidence=confidence)
