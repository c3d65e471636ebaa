"""Quality shares, plain and inside strata."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats import compare_groups, compare_paired, group_interval
from asrfair.stats.conditional_quality import conditional_quality
from asrfair.stats.quality import compare_quality, quality_share, quality_sums
from asrfair.stats.utterance_level import Utterances, quality_rows

UTTERANCES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 12), st.integers(0, 12), st.sampled_from("abc")),
    min_size=8,
    max_size=60,
)


def _columns(rows):
    return [np.array(column) for column in zip(*rows, strict=True)]


def _planted(seed, m=12, per_speaker=20, harder=0.0, loud_share=(0.5, 0.5)):
    """Two groups of m speakers; loud utterances are worse; group x is worse still by `harder`."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    columns = []
    for g, name in enumerate("xy"):
        speaker = np.repeat(np.arange(m), per_speaker) + g * m
        loud = rng.random(len(speaker)) < loud_share[g]
        chance = 0.1 + 0.4 * loud + harder * (name == "x") + np.repeat(rng.uniform(-0.08, 0.08, m), per_speaker)
        bad = rng.random(len(speaker)) < chance
        columns.append(
            (np.full(len(speaker), name), speaker, np.where(loud, "loud", "quiet"), 6 * bad, np.full(len(bad), 10))
        )
    return [np.concatenate(parts) for parts in zip(*columns, strict=True)]


def test_the_worked_shares_of_the_methods():
    """x = (0, .2, .4) and y = (.2, .4, .6) beyond .25: 1/3 and 2/3."""
    words = [5, 5, 5]
    assert quality_share([1, 2, 3], [0, 1, 2], words).wer == pytest.approx(1 / 3, abs=1e-9)
    assert quality_share([1, 2, 3], [1, 2, 3], words).wer == pytest.approx(2 / 3, abs=1e-9)
    assert quality_share([1, 2, 3], [1, 2, 3], words, threshold=0.5).wer == pytest.approx(1 / 3, abs=1e-9)


def test_at_the_threshold_is_not_beyond_it():
    """3/30 is not above 0.1, nor 7/10 above 0.7, whatever their binary fractions."""
    for errors, words, threshold in ((3, 30, 0.1), (7, 10, 0.7), (1, 4, 0.25), (6, 20, 0.3), (57, 100, 0.57)):
        assert quality_sums([1], [errors], [words], threshold=threshold).beyond.tolist() == [0.0]
        assert quality_sums([1], [errors + 1], [words], threshold=threshold).beyond.tolist() == [1.0]


def test_empty_references_are_in_neither_number():
    sums = quality_sums(["a", "a", "b"], [3, 9, 0], [4, 0, 4])
    assert sums.utterances.tolist() == [1.0, 1.0]
    assert sums.n_excluded == 1


def test_the_speaker_is_the_unit():
    """A hundred utterances of each speaker, all alike, tell no more than one of each: the same interval."""
    speakers, errors = [1, 2, 3, 4, 5], [0, 3, 4, 0, 9]
    once = quality_share(speakers, errors, [10] * 5)
    often = quality_share(speakers * 100, errors * 100, [10] * 500)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_the_share_is_the_rate_of_counts_over_utterances():
    found = quality_share([1, 1, 2, 2, 2, 3], [9, 0, 9, 9, 0, 0], [9] * 6)
    assert found == group_interval([1, 2, 0], [2, 3, 1])


def test_disjoint_speakers_are_compared_as_groups_and_shared_ones_as_pairs():
    a = quality_sums([1, 1, 2, 2, 3, 3, 4, 4], [9, 0, 9, 9, 0, 0, 9, 0], [9] * 8)
    b = quality_sums([5, 5, 6, 6, 7, 7], [9, 0, 0, 0, 9, 9], [9] * 6)
    assert compare_quality(a, b) == compare_groups(a.beyond, a.utterances, b.beyond, b.utterances)
    c = quality_sums([3, 3, 4, 4, 9], [9, 0, 9, 9, 9], [9] * 5)
    expected = compare_paired([1, 2, 0, 1, 0], [2, 2, 2, 2, 0], [0, 0, 1, 2, 1], [0, 0, 2, 2, 1])
    assert compare_quality(a, c) == expected
    assert expected.paired


