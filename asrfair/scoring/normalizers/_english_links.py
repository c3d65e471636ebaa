"""Which English words depend on their neighbours, for the memory of the English normalisers (see `_memo`)."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from asrfair.scoring.normalizers._english_number_words import VOCABULARY, NumberWord
from asrfair.scoring.normalizers._english_numbers import is_number
from asrfair.scoring.normalizers._english_rules import EXPANSIONS
from asrfair.scoring.normalizers._memo import BOUND

NUMERIC, STRONG, AND, OPENS, CLOSES = 2, 4, 8, 16, 32
"""Flags: part of a number; one that changes a following `and`; `and` itself; the two sides of the pairs that belong
together: what ends in 's or 'd before a participle (`he's been`), `a` before `half` (`two and a half`)."""

PLAIN = re.compile(r'"*([a-z]+(?:-[a-z]+)*)[,;:!?"-]*\.?"*')
_GLUED = re.compile(r"'+(?:re|s|d|ll|t|ve|m|all|ma|am)\b")
_SUFFIX = re.compile(r"(?:st|nd|rd|th|s)\b")
_HALF = re.compile(r"\bhalf\b")
_DIGIT = re.compile(r"[\d¢$£€%]")
_PARTICIPLES = frozenset({"been", "gone", "done", "got"})
_PARTICIPLE = re.compile(rf"(?:{'|'.join(sorted(_PARTICIPLES))})\b")
_CARDINAL_KINDS = frozenset({"zero", "unit", "tens"})
BOUND_WORDS = frozenset({*VOCABULARY, *EXPANSIONS, *_PARTICIPLES, "a", "half", "st", "nd", "rd", "th", "s"})
"""Words that a rule names, beside hesitations: the others become what the spelling table says."""


def linked(flags: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Which words depend on a neighbour, by the flags of `word_flags`; see `WordNormalizer.entangled`."""
    found: NDArray[np.bool_] = (flags & BOUND) != 0
    left, right = flags[:-1], flags[1:]
    found[:-1] |= ((left & NUMERIC) != 0) & ((right & NUMERIC) != 0)
    found[:-1] |= ((left & STRONG) != 0) & ((right & AND) != 0)
    found[:-1] |= ((left & OPENS) != 0) & ((right & CLOSES) != 0)
    return found


def has_opener(text: str) -> bool:
    """Whether a bracket may open in a text."""
    return "[" in text or "(" in text or "<" in text


def word_flags(bare: str, words: list[str], left: str) -> int:
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
    if _PARTICIPLE.match(bare) or words[0] in _PARTICIPLES or _HALF.match(words[0]):
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
