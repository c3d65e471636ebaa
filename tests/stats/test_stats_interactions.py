"""Difference in differences: worked values, both scales, verdicts, and what the policy leaves out."""

import numpy as np
import pytest

from asrfair.stats.conditions import Conditions, Heard, Place
from asrfair.stats.degradation import degradation_rows
from asrfair.stats.fixed_effects import fixed_effects
from asrfair.stats.interactions import interaction_rows
from asrfair.stats.log_contrast import IN_A, IN_B, log_contrast, rate_contrast

A = ((10, 6, 8, 12), (20, 15, 18, 22), (100, 80, 90, 110))
B = ((4, 5, 3, 6, 5), (9, 11, 7, 12, 9), (100, 100, 80, 120, 90))


def heard(errors, words, ok=None):
    errors, words = np.asarray(errors, np.int32), np.asarray(words, np.int32)
    return Heard(errors, words, np.ones(len(errors), bool) if ok is None else np.asarray(ok, bool))


def stressed(groups, heard_by_condition, *, speakers=None, baseline="B", places=None, specs=("accent",)):
    """One row a speaker unless told otherwise; groups are texts, `a|b` for both, None for missing."""
    names = [None, *dict.fromkeys(g for g in groups if g is not None)]
    return Conditions(
        system_id="s",
        normalizer="n",
        speakers=np.arange(1, len(groups) + 1) if speakers is None else np.asarray(speakers),
        values={"accent": np.array([names.index(g) for g in groups])},
        labels={"accent": names},
        specs=specs,
        baselines={"accent": baseline} if baseline else {},
        heard=heard_by_condition,
        places=places or [Place(c, "hum", None) for c in heard_by_condition if c != "clean"],
    )


def worked(baseline="B"):
    clean, noisy, words = (np.array([*a, *b]) for a, b in zip(A, B, strict=True))
    return stressed("AAAABBBBB", {"clean": heard(clean, words), "hum": heard(noisy, words)}, baseline=baseline)


def test_the_worked_example_of_the_methods_page():
    sides = [np.zeros((2, 9)) for _ in range(4)]
    for side, (errors, words, at) in zip(
        sides, ((A[1], A[2], 0), (A[0], A[2], 0), (B[1], B[2], 4), (B[0], B[2], 4)), strict=True
    ):
        side[:, at : at + len(errors)] = errors, words
    member = np.array([IN_A] * 4 + [IN_B] * 5)
    weighted = [(w, *side) for w, side in zip((1, -1, -1, 1), sides, strict=True)]
    plain, log = rate_contrast(weighted, member), log_contrast(weighted, member)
    assert plain.value == pytest.approx(0.0516111708, abs=1e-6)
    assert plain.se == pytest.approx(0.0058586014, abs=1e-6)
    assert log.value == pytest.approx(-0.0017376199, abs=1e-6)
    assert log.se == pytest.approx(0.0795352395, abs=1e-6)


def test_few_speakers_have_numbers_but_no_test():
    (row,) = interaction_rows(worked())
    assert row["absolute"] == pytest.approx(0.0516111708, abs=1e-6)
    assert row["ratio"] == pytest.approx(np.exp(-0.0017376199), abs=1e-6)
    assert row["p"] is None
    assert row["verdict"] == "cannot tell"
    assert "few_speakers" in row["flags"]