def test_names_of_two_kinds_are_refused():
    with pytest.raises(InputError, match="one way"):
        compare_quality(quality_sums([1], [1], [2]), quality_sums(["1"], [1], [2]))


def test_one_stratum_is_the_plain_share():
    group, speaker, _, errors, words = _planted(1)
    found = conditional_quality(group, speaker, np.zeros(len(group), int), errors, words, baseline="y")
    x, y = (quality_sums(speaker[group == g], errors[group == g], words[group == g]) for g in "xy")
    expected = compare_quality(x, y)
    for g, sums in (("x", x), ("y", y)):
        plain = group_interval(sums.beyond, sums.utterances)
        for name in ("wer", "low", "high", "se", "df", "n_speakers"):
            assert getattr(found.shares[g], name) == pytest.approx(getattr(plain, name)), name
    assert found.gaps["x"].ratio == pytest.approx(expected.ratio)
    assert found.gaps["x"].p == pytest.approx(expected.p, rel=0.2), "log jackknife against delta method"


def test_worked_by_hand():
    """x: quiet 1/4, loud 2/2; y: quiet 0/2, loud 2/4. Pooled mix 6/12 each: x .625, y .25."""
    group = ["x"] * 6 + ["y"] * 6
    strata = ["quiet"] * 4 + ["loud"] * 2 + ["quiet"] * 2 + ["loud"] * 4
    errors = [9, 0, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0]
    speakers = [0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3]
    found = conditional_quality(group, speakers, strata, errors, [9] * 12, baseline="y")
    assert (found.shares["x"].wer, found.shares["y"].wer) == (pytest.approx(0.625), pytest.approx(0.25))
    assert found.gaps["x"].difference == pytest.approx(0.375)
    assert found.n_strata == 2


def test_who_only_met_more_noise_has_a_plain_gap_and_no_conditional_one():
    columns = _planted(2, m=40, loud_share=(0.8, 0.2))
    group, speaker, _, errors, words = columns
    x, y = (quality_sums(speaker[group == g], errors[group == g], words[group == g]) for g in "xy")
    assert compare_quality(x, y).p < 0.001
    assert conditional_quality(*columns, baseline="y").gaps["x"].p > 0.05


def test_who_is_treated_worse_in_the_same_noise_has_a_conditional_gap():
    found = conditional_quality(*_planted(3, m=30, harder=0.2), baseline="y").gaps["x"]
    assert found.p < 0.01
    assert found.difference_low < 0.2 < found.difference_high


def test_equal_groups_are_rarely_found_different_inside_strata():
    """Nominal 5 %, 300 repetitions."""
    p = [
        conditional_quality(*_planted(100 + i, m=8, loud_share=(0.6, 0.4)), baseline="y").gaps["x"].p
        for i in range(300)
    ]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_the_jackknife_is_deleting_each_speaker_for_good():
    columns = _planted(5, m=6)
    found = conditional_quality(*columns, baseline="y")
    group, speaker = columns[:2]
    variance = 0.0
    for g in "xy":
        changes = []
        for s in np.unique(speaker[group == g]):
            without = conditional_quality(*[column[speaker != s] for column in columns], baseline="y")
            changes.append(without.shares["x"].wer - found.shares["x"].wer)
        variance += 5 / 6 * np.sum(np.square(changes))
    assert found.shares["x"].se == pytest.approx(variance**0.5, rel=1e-9)


