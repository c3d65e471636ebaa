"""`open-asr`: the English normaliser of the Open ASR Leaderboard (huggingface/open_asr_leaderboard), string by string.

It is Whisper's (see `whisper_en`) with changes: hesitations of any length go (`er`, `ugh`; `ooh` is `oh`), `oh` is a
zero only among digits, `'s` is `is` only after a pronoun or the like (`John's` becomes `john s`), spellings of one name
are one (`Stephen`, `Steven`), `b b c` is `bbc`, `wi fi` is `wifi`, and the spelling table is its own, of 1,743 rows.

The version is that of September 2026. The tables are those of commit 67e8bd6, byte for byte (SHA-256 52997cc9...). The
rules are those of the newest copy of `normalizer.py` that could be read (Diamondfan's fork at 0ff5e3a) without the rule
for clock times, which no version read from the leaderboard itself has, and with full stops and stray marks treated as
in all of those (the last is 70f6b8e). Whether `normalizer.py` at 67e8bd6 has the same rules could not be seen: its
SHA-256 (490b5639...) is known, its text is not. For the leaderboard's error rate see docs/statistics.md. Like
`whisper-en`, this is here because published figures use it; never read it without `minimal` beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.scoring.normalizers._english_links import BOUND_WORDS, PLAIN, has_opener, linked, word_flags
from asrfair.scoring.normalizers._english_rules import unbracketed
from asrfair.scoring.normalizers._memo import BOUND, WordNormalizer
from asrfair.scoring.normalizers._open_asr_rules import (
    COMPOUNDS,
    finish,
    is_single,
    rules,
    tokens_of,
    without_fillers,
    words_of,
    written_out,
)

SINGLE, VOWEL, RUN, FIRST, SECOND = 256, 512, 1024, 2048, 4096
"""Flags: begins or ends with a letter or digit that stands alone; that is `a` or `i`, which take three to be joined; or
there are two of them already; the two sides of a pair that is written as one."""

_SECONDS = frozenset(" ".join(COMPOUNDS.values()).split())
_FIRST_AT_THE_END = re.compile(rf"\b(?:{'|'.join(COMPOUNDS)})\Z")
_SECOND_AT_THE_START = re.compile(rf"(?:{'|'.join(sorted(_SECONDS))})\b")
_SPECIAL = frozenset({*BOUND_WORDS, *COMPOUNDS, *_SECONDS})


class OpenAsrNormalizer(WordNormalizer):
    """The English normaliser of the Open ASR Leaderboard.

    >>> OpenAsrNormalizer().normalize(["Er, it's Stephen's e-mail: B. B. C., at 5 G!", "Oh no, four oh one - ok?"])
    ['it is steven s email bbc at 5g', 'oh no 401 okay']
    """

    name = "open-asr"
    version = "2026-09"

    def rules(self) -> Sequence[str]:
        """The tables and every list and pattern."""
        return rules()

    def normalize_text(self, text: str) -> str:
        """The slow way: the rules one after the other over the whole text."""
        return finish(tokens_of(words_of(written_out(without_fillers(unbracketed(text.lower()))))))

    def prepare(self, texts: list[str]) -> list[str]:
        """Texts without what stands in brackets; where one is left open, the word that holds it is bound."""
        return [unbracketed(text.lower()) if has_opener(text) else text for text in texts]

    def normalize_word(self, word: str) -> tuple[str, int]:
        """See `WordNormalizer`."""
        lower = word.lower()
        if has_opener(lower) or len(lower.split()) != 1:
            return "", BOUND
        bare = without_fillers(lower)
        plain = PLAIN.fullmatch(lower) if bare == lower and lower.isascii() else None
        if plain is not None:
            parts = plain[1].split("-")
            if _SPECIAL.isdisjoint(parts) and min(map(len, parts)) > 1 and not _has_long_o(parts):
                return finish(tokens_of(parts)), 0
        words = words_of(written_out(bare))
        tokens = tokens_of(words)
        left = finish(tokens)
        return left, word_flags(bare, words, left) | _flags(words, tokens)

    def entangled(self, flags: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """What entangles Whisper's words, letters side by side, and pairs that are written as one."""
        found = linked(flags)
        left, right = flags[:-1], flags[1:]
        touching = ((left & SINGLE) != 0) & ((right & SINGLE) != 0)
        either = left | right
        found[:-1] |= touching & (((either & VOWEL) == 0) | ((either & RUN) != 0))
        found[:-2] |= touching[:-1] & touching[1:]
        found[:-1] |= ((left & FIRST) != 0) & ((right & SECOND) != 0)
        return found


def _has_long_o(parts: Sequence[str]) -> bool:
    """Whether one of the words may be an `ooh`."""
    return any(set(part) <= {"o", "h"} for part in parts)


def _flags(words: Sequence[str], tokens: Sequence[str]) -> int:
    """How one word can depend on its neighbours beside numbers and participles.

    Args:
        words: what it becomes before numbers are read.
        tokens: what it becomes before letters are joined.
    """
    flags = _single_flags(tokens)
    if not words:
        return flags
    first, second = _FIRST_AT_THE_END.search(words[-1]), _SECOND_AT_THE_START.match(words[0])
    if (first and first[0] != words[-1]) or (second and second[0] != words[0]):
        return BOUND
    return flags | (FIRST if first else 0) | (SECOND if second else 0)


def _single_flags(tokens: Sequence[str]) -> int:
    """How a word can be joined with its neighbours because letters or digits stand alone at its ends."""
    ends = [end for end in (tokens[:2], tokens[:-3:-1]) if end and is_single(end[0])]
    if not ends:
        return 0
    flags = SINGLE if any(end[0] not in ("a", "i") for end in ends) else SINGLE | VOWEL
    return flags | RUN if any(len(end) > 1 and is_single(end[1]) for end in ends) else flags
