"""Confidences: what they promise by group, and what a threshold on them would do."""

import numpy as np
import pytest

from asrfair.errors import InputError
from asrfair.stats import group_interval
from asrfair.stats.calibration import calibration
from asrfair.stats.review import review, threshold_for
from asrfair.stats.sides import Rows


def words(seed=1, n=4000, n_speakers=16, surplus=0.0):
    """Words whose confidence is right on average, less `surplus` for the first half of the speakers."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    speakers = rng.integers(0, n_speakers, n)
    confidences = rng.beta(6, 1.5, n)
    chance = np.clip(confidences - surplus * (speakers < n_speakers // 2), 0, 1)
    correct = rng.random(n) < chance
    rows = Rows.from_labels(speakers, ["a" if s < n_speakers // 2 else "b" for s in speakers], baseline="b")
    return confidences, correct, rows


def test_an_honest_engine_is_calibrated_and_a_planted_gap_is_found():
    honest, _ = calibration(*words())
    assert honest.overconfidence_low < 0.0 < honest.overconfidence_high
    assert honest.ece < 0.06
    assert honest.gap.low < 0.0 < honest.gap.high
    sure, other = calibration(*words(surplus=0.2))
    assert sure.overconfidence_low < 0.2 < sure.overconfidence_high
    assert sure.gap.low < 0.2 < sure.gap.high
    assert sure.gap.low > 0.1
    assert sure.ece == pytest.approx(0.2, abs=0.04)
    assert other.gap is None


def test_the_intervals_are_the_jackknife_over_speakers():
    confidences, correct, rows = words(seed=2, n=300, n_speakers=10)
    (found, _) = calibration(confidences, correct, rows)
    mask = rows.groups["a"]
    c, y, s = confidences[mask], correct[mask], rows.codes[mask]

    def ece(keep):
        bins = np.minimum((c[keep] * 10).astype(int), 9)
        return np.abs(np.bincount(bins, c[keep] - y[keep], 10)).sum() / keep.sum()

    assert found.ece == pytest.approx(ece(np.ones(len(c), bool)))
    without = np.array([ece(s != k) for k in np.unique(s)])
    variance = 4 / 5 * np.sum((without - found.ece) ** 2)
    assert np.log(found.ece_high / found.ece_low) / 2 > 2.0 * variance**0.5 / found.ece
    from scipy.stats import t

    df = group_interval(np.bincount(s), np.bincount(s)).df
    assert np.log(found.ece_high / found.ece) == pytest.approx(t.ppf(0.975, df) * variance**0.5 / found.ece)


def test_bins_have_all_words_at_their_edges_too():
    rows = Rows([1, 2, 3, 4], {"a": [True] * 4})
    (found,) = calibration([0.0, 0.3, 0.9, 1.0], [False, True, True, True], rows)
    assert [b.n_words for b in found.bins] == [1, 0, 0, 1, 0, 0, 0, 0, 0, 2]
    assert (found.bins[9].confidence, found.bins[9].accuracy, found.bins[1].accuracy) == (0.95, 1.0, None)
    assert (found.bins[3].low, found.bins[3].high, found.n_words) == (0.3, 0.4, 4)


def test_a_perfect_engine_has_no_error_and_no_interval():
    (found,) = calibration([1.0] * 6, [True] * 6, Rows([1, 1, 2, 2, 3, 3], {"a": [True] * 6}))
    assert (found.ece, found.ece_low, found.overconfidence, found.overconfidence_low) == (0.0, None, 0.0, None)


def test_one_speaker_and_no_words_tell_nothing():
    rows = Rows([1, 1], {"a": [True, True], "b": [False, False]})
    a, b = calibration([0.5, 0.7], [True, False], rows)
    assert (a.n_words, a.bins, a.ece, a.overconfidence, a.gap) == (2, None, None, None, None)
    assert (b.n_words, b.n_speakers, "suppressed" in b.flags) == (0, 0, True)
    assert review([0.5, 0.7], [True, False], 0.6, rows)[0].reviewed.rate is None


def test_a_review_threshold_by_group():
    confidences, correct, rows = words(surplus=0.2)
    threshold = threshold_for(confidences, 0.1)
    assert np.mean(confidences < threshold) == pytest.approx(0.1, abs=1 / 4000)
    a, _ = review(confidences, correct, threshold, rows)
    mask = rows.groups["a"]
    assert a.reviewed.rate == pytest.approx(np.mean(confidences[mask] < threshold))
    wrong = mask & ~correct
    assert a.caught.rate == pytest.approx(np.mean(confidences[wrong] < threshold))
    assert a.caught.versus.ratio_high < 1.0  # surer than right: the threshold misses its errors
    everything, _ = review(confidences, correct, threshold_for(confidences, 1.0), rows)
    assert (everything.reviewed.rate, everything.caught.rate) == (1.0, 1.0)
    nothing, _ = review(confidences, correct, 0.0, rows)
    assert (nothing.reviewed.rate, nothing.caught.versus.p) == (0.0, None)


def test_ties_are_never_reviewed_beyond_the_rate():
    many = [1.0] * 90 + [0.5] * 10
    assert threshold_for(many, 0.1) == threshold_for(many, 0.95) == 1.0
    assert threshold_for(many, 0.05) == 0.5


@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.5])
def test_confidences_that_are_none_are_refused(bad):
    rows = Rows([1, 2, 3], {"a": [True] * 3})
    with pytest.raises(InputError, match=r"confidences\[1\]: .* is not in \[0, 1\]"):
        calibration([0.5, bad, 0.5], [True] * 3, rows)
    with pytest.raises(InputError, match=r"confidences\[1\]"):
        review([0.5, bad, 0.5], [True] * 3, 0.5, rows)
    with pytest.raises(InputError, match="each in"):
        threshold_for([0.5, bad], 0.5)
    with pytest.raises(InputError, match="review_rate"):
        threshold_for([0.5], bad)


def test_shapes_and_thresholds_are_checked():
    rows = Rows([1, 2, 3], {"a": [True] * 3})
    with pytest.raises(InputError, match="true or false, for each word"):
        calibration([0.5] * 3, [1, 0, 1], rows)
    with pytest.raises(InputError, match="2 words but 3 rows"):
        calibration([0.5] * 2, [True] * 2, rows)
    with pytest.raises(InputError, match="threshold nan"):
        review([0.5] * 3, [True] * 3, float("nan"), rows)
