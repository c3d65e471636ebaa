"""`open-asr` gives the strings that the Open ASR Leaderboard's code gave, whichever way a text goes through it.

`tests/data/open_asr` was recorded once from that code, never from asrfair; the docstring of `open_asr` says which
version it was, and that its rules were put together from two copies. It holds texts made from word lists, and pairs of
reference and hypothesis with the word error rate of the code's strings (jiwer 4).
"""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.scoring import count_errors
from asrfair.scoring.normalizers._english_number_words import VOCABULARY
from asrfair.scoring.normalizers._english_rules import EXPANSIONS
from asrfair.scoring.normalizers._open_asr_rules import COMPOUNDS, table
from asrfair.scoring.normalizers.open_asr import OpenAsrNormalizer

DATA = Path(__file__).parents[1] / "data" / "open_asr"
STRINGS = [json.loads(line) for line in (DATA / "strings.jsonl").read_text(encoding="utf-8").splitlines()]
RECORDED = json.loads((DATA / "pairs.json").read_text(encoding="utf-8"))

PLAIN = (
    "the a i I it he she's that's john's it dog's 's 'd 'll n't been been't gone got half and b c x y 5 g u.s.a. "
    "B.B.C. 3.a m.5 k% e$ я ½ um er ohh ooh ah-ha uh-huh huh St. mr café 20% $5 ¢7 0.50 5th 10:30 . ... % $ '"
)
PIECES = [
    *PLAIN.split(),
    *VOCABULARY,
    *EXPANSIONS,
    *COMPOUNDS,
    *" ".join(COMPOUNDS.values()).split(),
    *list(table("spelling"))[::90],
    *list(table("names"))[::12],
]
GAPS = st.lists(st.sampled_from(["", "-", " ", " ", " ", " ", "  ", "\t", "\u00a0"]), min_size=9)


@pytest.fixture(scope="module")
def ours():
    return OpenAsrNormalizer()


def test_every_recorded_string_is_the_originals(ours):
    assert len(STRINGS) >= 2_000
    found = ours.normalize([text for text, _ in STRINGS])
    differing = [(text, got, want) for (text, want), got in zip(STRINGS, found, strict=True) if got != want]
    assert differing == []


def test_the_slow_way_gives_the_originals_strings_too(ours):
    assert [text for text, want in STRINGS if ours.normalize_text(text) != want] == []


def test_the_word_error_rate_is_the_originals(ours):
    said, heard = (ours.normalize(list(side)) for side in zip(*RECORDED["pairs"], strict=True))
    kept = [row for row, text in enumerate(said) if text.strip() not in ("", "ignore time segment in scoring")]
    assert len(kept) == RECORDED["pairs_scored"] < len(said)
    counts = count_errors([said[row] for row in kept], [heard[row] for row in kept]).to_pydict()
    hits, *errors = (sum(counts[name]) for name in ("hits", "substitutions", "deletions", "insertions"))
    assert errors == [RECORDED[name] for name in ("substitutions", "deletions", "insertions")]
    rate = sum(errors) / (hits + errors[0] + errors[1])
    assert rate == pytest.approx(RECORDED["wer_jiwer"], abs=1e-12)
    assert rate > RECORDED["wer_kaldialign_merge_compounds"]


@given(st.lists(st.sampled_from(PIECES), max_size=9), GAPS)
def test_the_fast_way_equals_the_slow_way(ours, pieces, gaps):
    text = "".join(piece + gap for piece, gap in zip(pieces, gaps, strict=False))
    assert ours.normalize([text]) == [ours.normalize_text(text)]


@given(st.lists(st.text(max_size=12), max_size=4).map(" ".join))
def test_any_unicode_goes_the_fast_way_as_the_slow_way(ours, text):
    assert ours.normalize([text]) == [ours.normalize_text(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("um er erm ahem mmkay uuugh ah-ha yes", "yes"),
        ("ha eherr hums them 'em", "ha eherr hums them"),
        ("Oh no, ooh! oh oh", "oh no 00 oh"),
        ("four oh one, oh five, oh five six", "40105056"),
        ("minus oh and two point oh", "-oh and 2 oh"),
        ("John's dog's tail; it's, who's, that 's", "john s dog s tail it is who is that is"),
        ("she'd been't", "she had bee not"),
        ("Stephen and Kathryn Macdonald", "steven and catherine mcdonald"),
        ("the B.B.C. or b b c, U.S.A. I a b, a i", "the bbc or bbcusaiabai"),
        ("5 G, m p 3, a m and p m", "5gmp3 am and pm"),
        ("Wi-Fi wi fi e-mail x-ray o.k. all right et cetera", "wifi wifi email xray okay alright etc"),
        ("archaeology cancellation pummelled kay ok etcetera", "archeology cancelation pummeled okay okay etc"),
        ("two o'clock 2:30 a wait… ... x", "20 clock 2 30 a wait . x"),
        ("[laughter]", ""),
        ("", ""),
    ],
)
def test_known_strings(ours, text, expected):
    assert ours.normalize([text]) == [ours.normalize_text(text)]
    assert ours.normalize([text]) == [expected]


def test_the_tables_have_the_leaderboards_rows():
    assert (len(table("spelling")), len(table("names"))) == (1743, 152)
    assert table("spelling")["ok"] == "okay"
    assert table("names")["shawn"] == "sean"


def test_a_text_does_not_depend_on_the_texts_around_it(ours):
    texts = ["two", "hundred", "", "he's", "been", "\n", "a", "b", "wi", "fi", "oh", "5", "s", "$"] * 3
    assert ours.normalize(texts) == [ours.normalize([text])[0] for text in texts]
    assert OpenAsrNormalizer().normalize(texts[::-1])[::-1] == ours.normalize(texts)
