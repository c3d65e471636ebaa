"""Hits, substitutions, deletions and insertions: hand-worked, equal to jiwer's and sclite's, and lawful."""

import csv
import json
from pathlib import Path

import jiwer
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.records import ErrorCounts
from asrfair.scoring import count_errors, normalize
from asrfair.scoring import counts as counts_module
from asrfair.scoring import tokens as tokens_module
from asrfair.seeds import rng_for
from asrfair.tables import ERROR_COUNTS

IVIE = Path(__file__).parents[2].parent / "shared" / "data" / "ivie"
texts = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)
pairs = st.lists(st.tuples(texts, texts), max_size=6)
COSTS = ("levenshtein", "sclite")


def counted(reference, hypothesis, costs="levenshtein"):
    (row,) = count_errors([reference], [hypothesis], costs=costs).to_pylist()
    return ErrorCounts(**row)


def summed(table):
    return sum((ErrorCounts(**row) for row in table.to_pylist()), ErrorCounts())


def by_jiwer(references, hypotheses):
    for chunks in jiwer.process_words(references, hypotheses).alignments:
        found = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
        for chunk in chunks:
            found[chunk.type] += max(chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx)
        yield tuple(found.values())


def test_worked_examples_of_methods_section_11():
    cat = counted("the cat sat on the mat", "the cat sit on mat")
    assert cat == ErrorCounts(hits=4, substitutions=1, deletions=1, insertions=0)
    assert (cat.wer, cat.mer, cat.wil) == pytest.approx((0.333333, 0.333333, 0.466667), abs=1e-6)
    abc = counted("a b c", "c a b")
    assert (abc.wer, abc.mer, abc.wil) == pytest.approx((0.666667, 0.5, 0.555556), abs=1e-6)
    corpus = count_errors(["the cat sat on the mat", "yes", ""], ["the cat sit on mat", "yes please", "um"])
    total = summed(corpus)
    assert total == ErrorCounts(hits=5, substitutions=1, deletions=1, insertions=2)
    assert total.wer == pytest.approx(0.571429, abs=1e-6)
    assert summed(corpus.slice(0, 2)).wer == pytest.approx(3 / 7, abs=1e-6)


def test_ties_are_jiwers():
    """METHODS section 1: `a b` against `b a` is a deletion, a hit and an insertion in jiwer 4."""
    swapped = counted("a b", "b a")
    assert swapped == ErrorCounts(hits=1, substitutions=0, deletions=1, insertions=1)
    assert swapped.mer == pytest.approx(2 / 3)


def test_sclite_costs_can_report_more_errors():
    assert counted("a b c d e", "d e x y z") == ErrorCounts(substitutions=5)
    assert counted("a b c d e", "d e x y z", "sclite") == ErrorCounts(hits=2, deletions=3, insertions=3)


@pytest.mark.parametrize("costs", COSTS)
def test_empty_sides(costs):
    """An empty hypothesis deletes all, never WER 0; an empty reference has no rate, neither a count nor NaN."""
    assert counted("a b c", "", costs) == ErrorCounts(deletions=3)
    assert counted("", "um well x", costs) == ErrorCounts(insertions=3)
    assert counted("", "um well x", costs).wer is None
    assert counted("", "", costs) == ErrorCounts()
    assert counted(" \t", "\n", costs) == ErrorCounts()


def test_an_empty_reference_does_not_make_its_group_undefined():
    assert summed(count_errors(["a b", ""], ["a b", "x"])).wer == 0.5


@pytest.mark.parametrize("costs", COSTS)
def test_failed_rows_never_count_as_deletions(costs):
    table = count_errors(["a b c", "a", ""], [None, "a", None], costs=costs)
    assert table.schema == ERROR_COUNTS
    assert table["deletions"].to_pylist() == [None, 0, None]
    assert table["hits"].to_pylist() == [None, 1, None]


def test_lines_of_one_character_keep_their_place():
    """A tool that drops short lines before pairing shifts every pair after."""
    references = ["a", "I", "", "x y", "?", "é"]
    table = count_errors(references, ["a", "I", "", "x y", "?", "é"])
    assert table["hits"].to_pylist() == [1, 1, 0, 2, 1, 1]


def test_white_space_inside_one_word_is_seen_beside_an_empty_text():
    """One word too many and one empty word too few must not pass for a text that is parted at spaces alone."""
    table = count_errors(["a\u00a0b c", "d"], ["a b", ""])
    assert table["hits"].to_pylist() == [2, 0]
    assert table["deletions"].to_pylist() == [1, 1]


def test_any_white_space_parts_words():
    spaced = "one two\u00a0three\nfour \n five\x1csix\u3000seven  eight "
    assert counted(spaced, "one two three four five six seven eight") == ErrorCounts(hits=8)
    assert counted(" one  two", "one two ") == ErrorCounts(hits=2)
    assert counted("\n", "a \n b") == ErrorCounts(insertions=2)


@pytest.mark.parametrize(
    "text",
    ["שלום עולם", "السلام عليكم", "हिंदी में", "<script>alert(1)</script> x", "😀 👩‍👩‍👧 🇬🇧", "a\x00b \x07", "\ud800 x"],
)
def test_words_of_any_script_and_kind_are_words(text):
    n = len(text.split())
    assert counted(text, text + " z") == ErrorCounts(hits=n, insertions=1)
    assert counted(text + " z", text) == ErrorCounts(hits=n, deletions=1)


@given(pairs)
def test_counts_equal_jiwers_on_ties_too(some):
    if not some:
        return
    references, hypotheses = map(list, zip(*some, strict=True))
    found = [tuple(row.values()) for row in count_errors(references, hypotheses).to_pylist()]
    assert found == list(by_jiwer(references, hypotheses))