def simulated(m, factor_a, factor_b, *, rate_a=0.1, rate_b=0.1, seed=5, own=0.1, words=1500):
    """m speakers a group: log-normal voices, and a response to noise of their own."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    rates = np.repeat([rate_a, rate_b], m) * np.exp(0.4 * rng.standard_normal(2 * m))
    response = np.repeat([factor_a, factor_b], m) * np.exp(own * rng.standard_normal(2 * m))
    size = np.rint(words * np.exp(0.3 * rng.standard_normal(2 * m)))
    clean, noisy = rng.poisson(rates * size), rng.poisson(rates * response * size)
    return stressed("A" * m + "B" * m, {"clean": heard(clean, size), "hum": heard(noisy, size)})


def test_noise_that_hurts_one_group_twice_as_much_amplifies():
    (row,) = interaction_rows(simulated(20, 3.0, 1.5))
    assert row["verdict"] == "amplifies"
    assert row["ratio_low"] < 2.0 < row["ratio_high"]
    assert row["needed_speakers"] is None


def test_the_group_that_is_hurt_less_narrows():
    (row,) = interaction_rows(simulated(20, 1.5, 3.0))
    assert row["verdict"] == "narrows"


def test_equal_doubling_of_unequal_rates_depends_on_the_scale():
    (row,) = interaction_rows(simulated(25, 2.0, 2.0, rate_a=0.24, rate_b=0.08))
    assert row["absolute_low"] > 0.0
    assert row["ratio_low"] < 1.0 < row["ratio_high"]
    assert row["verdict"] == "scale-dependent"


def test_a_main_effect_alone_is_not_an_interaction_and_says_how_many_speakers_it_would_take():
    (row,) = interaction_rows(simulated(12, 2.0, 2.0, seed=3))
    assert row["verdict"] == "not shown"
    assert row["p"] == max(row["absolute_p"], row["ratio_p"])
    assert row["needed_speakers"] > 5


def test_no_interaction_is_found_more_often_than_promised_where_there_is_none():
    found = [interaction_rows(simulated(12, 2.0, 2.0, seed=seed))[0] for seed in range(300)]
    for scale in ("absolute_p", "ratio_p"):
        assert 0.02 < np.mean([row[scale] < 0.05 for row in found]) < 0.09
    assert np.mean([row["verdict"] in ("amplifies", "narrows") for row in found]) < 0.07


def test_a_condition_at_the_ceiling_is_left_out_and_says_so():
    data = simulated(10, 9.0, 1.2)
    (row,) = interaction_rows(data)
    assert "ceiling" in row["flags"]
    assert row["absolute"] is None
    assert row["verdict"] == "cannot tell"
    assert any("ceiling" in r["flags"] and r["wer"] > 0.8 for r in degradation_rows(data))


def test_two_groups_against_the_rest_are_one_test():
    data = simulated(12, 3.0, 1.5)
    first, second = interaction_rows(stressed("A" * 12 + "B" * 12, dict(data.heard), baseline=None))
    assert "mirrored" in second["flags"]
    assert first["p_adjusted"] == second["p_adjusted"] == first["p"]
    assert (first["verdict"], second["verdict"]) == ("amplifies", "narrows")


def test_holm_counts_every_condition_of_the_attribute():
    data = simulated(12, 2.2, 1.5)
    twice = dict(data.heard) | {"fan": data.heard["hum"], "car": data.heard["hum"]}
    rows = interaction_rows(stressed("A" * 12 + "B" * 12, twice))
    assert len(rows) == 3
    assert {row["family"] for row in rows} == {"interactions|s|accent|n"}
    assert rows[0]["p_adjusted"] == pytest.approx(3 * rows[0]["p"])


def test_speakers_in_both_groups_are_compared_within_themselves():
    rng = np.random.Generator(np.random.Philox(key=8))
    m, words = 15, np.full(30, 600)
    voice = np.tile(0.1 * np.exp(0.8 * rng.standard_normal(m)), 2)
    clean = rng.poisson(voice * words)
    noisy = rng.poisson(voice * words * np.repeat([2.0, 1.3], m))
    data = {"clean": heard(clean, words), "hum": heard(noisy, words)}
    (crossed,) = interaction_rows(stressed("A" * m + "B" * m, data, speakers=np.tile(np.arange(1, m + 1), 2)))
    (apart,) = interaction_rows(stressed("A" * m + "B" * m, data))
    assert "paired" in crossed["flags"]
    width = [row["absolute_high"] - row["absolute_low"] for row in (crossed, apart)]
    assert width[0] < 0.8 * width[1]


def test_suppressed_groups_tell_nothing():
    data = {"clean": heard([5] * 10, [100] * 10), "hum": heard([9] * 10, [100] * 10)}
    (row,) = interaction_rows(stressed("AA" + "B" * 8, data))
    assert row["verdict"] == "suppressed"
    assert row["absolute"] is None
    assert row["fixed_effects_ratio"] is None


def test_unknown_speakers_have_points_only():
    data = worked()
    (row,) = interaction_rows(stressed("AAAABBBBB", dict(data.heard), speakers=[0] * 9))
    assert row["absolute"] == pytest.approx(0.0516111708, abs=1e-6)
    assert row["absolute_low"] is None
    assert row["verdict"] == "cannot tell"


def test_without_clean_there_is_no_degradation():
    data = worked()
    alone = stressed("AAAABBBBB", {"hum": data.heard["hum"]})
    assert interaction_rows(alone) == []
    assert list(degradation_rows(alone)) == []


def test_an_utterance_that_failed_on_one_side_is_no_pair():
    clean, noisy, words = (np.array([*a, *b]) for a, b in zip(A, B, strict=True))
    ok = np.ones(9, bool)
    ok[0] = False
    data = {"clean": heard(clean, words), "hum": heard(np.where(ok, noisy, 0), np.where(ok, words, 0), ok)}
    rows = {row["group"]: row for row in degradation_rows(stressed("AAAABBBBB", data))}
    assert rows["A"]["n_pairs"] == 3
    assert rows["A"]["clean_wer"] == pytest.approx(26 / 280)
    assert rows["A"]["wer"] == pytest.approx(55 / 280)


def test_degradation_deletes_a_speaker_from_both_sides_at_once():
    row = next(r for r in degradation_rows(worked()) if r["group"] == "A")
    clean, noisy, words = map(np.array, A)
    change = (noisy - clean).sum() / words.sum()
    without = [(noisy - clean).sum() - d for d in noisy - clean] / (words.sum() - words)
    se = np.sqrt(3 / 4 * np.sum((without - change) ** 2))
    assert row["wer_difference"] == pytest.approx(change)
    assert row["difference_high"] - row["wer_difference"] == pytest.approx(3.182446305284263 * se, rel=1e-9)
    assert row["df"] == pytest.approx(3.0)


def test_groups_of_several_values_and_missing_ones_keep_their_rows():
    clean, noisy, words = (np.array([*a, *b]) for a, b in zip(A, B, strict=True))
    data = {"clean": heard(clean, words), "hum": heard(noisy, words)}
    groups = ["A", "A", "A", "A|B", "B", "B", "B", "B", None]
    rows = {(r["attribute"], r["group"]): r["n_pairs"] for r in degradation_rows(stressed(groups, data))}
    assert rows == {("all", "all"): 9, ("accent", "B"): 5, ("accent", "A"): 4, ("accent", "missing"): 1}


def test_speaker_effects_agree_with_a_poisson_model_with_one_dummy_a_speaker():
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.Generator(np.random.Philox(key=2))
    m = 12
    n_0, n_1 = rng.integers(200, 400, 2 * m), rng.integers(200, 400, 2 * m)
    rate = 0.1 * np.exp(0.5 * rng.standard_normal(2 * m))
    group = np.repeat([1.0, 0.0], m)
    e_0, e_1 = rng.poisson(rate * n_0), rng.poisson(rate * n_1 * (1.5 + group))
    dummies = np.tile(np.eye(2 * m), (2, 1))
    noise = np.repeat([0.0, 1.0], 2 * m)
    x = np.column_stack([dummies, noise, noise * np.tile(group, 2)])
    model = sm.GLM(
        np.concatenate([e_0, e_1]), x, family=sm.families.Poisson(), offset=np.log(np.concatenate([n_0, n_1]))
    )
    found = fixed_effects((e_0, n_0), (e_1, n_1), group > 0)
    assert found.value == pytest.approx(model.fit(tol=1e-12).params[-1], abs=1e-6)
    assert found.df < 2 * m


def test_speaker_effects_with_equal_words_are_the_ratio_of_ratios():
    (row,) = interaction_rows(simulated(15, 2.0, 1.5))
    assert row["fixed_effects_ratio"] == pytest.approx(row["ratio"], rel=1e-9)
    assert row["fixed_effects_low"] == pytest.approx(row["ratio_low"], rel=0.1)
