"""Asking again shows what one run cannot: how far rates and gaps move by the decoding alone."""

import math

import numpy as np
import pyarrow as pa
import pytest

from asrfair.stats.atoms import COUNTED
from asrfair.stats.repeats import NOISY, NOT_AS_SAID, RepeatSums

SPEAKERS = ["a1", "a2", "a3", "b1", "b2", "b3"]
GROUPS = {"accent": pa.chunked_array([["a"] * 3 + ["b"] * 3])}
WORDS = 10


def counts(errors):
    """Score rows of utterances of ten words with so many substitutions each."""
    wrong = np.array(errors, np.int32)
    zero = np.zeros_like(wrong)
    columns = [WORDS - wrong, wrong, zero, zero, zero, zero]
    return pa.table(dict(zip(COUNTED, map(pa.array, columns), strict=True)))


def rows(times, changed, *, ok=None, gaps=None, baselines=None, deterministic=False, groups=GROUPS, speakers=SPEAKERS):
    sums = RepeatSums(["accent"], len(times))
    ok = np.ones(len(speakers), bool) if ok is None else np.array(ok)
    sums.add([counts(errors) for errors in times], np.array(changed, bool), ok, pa.array(speakers), groups)
    found = sums.rows(baselines or {}, gaps or {}, deterministic=deterministic)
    return {row["group"]: row for row in found}


def test_rates_and_deviations_are_those_of_a_case_worked_by_hand():
    """Six speakers of ten words each, asked three times; b3 was heard otherwise the second time.

    a: 3 of 30 words wrong every time: 0.1, 0.1, 0.1. b: 6, 9, 6 of 30: 0.2, 0.3, 0.2, mean 0.7/3, deviation
    sqrt((2 * (1/30)^2 + (1/15)^2) / 2) = 0.1 / sqrt(3). The gap of b to a, 0.1, 0.2, 0.1, has the same deviation.
    Its interval, 0.05 to 0.15, has the half width 0.05: the decoding moves the gap by more than that.
    """
    found = rows(
        [[1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 5], [1, 1, 1, 2, 2, 2]],
        [0, 0, 0, 0, 0, 1],
        gaps={("accent", "b"): (0.1, 0.05, 0.15)},
        baselines={"accent": "a"},
    )
    a, b, everybody = found["a"], found["b"], found["all"]
    assert a["wers"] == pytest.approx([0.1] * 3)
    assert (a["wer_sd"], a["share_changed"], a["baseline"], a["gap"]) == (0.0, 0.0, None, None)
    assert b["wers"] == pytest.approx([0.2, 0.3, 0.2])
    assert (b["wer_mean"], b["wer_min"], b["wer_max"]) == pytest.approx((0.7 / 3, 0.2, 0.3))
    assert b["wer_sd"] == pytest.approx(0.1 / math.sqrt(3))
    assert b["share_changed"] == pytest.approx(1 / 3)
    assert (b["baseline"], b["gap"]) == ("a", 0.1)
    assert b["gap_sd"] == pytest.approx(0.1 / math.sqrt(3))
    assert b["gap_sd_share"] == pytest.approx(1 / math.sqrt(3))
    assert b["half_width"] == pytest.approx(0.05)
    assert b["half_width_share"] == pytest.approx(2 / math.sqrt(3))
    assert NOISY in b["flags"]
    assert everybody["share_changed"] == pytest.approx(1 / 6)
    assert everybody["wers"] == pytest.approx([0.15, 0.2, 0.15])
    assert (everybody["n_repeats"], everybody["n_ref_words"], everybody["n_speakers"]) == (3, 60, 6)


def test_decoding_noise_is_flagged_above_half_of_the_half_width_only():
    times = [[1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 3]]
    sd = (1 / 30) / math.sqrt(2)
    for half_width, noisy in ((2.01 * sd, False), (1.99 * sd, True)):
        gaps = {("accent", "b"): (0.1, 0.1 - half_width, 0.1 + half_width)}
        assert (NOISY in rows(times, [0] * 6, gaps=gaps)["b"]["flags"]) is noisy


def test_a_deviation_that_hits_both_groups_alike_moves_no_gap():
    found = rows([[1, 1, 1, 2, 2, 2], [2, 2, 2, 3, 3, 3]], [1] * 6, gaps={("accent", "b"): (0.1, 0.0, 0.2)})
    assert found["b"]["wer_sd"] > 0.05
    assert found["b"]["gap_sd"] == pytest.approx(0.0, abs=1e-15)
    assert found["b"]["baseline"] == "rest"


def test_a_system_that_says_the_same_has_no_deviation_at_all():
    times = [[1, 2, 3, 1, 0, 2]] * 4
    for row in rows(times, [0] * 6, gaps={("accent", "b"): (0.1, 0.0, 0.2)}, deterministic=True).values():
        assert (row["wer_sd"], row["share_changed"], row["n_repeats"]) == (0.0, 0.0, 4)
        assert not {NOISY, NOT_AS_SAID} & set(row["flags"])


def test_a_system_that_is_called_deterministic_and_is_not_is_flagged():
    found = rows([[1] * 6, [1] * 6], [0, 0, 0, 0, 0, 1], deterministic=True)
    assert NOT_AS_SAID in found["all"]["flags"]
    assert NOT_AS_SAID in found["b"]["flags"]
    assert NOT_AS_SAID not in found["a"]["flags"]


def test_what_failed_once_is_in_no_rate_and_is_counted():
    """The counts are of the five that were transcribed every time; the sixth, of group b, is left out."""
    speakers, groups = [*SPEAKERS, "b4"], {"accent": pa.chunked_array([["a"] * 3 + ["b"] * 4])}
    ok = [True] * 6 + [False]
    times = [[1] * 6, [1] * 6]
    found = rows(times, [0] * 6, ok=ok, groups=groups, speakers=speakers)
    assert (found["b"]["n_utterances"], found["b"]["n_failed"], found["b"]["n_speakers"]) == (4, 1, 3)
    assert (found["a"]["n_utterances"], found["a"]["n_failed"]) == (3, 0)
    assert found["all"]["n_ref_words"] == 60


def test_a_group_of_too_few_people_has_no_numbers():
    speakers, groups = SPEAKERS, {"accent": pa.chunked_array([["a"] * 4 + ["b"] * 2])}
    found = rows([[1] * 6, [2] * 6], [1] * 6, groups=groups, speakers=speakers, gaps={("accent", "a"): (0.1, 0.0, 0.2)})
    told = found["b"]
    assert "suppressed" in told["flags"]
    names = ("wers", "wer_mean", "wer_sd", "share_changed", "gap", "gap_sd", "half_width_share")
    assert {told[name] for name in names} == {None}
    assert found["a"]["gap_sd"] is None, "its other side is too few people"
    assert found["a"]["wer_sd"] is not None


def test_the_order_of_the_utterances_changes_nothing():
    times, changed = [[1, 0, 2, 2, 3, 2], [1, 1, 1, 2, 2, 5]], [0, 1, 1, 0, 1, 1]
    order = [5, 3, 1, 0, 2, 4]
    turned = rows(
        [[errors[i] for i in order] for errors in times],
        [changed[i] for i in order],
        groups={"accent": pa.chunked_array([[GROUPS["accent"][i].as_py() for i in order]])},
        speakers=[SPEAKERS[i] for i in order],
    )
    assert turned == rows(times, changed)
