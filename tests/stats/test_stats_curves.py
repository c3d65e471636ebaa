"""Curves over levels: the worked example, censoring, penalties, areas and worst cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.stats.conditions import Conditions, Heard, Place
from asrfair.stats.curves import curve_rows
from asrfair.stats.isotonic import area, isotonic, level_at
from asrfair.stats.worst_case import nwerd_rows, worst_case_rows

X = np.array([-5.0, 0, 5, 10, 20])
WER = np.array([0.80, 0.55, 0.35, 0.36, 0.10])


def test_the_worked_example_of_the_methods_page():
    curve = isotonic(WER)
    assert curve == pytest.approx([0.80, 0.55, 0.355, 0.355, 0.10], abs=1e-9)
    assert level_at(X, curve[None], 0.30)[0] == pytest.approx(12.1568627, abs=1e-6)
    assert level_at(X, curve[None], 0.90)[0] == -np.inf
    assert level_at(X, curve[None], 0.05)[0] == np.inf
    assert area(X, WER) == pytest.approx(0.388, abs=1e-9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_the_isotonic_curve_is_that_of_pooling_adjacent_violators(rates):
    blocks = []
    for rate in rates:
        blocks.append([rate, 1])
        while len(blocks) > 1 and blocks[-1][0] > blocks[-2][0]:
            rate_b, n_b = blocks.pop()
            rate_a, n_a = blocks.pop()
            blocks.append([(rate_a * n_a + rate_b * n_b) / (n_a + n_b), n_a + n_b])
    pooled = [rate for rate, n in blocks for _ in range(n)]
    assert isotonic(np.array(rates)) == pytest.approx(pooled, abs=1e-12)


def sweep(rates, *, m=10, words=2000, spread=0.2, seed=4, clean=0.05, hardest="lowest", baseline="B"):
    """Rates of each group at every level; words wrong by chance, voices log-normal."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    groups = list(rates)
    voice = np.exp(spread * rng.standard_normal(m * len(groups)))
    size = np.full(len(voice), words)
    ok = np.ones(len(voice), bool)
    levels = list(next(iter(rates.values())))
    clean = clean if isinstance(clean, dict) else dict.fromkeys(groups, clean)
    heard = {}
    for level in ["clean", *levels]:
        rate = np.repeat([clean[g] if level == "clean" else rates[g][level] for g in groups], m) * voice
        heard[str(level)] = Heard(rng.poisson(rate * size), size, ok)
    return Conditions(
        "s", "n", np.arange(1, len(voice) + 1), {"accent": np.repeat(np.arange(len(groups)), m)},
        {"accent": groups}, ["accent"], {"accent": baseline} if baseline else {}, heard,
        [Place(str(level), "hum", float(level), hardest) for level in levels],
    )  # fmt: skip


def rows(data, **wanted):
    return [r for r in curve_rows(data) if all(r.get(name) == value for name, value in wanted.items())]


def logistic(shift):
    return {level: 0.05 + 0.7 / (1 + np.exp((level - shift) / 2.5)) for level in (-5, 0, 5, 10, 15, 20)}


def test_a_shift_of_six_decibels_is_the_penalty():
    (row,) = rows(sweep({"A": logistic(8.0), "B": logistic(2.0)}, m=20), measure="penalty")
    assert row["low"] < 6.0 < row["high"]
    assert row["value"] == pytest.approx(6.0, abs=2.0)
    assert row["censored"] is None


def test_levels_that_grow_harder_are_turned_round():
    rates = {g: {-level: rate for level, rate in logistic(s).items()} for g, s in (("A", 8.0), ("B", 2.0))}
    data = sweep(rates, m=20, hardest="highest")
    turned = sweep({"A": logistic(8.0), "B": logistic(2.0)}, m=20)
    for measure in ("level_at", "penalty", "area"):
        for mine, other in zip(rows(data, measure=measure), rows(turned, measure=measure), strict=True):
            sign = -1.0 if measure == "level_at" else 1.0
            assert mine["value"] == pytest.approx(sign * other["value"])
            ends = sorted(sign * end for end in (other["low"], other["high"]))
            assert [mine["low"], mine["high"]] == pytest.approx(ends)


