"""The policy table of METHODS section 0, line by line, and the order of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats import policy
from asrfair.stats.ordering import condition_key, group_key, natural_key
from asrfair.stats.policy import Facts, flags_of, is_confounded_with_speaker, meaning, refuses_p, verdict
from asrfair.stats.rates import estimate, macro_rate


def flags(errors, words, *, known=True, n_failed=0):
    e, n = np.array(errors, float), np.array(words, float)
    return flags_of(Facts(len(e) + n_failed, n_failed, known, estimate(e, n), macro_rate(e, n)))


def people(m, words=200):
    """m speakers with the same words and rates that differ."""
    return [10 + s % 3 for s in range(m)], [words] * m


def test_ten_equal_speakers_with_enough_words_need_no_flag():
    assert flags(*people(10)) == ()


@pytest.mark.parametrize("m", [0, 1, 2])
def test_fewer_than_3_speakers_are_suppressed_and_tell_nothing_else(m):
    found = flags([0] * m, [10] * m, n_failed=1)
    assert set(found) <= {"suppressed", "all_failed"}
    assert refuses_p(found)


@pytest.mark.parametrize("m", [3, 4])
def test_three_or_four_speakers_get_an_interval_but_no_p(m):
    found = flags(*people(m))
    assert "few_speakers" in found
    assert "fragile" not in found
    assert refuses_p(found)


def test_many_speakers_who_weigh_as_two_get_no_p():
    errors, words = people(12)
    words[0] = words[1] = 20_000
    assert "few_speakers" in flags(errors, words)


@pytest.mark.parametrize("m", [5, 9])
def test_five_to_nine_speakers_are_fragile_but_tested(m):
    assert flags(*people(m)) == ("fragile",)
    assert not refuses_p(("fragile",))


def test_one_speaker_with_more_than_a_quarter_of_the_words_is_fragile():
    errors, words = people(20)
    errors[0], words[0] = 70, 1_250
    assert flags(errors, words) == ()
    words[0] = 1_500
    assert "fragile" in flags(errors, words)


def test_fewer_than_500_words_are_few():
    assert "few_words" in flags(*people(10, words=49))
    assert "few_words" not in flags(*people(10, words=50))


def test_no_errors_no_words_no_spread():
    assert "no_errors" in flags([0] * 10, [100] * 10)
    assert {"no_words", "few_words"} <= set(flags([1] * 10, [0] * 10))
    assert "no_spread" in flags([10] * 10, [100] * 10)
    assert "no_spread" not in flags([0] * 10, [100] * 10)


def test_unknown_speakers_get_no_p_and_no_other_judgement_of_speakers():
    found = flags([50], [100], known=False)
    assert found == ("speakers_unknown", "few_words")
    assert refuses_p(found)


def test_pooled_and_macro_further_apart_than_a_standard_error():
    words = [1000] * 3 + [50] * 9
    errors = [100, 110, 90] + [20, 22, 24] * 3
    assert "informative_size" in flags(errors, words)
    assert "informative_size" not in flags(*people(12))


def test_a_rate_above_1_is_flagged_never_clipped():
    assert "wer_above_1" in flags([150 + s for s in range(10)], [100] * 10)


def test_every_flag_has_a_meaning_in_plain_words():
    for flag in [rule.flag for rule in policy.RULES] + list(policy.CONTRAST_FLAGS):
        assert meaning(flag) != flag
    assert meaning("baseline_absent") == policy.CONTRAST_FLAGS["baseline_absent"]
    assert meaning("something_newer") == "something_newer"


@pytest.mark.parametrize(
    ("ratio", "p", "suppressed", "says"),
    [
        (1.8, 0.01, False, "higher"),
        (0.5, 0.01, False, "lower"),
        (1.8, 0.05, False, "not shown"),
        (1.8, None, False, "cannot tell"),
        (None, None, False, "cannot tell"),
        (1.8, 0.01, True, "suppressed"),
    ],
)
def test_verdicts(ratio, p, suppressed, says):
    assert verdict(ratio, p, suppressed=suppressed) == says


def test_confounded_means_that_no_group_has_three_speakers():
    assert is_confounded_with_speaker([2, 2, 1])
    assert not is_confounded_with_speaker([2, 3])
    assert not is_confounded_with_speaker([None, 1])
    assert not is_confounded_with_speaker([])


def test_conditions_come_clean_first_then_by_level():
    given_ = ["mri-room@10dB", "fan", "mri-room@-5dB", "clean", "mri-room@5dB", "mri-room@2.5dB"]
    assert sorted(given_, key=condition_key) == [
        "clean",
        "fan",
        "mri-room@-5dB",
        "mri-room@2.5dB",
        "mri-room@5dB",
        "mri-room@10dB",
    ]


def test_bins_follow_their_edges_also_inside_intersections():
    bins = ["<-5", "-5-10", "10-20", ">=20"]
    assert sorted([">=20", "-5-10", "<-5", "10-20"], key=group_key) == bins
    both = [f"{a}*{b}" for a in ("Irish", "Scottish") for b in bins]
    assert sorted([*both[5:], *both[:5]], key=group_key) == both


def test_the_baseline_comes_first_and_the_unsaid_last():
    found = sorted(["missing", "Prefer not to say", "b", "a", "z"], key=lambda g: group_key(g, "z"))
    assert found == ["z", "a", "b", "Prefer not to say", "missing"]


@given(st.lists(st.text(max_size=8), unique=True, max_size=12))
def test_any_names_have_one_order(names):
    for key in (natural_key, condition_key, group_key):
        backwards = list(reversed(names))
        assert sorted(names, key=key) == sorted(backwards, key=key)
