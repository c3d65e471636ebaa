"""Sensitivity, simulated rooms, probes and whom to record next: hand-worked numbers and planted truths."""

import numpy as np
import pytest
from test_stats_interactions import heard, simulated, stressed

from asrfair.errors import InputError
from asrfair.stats.collect_next import collect_next
from asrfair.stats.conditions import Place
from asrfair.stats.interactions import interaction_rows
from asrfair.stats.probes import poisson_interval, probed
from asrfair.stats.reality import reality_rows
from asrfair.stats.sensitivity import Perturbation, accumulated, sensitivity_rows
from asrfair.stats.sides import Rows


def test_sensitivity_is_the_mean_over_utterances_by_group():
    speakers = np.repeat(np.arange(10), 3)
    rows = Rows.from_labels(speakers, ["A"] * 15 + ["B"] * 15, baseline="B")
    rng = np.random.Generator(np.random.Philox(key=1))
    moved = np.concatenate([rng.uniform(0.3, 0.6, 15), rng.uniform(0.1, 0.2, 15)])
    a, b = sensitivity_rows(moved, rows, floor=np.zeros(30))
    assert a["sensitivity"] == pytest.approx(moved[:15].mean())
    assert a["difference"] == pytest.approx(moved[:15].mean() - moved[15:].mean())
    assert a["p"] < 0.01
    assert b["baseline"] is None


def test_the_floor_is_subtracted_utterance_by_utterance():
    rng = np.random.Generator(np.random.Philox(key=2))
    floor = rng.uniform(0, 0.5, 40)
    rows = Rows.from_labels(np.repeat(np.arange(8), 5), ["A"] * 20 + ["B"] * 20, baseline="B")
    a, _ = sensitivity_rows(floor + 0.1, rows, floor=floor)
    assert a["sensitivity"] == pytest.approx(0.1)
    assert a["floor"] == pytest.approx(floor[:20].mean())


def test_weights_of_a_declared_set_are_checked():
    with pytest.raises(InputError, match="size 0"):
        accumulated({"a": np.ones(1)}, {"a": Perturbation(1.0, 0.0)})


def rooms(m, factor, *, seed=1, words=1500, other=1.0):
    rng = np.random.Generator(np.random.Philox(key=seed))
    voice = 0.2 * np.exp(0.5 * rng.standard_normal(m))
    size = np.full(m, words)
    own = np.exp(0.1 * rng.standard_normal((2, m)))
    data = {
        c: heard(rng.poisson(voice * own[i] * f * size), size)
        for i, (c, f) in enumerate((("sim", factor), ("real", other)))
    }
    return stressed("A" * m, data, places=[Place("sim"), Place("real")])


def test_the_same_room_is_alike_and_a_harder_one_differs():
    assert reality_rows(rooms(20, 1.0), "sim", "real")[0]["verdict"] == "alike"
    harder = reality_rows(rooms(20, 1.6), "sim", "real")[0]
    assert harder["verdict"] == "differs"
    assert harder["ratio_low"] < 1.6 < harder["ratio_high"]


def test_near_the_ceiling_nothing_is_called_alike_but_a_difference_is_one():
    """Nearly every word is wrong in both rooms: that they agree says nothing of the simulation."""
    row = reality_rows(rooms(20, 4.5, other=4.5), "sim", "real")[0]
    assert "ceiling" in row["flags"]
    assert row["verdict"] == "cannot tell"
    assert 0.8 < row["ratio_low"] < row["ratio_high"] < 1.25
    assert reality_rows(rooms(20, 8.0, other=4.5), "sim", "real")[0]["verdict"] == "differs"


def test_a_wide_interval_is_not_likeness():
    row = reality_rows(rooms(5, 1.1, words=60, seed=3), "sim", "real")[0]
    assert row["verdict"] == "cannot tell"


def test_likeness_is_claimed_at_the_margin_about_one_time_in_twenty():
    alike = [reality_rows(rooms(15, 1.25, seed=s), "sim", "real")[0]["verdict"] == "alike" for s in range(300)]
    assert np.mean(alike) < 0.09


def test_rooms_of_too_few_speakers_have_no_verdict():
    row = reality_rows(rooms(2, 1.0), "sim", "real")[0]
    assert (row["verdict"], row.get("simulated_wer")) == ("cannot tell", None)


def test_a_room_that_was_not_run_has_no_rows():
    assert reality_rows(rooms(5, 1.0), "sim", "ward") == []


def test_garwoods_interval_holds_its_tails():
    stats = pytest.importorskip("scipy.stats")
    for n in (0, 1, 7, 400):
        low, high = poisson_interval(n)
        assert stats.poisson.cdf(n, high) == pytest.approx(0.025)
        if n:
            assert stats.poisson.sf(n - 1, low) == pytest.approx(0.025)


def test_silence_without_words_still_says_what_could_not_be_ruled_out():
    found = probed([0] * 10, [360.0] * 10)
    assert (found.words_per_hour, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(-np.log(0.025))
    assert found.share_high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_no_probes_have_no_rate():
    found = probed([], [])
    assert (found.words_per_hour, found.share_with_words) == (None, None)


def test_where_harm_may_hide_comes_first_and_settled_cells_are_left_out():
    wide = simulated(6, 2.2, 2.0, words=150, seed=6)
    settled = simulated(60, 2.0, 2.0, own=0.02, words=4000, seed=6)
    for data, n in ((wide, 1), (settled, 0)):
        found = collect_next(interaction_rows(data))
        assert len(found) == n
    (row,) = collect_next(interaction_rows(wide))
    assert row["rank"] == 1
    assert row["needed_speakers"] > row["n_speakers"]
    assert "of its words more than B" in row["reason"]


def test_cells_that_nothing_bounds_are_ranked_first():
    data = simulated(8, 2.2, 2.0, words=60, seed=0)
    groups = ["C"] * 2 + ["A"] * 6 + ["B"] * 8
    rows = collect_next(interaction_rows(stressed(groups, dict(data.heard))))
    assert [row["group"] for row in rows] == ["C", "A"]
    assert rows[0]["possible_gap"] is None
    assert rows[0]["needed_speakers"] == 10
