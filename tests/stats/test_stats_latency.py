"""Waiting times: quantiles over utterances, intervals over speakers, and a speed that does not grow with the talk."""

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats import compare_groups, macro_interval
from asrfair.stats.latency import latency
from asrfair.stats.sides import Rows


def waits(seed=1, n=120):
    rng = np.random.Generator(np.random.Philox(key=seed))
    speakers = rng.integers(0, 12, n)
    return speakers, rng.lognormal(-1, 0.5, n), rng.uniform(1, 9, n)


def test_the_typical_wait_is_the_mean_of_the_speakers_medians():
    speakers, seconds, audio = waits()
    rows = Rows.from_labels(speakers, ["a" if s < 5 else "b" for s in speakers], baseline="b")
    a, b = latency(seconds, audio.tolist(), rows)
    medians = np.array([np.median(seconds[speakers == s]) for s in range(12)])
    interval = macro_interval(medians[:5], np.ones(5))
    assert (a.typical.rate, a.typical.low, a.typical.high) == pytest.approx((interval.wer, interval.low, interval.high))
    expected = compare_groups(medians[:5], np.ones(5), medians[5:], np.ones(7))
    assert a.typical.versus.p == pytest.approx(expected.p)
    assert (a.median_s, a.p95_s) == pytest.approx(tuple(np.quantile(seconds[speakers < 5], [0.5, 0.95])))
    assert a.real_time_factor.rate == pytest.approx(seconds[speakers < 5].sum() / audio[speakers < 5].sum())
    assert a.flags[-1] == b.flags[-1] == "descriptive"


def test_who_talks_longer_waits_longer_but_at_the_same_speed():
    speakers, _, audio = waits()
    audio = audio * np.where(speakers < 5, 3.0, 1.0)
    rows = Rows.from_labels(speakers, ["a" if s < 5 else "b" for s in speakers], baseline="b")
    a, _ = latency(0.2 * audio * (1 + 0.01 * speakers), audio.tolist(), rows)
    assert a.typical.versus.ratio_low > 1.5
    assert a.real_time_factor.versus.ratio < 1.0


@pytest.mark.parametrize("audio", [None, [1.0] * 5 + [None]])
def test_without_durations_there_is_no_speed(audio):
    (found,) = latency([1.0] * 6, audio, Rows.from_labels([1, 1, 2, 2, 3, 3], ["a"] * 6))
    assert found.real_time_factor is None
    assert (found.median_s, found.typical.low) == (1.0, None)


def test_two_speakers_are_not_told_of_and_bad_times_are_refused():
    rows = Rows.from_labels([1, 2], ["a", "a"])
    (found,) = latency([1.0, 2.0], [1.0, 1.0], rows)
    assert (found.median_s, found.p95_s, found.typical.rate, found.real_time_factor.rate) == (None, None, None, None)
    with pytest.raises(InputError, match=r"latency_s\[1\]: nan"):
        latency([1.0, float("nan")], None, rows)
