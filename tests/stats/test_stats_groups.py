"""Who is in which group, what its row says, and what is withheld."""

import pytest
from score_rows import analyze, find, people, row, sums_of, tables

from asrfair.stats import analyze_scores, compare_groups, group_interval
from asrfair.tables import DISPARITIES, GROUPS, check_table


def test_the_tables_keep_their_schemas_also_when_empty():
    for rows in ([], people("a", 5) + people("b", 5)):
        for table, schema, name in zip(
            analyze_scores(*tables(rows), ["accent"] if rows else []),
            (GROUPS, DISPARITIES),
            ("groups", "disparities"),
            strict=True,
        ):
            assert table.schema == schema
            check_table(table.schema, name, "here")


def test_a_group_row_is_the_interval_of_its_speakers():
    rows = people("a", 6) + people("b", 8, errors=4)
    groups, _ = analyze(rows, ["accent"])
    expected = group_interval(*sums_of(rows[6:]))
    found = find(groups, "b")
    assert (found["wer"], found["wer_low"], found["wer_high"]) == (expected.wer, expected.low, expected.high)
    assert found["df"] == expected.df
    assert (found["n_speakers"], found["n_utterances"], found["n_ref_words"], found["n_failed"]) == (8, 8, 800, 0)
    assert found["substitutions"] == sum(r["substitutions"] for r in rows[6:])
    assert found["cer"] == pytest.approx(found["substitutions"] / 4000)
    assert find(groups, "all", "all")["wer"] == group_interval(*sums_of(rows)).wer


def test_prefer_not_to_say_is_a_group_of_its_own():
    rows = people("a", 6) + people("prefer not to say", 6) + people("z", 6) + people(None, 6, prefix="x")
    groups, disparities = analyze(rows, ["accent"])
    assert [g["group"] for g in groups] == ["all", "a", "z", "prefer not to say", "missing"]
    assert "prefer not to say" in {d["group"] for d in disparities}


def test_an_utterance_with_two_values_counts_in_both_groups_and_once_in_all():
    rows = people("a", 5) + people("b", 5) + people("a|b", 5, prefix="both")
    groups, disparities = analyze(rows, ["accent"])
    assert {g["group"]: g["n_utterances"] for g in groups} == {"all": 15, "a": 10, "b": 10}
    # The rest of a is who is not in a: b alone, without those who are both.
    expected = compare_groups(*sums_of(rows[:5] + rows[10:]), *sums_of(rows[5:10]))
    assert find(disparities, "a")["wer_ratio"] == pytest.approx(expected.ratio)
    assert "mirrored" not in find(disparities, "b")["flags"]


def test_a_value_given_twice_counts_once():
    groups, _ = analyze(people("a|a", 5), ["accent"])
    assert find(groups, "a")["n_utterances"] == 5


def test_an_intersection_needs_every_part():
    rows = people("a", 5, gender="f") + people("a", 5, gender="m", prefix="am") + people("b", 5, gender="f")
    rows += people("b", 3, prefix="bx") + people(None, 2, gender="m", prefix="y")
    groups, disparities = analyze(rows, ["accent", "accent*gender"], {"accent*gender": "b*f"})
    found = {g["group"]: g["n_utterances"] for g in groups if g["attribute"] == "accent*gender"}
    assert list(found.items()) == [("b*f", 5), ("a*f", 5), ("a*m", 5), ("missing", 5)]
    tested = [(d["group"], d["baseline"]) for d in disparities if d["attribute"] == "accent*gender"]
    assert tested == [("a*f", "b*f"), ("a*m", "b*f")]


def test_failed_rows_are_counted_and_are_in_no_rate():
    rows = people("a", 6)
    failed = [row("a0", failed=True, accent="a"), row("new", failed=True, accent="a")]
    clean, broken = (find(analyze(r, ["accent"])[0], "a") for r in (rows, rows + failed))
    assert (broken["n_utterances"], broken["n_failed"], broken["n_speakers"]) == (8, 2, 6)
    for name in ("wer", "wer_low", "wer_high", "n_ref_words", "deletions", "cer", "wer_macro"):
        assert clean[name] == broken[name]


