"""Long audio: pieces cover it and overlap, and what was said of them is joined without losing or doubling a word."""

import numpy as np
import pytest

from asrfair.records import Transcript, Waveform, Word
from asrfair.transcribe.long_audio import WITHOUT_END_S, Piece, joined, overlap_s, pieces

RATE = 1000


def waveform(seconds):
    return Waveform(np.arange(round(seconds * RATE), dtype=np.float32), RATE)


def piece(start_s, seconds):
    return Piece(waveform(seconds), start_s)


def said(*words, ends=True):
    """A transcript of (text, start_s, end_s) in the time of its piece."""
    found = [Word(text, start_s, end_s if ends else None, 0.5) for text, start_s, end_s in words]
    return Transcript(" ".join(word.text for word in found), tuple(found))


def texts(transcript):
    return [word.text for word in transcript.words]


def test_what_is_short_enough_is_one_piece_and_the_waveform_itself():
    whole = waveform(30)
    for longest_s in (None, 30.0, 31.0):
        assert pieces(whole, longest_s)[0].waveform is whole
        assert len(pieces(whole, longest_s)) == 1


@pytest.mark.parametrize("seconds", [30.001, 31, 55, 56, 300, 3600.7])
def test_pieces_cover_everything_overlap_as_said_and_none_is_too_long(seconds):
    whole = waveform(seconds)
    found = pieces(whole, 30.0)
    assert all(len(p.waveform.samples) <= 30 * RATE for p in found)
    covered = 0
    for p in found:
        start = round(p.start_s * RATE)
        assert np.array_equal(p.waveform.samples, whole.samples[start : start + len(p.waveform.samples)])
        assert start <= covered
        if start:
            assert covered - start >= overlap_s(30.0) * RATE - 1
        covered = start + len(p.waveform.samples)
    assert covered == len(whole.samples)


def test_the_overlap_is_a_fifth_of_a_piece_and_at_most_five_seconds():
    assert (overlap_s(10.0), overlap_s(30.0)) == (2.0, 5.0)


CUT = [piece(0.0, 10.0), piece(8.0, 10.0)]  # In common: 8 to 10 s; the seam is at 9 s.


@pytest.mark.parametrize("ends", [True, False], ids=["with ends", "without ends"])
def test_by_time_each_word_comes_once_and_wrong_words_at_the_edges_are_left_out(ends):
    first = said(("one", 1.0, 1.4), ("two", 8.2, 8.6), ("three", 9.2, 9.5), ("fo", 9.8, 10.0), ends=ends)
    second = said(("wo", 0.2, 0.5), ("three", 1.2, 1.5), ("four", 1.8, 2.2), ("five", 6.0, 6.4), ends=ends)
    whole = joined([first, second], CUT)
    assert whole.text == "one two three four five"
    assert texts(whole) == whole.text.split()
    assert [word.start_s for word in whole.words] == pytest.approx([1.0, 8.2, 9.2, 9.8, 14.0])
    assert all((word.end_s is None) is not ends for word in whole.words)


@pytest.mark.parametrize("ends", [True, False], ids=["with ends", "without ends"])
@pytest.mark.parametrize("at", [(8.95, 9.05), (9.05, 8.95)], ids=["both", "neither"])
def test_a_word_over_the_seam_comes_once_whichever_piece_claims_it(ends, at):
    """Its middle is before the seam for one piece and after it for the other."""
    half_s = 0.15 if ends else WITHOUT_END_S / 2
    first = said(("a", 2.0, 2.2), ("Seam,", at[0] - half_s, at[0] + half_s), ("b", 9.4, 9.6), ends=ends)
    second = said(("seam", at[1] - half_s - 8.0, at[1] + half_s - 8.0), ("b", 1.4, 1.6), ends=ends)
    assert [text.strip(",").lower() for text in joined([first, second], CUT).text.split()] == ["a", "seam", "b"]


def test_the_same_word_said_twice_stays_twice():
    first = said(("no", 8.4, 8.7), ("no", 9.2, 9.5))
    second = said(("no", 0.4, 0.7), ("no", 1.2, 1.5), ("never", 3.0, 3.4))
    assert joined([first, second], CUT).text == "no no never"


def test_without_times_the_longest_run_of_the_same_words_is_the_seam():
    first = Transcript("the quick brown fox jumps over the la")
    second = Transcript("umps over the lazy dog and runs away")
    assert joined([first, second], CUT).text == "the quick brown fox jumps over the lazy dog and runs away"


def test_without_a_word_in_common_nothing_is_lost():
    assert joined([Transcript("one two"), Transcript("three four")], CUT).text == "one two three four"


@pytest.mark.parametrize(
    ("first", "second", "whole"), [("今天天气", "天气很好", "今天天气很好"), ("一二三", "四五", "一二三四五")]
)
def test_scripts_without_spaces_are_joined_by_letters(first, second, whole):
    assert joined([Transcript(first), Transcript(second)], [piece(0.0, 4.0), piece(2.0, 4.0)]).text == whole


def test_one_word_a_piece_in_a_script_with_spaces_is_two_words():
    """Arabic letters, as Chinese ones, have no case; but they are written with spaces."""
    assert joined([Transcript("مرحبا"), Transcript("صديقي")], CUT).text == "مرحبا صديقي"


@pytest.mark.parametrize("silent", [Transcript(""), Transcript("", ())])
def test_a_silent_piece_takes_no_words_from_the_others(silent):
    spoken = said(("hello", 3.0, 3.4), ("there", 4.0, 4.4))
    assert texts(joined([silent, spoken], CUT)) == ["hello", "there"]
    assert texts(joined([spoken, silent], CUT)) == ["hello", "there"]
    assert joined([silent, silent], CUT).text == ""


def test_a_piece_whose_words_are_not_told_leaves_no_words_but_all_the_text():
    whole = joined([said(("one", 1.0, 1.2)), Transcript("two three")], CUT)
    assert (whole.text, whole.words) == ("one two three", None)


def test_engine_seconds_add_up_and_are_unknown_if_one_is():
    assert joined([Transcript("a", None, 1.0), Transcript("b", None, 0.5)], CUT).latency_s == 1.5
    assert joined([Transcript("a", None, 1.0), Transcript("b")], CUT).latency_s is None
