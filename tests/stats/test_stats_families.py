"""What was looked at together is adjusted together, as it was declared."""

import numpy as np
import pytest
from score_rows import analyze, people, row, tables

from asrfair.errors import InputError
from asrfair.stats import Family, SpeakerSums
from asrfair.stats.multiplicity import benjamini_hochberg, holm


def _noisy(key, gaps, conditions=("clean", "hum@5dB"), m=9):
    """Groups of m speakers, each with its own factor on the errors, under conditions."""
    rng = np.random.Generator(np.random.Philox(key=key))
    rows = []
    for condition in conditions:
        for group, factor in gaps.items():
            for s in range(m):
                errors = int(rng.poisson(20 * factor * np.exp(0.3 * rng.standard_normal())))
                rows.append(row(f"{group}{s}", min(errors, 150), 200, accent=group, condition=condition))
    return rows


def _analysed(rows, families=(), baselines=None):
    sums = SpeakerSums(["accent"])
    sums.add(*tables(rows))
    return sums.finish(baselines, families)


GAPS = {"a": 1.0, "b": 1.0, "c": 2.5, "d": 1.1}


def test_without_a_declaration_each_cell_is_one_holm_family():
    found = _analysed(_noisy(1, GAPS)).disparities.to_pylist()
    assert {r["family"] for r in found} == {"s|clean|none", "s|hum@5dB|none"}
    for family in ("s|clean|none", "s|hum@5dB|none"):
        rows = [r for r in found if r["family"] == family]
        assert [r["p_adjusted"] for r in rows] == pytest.approx(holm([r["p"] for r in rows]))


def test_a_confirmatory_family_is_adjusted_apart_from_the_screen():
    families = [Family("main", attributes=("accent",), conditions=("clean",)), Family("rest", "screening")]
    found = _analysed(_noisy(2, GAPS), families)
    rows = found.disparities.to_pylist()
    confirmed = [r for r in rows if r["condition_id"] == "clean"]
    screened = [r for r in rows if r["condition_id"] != "clean"]
    assert {r["family"] for r in confirmed} == {"main|none"}
    assert {r["family"] for r in screened} == {"rest|none"}
    assert [r["p_adjusted"] for r in confirmed] == pytest.approx(holm([r["p"] for r in confirmed]))
    (gate,) = [
        r["p"] for r in found.measures.to_pylist() if r["measure"] == "omnibus" and r["condition_id"] == "hum@5dB"
    ]
    adjusted = benjamini_hochberg([r["p"] for r in screened])
    assert [r["p_adjusted"] for r in screened] == pytest.approx([max(p, gate) for p in adjusted])


def test_a_closed_gate_lets_nothing_through():
    """One of forty small groups looks strong by chance; the omnibus test is not impressed."""
    gaps = {f"g{k}": 1.0 for k in range(20)}
    found = _analysed(_noisy(3, gaps, ("clean",), m=5), [Family("screen", "screening", "holm")])
    rows = found.disparities.to_pylist()
    (gate,) = [r["p"] for r in found.measures.to_pylist() if r["measure"] == "omnibus"]
    assert gate > 0.05
    assert all(r["p_adjusted"] >= gate for r in rows if r["p"] is not None)
    assert {r["verdict"] for r in rows} <= {"not shown"}


def test_a_wide_screen_can_still_find_what_nobody_could_miss():
    """A permutation p is at least 1 / (B + 1): under 110 conditions, 2,000 times that cannot pass a gate of 5 %."""
    conditions = [f"hum@{level}dB" for level in range(110)]
    found = _analysed(_noisy(7, {"a": 1.0, "b": 3.0}, conditions), [Family("screen", "screening")])
    assert {r["verdict"] for r in found.disparities.to_pylist()} == {"higher", "lower"}


def test_what_no_family_claims_is_still_adjusted():
    found = _analysed(_noisy(4, GAPS), [Family("b alone", groups=("b",))]).disparities.to_pylist()
    assert {r["family"] for r in found} == {"b alone|none", "undeclared|none"}
    assert all(r["p_adjusted"] >= r["p"] for r in found)


def test_max_t_over_conditions_finds_the_planted_group_and_is_reproducible():
    family = [Family("all", "screening", "max-t")]
    rows = _noisy(5, GAPS)
    first, second = (_analysed(rows, family).disparities.to_pylist() for _ in range(2))
    assert first == second
    shown = {r["group"] for r in first if r["verdict"] == "higher"}
    assert shown == {"c"}
    assert all(r["p_adjusted"] >= 1 / 2000 for r in first)


def test_max_t_against_a_named_baseline_deals_every_speaker():
    """A fault that the validity study found: speakers of third groups had no words in the cell, and power was none."""
    found = _analysed(_noisy(6, GAPS, m=14), [Family("all", "confirmatory", "max-t")], {"accent": "a"})
    planted = [r for r in found.disparities.to_pylist() if r["group"] == "c"]
    assert [r["verdict"] for r in planted] == ["higher", "higher"]


def test_max_t_is_refused_where_speakers_are_in_several_groups():
    rows = [row(f"s{s}", 5 + s, 100, accent=group) for s in range(6) for group in ("a", "b")]
    with pytest.raises(InputError, match="several groups of accent"):
        _analysed(rows, [Family("all", "confirmatory", "max-t")])


def test_a_mirrored_row_takes_the_p_of_its_twin_and_counts_once():
    rows = people("a", 8, 2) + people("b", 8, 4)
    _, disparities = analyze(rows, ["accent"])
    assert [r["p_adjusted"] for r in disparities] == [disparities[0]["p"]] * 2


@pytest.mark.parametrize(("kind", "method"), [("exploratory", ""), ("screening", "bonferroni"), ("confirmatory", "bh")])
def test_unknown_families_are_refused(kind, method):
    with pytest.raises(InputError, match="family 'f'"):
        Family("f", kind, method)