def test_a_group_of_which_everything_failed_is_a_row():
    rows = people("a", 6) + [row(f"b{s}", failed=True, accent="b") for s in range(6)]
    groups, disparities = analyze(rows, ["accent"])
    found = find(groups, "b")
    assert (found["n_utterances"], found["n_failed"], found["n_speakers"], found["wer"]) == (6, 6, 0, None)
    assert set(found["flags"]) == {"suppressed", "all_failed"}
    assert {d["verdict"] for d in disparities} == {"suppressed"}


def test_fewer_than_three_speakers_leave_their_size_and_nothing_else():
    groups, disparities = analyze(people("a", 6) + people("b", 2), ["accent"])
    found = find(groups, "b")
    assert {name for name, value in found.items() if value is None} == {
        "hits", "substitutions", "deletions", "insertions", "wer", "wer_low", "wer_high", "wer_macro", "cer", "df",
    }  # fmt: skip
    assert (found["n_utterances"], found["n_speakers"], found["n_ref_words"], found["flags"]) == (
        2,
        2,
        200,
        ["suppressed"],
    )
    for d in disparities:
        assert d["verdict"] == "suppressed"
        assert all(
            d[name] is None
            for name in DISPARITIES.names
            if name[:4] in ("wer_", "diff", "rati", "p", "p_ad", "df", "mde_")
        )
    assert "suppressed" in find(disparities, "b")["flags"]
    assert "baseline_suppressed" in find(disparities, "a")["flags"]


def test_without_speakers_there_is_a_rate_and_no_inference():
    rows = people("a", 6) + people("b", 6, errors=5)
    rows[0]["speaker_id"] = None
    groups, disparities = analyze(rows, ["accent"], {"accent": "b"})
    found = find(groups, "a")
    assert found["wer"] == pytest.approx(sum(r["substitutions"] for r in rows[:6]) / 600)
    assert [found[name] for name in ("n_speakers", "wer_low", "wer_high", "wer_macro", "df")] == [None] * 5
    assert "speakers_unknown" in found["flags"]
    assert find(groups, "b")["n_speakers"] == 6
    (gap,) = disparities
    assert gap["wer_ratio"] == pytest.approx(found["wer"] / find(groups, "b")["wer"])
    assert [gap[name] for name in ("ratio_low", "difference_low", "p", "df", "mde_ratio")] == [None] * 5
    assert gap["verdict"] == "cannot tell"


def test_rows_are_in_the_order_of_systems_conditions_normalisers_and_attributes():
    rows = [
        r
        for system in ("b", "a")
        for condition in ("hum@10dB", "hum@5dB", "clean")
        for normalizer in ("whisper-en", "minimal")
        for r in people("x", 3, gender="f", system=system, condition=condition, normalizer=normalizer)
    ]
    groups, _ = analyze(rows, ["gender", "all", "accent"])
    cells = list(dict.fromkeys((g["system_id"], g["condition_id"], g["normalizer"]) for g in groups))
    assert cells[:4] == [
        ("a", "clean", "whisper-en"),
        ("a", "clean", "minimal"),
        ("a", "hum@5dB", "whisper-en"),
        ("a", "hum@5dB", "minimal"),
    ]
    assert len(cells) == 12
    assert [g["attribute"] for g in groups[:3]] == ["all", "gender", "accent"]


def test_systems_conditions_and_normalisers_never_mix():
    rows = people("a", 5) + people("a", 5, errors=6, condition="hum@5dB") + people("a", 5, errors=4, system="t")
    groups, _ = analyze(rows, ["accent"])
    assert [g["wer"] for g in groups if g["attribute"] == "all"] == pytest.approx([0.208, 0.608, 0.408])