def test_what_is_never_reached_is_censored_and_bounds_the_penalty():
    bad = {0: 0.6, 10: 0.5, 20: 0.4}
    good = {0: 0.5, 10: 0.2, 20: 0.1}
    data = sweep({"A": bad, "B": good})
    a, b = (rows(data, measure="level_at", group=g)[0] for g in "AB")
    assert (a["value"], a["censored"], a["low"]) == (20.0, "at_least", None)
    assert b["censored"] is None
    (penalty,) = rows(data, measure="penalty")
    assert penalty["censored"] == "at_least"
    assert penalty["value"] == pytest.approx(20.0 - b["value"])


def test_two_groups_beyond_the_same_end_have_no_penalty():
    (penalty,) = rows(sweep({"A": {0: 0.2, 10: 0.1}, "B": {0: 0.1, 10: 0.05}}), measure="penalty")
    assert (penalty["value"], penalty["censored"]) == (None, "both")


def test_quiet_of_one_group_equals_a_level_of_the_other():
    levels = {0: 0.6, 10: 0.3, 20: 0.1}
    data = sweep({"A": levels, "B": levels}, clean={"A": 0.2, "B": 0.05}, m=30)
    (row,) = rows(data, measure="quiet_equals")
    assert row["at"] == pytest.approx(0.2, abs=0.03)
    assert row["low"] < 15.0 < row["high"]


def test_the_same_curve_has_no_penalty_about_as_often_as_promised():
    hit = 0
    for seed in range(150):
        (row,) = rows(sweep({"A": logistic(5.0), "B": logistic(5.0)}, seed=seed), measure="penalty")
        hit += row["low"] <= 0.0 <= row["high"]
    assert 0.89 < hit / 150 <= 1.0


def test_the_area_covers_its_mean():
    levels = {0: 0.5, 10: 0.3, 20: 0.1}
    truth = 0.3 * np.exp(0.2**2 / 2)
    hits = [rows(sweep({"A": levels}, seed=s), measure="area", group="A")[0] for s in range(100)]
    assert np.mean([r["low"] <= truth <= r["high"] for r in hits]) > 0.87


def test_two_levels_of_one_number_make_no_curve():
    data = sweep({"A": {0: 0.5}, "B": {0: 0.2}})
    assert list(curve_rows(data)) == []


def test_only_utterances_heard_at_every_level_are_on_a_curve():
    data = sweep({"A": {0: 0.5, 10: 0.2}, "B": {0: 0.2, 10: 0.1}})
    ok = np.ones(20, bool)
    ok[:4] = False
    heard = dict(data.heard) | {"10": Heard(data.heard["10"].errors * ok, data.heard["10"].words * ok, ok)}
    cut = Conditions("s", "n", data.speakers, data.values, data.labels, data.specs, data.baselines, heard, data.places)
    assert rows(cut, measure="area", group="A")[0]["n_speakers"] == 6


def test_the_worst_case_is_at_least_the_rate_under_any_condition():
    levels = {0: 0.31, 10: 0.3, 20: 0.3}
    data = sweep({"A": levels, "B": {0: 0.1, 10: 0.1, 20: 0.1}}, words=50)
    worst = {r["group"]: r for r in worst_case_rows(data) if r["measure"] == "worst_case"}
    for group, at in (("A", slice(0, 10)), ("B", slice(10, 20))):
        single = [data.heard[str(c)].errors[at].sum() / 500 for c in (0, 10, 20)]
        assert worst[group]["value"] > max(single)
        most = np.max([data.heard[str(c)].errors[at] for c in (0, 10, 20)], axis=0).sum()
        assert worst[group]["value"] == pytest.approx(most / 500)
    (ratio,) = [r for r in worst_case_rows(data) if r["measure"] == "worst_case_ratio"]
    assert ratio["value"] == pytest.approx(worst["A"]["value"] / worst["B"]["value"])


def test_nwerd_divides_by_the_frozen_difficulty_and_leaves_other_conditions_out():
    data = sweep({"A": {0: 0.5, 10: 0.2}, "B": {0: 0.2, 10: 0.1}})
    (row,) = [r for r in nwerd_rows(data, {"0": 50.0}) if r["group"] == "A"]
    clean, noisy = (data.heard[c].errors[:10].sum() / 20000 for c in ("clean", "0"))
    assert row["value"] == pytest.approx((noisy - clean) / 50.0)
    assert row["low"] < row["value"] < row["high"]
