"""Gaps between normalisers and between systems, and the jackknife they rest on."""

import math

import numpy as np
import pytest
from score_rows import row, tables

from asrfair.errors import InputError
from asrfair.stats import SpeakerSums, compare_paired
from asrfair.stats.jackknife import from_replicates, jackknife
from asrfair.stats.log_contrast import log_contrast
from asrfair.stats.rates import estimate
from asrfair.stats.system_gaps import frontier

CLEAN_A, NOISY_A, WORDS_A = np.array([10.0, 6, 8, 12]), np.array([20.0, 15, 18, 22]), np.array([100.0, 80, 90, 110])
CLEAN_B, NOISY_B = np.array([4.0, 5, 3, 6, 5]), np.array([9.0, 11, 7, 12, 9])
WORDS_B = np.array([100.0, 100, 80, 120, 90])


def _analysed(rows, **asked):
    sums = SpeakerSums(["accent"], ["one", "two"])
    sums.add(*tables(rows))
    return sums.finish(**asked)


def test_the_closed_form_of_one_rate_is_the_general_jackknife():
    errors, words = np.array([5, 8, 3, 10]), np.array([50, 40, 60, 50])
    found = jackknife(lambda kept: errors[kept].sum() / words[kept].sum(), 4, words=words)
    closed = estimate(errors.astype(float), words.astype(float))
    assert (found.value, found.se, found.df) == pytest.approx((closed.rate, closed.se, closed.df))


def test_the_worked_difference_in_differences_of_methods_11():
    pad = lambda left, right: (np.r_[left, np.zeros(5)], np.r_[np.zeros(4), right])  # noqa: E731
    clean_a, clean_b = pad(CLEAN_A, CLEAN_B)
    noisy_a, noisy_b = pad(NOISY_A, NOISY_B)
    words_a, words_b = pad(WORDS_A, WORDS_B)
    membership = np.r_[np.full(4, 1), np.full(5, 2)]
    sides = [(1, noisy_a, words_a), (-1, clean_a, words_a), (-1, noisy_b, words_b), (1, clean_b, words_b)]
    found = log_contrast(sides, membership)
    assert (found.value, found.se) == pytest.approx((-0.0017376, 0.0795352), abs=1e-6)
    rates = lambda e, n, kept: e[kept].sum() / n[kept].sum()  # noqa: E731
    absolute = jackknife(
        lambda k: (
            rates(noisy_a, words_a, k)
            - rates(clean_a, words_a, k)
            - rates(noisy_b, words_b, k)
            + rates(clean_b, words_b, k)
        ),
        9,
        strata=membership,
    )
    assert (absolute.value, absolute.se) == pytest.approx((0.0516112, 0.0058586), abs=1e-6)


def test_a_contrast_of_one_rate_with_itself_is_nothing():
    found = log_contrast([(1.0, CLEAN_A, WORDS_A), (-1.0, CLEAN_A, WORDS_A)])
    assert (found.value, found.se) == (0.0, None)


def test_a_contrast_without_errors_on_a_side_is_undefined():
    assert log_contrast([(1.0, CLEAN_A, WORDS_A), (-1.0, np.zeros(4), WORDS_A)]).value is None
    lonely = log_contrast([(1.0, CLEAN_A, WORDS_A), (-1.0, np.array([1.0, 0, 0, 0]), WORDS_A)])
    assert lonely.value is not None
    assert lonely.se is None


def test_undefined_replicates_leave_no_standard_error():
    assert from_replicates(1.0, [1.0, None, 1.1]).se is None
    assert from_replicates(None, [1.0, 2.0]).value is None
    with pytest.raises(InputError, match="give one each"):
        jackknife(lambda kept: 1.0, 3, words=[1.0])


def _two_normalizers(harsh_on):
    """12 speakers in each of two groups; the second normaliser makes more errors for one group alone."""
    rng = np.random.Generator(np.random.Philox(key=4))
    rows = []
    for group in ("a", "b"):
        for s in range(12):
            errors = int(rng.integers(20, 40))
            harsh = 25 if group == harsh_on else 0
            for name, more in (("one", 0), ("two", harsh)):
                rows.append(row(f"{group}{s}", errors + more, 300, accent=group, normalizer=name))
    return rows


