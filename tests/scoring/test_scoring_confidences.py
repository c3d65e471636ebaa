"""Each recognised word has the confidence of the engine's word that it came from, or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.errors import InputError
from asrfair.scoring import find_normalizer
from asrfair.scoring.confidences import word_confidences
from asrfair.stats.calibration import calibration
from asrfair.stats.review import review, threshold_for
from asrfair.stats.sides import Rows


def paired(reference, hypothesis, words, normalizer="minimal"):
    found = word_confidences([reference], [hypothesis], [words], find_normalizer(normalizer))
    return list(zip(found.confidences.tolist(), found.correct.tolist(), strict=True)), found.n_without


def test_words_that_split_and_vanish():
    found = paired(
        "a well known cat", "A well-known ... cat!", [("A", 0.9), ("well-known", 0.4), ("...", 0.1), ("cat!", 1)]
    )
    assert found == ([(0.9, True), (0.4, True), (0.4, True), (1.0, True)], 0)


def test_words_that_merge_have_the_lowest_confidence():
    words = [("It", 0.9), ("cost", 0.8), ("twenty", 0.7), ("one", 0.3), ("pounds", 0.95)]
    found = paired("It cost 21 pounds", "It cost twenty one pounds", words, "whisper-en")
    assert found == ([(0.9, True), (0.8, True), (0.3, True)], 0)


def test_a_wrong_word_is_wrong_and_a_deleted_one_nowhere():
    assert paired("the cat sat down", "a cat sat", [("a", 0.2), ("cat", 0.9), ("sat", 0.8)]) == (
        [(0.2, False), (0.9, True), (0.8, True)],
        0,
    )


def test_words_without_confidence_are_counted():
    assert paired("a b c", "a b c", [("a", 0.2), ("b", None), ("c", 0.8)]) == ([(0.2, True), (0.8, True)], 1)
    assert paired("a b c", "a b c", [("a", 0.2), ("c", 0.8)]) == ([(0.2, True), (0.8, True)], 1)
    assert paired("a b c", "a b c", None) == ([], 3)
    assert paired("a b", None, None) == ([], 0)
    assert paired("", "", []) == ([], 0)


@given(st.lists(st.tuples(st.text("ab-!'\u0627\u05d0 \u0301", max_size=5), st.floats(0, 1)), max_size=8))
def test_every_word_of_the_text_has_a_confidence_of_the_engines(words):
    text = " ".join(word for word, _ in words)
    found = word_confidences([text], [text], [words], find_normalizer("minimal"))
    normalized = find_normalizer("minimal").normalize([text])[0].split()
    assert len(found.confidences) + found.n_without == len(normalized)
    assert found.correct.all()
    assert set(found.confidences.tolist()) <= {confidence for _, confidence in words}


@pytest.mark.parametrize("bad", [float("nan"), -0.01, 1.01])
def test_confidences_that_are_none_are_refused(bad):
    with pytest.raises(InputError, match=r"words\[0\]: 'b' has the confidence .* must be in \[0, 1\]"):
        paired("a b", "a b", [("a", 0.5), ("b", bad)])
    with pytest.raises(InputError, match="1 hypotheses and 0 lists"):
        word_confidences(["a"], ["a"], [], find_normalizer("none"))


def test_a_commercial_engines_confidences_by_dialect(shared):
    """102 speakers of nine dialects: surer than it is right for each, by twice as much for Belfast as for Cambridge."""
    folder = shared / "data" / "ivie"

    def lines(name):
        return {row["utterance_id"]: row for row in map(json.loads, (folder / name).read_text().splitlines())}

    manifest, texts, words = lines("manifest.jsonl"), lines("amazon_raw.jsonl"), lines("amazon_words.jsonl")
    ids = list(manifest)
    found = word_confidences(
        [manifest[i]["reference"] for i in ids],
        [texts[i]["text"] for i in ids],
        [[(word[0], word[3]) for word in words[i]["words"]] for i in ids],
        find_normalizer("minimal"),
    )
    assert (len(found.rows), found.n_without) == (18_834, 0)
    of_words = [manifest[ids[row]] for row in found.rows.tolist()]
    speakers, dialects = ([row[name] for row in of_words] for name in ("speaker_id", "dialect"))
    rows = Rows.from_labels(speakers, dialects, baseline="Cambridge")
    groups = {entry.group: entry for entry in calibration(found.confidences, found.correct, rows)}
    assert all(0.03 < entry.overconfidence_low < entry.overconfidence < 0.11 for entry in groups.values())
    assert all(entry.ece == pytest.approx(entry.overconfidence, abs=0.002) for entry in groups.values())
    assert groups["Cambridge"].overconfidence == pytest.approx(0.054, abs=0.0005)
    assert groups["Belfast"].overconfidence == pytest.approx(0.106, abs=0.0005)
    assert (groups["Belfast"].gap.low, groups["Belfast"].gap.high) == pytest.approx((0.020, 0.083), abs=0.0006)
    threshold = threshold_for(found.confidences, 0.1)
    reviews = {entry.group: entry for entry in review(found.confidences, found.correct, threshold, rows)}
    assert threshold == pytest.approx(0.769, abs=0.001)
    assert reviews["Cambridge"].reviewed.rate == pytest.approx(0.071, abs=0.0005)
    assert reviews["Belfast"].reviewed.rate == pytest.approx(0.125, abs=0.0005)
    assert reviews["Belfast"].reviewed.versus.p < 0.001
    assert all(0.34 < entry.caught.rate < 0.45 for entry in reviews.values())
