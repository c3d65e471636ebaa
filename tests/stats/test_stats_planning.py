"""How many speakers a gap takes, against METHODS section 11 and by keeping the promise."""

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats import compare_groups
from asrfair.stats.multiplicity import benjamini_hochberg, benjamini_yekutieli, holm, two_stage
from asrfair.stats.planning import Assumed, detectable_ratio, mde_ratio, n_speakers, needed_speakers

P = [0.001, 0.011, 0.02, 0.04, 0.3]


def test_the_worked_plans_of_methods_11():
    assert n_speakers(0.20, 0.30, 1050, Assumed(0.4, 1.84, 0.6)) == 25
    assert n_speakers(0.08, 0.12, 500, Assumed(0.55, 1.52, 0.4)) == 44
    assert mde_ratio(20, 0.2, 1050, Assumed(0.4, 1.84, 0.6)) == pytest.approx(1.5754015, abs=1e-6)


def test_words_saturate_at_about_39_in_conversation():
    assert Assumed(0.4, 1.84, 0.6).enough_words(0.2) == pytest.approx(39, abs=0.5)
    assert Assumed(0.0, 2, 0.5).enough_words(0.2) is None


def test_the_planned_number_of_speakers_finds_the_gap_four_times_in_five():
    rng, sigma, words = np.random.Generator(np.random.Philox(key=8)), 0.5, 800
    m = n_speakers(0.1, 0.17, words, Assumed(sigma, 1.0, 0.0))

    def group(rate):
        return rng.poisson(words * rate * np.exp(sigma * rng.standard_normal(m) - sigma**2 / 2)), np.full(m, words)

    found = [compare_groups(*group(0.17), *group(0.1)).p < 0.05 for _ in range(600)]
    assert 0.73 <= np.mean(found) <= 0.88


def test_more_speakers_are_needed_for_smaller_gaps_and_the_smallest_is_the_answer():
    needed = [n_speakers(0.2, 0.2 * ratio, 1000) for ratio in (2.0, 1.5, 1.25, 1.1)]
    assert needed == sorted(needed)
    for ratio, m in zip((2.0, 1.5, 1.25), needed, strict=False):
        assert mde_ratio(m, 0.2, 1000) <= ratio * 1.05
        assert mde_ratio(m - 2, 0.2, 1000) > ratio * 0.95
    assert n_speakers(0.2, 0.2000001, 1000) is None


def test_so_many_speakers_are_needed_and_not_one_fewer():
    """m speakers a group show the ratio, m - 1 do not."""
    for variance in (0.01, 0.05, 0.1, 0.2, 0.3, 1.0):
        for ratio in (1.1, 1.25, 1.5, 2.0, 3.0, 5.0):
            m = needed_speakers(variance, variance, ratio)
            shown = [detectable_ratio((2 * variance / k) ** 0.5, 2 * k - 2) for k in (m, m - 1) if k > 1]
            assert shown[0] <= ratio
            assert all(more > ratio for more in shown[1:])


@pytest.mark.parametrize(
    ("rates", "words", "spread"),
    [
        ((0.2, 0.2), 100, Assumed()),
        ((0, 0.1), 100, Assumed()),
        ((0.1, 0.2), 0, Assumed()),
        ((0.1, 0.2), 9, Assumed(-1)),
    ],
)
def test_impossible_plans_are_refused(rates, words, spread):
    with pytest.raises(InputError):
        n_speakers(*rates, words, spread)


def test_the_worked_adjustments_of_methods_11():
    assert holm(P) == pytest.approx([0.005, 0.044, 0.06, 0.08, 0.3], abs=1e-6)
    assert benjamini_hochberg(P) == pytest.approx([0.005, 0.0275, 0.0333333, 0.05, 0.3], abs=1e-6)
    assert benjamini_yekutieli(P) == pytest.approx([0.0114167, 0.0627917, 0.0761111, 0.1141667, 0.685], abs=1e-6)


def test_adjustments_agree_with_scipy():
    from scipy import stats

    p = np.random.Generator(np.random.Philox(key=3)).random(40) ** 2
    assert benjamini_hochberg(p.tolist()) == pytest.approx(stats.false_discovery_control(p))
    assert benjamini_yekutieli(p.tolist()) == pytest.approx(
        np.minimum(stats.false_discovery_control(p, method="by"), 1)
    )


def test_two_stages_find_nothing_inside_a_set_that_was_not_selected():
    p = [0.001, 0.002, 0.5, 0.04, 0.9, 0.9]
    found = two_stage(p, ["a", "a", "a", "b", "b", "b"])
    assert found[0] < 0.05
    assert min(found[3:]) > 0.05
    assert two_stage([None, 0.01], ["a", "b"]) == [None, 0.01]
    assert two_stage([], []) == []
