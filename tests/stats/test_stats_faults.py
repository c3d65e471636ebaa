"""Faults seen in other tools that concern statistics (DESIGN section 8): each must not happen here."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from asrfair.stats import analyze_scores, compare_groups, group_interval, holm
from asrfair.tables import SCORES


def table(rows):
    """Rows of (speaker, group, words, substitutions, insertions); None as words is a failed row."""
    made = []
    for i, (speaker, _, words, subs, ins) in enumerate(rows):
        keys = {"system_id": "s", "condition_id": "clean", "utterance_id": str(i), "normalizer": "none"}
        counts = (
            {"hits": words - subs, "substitutions": subs, "deletions": 0, "insertions": ins}
            if words is not None
            else {}
        )
        status = "failed" if words is None else "ok"
        made.append(
            keys | counts | {"speaker_id": speaker, "status": status, "n_ref_chars": words, "char_errors": subs}
        )
    return pa.Table.from_pylist(made, schema=SCORES), {"g": pa.chunked_array([[r[1] for r in rows]], pa.string())}


def groups_of(rows):
    groups, _ = analyze_scores(*table(rows), ["g"])
    return {r["group"]: r for r in groups.to_pylist() if r["attribute"] == "g"}


def test_an_empty_reference_never_turns_a_group_into_nan():
    rows = [(f"p{s}", "a", 10, s % 3, 0) for s in range(6)] + [("p0", "a", 0, 0, 0)]
    assert groups_of(rows)["a"]["wer"] == pytest.approx(6 / 60)


def test_an_empty_reference_never_makes_a_count_into_a_rate():
    """Three words hallucinated into silence are 3 errors in the sum, and alone no rate at all: not 3.0."""
    speakers = [(f"p{s}", "a", 10, 1 + s % 2, 0) for s in range(6)]
    assert groups_of([*speakers, ("p0", "a", 0, 0, 3)])["a"]["wer"] == pytest.approx((9 + 3) / 60)
    assert group_interval([3], [0]).wer is None


def test_an_outage_is_never_scored_as_deletions():
    rows = [(f"p{s}", "a", 10, 1 + s % 2, 0) for s in range(6)]
    found = groups_of(rows + [(f"p{s}", "a", None, None, None) for s in range(6)])["a"]
    assert (found["deletions"], found["n_failed"], found["wer"]) == (0, 6, pytest.approx(9 / 60))


def test_one_talkative_speaker_never_looks_like_many_people():
    """The same errors and words as 1,000 utterances of 5 speakers or as 5 sums: the same interval, on 5 speakers."""
    rng = np.random.Generator(np.random.Philox(key=1))
    rows = [(f"p{s}", "a", 10, int(rng.binomial(10, 0.05 + 0.08 * s)), 0) for s in range(5) for _ in range(200)]
    found = groups_of(rows)["a"]
    sums = [sum(r[3] for r in rows if r[0] == f"p{s}") for s in range(5)]
    assert (found["wer_low"], found["wer_high"]) == (
        group_interval(sums, [2000] * 5).low,
        group_interval(sums, [2000] * 5).high,
    )
    iid_half_width = 1.96 * (found["wer"] * (1 - found["wer"]) / 10_000) ** 0.5
    assert found["wer_high"] - found["wer_low"] > 10 * iid_half_width


def test_the_rate_is_never_the_mean_of_utterance_rates():
    rows = [(f"p{s}", "a", 1, 1, 0) for s in range(5)] + [(f"p{s}", "a", 99, s, 0) for s in range(5)]
    assert groups_of(rows)["a"]["wer"] == pytest.approx(15 / 500)


def test_a_slice_is_never_compared_with_a_whole_that_contains_it():
    """A group of half the data with twice the errors of the others: 2.0 against the rest, 1.33 against the whole."""
    rows = [(f"a{s}", "a", 100, 20 + s % 2, 0) for s in range(8)] + [
        (f"b{s}", "b", 100, 10 + s % 2, 0) for s in range(8)
    ]
    _, disparities = analyze_scores(*table(rows), ["g"])
    found = disparities.to_pylist()[0]
    assert (found["group"], found["baseline"], found["wer_ratio"]) == ("a", "rest", pytest.approx(20.5 / 10.5))


def test_a_hundred_slices_of_nothing_are_adjusted_for():
    """100 groups drawn from one population: some raw p is below 5 %, none is after Holm."""
    rng = np.random.Generator(np.random.Philox(key=2))
    rows = []
    for group in range(100):
        rates = 0.2 * rng.lognormal(-0.08, 0.4, 8)
        rows += [(f"{group}-{s}", f"g{group}", 400, int(rng.binomial(400, min(r, 1))), 0) for s, r in enumerate(rates)]
    _, disparities = analyze_scores(*table(rows), ["g"])
    found = disparities.to_pylist()
    assert min(d["p"] for d in found) < 0.05
    assert {d["verdict"] for d in found} == {"not shown"}
    assert [d["p_adjusted"] for d in found] == holm([d["p"] for d in found])


def test_a_small_sample_is_never_rewarded():
    """The same rates from fewer people give a wider interval, a larger p and a larger mde_ratio: not a better score."""
    a, b = [30, 45, 60, 25, 40, 50], [20, 30, 35, 15, 28, 32]
    few, many = (compare_groups(a * k, [200] * 6 * k, b * k, [200] * 6 * k) for k in (1, 5))
    assert few.ratio == pytest.approx(many.ratio)
    assert few.p > many.p
    assert few.mde_ratio > many.mde_ratio
    assert few.ratio_high > many.ratio_high


def test_a_few_utterances_at_more_than_100_percent_come_with_their_uncertainty():
    """33 utterances at 126.92 %: shown with interval, and flagged as what they are."""
    rows = [(f"p{s % 6}", "a", 2, 2, s % 2) for s in range(33)]
    found = groups_of(rows)["a"]
    assert found["wer"] > 1
    assert found["wer_low"] < found["wer"] < found["wer_high"]
    assert {"wer_above_1", "few_words", "fragile"} <= set(found["flags"])


def test_statistics_import_neither_scipy_nor_pandas():
    code = (
        "import sys, asrfair.stats as s; s.compare_groups([5, 8, 3], [50, 40, 60], [2, 4, 6], [50, 80, 40]);"
        "print(sorted({'scipy', 'pandas', 'torch', 'matplotlib'} & {m.split('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
