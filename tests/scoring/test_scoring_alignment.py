"""Alignments: the words of both sides in order, the counts of `count_errors`, jiwer's choice among ties."""

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.records import ErrorCounts
from asrfair.scoring import align, count_errors

KINDS = ("hit", "substitution", "deletion", "insertion")
COSTS = ("levenshtein", "sclite")
texts = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)


@pytest.mark.parametrize("costs", COSTS)
@given(a=texts, b=texts)
def test_an_alignment_has_the_counts_and_gives_both_texts_back(costs, a, b):
    spans = align(a, b, costs=costs)
    n_words = dict.fromkeys(KINDS, 0)
    for span in spans:
        n_words[span.kind] += max(len(span.reference), len(span.hypothesis))
    assert ErrorCounts(*n_words.values()) == ErrorCounts(**count_errors([a], [b], costs=costs).to_pylist()[0])
    assert " ".join(word for span in spans for word in span.reference) == a
    assert " ".join(word for span in spans for word in span.hypothesis) == b


@given(texts, texts)
def test_an_alignment_is_jiwers(a, b):
    (chunks,) = jiwer.process_words([a], [b]).alignments
    names = {"equal": "hit", "substitute": "substitution", "delete": "deletion", "insert": "insertion"}
    assert [span.kind for span in align(a, b)] == [names[chunk.type] for chunk in chunks]


def test_unknown_costs_are_refused():
    with pytest.raises(InputError, match="costs 'wer' are unknown"):
        align("a", "b", costs="wer")
