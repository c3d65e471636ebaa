"""What each error was: the same errors as counted, with their words, their runs and their classes."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import align, count_errors
from asrfair.scoring.error_classes import ERROR_CLASSES
from asrfair.scoring.events import EVENTS, KINDS, error_events, words_in_runs

texts = st.lists(st.sampled_from(["a", "b", "ab", "um", "two", "2"]), max_size=9).map(" ".join)
pairs = st.lists(st.tuples(texts, st.none() | texts), max_size=5)


def classes(reference, hypothesis, **options):
    return error_events([reference], [hypothesis], **options)["error_class"].to_pylist()


def flattened(reference, hypothesis, costs):
    """The errors of an alignment and the length of the run of each, the slow way."""
    found = []
    for span in align(reference, hypothesis, costs=costs):
        n = max(len(span.reference), len(span.hypothesis))
        if span.kind != "hit":
            rows = [(span.kind, *span.reference[k : k + 1], *span.hypothesis[k : k + 1], n) for k in range(n)]
            found += rows
    return found


@pytest.mark.parametrize("costs", ["levenshtein", "sclite"])
@given(pairs=pairs)
def test_events_are_the_errors_of_the_alignment(costs, pairs):
    references, hypotheses = [a for a, _ in pairs], [b for _, b in pairs]
    table = error_events(references, hypotheses, costs=costs)
    assert table.schema == EVENTS
    rows = table.to_pylist()
    expected = [(at, event) for at, (a, b) in enumerate(pairs) if b is not None for event in flattened(a, b, costs)]
    found = [
        (row["row"], (row["kind"], *(w for w in (row["reference"], row["hypothesis"]) if w is not None), row["run"]))
        for row in rows
    ]
    assert found == expected
    counts = count_errors(references, hypotheses, costs=costs)
    for kind in KINDS:
        per_row = Counter(row["row"] for row in rows if row["kind"] == kind)
        assert [per_row[at] for at in range(len(pairs))] == [n or 0 for n in counts[kind + "s"].to_pylist()]
    assert {row["error_class"] for row in rows} <= set(ERROR_CLASSES)


def test_blocks_do_not_show():
    n = 12_001
    table = error_events(["the cat sat"] * n, ["the dog"] * n)
    assert table["row"].to_pylist() == [at for at in range(n) for _ in range(2)]


def test_a_failure_has_no_events_and_an_empty_hypothesis_has_only_deletions():
    assert error_events(["a b"], [None]).num_rows == error_events([], []).num_rows == 0
    assert error_events(["a b", ""], ["", "x y z"])["run"].to_pylist() == [2, 2, 3, 3, 3]


def test_white_space_of_any_kind_parts_words():
    assert error_events(["a\tb\n c"], [" a b\u2003d"]).to_pylist() == [
        {"row": 0, "kind": "substitution", "reference": "c", "hypothesis": "d", "run": 1, "error_class": "other"}
    ]


def test_runs_end_at_a_hit():
    found = error_events(["a b c d e f g h i"], ["a d e f x h i z z z"]).to_pylist()
    assert [(row["kind"], row["run"]) for row in found] == [
        ("deletion", 2),
        ("deletion", 2),
        ("substitution", 1),
        *[("insertion", 3)] * 3,
    ]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("erm yes", "yes", ["hesitation"]),
        ("yes", "yes mm-hmm", ["hesitation"]),
        ("uh yes", "um yes", ["hesitation"]),
        ("um yes", "the yes", ["other"]),
        ("he is twenty", "he is 20", ["number"]),
        ("twenty one cats", "21 cats", ["number", "number"]),
        ("room five", "room fine", ["other"]),
        ("room five", "room", ["number"]),
        ("an ice cream now", "an icecream now", ["compound", "compound"]),
        ("wellknown", "well known", ["compound", "compound"]),
        ("a well-known man", "a wellknown man", ["compound"]),
        ("an aim", "a naim", ["compound", "compound"]),
        ("the cat", "the act", ["other"]),
        ("mm hmm yes", "mmhmm yes", ["compound", "compound"]),
        ("tell 'em", "tell em", ["other"]),
    ],
)
def test_errors_have_classes(reference, hypothesis, expected):
    assert classes(reference, hypothesis) == expected


def test_the_lists_are_english_but_digits_are_everybodys():
    assert classes("er kam um zehn", "kam zehn", language="de-AT") == ["other", "other"]
    assert classes("um 10", "um 11", language="de") == ["number"]
    assert classes("\u0627\u0644\u0663", "\u0664", language="ar") == ["number"]


def test_right_to_left_words_come_back_as_they_are():
    (row,) = error_events(["\u05e9\u05dc\u05d5\u05dd \u05dc\u05da"], ["\u05e9\u05dc\u05d5\u05dd"]).to_pylist()
    assert (row["kind"], row["reference"], row["hypothesis"]) == ("deletion", "\u05dc\u05da", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((["a"], []), "1 references and 0 hypotheses"), (([None], ["a"]), "is None"), (("a", "b"), "not one text")],
)
def test_pairs_that_are_none_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        error_events(*arguments)
    with pytest.raises(InputError, match="costs 'wer' are unknown"):
        error_events(["a"], ["b"], costs="wer")


def test_events_need_no_heavy_library():
    code = "import sys; from asrfair.scoring.events import error_events as f; f(['a b'], ['b']); f([], []); "
    subprocess.run([sys.executable, "-c", code + "assert 'pandas' not in sys.modules"], check=True)


def test_only_long_runs_count_as_runs():
    events = error_events(["a", "a b c d e", "", "a"], ["a x y", "a", "x y z", None])
    assert words_in_runs(events, 4, "insertion").tolist() == [0, 0, 3, 0]
    assert words_in_runs(events, 4, "insertion", least=2).tolist() == [2, 0, 3, 0]
    assert words_in_runs(events, 4, "deletion").tolist() == [0, 4, 0, 0]
    assert words_in_runs(error_events([], []), 0, "deletion").tolist() == []
    with pytest.raises(InputError, match="kind 'hit' is unknown"):
        words_in_runs(events, 4, "hit")
