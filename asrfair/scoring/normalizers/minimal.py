"""`minimal`: the same words whatever their case and punctuation, and nothing else; for any script.

1. NFC, full case folding, NFC again (folding can break composition).
2. Apostrophes, straight, curly or typed as an accent, become `'`. Invisible marks that carry no text (soft hyphen, byte
   order mark, direction marks) go; the zero-width space parts words; the joiners U+200C and U+200D stay, since Indic
   scripts and Persian spell with them.
3. Hyphens, dashes and underscores (categories Pd and Pc), slashes and the ellipsis part words: `well-known` is two.
4. All other punctuation (category P) is taken out without a gap: `U.S.` is `us`, `50%` is `50`. But `. , :` between
   two digits stay (`3.5` is not `35`), and apostrophes stay with their word (`don't`, `'em`, `dogs'`) unless they stand
   alone or on both sides of one word (`'yes'` is `yes`).

Letters, marks, numbers and symbols of every script are kept: Indic vowel signs, Arabic, accents, `$`, emoji. No word is
rewritten into another, so no dialect is corrected into a standard (METHODS section 1).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from asrfair.scoring.normalizers._memo import WordNormalizer

_APOSTROPHES = "'\u2018\u2019\u201b\u02bc\uff07\u00b4`"
_INVISIBLE = "\u00ad\ufeff\u2060\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_PARTING = "/\\\u2026\u200b"
_PARTING_CATEGORIES = ("Pd", "Pc")
_IN_A_NUMBER = re.compile(r"(?<=\d)([.,:])(?=\d)")


class _Cleaner(dict[int, str]):
    """Code point -> what is left of it: itself, an apostrophe, a space, nothing."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in _APOSTROPHES:
            left = "'"
        elif char in _PARTING or category in _PARTING_CATEGORIES:
            left = " "
        else:
            left = "" if char in _INVISIBLE or category.startswith("P") else char
        self[code] = left
        return left


_CLEANER = _Cleaner()


class MinimalNormalizer(WordNormalizer):
    r"""Unicode composition, case and punctuation evened out.

    >>> MinimalNormalizer().normalize(["“Don\u2019t!”, said Mr. O\u2019Neil—twice.", "हिंदी, 3.5 % of \u2018it\u2019"])
    ["don't said mr o'neil twice", 'हिंदी 3.5 of it']
    """

    name = "minimal"
    version = "1"

    def rules(self) -> Sequence[str]:
        """The lists of characters, the exception and the order of steps."""
        order = "NFC casefold NFC clean unquote NFC"
        return _APOSTROPHES, _INVISIBLE, _PARTING, *_PARTING_CATEGORIES, "P", _IN_A_NUMBER.pattern, order

    def normalize_text(self, text: str) -> str:
        """Word by word: no rule looks further."""
        return self.normalize_word(text)[0]

    def normalize_word(self, word: str) -> tuple[str, int]:
        """See `WordNormalizer`; every word is free."""
        if word.isascii() and word.isalnum():
            return word.lower(), 0
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).casefold())
        parts = _IN_A_NUMBER.split(folded)
        parts[::2] = [part.translate(_CLEANER) for part in parts[::2]]
        pieces = [_unquoted(piece) for piece in "".join(parts).split()]
        return unicodedata.normalize("NFC", " ".join(filter(None, pieces))), 0


def _unquoted(piece: str) -> str:
    """A word without apostrophes that stand on both sides of it."""
    return piece.strip("'") if piece.startswith("'") and piece.endswith("'") else piece
