"""`whisper-en`: Whisper's English normaliser (Radford et al. 2022, appendix C), string for string.

Equal to transformers' `EnglishTextNormalizer` with Whisper's own spelling table (1,739 rows, the broken one for
`archaeology` included), which differs from other packages' of the same name. What it does to a disparity is in METHODS
section 1: `um` goes and British `er` stays, `gonna` is rewritten and `finna` is not, `John's` becomes `john is`,
`2 o'clock` becomes `20 clock`. It is here because published figures use it; never read it without `minimal` beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.scoring.normalizers._english_number_words import VOCABULARY, NumberWord
from asrfair.scoring.normalizers._english_numbers import is_number
from asrfair.scoring.normalizers._english_rules import (
    EXPANSIONS,
    FILLERS,
    finish,
    rules,
    spelling,
    unbracketed,
    without_fillers,
    words_of,
    written_out,
)
from asrfair.scoring.normalizers._memo import BOUND, WordNormalizer

NUMERIC, STRONG, AND, OPENS, CLOSES = 2, 4, 8, 16, 32
"""Flags: part of a number; one that changes a following `and`; `and` itself; the two sides of the pairs that belong
together: what ends in 's or 'd before a participle (`he's been`), `a` before `half` (`two and a half`)."""

_PLAIN = re.compile(r'"*([a-z]+(?:-[a-z]+)*)[,;:!?"-]*\.?"*')
_GLUED = re.compile(r"'+(?:re|s|d|ll|t|ve|m|all|ma|am)\b")
_SUFFIX = re.compile(r"(?:st|nd|rd|th|s)\b")
_HALF = re.compile(r"\bhalf\b")
_DIGIT = re.compile(r"[\d¢$£€%]")
_PARTICIPLES = frozenset({"been", "gone", "done", "got"})
_SPECIAL = frozenset({*VOCABULARY, *EXPANSIONS, *FILLERS, *_PARTICIPLES, "a", "half", "st", "nd", "rd", "th", "s"})
_CARDINAL_KINDS = frozenset({"zero", "unit", "tens"})


class WhisperEnglishNormalizer(WordNormalizer):
    """Whisper's English normaliser.

    >>> WhisperEnglishNormalizer().normalize(["Er, it's twenty one o'clock, Mr. Grey!", "the grey [laughter] tyre"])
    ['er it is 210 clock mister gray', 'the gray tire']
    """

    name = "whisper-en"
    version = "1"

    def rules(self) -> Sequence[str]:
        """The spelling table and every list and pattern."""
        return rules()

    def normalize_text(self, text: str) -> str:
        """The slow way: the rules one after the other over the whole text."""
        return finish(words_of(written_out(without_fillers(unbracketed(text.lower())))))

    def prepare(self, texts: list[str]) -> list[str]:
        """Texts without what stands in brackets; where one is left open, the word that holds it is bound."""
        return [unbracketed(text.lower()) if _has_opener(text) else text for text in texts]

    def normalize_word(self, word: str) -> tuple[str, int]:
        """See `WordNormalizer`."""
        lower = word.lower()
        plain = _PLAIN.fullmatch(lower) if lower.isascii() else None
        if plain is not None:
            parts = plain[1].split("-")
            if _SPECIAL.isdisjoint(parts):
                table = spelling()
                return " ".join([table.get(part, part) for part in parts]), 0
        if _has_opener(lower) or len(lower.split()) != 1:
            return "", BOUND
        bare = without_fillers(lower)
        words = words_of(written_out(bare))
        left = finish(words)
        return left, _flags(bare, words, left)

    def entangled(self, flags: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Numbers side by side (`and` after some of them too), and the pairs that belong together."""
        found: NDArray[np.bool_] = (flags & BOUND) != 0
        left, right = flags[:-1], flags[1:]
        found[:-1] |= ((left & NUMERIC) != 0) & ((right & NUMERIC) != 0)
        found[:-1] |= ((left & STRONG) != 0) & ((right & AND) != 0)
        found[:-1] |= ((left & OPENS) != 0) & ((right & CLOSES) != 0)
        return found


def _has_opener(text: str) -> bool:
    """Whether a bracket may open in a text."""
    return "[" in text or "(" in text or "<" in text


def _flags(bare: str, words: list[str], left: str) -> int:
    """How one word can depend on its neighbours.

    Args:
        bare: the word in lower case without fillers.
        words: the words that it becomes before numbers are read.
        left: what becomes of it alone.
    """
    if not words:
        return BOUND if _GLUED.match(bare) else 0
    marks_at_the_ends = left != left.strip() or left.endswith(tuple(".$¢€£")) or left.startswith("%")
    if marks_at_the_ends or _GLUED.match(bare) or any(map(_HALF.search, words[1:])):
        return BOUND
    flags = OPENS if bare.endswith(("'s", "'d")) or words[-1] == "a" else 0
    if words[0] in _PARTICIPLES or _HALF.match(words[0]):
        flags |= CLOSES
    if words[0] == "and":
        flags |= AND
    if _SUFFIX.match(words[0]):
        flags |= NUMERIC
    if any(_is_numeric(word) for word in words):
        flags |= NUMERIC if _is_cardinal(words) else NUMERIC | STRONG
    return flags


def _is_numeric(word: str) -> bool:
    """Whether a word can be part of a number (`and` alone cannot)."""
    return _DIGIT.search(word) is not None or (word in VOCABULARY and word != "and")


def _is_cardinal(words: list[str]) -> bool:
    """Whether they are one number word or number that leaves a following `and` alone."""
    return len(words) == 1 and (is_number(words[0]) or VOCABULARY.get(words[0], NumberWord("")).kind in _CARDINAL_KINDS)
