"""Many alignments at once are those of `align`, one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import align, count_errors
from asrfair.scoring.edits import find_edits

texts = st.lists(st.sampled_from(["a", "b", "c", "dd", "é"]), max_size=7).map(" ".join)
KINDS = ["substitution", "deletion", "insertion"]


def rebuilt(found, references, against):
    """Each hypothesis, from its reference and its steps; and the steps as kind, said, heard."""
    ends = np.append(0, np.cumsum(found.n_steps))
    for at, reference in enumerate(against):
        words, out, steps, place = references[reference].split(), [], [], 0
        for step in range(ends[at], ends[at + 1]):
            kind, where, heard = found.kinds[step], found.places[step], found.words[found.heard[step]]
            out += words[place:where]
            steps.append((KINDS[kind], "" if kind == 2 else words[where], "" if kind == 1 else heard))
            out += [] if kind == 1 else [heard]
            place = where + (kind != 2)
        yield " ".join(out + words[place:]), steps


def spelled(reference, hypothesis, costs):
    for span in align(reference, hypothesis, costs=costs):
        if span.kind != "hit":
            n = max(len(span.reference), len(span.hypothesis))
            yield from zip([span.kind] * n, span.reference or [""] * n, span.hypothesis or [""] * n, strict=True)


@pytest.mark.parametrize("costs", ["levenshtein", "sclite"])
@given(pairs=st.lists(st.tuples(texts, texts), max_size=6))
def test_steps_lead_from_reference_to_hypothesis_as_align_says(costs, pairs):
    references, hypotheses = [a for a, _ in pairs], [b for _, b in pairs]
    found = find_edits(references, hypotheses, np.arange(len(pairs)), costs=costs)
    for (text, steps), (reference, hypothesis) in zip(
        rebuilt(found, references, range(len(pairs))), pairs, strict=True
    ):
        assert text == hypothesis
        assert steps == [(k, r, h) for k, r, h in spelled(reference, hypothesis, costs)]
    counts = count_errors(references, hypotheses, costs=costs)
    for number, name in enumerate(("substitutions", "deletions", "insertions")):
        assert sum(counts[name].to_pylist()) == int((found.kinds == number).sum())


def test_hypotheses_share_a_reference_and_a_failure_has_no_steps():
    found = find_edits(["one  two", "three"], ["one two", None, "tree", "two"], np.array([0, 0, 1, 0]))
    assert found.n_steps.tolist() == [0, 0, 1, 1]
    assert found.lengths.tolist() == [2, 1]
    assert [found.words[number] for number in found.spoken] == ["one", "two", "three"]


def test_unknown_costs_are_refused():
    with pytest.raises(InputError, match="unknown"):
        find_edits(["a"], ["a"], np.array([0]), costs="mine")
