"""From score rows to the two tables: who is in which group, who is compared with whom, and what is withheld."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.stats import SCORE_COLUMNS, SpeakerSums, analyze_scores, compare_groups, compare_paired, group_interval
from asrfair.tables import DISPARITIES, GROUPS, SCORES, check_table

COUNTS = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")


def row(speaker, errors=1, words=10, *, failed=False, system="s", condition="clean", normalizer="none", **values):
    counts = dict(zip(COUNTS, (words - errors, errors, 0, 0, 5 * words, errors), strict=True))
    made = {"system_id": system, "condition_id": condition, "normalizer": normalizer, "speaker_id": speaker}
    made |= {"status": "failed"} | dict.fromkeys(COUNTS) if failed else {"status": "ok"} | counts
    return made | values


def tables(rows):
    scores = pa.Table.from_pylist([{"utterance_id": str(i)} | r for i, r in enumerate(rows)], schema=SCORES)
    names = dict.fromkeys(name for r in rows for name in r if name not in SCORES.names)
    return scores, {name: pa.chunked_array([[r.get(name) for r in rows]], pa.string()) for name in names}


def analyze(rows, by, baselines=None):
    groups, disparities = analyze_scores(*tables(rows), by, baselines)
    return groups.to_pylist(), disparities.to_pylist()


def people(group, m, errors=2, prefix=None, **values):
    """m speakers of a group with 100 words each and slightly different rates."""
    return [row(f"{prefix or group}{s}", errors * 10 + s % 3, 100, accent=group, **values) for s in range(m)]


def find(rows, group, attribute="accent"):
    (found,) = [r for r in rows if r["group"] == group and r["attribute"] == attribute]
    return found


def sums_of(rows):
    """Errors and words by speaker, from the rows."""
    by_speaker = {}
    for r in rows:
        e, n = by_speaker.get(r["speaker_id"], (0, 0))
        by_speaker[r["speaker_id"]] = (e + r["substitutions"], n + r["hits"] + r["substitutions"])
    return tuple(zip(*by_speaker.values(), strict=True))


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


def test_speakers_in_both_groups_are_compared_within_themselves():
    quiet = [row(f"p{s}", 10 + 7 * s, 100, noise="quiet") for s in range(8)]
    loud = [row(f"p{s}", 13 + 9 * s, 100, noise="loud") for s in range(8)]
    _, disparities = analyze(quiet + loud, ["noise"], {"noise": "quiet"})
    (found,) = disparities
    expected = compare_paired(*sums_of(loud), *sums_of(quiet))
    assert "paired" in found["flags"]
    assert (found["wer_ratio"], found["p"], found["df"]) == (expected.ratio, expected.p, 7)
    assert found["p"] < 0.01 < compare_groups(*sums_of(loud), *sums_of(quiet)).p


def test_an_intersection_needs_every_part():
    rows = people("a", 5, gender="f") + people("a", 5, gender="m", prefix="am") + people("b", 5, gender="f")
    rows += people("b", 3, prefix="bx") + people(None, 2, gender="m", prefix="y")
    groups, disparities = analyze(rows, ["accent", "accent*gender"], {"accent*gender": "b*f"})
    found = {g["group"]: g["n_utterances"] for g in groups if g["attribute"] == "accent*gender"}
    assert list(found.items()) == [("b*f", 5), ("a*f", 5), ("a*m", 5), ("missing", 5)]
    tested = [(d["group"], d["baseline"]) for d in disparities if d["attribute"] == "accent*gender"]
    assert tested == [("a*f", "b*f"), ("a*m", "b*f")]


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


def test_three_or_four_speakers_get_an_interval_but_no_verdict():
    _, disparities = analyze(people("a", 8) + people("b", 4, errors=9), ["accent"], {"accent": "a"})
    (found,) = disparities
    assert found["ratio_low"] > 1
    assert (found["p"], found["p_adjusted"], found["verdict"]) == (None, None, "cannot tell")
    assert "few_speakers" in found["flags"]


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


ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from([f"p{i}" for i in range(9)]),
        st.integers(0, 9),
        st.integers(9, 30),
        failed=st.sampled_from([False, False, False, True]),
        condition=st.sampled_from(["clean", "hum@5dB"]),
        accent=st.sampled_from(["a", "b", "c", "a|b", None]),
        gender=st.sampled_from(["f", "m", None]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_batches_change_a_bit(rows, random):
    by = ["accent", "gender", "accent*gender"]
    shuffled = list(rows)
    random.shuffle(shuffled)
    values = {"accent": None, "gender": None}
    sums = SpeakerSums(by)
    for start in range(0, len(rows), 7):
        scores, groups = tables(shuffled[start : start + 7])
        sums.add(scores.select(SCORE_COLUMNS), values | groups)
    scores, groups = tables([row("p0", **values), *rows])
    whole = analyze_scores(scores.slice(1), {name: column.slice(1) for name, column in groups.items()}, by)
    assert sums.finish() == whole


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_groups_add_up_to_all(rows):
    """Nothing is dropped and nothing counted twice, but what has two values."""
    groups, _ = analyze([row("p0", 1, 10, gender="f"), *rows], ["gender"])
    for condition in {g["condition_id"] for g in groups}:
        here = [g for g in groups if g["condition_id"] == condition]
        for name in ("n_utterances", "n_failed", "n_ref_words"):
            assert here[0][name] == sum(g[name] for g in here[1:])


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_one_utterance_or_its_counts_in_pieces_is_the_same(rows):
    """Splitting an utterance's counts over more rows changes the number of utterances and no rate or interval."""
    ok = [r for r in rows if r["status"] == "ok"] + people("a", 5)
    halves = []
    for r in ok:
        half = {name: r[name] // 2 for name in COUNTS}
        halves += [r | half, r | {name: r[name] - half[name] for name in COUNTS}]
    found, in_pieces = ([*groups, *gaps] for groups, gaps in (analyze(x, ["accent"]) for x in (ok, halves)))
    for whole, split in zip(found, in_pieces, strict=True):
        assert {k: v for k, v in whole.items() if k != "n_utterances"} == {
            k: v for k, v in split.items() if k != "n_utterances"
        }


def test_chunks_and_dictionaries_are_read_as_text():
    scores, groups = tables(people("a", 6) + people("b", 6))
    chunked = pa.chunked_array([groups["accent"].chunk(0)[:4], groups["accent"].chunk(0)[4:]])
    encoded = groups["accent"].combine_chunks().dictionary_encode()
    expected = analyze_scores(scores, groups, ["accent"])
    assert analyze_scores(scores, {"accent": chunked}, ["accent"]) == expected
    sums = SpeakerSums(["accent"])
    sums.add(scores.combine_chunks().to_batches()[0], {"accent": encoded})
    assert sums.finish() == expected


def test_the_groups_met_are_known_before_the_end():
    scores, groups = tables(people("b", 2, gender="f") + people("a|b", 1) + people(None, 1, prefix="x"))
    sums = SpeakerSums(["accent", "accent*gender"])
    assert sums.groups() == {"accent": [], "accent*gender": []}
    sums.add(scores, groups)
    assert sums.groups() == {"accent": ["a", "b"], "accent*gender": ["b*f"]}


def test_the_order_of_normalisers_can_be_given():
    rows = people("a", 3, normalizer="minimal") + people("a", 3, normalizer="whisper-en")
    sums = SpeakerSums([], ["whisper-en", "minimal"])
    sums.add(*tables(rows))
    assert sums.finish()[0]["normalizer"].to_pylist() == ["whisper-en", "minimal"]


def test_what_cannot_be_grouped_by_is_refused():
    scores, groups = tables(people("a", 3))
    with pytest.raises(InputError, match=r"'gender' is no attribute here; there are: accent"):
        analyze_scores(scores, groups, ["gender"])
    with pytest.raises(InputError, match="3 score rows"):
        SpeakerSums(["accent"]).add(scores, {"accent": groups["accent"].slice(1)})
    for spec in ("accent*accent", "accent*", ""):
        with pytest.raises(InputError, match="intersection"):
            SpeakerSums([spec])


def test_many_attributes_with_many_values_do_not_overflow_the_keys():
    """Twelve attributes of 60 values: more combinations than 64 bits can number."""
    rng = np.random.Generator(np.random.Philox(key=5))
    names = [f"attribute{i}" for i in range(12)]
    rows = [row(f"p{i % 40}", 1, 10, **{n: f"v{rng.integers(60)}" for n in names}) for i in range(400)]
    groups, _ = analyze(rows, names)
    for name in names:
        assert sum(g["n_utterances"] for g in groups if g["attribute"] == name) == 400
