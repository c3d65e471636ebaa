"""Other harms than word errors go by speaker, with the intervals and tests of word error rates."""

from dataclasses import replace

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats import compare_groups, group_interval
from asrfair.stats.harms import completion, deletion_runs, hallucination, keyword_misses
from asrfair.stats.permutation import permutation_test
from asrfair.stats.sides import Rows

ROWS = Rows.from_labels(range(12), ["a"] * 5 + ["b"] * 7, baseline="b")
FAILED = np.array([2, 1, 3, 2, 5, 1, 0, 1, 2, 0, 1, 1])


def test_the_test_of_completion_is_of_failures():
    a, b = completion(20 - FAILED, [20] * 12, ROWS)
    expected = compare_groups(FAILED[:5], [20] * 5, FAILED[5:], [20] * 7)
    second = permutation_test(FAILED[:5], [20] * 5, FAILED[5:], [20] * 7)
    assert expected.p < second.p < 0.05
    assert a.failures.versus == replace(expected, p=second.p)
    interval = group_interval(FAILED[:5], [20] * 5)
    assert (a.rate, a.low, a.high) == pytest.approx((0.87, 1 - interval.high, 1 - interval.low))
    assert b.failures.versus is None


def test_rows_may_be_utterances():
    speakers = np.repeat(np.arange(12), 20)
    failed = np.concatenate([np.arange(20) < n for n in FAILED])
    rows = Rows.from_labels(speakers, ["a"] * 100 + ["b"] * 140, baseline="b")
    assert completion(~failed, np.ones(240), rows) == completion(20 - FAILED, [20] * 12, ROWS)


def test_without_failures_there_is_no_test():
    a, b = completion([20] * 12, [20] * 12, ROWS)
    assert (a.rate, a.low, a.high, a.failures.versus.p, a.failures.versus.ratio) == (1.0, None, None, None, None)
    assert "no_errors" in a.failures.flags
    assert b.rate == 1.0


def test_many_failures_do_not_make_a_negative_share():
    (a, _) = completion([0, 3, 1, 9, 0, *[20] * 7], [20] * 12, ROWS)
    assert a.low == 0.0
    assert 0.0 < a.high < 1.0


def test_more_transcripts_than_utterances_are_refused():
    with pytest.raises(InputError, match=r"n_ok\[1\]: 3 transcripts of 2 utterances"):
        completion([1, 3, *[1] * 10], [2] * 12, ROWS)


def test_text_on_silence_is_per_hour_of_silence_and_in_no_other_rate():
    rows = Rows.from_labels(["s1", "s2", "s3"] * 2, ["a"] * 6)
    words, seconds = [100, 100, 200, 0, 0, 0], [30.0, 30.0, None, 60.0, 120.0, 180.0]
    found = hallucination([3, 0, 5, 9, 9, 9], [4, 1, 5, 9, 10, 11], words, seconds, rows)
    (runs,), (silence,) = found["insertion_runs"], found["words_on_silence"]
    assert runs.rate == pytest.approx(8 / 0.4)
    assert (runs.unit, silence.unit) == ("1000 reference words", "hour of non-speech")
    assert (silence.events, silence.exposure, silence.rate) == (30, pytest.approx(0.1), pytest.approx(300))
    assert (runs.low, runs.high) == pytest.approx(
        [1000 * end for end in (lambda i: (i.low, i.high))(group_interval([3, 0, 5], [100, 100, 200]))]
    )


@pytest.mark.parametrize(
    ("words", "seconds"),
    [([9, 9, 0], [1.0, 1.0, None]), ([9, 9, 9], [1.0] * 3), ([9, 9, 0], None)],
)
def test_without_silence_of_known_length_there_is_no_rate_per_hour(words, seconds):
    rows = Rows.from_labels([1, 2, 3], ["a"] * 3)
    assert hallucination([0] * 3, [1] * 3, words, seconds, rows)["words_on_silence"] is None


def test_bad_durations_are_refused():
    rows = Rows.from_labels([1, 2, 3], ["a"] * 3)
    for seconds, message in (([1.0], "1 numbers; give one"), ([1.0, 1.0, -1.0], r"duration_s\[2\]")):
        with pytest.raises(InputError, match=message):
            hallucination([0] * 3, [1] * 3, [9, 9, 0], seconds, rows)


def test_skipped_speech_and_missed_terms():
    (a, _) = deletion_runs(FAILED * 3, [600] * 12, ROWS)
    assert a.rate == pytest.approx(3 * 13 / 3)
    assert a.versus.ratio == pytest.approx(compare_groups(FAILED[:5], [1] * 5, FAILED[5:], [1] * 7).ratio)
    (missed, _) = keyword_misses(5 - FAILED, [5] * 12, ROWS)
    assert (missed.rate, missed.unit) == (pytest.approx(13 / 25), "occurrence of a term")
    with pytest.raises(InputError, match=r"found\[0\]: 2 found of 1 said"):
        keyword_misses([2] * 12, [1] * 12, ROWS)


def test_few_people_are_not_told_of():
    rows = Rows.from_labels(range(8), ["a", "a", *"bbbccc"], baseline="b")
    a, b, c = deletion_runs([3] * 7 + [6], [100] * 8, rows)
    assert (a.events, a.rate, a.versus, a.flags) == (
        None,
        None,
        None,
        ("suppressed", "baseline_few_speakers", "baseline_no_spread"),
    )
    assert (c.versus.p, b.n_speakers) == (None, 3)
    (alone,) = completion([1, 0], [1, 1], Rows.from_labels(["x", "x"], ["a", "a"]))
    assert (alone.rate, alone.low, alone.failures.versus) == (None, None, None)


def test_speakers_in_both_conditions_are_compared_within_themselves():
    rows = Rows.from_labels(list(range(6)) * 2, ["quiet"] * 6 + ["loud"] * 6, baseline="quiet")
    loud, _ = completion([9, 8, 9, 7, 9, 8, 7, 6, 6, 5, 8, 7], [10] * 12, rows)
    assert loud.failures.group == "loud"
    assert loud.failures.versus.paired


def test_harms_that_come_in_bursts_are_not_found_where_nothing_differs():
    """A few speakers have most skipped words; at 2 % log-Welch alone finds about twice as many gaps as it may."""
    rng = np.random.Generator(np.random.Philox(key=31))
    rows = Rows.from_labels(range(24), ["a"] * 12 + ["b"] * 12, baseline="b")
    found = []
    for _ in range(900):
        skipped = np.rint((rng.random(24) < 0.85) * np.exp(1.5 + 1.3 * rng.standard_normal(24)))
        harm = deletion_runs(skipped, np.full(24, 200.0), rows)[0]
        found.append(harm.versus.p if harm.versus.p is not None else 1.0)
    assert np.mean(np.array(found) < 0.02) < 0.028
