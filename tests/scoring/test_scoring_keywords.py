"""A term is recalled if all of it was recognised where it was said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import count_errors, normalize
from asrfair.scoring.keywords import keyword_counts

words = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)


def counted(reference, hypothesis, *terms, costs="levenshtein"):
    found = keyword_counts([reference], [hypothesis], terms, costs=costs)
    return {found.terms[n]: (int(f), int(s)) for n, f, s in zip(found.numbers, found.found, found.said, strict=True)}


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("take beta blockers now", "take beta blockers now", (1, 1)),
        ("take beta blockers now", "take beta um blockers now", (0, 1)),
        ("take beta blockers now", "take better blockers now", (0, 1)),
        ("take beta blockers now", "", (0, 1)),
        ("beta blockers beta blockers", "beta blockers beta", (1, 2)),
        ("take beta", "take beta blockers", None),
        ("no such thing", "beta blockers", None),
    ],
)
def test_a_phrase_is_recalled_whole_or_not_at_all(reference, hypothesis, expected):
    assert counted(reference, hypothesis, "beta blockers").get("beta blockers") == expected


def test_overlapping_occurrences_and_terms_all_count():
    assert counted("a a a b", "a a a", "a a", "a", "a b") == {"a a": (2, 2), "a": (3, 3), "a b": (0, 1)}


@pytest.mark.parametrize("costs", ["levenshtein", "sclite"])
@given(reference=words, hypothesis=words)
def test_with_every_word_a_term_recall_is_the_hits(costs, reference, hypothesis):
    found = keyword_counts([reference], [hypothesis], ["a", "b", "c", "d"], costs=costs)
    counts = count_errors([reference], [hypothesis], costs=costs).to_pylist()[0]
    assert found.said.sum() == len(reference.split())
    assert found.found.sum() == counts["hits"]


def test_failures_count_nowhere_and_pairs_add_up():
    found = keyword_counts(["x y", "x", "x x"], ["x y", None, "x z"], ["x", "x y"])
    recalled, said = found.by_pair(3)
    assert (recalled.tolist(), said.tolist()) == ([2, 0, 1], [2, 0, 2])
    empty = keyword_counts(["", "z"], ["x", "z"], ["x"])
    assert [column.tolist() for column in empty.by_pair(2)] == [[0, 0], [0, 0]]
    assert empty.rows.dtype == np.int64


def test_terms_of_any_script():
    said = "\u05e0\u05d8\u05dc\u05ea\u05d9 \u05d0\u05e7\u05de\u05d5\u05dc \u05d4\u05d9\u05d5\u05dd"
    (reference, term) = normalize([said, "\u05d0\u05e7\u05de\u05d5\u05dc!"], "minimal")
    assert counted(reference, reference, term) == {term: (1, 1)}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ([], "one at least"),
        ("aspirin", "give a list"),
        (["a", " "], r"terms\[1\]: ' ' is empty"),
        (["a b", "a  b"], r"terms\[1\]: 'a b' was given before"),
    ],
)
def test_terms_that_are_none_are_refused(terms, message):
    with pytest.raises(InputError, match=message):
        keyword_counts(["a"], ["a"], terms)
