"""Where a gap sits: its parts add up, and a confusion belongs to a group only if several of its speakers met it."""

import numpy as np
import pyarrow as pa
import pytest

from asrfair.errors import InputError
from asrfair.stats import compare_groups
from asrfair.stats.errors_by_group import ErrorWords, confusions, type_gaps
from asrfair.stats.sides import Rows

M = 12
ROWS = Rows.from_labels(range(M), ["a"] * 5 + ["b"] * 7, baseline="b")


def random_parts(seed):
    rng = np.random.Generator(np.random.Philox(key=seed))
    parts = {name: rng.poisson(mean, M) for name, mean in (("substitution", 9), ("deletion", 4), ("insertion", 2))}
    return parts, rng.integers(50, 200, M)


def test_the_parts_of_a_gap_add_up_to_it():
    parts, words = random_parts(1)
    *found, total = type_gaps(parts, words, ROWS)
    assert [gap.part for gap in found] == list(parts)
    assert sum(gap.gap.difference for gap in found) == pytest.approx(total.gap.difference, abs=1e-15)
    errors = np.sum(list(parts.values()), axis=0)
    expected = compare_groups(errors[:5], words[:5], errors[5:], words[5:])
    assert total.gap.difference == pytest.approx(expected.difference)
    assert (total.group, total.baseline) == ("a", "b")


def test_an_interval_covers_a_planted_gap():
    """10 speakers a side, deletions 0.05 apart: 95 % intervals of 400 draws miss it in about 20."""
    rng = np.random.Generator(np.random.Philox(key=7))
    rows = Rows.from_labels(range(20), ["a"] * 10 + ["b"] * 10)
    covered = 0
    for _ in range(400):
        words = np.rint(rng.lognormal(5, 0.4, 20))
        rates = np.repeat([0.10, 0.05], 10) * rng.gamma(10, 0.1, 20)
        (found, *_) = type_gaps({"deletion": rng.poisson(words * rates)}, words, rows)
        covered += found.gap.low <= 0.05 <= found.gap.high
    assert 365 <= covered <= 395


def test_two_speakers_are_not_shown():
    rows = Rows.from_labels(range(5), ["a", "a", "b", "b", "b"], baseline="b")
    assert all(found.gap is None for found in type_gaps({"deletion": [1, 2, 3, 4, 5]}, [50] * 5, rows))


def test_parts_are_checked():
    with pytest.raises(InputError, match=r"deletion\[0\]: nan is not a finite number"):
        type_gaps({"deletion": [np.nan] + [1] * 11}, [50] * M, ROWS)
    with pytest.raises(InputError, match="'all' is the sum of the parts"):
        type_gaps({"all": [1] * M}, [50] * M, ROWS)
    with pytest.raises(InputError, match=r"words: shape \(3,\); give one number for each of the 12 rows"):
        type_gaps({}, [50] * 3, ROWS)


def error_words(rows):
    at, said, written = zip(*rows, strict=True)
    texts = [pa.chunked_array([pa.array(words, pa.string())]) for words in (said, written)]
    return ErrorWords(np.array(at), *texts)


def test_confusions_have_rates_and_an_excess():
    events = [(s, "pin", "pen") for s in (0, 0, 1, 2, 3)] + [(s, "pin", "pen") for s in (5, 6)]
    events += [(s, "the", None) for s in (0, 1, 5, 6, 7, 7)] + [(0, "anna", "hannah")] * 9
    a, b = (
        confusions(error_words(events), [100] * M, Rows.from_labels(range(M), ["a"] * 5 + ["b"] * 7))[at]
        for at in (0, 1)
    )
    assert (a.group, a.baseline, a.reference, a.hypothesis, a.count, a.n_speakers) == ("a", "rest", "pin", "pen", 5, 4)
    assert (a.per_1000_words, a.baseline_per_1000_words) == (10.0, pytest.approx(2000 / 700))
    sums_a, sums_b = [2, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0, 0]
    expected = compare_groups(sums_a, [100] * 5, sums_b, [100] * 7)
    assert (a.ratio, a.ratio_low, a.ratio_high) == pytest.approx((3.5, expected.ratio_low, expected.ratio_high))
    assert (b.group, b.reference, b.hypothesis, b.count) == ("b", "the", None, 4)


def test_one_talkative_speakers_confusion_is_never_shown():
    """Nine times by one speaker, and once each by two, is not three speakers."""
    events = error_words([(0, "anna", "hannah")] * 9 + [(1, "x", "y"), (2, "x", "y")])
    assert confusions(events, [100] * M, ROWS) == []


def test_excess_is_not_frequency():
    common = [(s, "a", "the") for s in range(M)] * 2
    own = [(s, "pin", "pen") for s in range(5)]
    events = error_words(common + own)
    assert [c.reference for c in confusions(events, [100] * M, ROWS, by="count") if c.group == "a"] == ["a", "pin"]
    assert [c.reference for c in confusions(events, [100] * M, ROWS, by="excess") if c.group == "a"] == ["pin", "a"]
    pin = confusions(events, [100] * M, ROWS, by="excess", most=1)[0]
    assert (pin.baseline_per_1000_words, pin.ratio) == (0.0, None)


def test_confusions_of_nothing_and_of_strange_rows():
    nothing = ErrorWords(np.zeros(0, np.int64), *[pa.chunked_array([], pa.string())] * 2)
    assert confusions(nothing, [100] * M, ROWS) == []
    with pytest.raises(InputError, match="a row number is none of the 12 rows"):
        confusions(error_words([(12, "a", "b")]), [100] * M, ROWS)
    with pytest.raises(InputError, match="by 'rate'"):
        confusions(nothing, [100] * M, ROWS, by="rate")