def test_a_gap_that_the_normaliser_makes_is_reported_with_its_interval():
    (found, _) = _analysed(_two_normalizers("b")).normalizer_gaps.to_pylist()
    assert (found["normalizer"], found["other_normalizer"]) == ("one", "two")
    assert found["induced_ratio"] == pytest.approx(found["wer_ratio"] / found["other_wer_ratio"])
    assert found["induced_low"] < found["induced_ratio"] < found["induced_high"]
    assert found["p"] < 1e-6
    assert found["verdict_changes"]
    assert (found["verdict"], found["other_verdict"]) == ("not shown", "lower")
    assert found["other_worst_group"] == "b"


def test_a_normaliser_that_treats_groups_alike_induces_no_gap():
    (found, _) = _analysed(_two_normalizers(None)).normalizer_gaps.to_pylist()
    assert (found["induced_ratio"], found["p"], found["verdict_changes"]) == (1.0, None, False)


def test_the_induced_gap_is_far_sharper_than_the_gap_itself():
    """The same speakers under both normalisers: what they share cancels."""
    analysed = _analysed(_two_normalizers("b"))
    (found, _) = analysed.normalizer_gaps.to_pylist()
    gap = next(d for d in analysed.disparities.to_pylist() if d["group"] == "a" and d["normalizer"] == "one")
    assert math.log(found["induced_high"] / found["induced_low"]) < math.log(gap["ratio_high"] / gap["ratio_low"])


def _two_systems(better_for):
    """System y makes half of x's errors for some groups and as many for the others."""
    rng = np.random.Generator(np.random.Philox(key=5))
    rows = []
    for group in ("a", "b", "c"):
        for s in range(10):
            errors = int(rng.integers(40, 80))
            for system in ("x", "y"):
                factor = 0.5 if system == "y" and group in better_for else 1.0
                made = int(errors * factor * np.exp(0.05 * rng.standard_normal()))
                rows.append(row(f"{group}{s}", made, 400, accent=group, system=system, normalizer="one"))
    return rows


def test_better_on_average_is_told_from_better_for_everyone():
    found = {(r["attribute"], r["group"]): r for r in _analysed(_two_systems("ab")).system_gaps.to_pylist()}
    assert {(r["system_id"], r["other_system_id"]) for r in found.values()} == {("y", "x")}
    assert found["all", "all"]["verdict"] == "lower"
    assert [found["accent", g]["verdict"] for g in "abc"] == ["lower", "lower", "not shown"]
    left_out = found["accent", "c"]
    assert left_out["interaction_ratio"] > 1.5
    assert left_out["interaction_p_adjusted"] < 0.001
    assert left_out["p_sign_flip"] > 0.05 > found["accent", "a"]["p_sign_flip"]


def test_the_paired_comparison_of_systems_is_that_of_compare_paired():
    rows = _two_systems("a")
    (found,) = [r for r in _analysed(rows).system_gaps.to_pylist() if r["group"] == "b"]
    sums = {
        system: [r["substitutions"] for r in rows if r["system_id"] == system and r["accent"] == "b"] for system in "xy"
    }
    expected = compare_paired(sums["y"], [400] * 10, sums["x"], [400] * 10, p_from="difference")
    assert (found["wer_difference"], found["p"], found["df"]) == pytest.approx(
        (expected.difference, expected.p, expected.df)
    )


def test_failures_of_one_system_are_flagged_and_leave_no_sign_flip():
    rows = _two_systems("a")
    rows[-1] |= {"status": "failed"} | dict.fromkeys(("hits", "substitutions", "deletions", "insertions"))
    rows[-1] |= {"n_ref_chars": None, "char_errors": None}
    (found,) = [r for r in _analysed(rows).system_gaps.to_pylist() if r["group"] == "c"]
    assert "failures_differ" in found["flags"]
    assert found["p_sign_flip"] is None
    assert found["p"] is not None


def test_small_groups_show_no_numbers_between_systems_or_normalisers():
    rows = [r for r in _two_systems("a") if r["accent"] != "c" or r["speaker_id"] in ("c0", "c1")]
    analysed = _analysed(rows)
    (found,) = [r for r in analysed.system_gaps.to_pylist() if r["group"] == "c"]
    assert found["verdict"] == "suppressed"
    assert [found[k] for k in ("wer_difference", "wer_ratio", "p", "interaction_ratio")] == [None] * 4


def test_the_front_has_the_systems_that_none_beats_on_both():
    points = {"fast": (0.10, 0.05), "fair": (0.12, 0.02), "worse": (0.13, 0.06), "unknown": (None, 0.0)}
    assert list(frontier(points)) == ["fast", "fair"]
