"""Audio that is longer than an engine takes: cut into pieces that overlap, and what was said of them joined.

The seam is found by the words' times where the engine has them: up to the middle of the overlap the first piece is
believed, after it the second, and a word over the middle counts once. Without times it is the longest run of the same
words at the end of one piece and the beginning of the next (as the overlap of reads in a genome, and of chunks in
Hugging Face's pipelines); if no word is the same, the pieces follow one another as they are. An engine that tells only
where words begin is joined by time too.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise

from asrfair.records import Transcript, Waveform, Word

OVERLAP = 0.2
"""Share of a piece that it has in common with the next."""

LONGEST_OVERLAP_S = 5.0
WITHOUT_END_S = 0.5
"""A word whose end the engine does not tell lasts until the next begins, but no longer than this."""

UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""How the Unicode names of letters begin that are written without spaces between words."""

SLACK = 1.5
"""In the overlap so many times the words are looked at that should be there by their number in the piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a waveform.

    Attributes:
        waveform: its samples.
        start_s: where it begins, seconds.
    """

    waveform: Waveform
    start_s: float


def overlap_s(longest_s: float) -> float:
    """Seconds that a piece of the longest length has in common with the next."""
    return min(OVERLAP * longest_s, LONGEST_OVERLAP_S)


def pieces(waveform: Waveform, longest_s: float | None) -> list[Piece]:
    """Pieces of equal length, none longer than `longest_s`, each beginning before the one before it ends.

    Args:
        waveform: what is too long, or not.
        longest_s: seconds; None for any length.

    Returns:
        One piece, the waveform itself, where it is short enough.
    """
    if longest_s is None or waveform.duration_s <= longest_s:
        return [Piece(waveform, 0.0)]
    rate, common = waveform.sample_rate_hz, overlap_s(longest_s)
    count = 2
    while (waveform.duration_s + (count - 1) * common) / count > longest_s:
        count += 1
    length = (waveform.duration_s + (count - 1) * common) / count
    found = []
    for number in range(count):
        start = round(number * (length - common) * rate)
        end = len(waveform.samples) if number == count - 1 else round((number * (length - common) + length) * rate)
        found.append(Piece(Waveform(waveform.samples[start:end], rate), start / rate))
    return found


def joined(said: Sequence[Transcript], cut: Sequence[Piece]) -> Transcript:
    """What was said of a waveform, from what was said of its pieces.

    Args:
        said: one transcript a piece.
        cut: the pieces, in order.
    """
    whole, end_s = _moved(said[0], 0.0), cut[0].waveform.duration_s
    for more, piece in zip(said[1:], cut[1:], strict=True):
        later = _moved(more, piece.start_s)
        whole = _pair(whole, later, (piece.start_s, end_s), piece.waveform.duration_s)
        end_s = piece.start_s + piece.waveform.duration_s
    latencies = [t.latency_s for t in said]
    total = None if None in latencies else sum(latency or 0.0 for latency in latencies)
    return replace(whole, latency_s=total)


def _moved(said: Transcript, by_s: float) -> Transcript:
    """The same, in the time of the whole waveform."""
    if said.words is None:
        return said
    return replace(
        said,
        words=tuple(
            replace(
                word,
                start_s=None if word.start_s is None else word.start_s + by_s,
                end_s=None if word.end_s is None else word.end_s + by_s,
            )
            for word in said.words
        ),
    )


def _pair(a: Transcript, b: Transcript, common: tuple[float, float], piece_s: float) -> Transcript:
    """Two transcripts whose audio has a stretch in common, as one."""
    words_a, words_b = list(a.words or ()), list(b.words or ())
    units_a, units_b = _units(a.text, b.text)
    is_timed = len(words_a) == len(units_a) and len(words_b) == len(units_b) and _have_times([*words_a, *words_b])
    if is_timed:
        keep_a, from_b = _seam_by_time(words_a, words_b, sum(common) / 2)
    else:
        keep_a, from_b = _seam_by_words(units_a, units_b, (common[1] - common[0]) / piece_s)
    space = "" if _has_no_spaces(a.text, b.text) else " "
    text = space.join([*units_a[:keep_a], *units_b[from_b:]])
    is_worded = len(words_a) == len(units_a) and len(words_b) == len(units_b)
    if not is_worded or (a.words is None and b.words is None):
        return Transcript(text, None)
    return Transcript(text, (*words_a[:keep_a], *words_b[from_b:]))


def _has_no_spaces(a: str, b: str) -> bool:
    """Whether this is a script that is written without spaces between words."""
    return not any(character.isspace() for character in a.strip() + b.strip()) and any(
        unicodedata.name(character, "").startswith(UNSPACED) for character in a + b
    )


def _units(a: str, b: str) -> tuple[list[str], list[str]]:
    """What two texts are joined by: words, or characters where there are no spaces."""
    if _has_no_spaces(a, b):
        return list(a.strip()), list(b.strip())
    return a.split(), b.split()


def _have_times(words: Sequence[Word]) -> bool:
    return all(word.start_s is not None for word in words)


def _spans(words: Sequence[Word]) -> list[tuple[float, float]]:
    """Start and end of each word, seconds."""
    starts = [word.start_s or 0.0 for word in words]
    latest = [min(max(start, after), start + WITHOUT_END_S) for start, after in pairwise([*starts, math.inf])]
    return [
        (start, end if word.end_s is None else word.end_s)
        for word, start, end in zip(words, starts, latest, strict=True)
    ]


def _seam_by_time(a: Sequence[Word], b: Sequence[Word], at_s: float) -> tuple[int, int]:
    """How many words of the first are kept, and from which one of the second: by the middle of each word."""
    spans_a, spans_b = _spans(a), _spans(b)
    keep_a = sum(sum(span) / 2 < at_s for span in spans_a)
    from_b = sum(sum(span) / 2 < at_s for span in spans_b)

    def is_one(number_a: int, number_b: int) -> bool:
        """Whether two words are one, heard twice."""
        start, end = zip(spans_a[number_a], spans_b[number_b], strict=True)
        shorter = min(end[0] - start[0], end[1] - start[1])
        return _plain(a[number_a].text) == _plain(b[number_b].text) and min(end) - max(start) >= 0.5 * shorter

    if keep_a and from_b < len(b) and is_one(keep_a - 1, from_b):
        from_b += 1  # Both pieces put this word on their own side.
    elif keep_a < len(a) and from_b and is_one(keep_a, from_b - 1):
        keep_a += 1  # Neither did.
    return keep_a, from_b


def _seam_by_words(a: Sequence[str], b: Sequence[str], share: float) -> tuple[int, int]:
    """The same by the longest run of equal words; `share` of a piece is in common."""
    tail = min(len(a), round(SLACK * share * len(a)) + 2)
    head = min(len(b), round(SLACK * share * len(b)) + 2)
    left, right = [_plain(word) for word in a[len(a) - tail :]], [_plain(word) for word in b[:head]]
    match = SequenceMatcher(None, left, right, autojunk=False).find_longest_match()
    if not match.size:
        return len(a), 0
    return len(a) - tail + match.a + match.size, match.b + match.size


def _plain(word: str) -> str:
    """A word without case and punctuation, for comparing."""
    kept = "".join(c for c in word.casefold() if unicodedata.category(c)[0] in "LNM")
    return kept or word