@pytest.mark.parametrize(("n_words", "n_distinct"), [(6, 2), (20, 4), (40, 30), (80, 500)])
def test_thousands_of_random_pairs_equal_jiwers(n_words, n_distinct):
    rng = rng_for(3, "counts", f"{n_words}-{n_distinct}")
    references, hypotheses = [], []
    for _ in range(1500):
        said = rng.integers(n_distinct, size=rng.integers(n_words + 1))
        heard = rng.integers(n_distinct, size=rng.integers(n_words + 1)) if rng.random() < 0.3 else said
        heard = heard[rng.random(len(heard)) > 0.1]
        heard = [word if rng.random() > 0.15 else rng.integers(n_distinct) for word in heard]
        references.append(" ".join(f"w{word}" for word in said))
        hypotheses.append(" ".join(f"w{word}" for word in heard))
    found = [tuple(row.values()) for row in count_errors(references, hypotheses).to_pylist()]
    assert found == list(by_jiwer(references, hypotheses))


@pytest.mark.parametrize("costs", COSTS)
@given(some=pairs)
def test_counts_agree_with_the_words_there_are(costs, some):
    """H+S+D are the reference's words, H+S+I the hypothesis'; in any order, cut anyhow, the sums are the same."""
    references, hypotheses = [pair[0] for pair in some], [pair[1] for pair in some]
    table = count_errors(references, hypotheses, costs=costs)
    for row, (reference, hypothesis) in zip(table.to_pylist(), some, strict=True):
        counts = ErrorCounts(**row)
        assert min(row.values()) >= 0
        assert counts.n_ref_words == len(reference.split())
        assert counts.n_hyp_words == len(hypothesis.split())
        assert (counts.errors == 0) == (reference == hypothesis)
    assert summed(table) == summed(count_errors(references[::-1], hypotheses[::-1], costs=costs))


@pytest.mark.parametrize("costs", COSTS)
@given(a=texts, b=texts)
def test_the_error_total_is_symmetric(costs, a, b):
    assert counted(a, b, costs).errors == counted(b, a, costs).errors


@given(texts, texts, texts)
def test_levenshtein_errors_obey_the_triangle(a, b, c):
    assert counted(a, c).errors <= counted(a, b).errors + counted(b, c).errors


def _least_by_trying_all(reference, hypothesis):
    """Least (4S + 3D + 3I, errors) over all alignments, by plain recursion."""
    if not reference or not hypothesis:
        n = len(reference) + len(hypothesis)
        return 3 * n, n
    cost, errors = _least_by_trying_all(reference[1:], hypothesis[1:])
    wrong = reference[0] != hypothesis[0]
    options = [(cost + 4 * wrong, errors + wrong)]
    for rest in ((reference[1:], hypothesis), (reference, hypothesis[1:])):
        cost, errors = _least_by_trying_all(*rest)
        options.append((cost + 3, errors + 1))
    return min(options)


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_sclite_counts_are_the_cheapest_then_the_fewest(a, b):
    found = counted(" ".join(a), " ".join(b), "sclite")
    cost = 4 * found.substitutions + 3 * (found.deletions + found.insertions)
    assert (cost, found.errors) == _least_by_trying_all(a, b)


@pytest.mark.skipif(not IVIE.is_dir(), reason="the shared IViE transcripts are not here")
def test_sclite_costs_give_sclites_counts_on_every_file():
    """Real transcripts of two commercial systems, 204 files, NIST sclite's own four counts."""
    given = [json.loads(line) for line in (IVIE / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    spoken = {row["utterance_id"]: row["reference"] for row in given}
    expected = list(csv.DictReader((IVIE / "sclite.csv").read_text(encoding="utf-8").splitlines()))
    recognised = {}
    for system in ("amazon", "google"):
        for line in (IVIE / f"{system}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            recognised[system, row["utterance_id"]] = row["text"]
    references = normalize([spoken[row["utterance_id"]] for row in expected], "none")
    hypotheses = normalize([recognised[row["system"], row["utterance_id"]] for row in expected], "none")
    found = [tuple(row.values()) for row in count_errors(references, hypotheses, costs="sclite").to_pylist()]
    assert len(found) == 204
    assert found == [tuple(int(row[name]) for name in ("correct", "sub", "del", "ins")) for row in expected]


def test_blocks_do_not_change_counts(monkeypatch):
    references = ["a b c", "x" * 50, "", "d e", "f \n g", "h"] * 4
    hypotheses = ["a c", "x", "um", None, "f g", "h"] * 4
    whole = count_errors(references, hypotheses)
    monkeypatch.setattr(counts_module, "BLOCK_PAIRS", 5)
    monkeypatch.setattr(tokens_module, "BLOCK_CHARS", 60)
    assert count_errors(references, hypotheses).equals(whole)


def test_columns_of_arrow_are_taken_as_they_are():
    columns = pa.chunked_array([["a b"], ["c"]]), pa.array(["a", None])
    assert count_errors(*columns)["deletions"].to_pylist() == [1, None]


def test_nothing_gives_an_empty_table():
    assert count_errors([], []).equals(ERROR_COUNTS.empty_table())


@pytest.mark.parametrize(
    ("references", "hypotheses", "costs", "message"),
    [
        (["a", "b"], ["a"], "levenshtein", "2 references and 1 hypotheses"),
        (["a", None], ["a", "b"], "levenshtein", "reference 2 is None"),
        ("ab", ["a", "b"], "levenshtein", "not one text"),
        (["a"], ["a"], "wer", "costs 'wer' are unknown; there are: levenshtein, sclite"),
    ],
)
def test_what_cannot_be_counted_is_refused(references, hypotheses, costs, message):
    with pytest.raises(InputError, match=message):
        count_errors(references, hypotheses, costs=costs)
