"""`whisper-en` gives transformers' strings, whichever way a text goes through it."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.scoring.normalizers._english_number_words import VOCABULARY
from asrfair.scoring.normalizers._english_rules import EXPANSIONS, FILLERS, spelling
from asrfair.scoring.normalizers.whisper_en import WhisperEnglishNormalizer
from asrfair.seeds import rng_for

NUMBERS = list(VOCABULARY)
PLAIN = (
    "the a of he she it I you n let won can y ma don would cat's dogs' rock 'em 'cause 'bout 't 's 'd 'll 've "
    "been gone done got get's and and half St. th st café naïve Łódź œuvre straße ΟΔΟΣ हिंदी"
)
WORDS = [
    *PLAIN.split(),
    *EXPANSIONS,
    *FILLERS,
]
IN_DIGITS = (
    "0 1 2 7 12 20 100 1,000 3.5 0.5 007 1.0 1960s 5th 2nd 1st 20% $5 $0.50 $0.07 £3.20 €10 ¢7 5s 10:30 1-2 1/2 ½ ² "
    "٣ $1 1s a1 b2b $0 % $ £ . .. ... … .5 5. 1.2.3 +5 -3 1,2,3 5's ¢5"
)
DIGITS = IN_DIGITS.split()
MARKS = [
    *"!?.,;:-—'\"()[]<>/&@#*+=_~^`|%$£€¢°™·",
    "\u2019",
    "\u2018",
    "\u0301",
    "\u00ad",
    "\u200b",
    "\u00b4",
    "İ",
    "ﬁ",
    "😀",
    "\x00",
]
PIECES = [*WORDS, *NUMBERS, *DIGITS, *MARKS]
SPACES = [*[" "] * 30, "  ", "\t", "\n", "\u00a0", " \n ", "\x1c"]


@pytest.fixture(scope="module")
def original():
    logging.getLogger("transformers").setLevel(logging.ERROR)
    module = pytest.importorskip("transformers.models.whisper.english_normalizer")
    return module.EnglishTextNormalizer(spelling())


@pytest.fixture(scope="module")
def ours():
    return WhisperEnglishNormalizer()


def _fuzzed(seed, n_texts):
    """Texts of words, number words, digits and marks, a few of them glued together, with the odd kind of space."""
    rng = rng_for(seed, "whisper-en", "fuzz")
    kinds = [WORDS, NUMBERS, DIGITS, PIECES, list(spelling())]
    texts = []
    for _ in range(n_texts):
        favourite = kinds[rng.integers(len(kinds))]
        spaces = SPACES if rng.random() < 0.1 else [" "]
        text = ""
        for _ in range(rng.integers(1, 11)):
            pool = favourite if rng.random() < 0.6 else kinds[rng.integers(len(kinds))]
            word = pool[rng.integers(len(pool))]
            fate = rng.random()
            if fate < 0.1:
                word = word.capitalize()
            elif fate < 0.25:
                word += PIECES[rng.integers(len(PIECES))]
            elif fate < 0.3:
                word += ["'s", "'d", "n't", "'ll", "'t", ",", ".", "?"][rng.integers(8)]
            elif fate < 0.33:
                word = MARKS[rng.integers(len(MARKS))] + word
            text += word + spaces[rng.integers(len(spaces))]
        texts.append(text if rng.random() < 0.2 else text.strip())
    return texts


@pytest.mark.parametrize("seed", [1, 2])
def test_twelve_thousand_fuzzed_strings_equal_transformers(original, ours, seed):
    texts = _fuzzed(seed, 6_000)
    differing = [(t, got) for t, got in zip(texts, ours.normalize(texts), strict=True) if got != original(t)]
    assert differing == []


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.lists(st.sampled_from(["", " ", " ", " "]), min_size=8))
def test_any_run_of_pieces_equals_transformers(original, ours, pieces, gaps):
    text = "".join(piece + gap for piece, gap in zip(pieces, gaps, strict=False))
    assert ours.normalize([text]) == [original(text)]


@given(st.lists(st.text(max_size=12), max_size=4).map(" ".join))
def test_any_unicode_equals_transformers(original, ours, text):
    assert ours.normalize([text]) == [original(text)]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
def test_the_fast_way_equals_the_slow_way(ours, text):
    assert ours.normalize([text]) == [ours.normalize_text(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # METHODS section 1 and PERFORMANCE section 1: what the original does, sense or not
        ("um er erm hmm", "er erm"),
        ("'cause gonna I'ma y'all", "cause going to i am going to you all"),
        ("finna tryna gon 'bout 'em innit gimme mum", "finna tryna gon bout em innit gimme mum"),
        ("can't cannot", "can not cannot"),
        ("John's 2 o'clock", "john is 20 clock"),
        ("colour tyre cheque", "color tire check"),
        ("archaeology", "archeology</span>"),
        ("three hmm six", "36"),
        ("7 s", "7s"),
        ("he's gotta", "he has got to"),
        ("he's been gone", "he has been gone"),
        ("she'd been't", "she had bee not"),
        ("two and a half million", "2500000"),
        ("two dollars and seven cents", "$2.07"),
        ("one or ones or twenty one", "one or ones or 21"),
        ("[laughter] (aside) <noise> right", "right"),
        ("double oh seven point five percent", "007.5%"),
        ("St. John's Dr", "saint john is doctor"),
        ("a wait… ... x", "a wait . x"),
        ("", ""),
        ("[laughter]", ""),
        ("um", ""),
    ],
)
def test_known_strings(original, ours, text, expected):
    assert ours.normalize([text]) == [expected] == [original(text)]


def test_the_vendored_table_has_whispers_rows():
    table = spelling()
    assert len(table) == 1739
    assert table["archaeology"] == "archeology</span>"
    assert table["colour"] == "color"


def test_a_number_that_python_refuses_to_read_stays_as_it_is(ours):
    digits = "9" * 5000
    assert ours.normalize([f"take {digits} steps"]) == [f"take {digits} steps"]


def test_a_text_does_not_depend_on_the_texts_around_it(ours):
    texts = ["two", "hundred", "", "he's", "been", "\n", "a \n b", "5", "s"] * 3
    assert ours.normalize(texts) == [ours.normalize([text])[0] for text in texts]
    assert WhisperEnglishNormalizer().normalize(texts[::-1])[::-1] == ours.normalize(texts)
