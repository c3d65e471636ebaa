"""Who is compared with whom, how, and what may be said of it."""

import pytest
from score_rows import analyze, find, people, row, sums_of

from asrfair.stats import compare_groups, compare_paired


def test_against_a_baseline_group():
    rows = people("a", 6) + people("b", 8, errors=4) + people("c", 7, errors=3)
    _, disparities = analyze(rows, ["accent"], {"accent": "c"})
    assert [(d["group"], d["baseline"]) for d in disparities] == [("a", "c"), ("b", "c")]
    expected = compare_groups(*sums_of(rows[6:14]), *sums_of(rows[14:]))
    found = find(disparities, "b")
    assert (found["wer_ratio"], found["p"], found["mde_ratio"]) == (expected.ratio, expected.p, expected.mde_ratio)
    assert found["verdict"] == "higher"
    assert find(disparities, "a")["verdict"] == "lower"


def test_against_the_rest_which_never_contains_the_group_itself():
    rows = people("a", 6) + people("b", 8, errors=4) + people("c", 7, errors=3)
    _, disparities = analyze(rows, ["accent"])
    assert {d["baseline"] for d in disparities} == {"rest"}
    expected = compare_groups(*sums_of(rows[6:14]), *sums_of(rows[:6] + rows[14:]))
    assert find(disparities, "b")["wer_ratio"] == pytest.approx(expected.ratio, rel=1e-12)
    assert find(disparities, "b")["p"] == pytest.approx(expected.p, rel=1e-9)


def test_missing_has_a_row_but_is_tested_nowhere_and_in_no_rest():
    rows = people("a", 6) + people("b", 6, errors=4) + people(None, 6, errors=9, prefix="x")
    groups, disparities = analyze(rows, ["accent"])
    assert groups[-1]["group"] == "missing"
    assert groups[-1]["n_speakers"] == 6
    assert {d["group"] for d in disparities} == {"a", "b"}
    assert find(disparities, "a")["wer_ratio"] == pytest.approx(find(groups, "a")["wer"] / find(groups, "b")["wer"])


def test_speakers_in_both_groups_are_compared_within_themselves():
    quiet = [row(f"p{s}", 10 + 7 * s, 100, noise="quiet") for s in range(8)]
    loud = [row(f"p{s}", 13 + 9 * s, 100, noise="loud") for s in range(8)]
    _, disparities = analyze(quiet + loud, ["noise"], {"noise": "quiet"})
    (found,) = disparities
    expected = compare_paired(*sums_of(loud), *sums_of(quiet))
    assert "paired" in found["flags"]
    assert (found["wer_ratio"], found["p"], found["df"]) == (expected.ratio, expected.p, 7)
    assert found["p"] < 0.01 < compare_groups(*sums_of(loud), *sums_of(quiet)).p


def test_an_intersection_without_baseline_is_compared_with_the_rest():
    rows = people("a", 5, gender="f") + people("b", 5, gender="f") + people("b", 5, gender="m", prefix="bm")
    _, disparities = analyze(rows, ["accent*gender"], {"accent": "a"})
    assert {d["baseline"] for d in disparities} == {"rest"}


def test_a_baseline_that_does_not_occur_becomes_the_rest_and_says_so():
    _, disparities = analyze(people("a", 6) + people("b", 6), ["accent"], {"accent": "Welsh"})
    assert {d["baseline"] for d in disparities} == {"rest"}
    assert all("baseline_absent" in d["flags"] for d in disparities)


def test_two_groups_against_the_rest_are_one_hypothesis():
    rows = people("a", 8) + people("b", 8, errors=3)
    _, disparities = analyze(rows, ["accent"])
    first, second = disparities
    assert ("mirrored" in first["flags"], "mirrored" in second["flags"]) == (False, True)
    assert first["p_adjusted"] == first["p"] == second["p_adjusted"]
    assert {first["verdict"], second["verdict"]} == {"higher", "lower"}


def test_holm_runs_over_all_rows_of_one_system_condition_and_normaliser():
    rows = []
    for condition in ("clean", "hum@5dB"):
        rows += people("a", 8, gender="f", condition=condition)
        rows += people("b", 8, gender="m", prefix="b", condition=condition)
        rows += people("c", 8, errors=3, gender="m", prefix="c", condition=condition)
    _, disparities = analyze(rows, ["accent", "gender"])
    for condition in ("clean", "hum@5dB"):
        family = [d for d in disparities if d["condition_id"] == condition]
        assert {d["family"] for d in family} == {f"s|{condition}|none"}
        counted = sorted(d["p"] for d in family if "mirrored" not in d["flags"])
        assert len(counted) == 4  # three accents against the rest, and one question of gender
        assert min(d["p_adjusted"] for d in family) == pytest.approx(4 * counted[0])


def test_three_or_four_speakers_get_an_interval_but_no_verdict():
    _, disparities = analyze(people("a", 8) + people("b", 4, errors=9), ["accent"], {"accent": "a"})
    (found,) = disparities
    assert found["ratio_low"] > 1
    assert (found["p"], found["p_adjusted"], found["verdict"]) == (None, None, "cannot tell")
    assert "few_speakers" in found["flags"]


def test_a_group_without_errors_has_no_ratio():
    perfect = [row(f"b{s}", 0, 100, accent="b") for s in range(6)]
    groups, disparities = analyze(people("a", 6) + perfect, ["accent"], {"accent": "a"})
    assert (find(groups, "b")["wer"], find(groups, "b")["wer_low"]) == (0.0, None)
    (found,) = disparities
    assert (found["wer_ratio"], found["p"], found["verdict"]) == (None, None, "cannot tell")
    assert found["wer_difference"] < 0


def test_one_or_two_speakers_a_group_is_no_question_of_the_group():
    rows = people("a", 1) + people("b", 2) + people("c", 2)
    _, disparities = analyze(rows, ["accent"])
    assert all("confounded_with_speaker" in d["flags"] for d in disparities)
    _, disparities = analyze(rows + people("d", 3), ["accent"])
    assert not any("confounded_with_speaker" in d["flags"] for d in disparities)


def test_one_group_alone_is_compared_with_nobody():
    assert analyze(people("a", 6) + people(None, 6, prefix="x"), ["accent"])[1] == []