def test_strata_that_a_group_lacks_are_dropped_for_all_and_counted():
    columns = _planted(6)
    extra = [
        np.array(["x"] * 3),
        np.array([0, 1, 2]),
        np.array(["siren"] * 3),
        np.array([9, 9, 9]),
        np.array([9, 9, 9]),
    ]
    with_siren = [np.concatenate(pair) for pair in zip(columns, extra, strict=True)]
    found, expected = conditional_quality(*with_siren), conditional_quality(*columns)
    assert found.shares == expected.shares
    assert (found.n_strata, found.n_strata_dropped) == (2, 1)
    assert found.n_dropped == {"x": 3, "y": 0}


def test_a_stratum_of_a_single_speaker_of_a_group_is_dropped():
    found = conditional_quality(
        ["x", "x", "y", "y"], [0, 0, 1, 2], [1, 1, 1, 1], [1, 1, 1, 1], [2, 2, 2, 2], baseline="x"
    )
    assert (found.n_strata, found.n_strata_dropped, found.gaps) == (0, 1, {})
    assert found.shares["y"].wer is None


def test_no_utterance_beyond_has_no_interval():
    found = conditional_quality(["x", "x", "y", "y"], [0, 1, 2, 3], [1] * 4, [0] * 4, [2] * 4, baseline="x")
    assert found.shares["x"].wer == 0.0
    assert found.shares["x"].low is None
    assert (found.gaps["y"].ratio, found.gaps["y"].p) == (None, None)


@given(UTTERANCES, st.randoms(use_true_random=False))
def test_the_order_of_utterances_changes_nothing(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = []
    for given_rows in (rows, shuffled):
        speakers, errors, words, strata = _columns(given_rows)
        groups = np.where(speakers % 2, "x", "y")
        found.append(
            (quality_share(speakers, errors, words), conditional_quality(groups, speakers, strata, errors, words))
        )
    assert repr(found[0][0]) == repr(found[1][0])
    for name, share in found[0][1].shares.items():
        other = found[1][1].shares[name]
        assert share.wer == (None if other.wer is None else pytest.approx(other.wer))
        assert share.se == (None if other.se is None else pytest.approx(other.se))


@pytest.mark.parametrize(
    "wrong", [([1, 2], [1], [1]), ([1], [-1], [1]), ([1], [1], [np.nan]), ([0.5], [1], [1]), ([None], [1], [1])]
)
def test_what_is_no_utterance_is_refused(wrong):
    with pytest.raises(InputError):
        quality_share(*wrong)


def test_wrong_questions_are_refused():
    with pytest.raises(InputError, match="threshold"):
        quality_sums([1], [1], [1], threshold=-0.1)
    with pytest.raises(InputError, match="baseline"):
        conditional_quality(["x"], [1], [1], [1], [1], baseline="z")
    with pytest.raises(InputError, match="one group"):
        conditional_quality(["x", "y"], [1, 1], [1, 1], [1, 1], [1, 1])
    with pytest.raises(InputError, match="strata"):
        conditional_quality(["x"], [1], [1, 2], [1], [1])


def test_nothing_given_is_nothing_found():
    assert quality_share([], [], []).wer is None
    assert conditional_quality([], [], [], [], []).shares == {}


def test_a_quality_share_that_rests_on_one_speaker_is_not_tested():
    """Six speakers a group, but one has nine tenths of the utterances: they weigh as fewer than three."""
    rng = np.random.Generator(np.random.Philox(key=21))
    speakers = [f"{group}{s}" for group in "ab" for s in range(6) for _ in range(90 if s == 0 else 2)]
    groups = np.array([name[0] for name in speakers], dtype=object)
    errors = rng.binomial(10, np.where(groups == "a", 0.4, 0.2)).astype(float)
    found = Utterances(
        ("s", "clean", "none"), np.array(speakers), errors, np.full(len(errors), 10.0), {"accent": groups}
    )
    rows = list(quality_rows(found, "accent", "b"))
    assert [(row["group"], row["p"]) for row in rows if row["measure"] == "share_above_0.25"] == [
        ("a", None),
        ("b", None),
    ]
