"""Scoring utterances: both sides alike, the best of several references, characters, failures that stay null."""

import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import Scorer, normalize, scorer
from asrfair.scoring.characters import count_character_errors
from asrfair.tables import SCORES

ROW = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")


def scored(references, hypotheses, normalizer="none", **options):
    found = Scorer(normalizer, **options).score(pa.array(references, pa.list_(pa.string())), pa.array(hypotheses))
    return [tuple(row.values()) for row in found.to_pylist()]


def test_columns_are_those_of_the_scores_table():
    found = Scorer("none").score(pa.array([["a"]]), pa.array(["a"]))
    assert found.schema == pa.schema([SCORES.field(name) for name in ROW])


def test_both_sides_are_normalised():
    """Normalising only the reference makes `20` a `two zero`, and `0` vanish."""
    assert scored([["Twenty, colour 0!"]], ["20 COLOR zero"], "whisper-en") == [(3, 0, 0, 0, 8, 0)]
    assert scored([["20 color zero"]], ["Twenty, colour 0!"], "whisper-en") == [(3, 0, 0, 0, 8, 0)]


@given(st.text(max_size=20))
def test_a_text_against_itself_has_no_error_under_any_normalizer(text):
    for name in ("none", "minimal", "whisper-en"):
        ((hits, *errors, n_ref_chars, char_errors),) = scored([[text]], [text], name)
        assert errors == [0, 0, 0]
        assert hits == len(normalize([text], name)[0].split())
        assert (char_errors, n_ref_chars > 0) == (0, hits > 0)


def test_failures_are_null_and_empty_transcripts_are_not():
    assert scored([["a b"], ["a b"]], [None, ""]) == [(None,) * 6, (0, 0, 2, 0, 2, 2)]
    assert scored([["a b"]], pa.nulls(1, pa.string())) == [(None,) * 6]


def test_the_reference_with_the_fewest_errors_counts():
    references = [["one two three", "one too"], ["x"], ["a b", "c"]]
    assert scored(references, ["one too", "x", "b"]) == [(2, 0, 0, 0, 6, 0), (1, 0, 0, 0, 1, 0), (1, 0, 1, 0, 2, 1)]


def test_of_references_with_as_many_errors_the_first_counts():
    """`a b` with one deletion, not `c` with one substitution, and the other way round."""
    assert scored([["a b", "c"]], ["b"])[0][:4] == (1, 0, 1, 0)
    assert scored([["c", "a b"]], ["b"])[0][:4] == (0, 1, 0, 0)


@given(
    st.lists(
        st.tuples(
            st.lists(st.lists(st.sampled_from("abc"), max_size=4).map(" ".join), min_size=1, max_size=3),
            st.none() | st.lists(st.sampled_from("abc"), max_size=4).map(" ".join),
        ),
        max_size=5,
    )
)
def test_several_references_are_never_worse_than_each(rows):
    references, hypotheses = [row[0] for row in rows], [row[1] for row in rows]
    best = scored(references, pa.array(hypotheses, pa.string()))
    for row, (wordings, hypothesis) in zip(best, rows, strict=True):
        if hypothesis is None:
            assert row == (None,) * 6
        else:
            alone = [scored([[wording]], [hypothesis])[0] for wording in wordings]
            assert row == min(alone, key=lambda counts: sum(counts[1:4]))


def test_chunks_and_blocks_do_not_matter():
    references = pa.chunked_array([[["a b"], ["c", "d"]], [["e"]]])
    hypotheses = pa.chunked_array([["a"], ["d", None]])
    found = Scorer("minimal").score(references, hypotheses)
    assert found.to_pylist()[0]["deletions"] == 1
    assert found["hits"].to_pylist() == [1, 1, None]


def test_a_scorer_keeps_a_bounded_number_of_references(monkeypatch):
    monkeypatch.setattr(scorer, "MAX_REFERENCES", 3)
    keeper = Scorer("minimal")
    for _ in range(2):
        for start in range(0, 8, 2):
            references = pa.array([[f"W{start}"], [f"W{start + 1}"]])
            assert keeper.score(references, pa.array([f"w{start}", "x"]))["hits"].to_pylist() == [1, 0]
    assert len(keeper._references) <= 3


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(InputError, match="no normalizer 'whisper'"):
        Scorer("whisper")
    with pytest.raises(InputError, match="costs 'x' are unknown"):
        Scorer("none", costs="x")
    with pytest.raises(InputError, match="1 utterances and 2 hypotheses"):
        scored([["a"]], ["a", "b"])
    with pytest.raises(InputError, match="utterance 2 of the block has no reference"):
        scored([["a"], []], ["a", "b"])


@pytest.mark.parametrize(
    ("reference", "hypothesis", "n_ref_chars", "char_errors"),
    [
        ("the cat", "thecat", 6, 0),
        ("the cat", "the cats", 6, 1),
        ("cafe\u0301", "café", 4, 0),
        ("cafe\u0301", "cafe", 4, 1),
        ("हिंदी", "हिंद", 2, 1),
        ("👩‍👩‍👧 🇬🇧", "👩‍👩‍👧 🇫🇷", 2, 1),
        ("\U000f0000 👩‍👩‍👧", "👩‍👩‍👧 \U000f0000", 2, 2),
        ("", "ab", 0, 2),
        ("ab", "", 2, 2),
        ("", "", 0, 0),
    ],
)
def test_characters_by_hand(reference, hypothesis, n_ref_chars, char_errors):
    found = count_character_errors([reference], [hypothesis])
    assert [int(column[0]) for column in found] == [n_ref_chars, char_errors]


def test_spaces_are_characters_only_when_asked_for():
    assert scored([["a b c"]], ["abc"], count_spaces=True)[0][4:] == (5, 2)
    assert scored([["a b c"]], ["abc"])[0][4:] == (3, 0)


def test_scoring_imports_no_heavy_library():
    """Reading Arrow columns must not bring in pandas by the back door (a second of CPU)."""
    code = """
import struct, sys
import pyarrow as pa
import pyarrow.compute as pc
from asrfair.scoring import Scorer, count_errors
said = pa.StringArray.from_buffers(2, pa.py_buffer(struct.pack("3i", 0, 16, 19)), pa.py_buffer(b"It is twenty oneA b"))
found = Scorer("whisper-en", costs="sclite").score(pc.split_pattern(said, pattern="|"), said)
assert found["hits"].to_pylist() == [3, 2]
assert count_errors(["a b"], [None])["hits"].to_pylist() == [None]
print(*{name.split(".")[0] for name in sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pandas", "scipy", "torch", "transformers", "jiwer", "regex"} & set(done.stdout.split())
