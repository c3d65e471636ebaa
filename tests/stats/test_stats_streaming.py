"""Rows in any order, in any batches, of any shape: the same tables."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_rows import COUNTS, analyze, people, row, tables

from asrfair.errors import InputError
from asrfair.stats import SCORE_COLUMNS, SpeakerSums, analyze_scores

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
    found = sums.finish()
    assert (found.groups, found.disparities) == whole


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
    found = sums.finish()
    assert (found.groups, found.disparities) == expected


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
    assert sums.finish().groups["normalizer"].to_pylist() == ["whisper-en", "minimal"]


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
