"""`whisper-en`: Whisper's English normaliser (Radford et al. 2022, appendix C), string for string.

Equal to transformers' `EnglishTextNormalizer` with Whisper's own spelling table (1,739 rows, the broken one for
`archaeology` included), which differs from other packages' of the same name. What it does to a disparity is in METHODS
section 1: `um` goes and British `er` stays, `gonna` is rewritten and `finna` is not, `John's` becomes `john is`,
`2 o'clock` becomes `20 clock`. It is here because published figures use it; never read it without `minimal` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.scoring.normalizers._english_links import BOUND_WORDS, PLAIN, has_opener, linked, word_flags
from asrfair.scoring.normalizers._english_rules import (
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

_SPECIAL = frozenset({*BOUND_WORDS, *FILLERS})


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
        return [unbracketed(text.lower()) if has_opener(text) else text for text in texts]

    def normalize_word(self, word: str) -> tuple[str, int]:
        """See `WordNormalizer`."""
        lower = word.lower()
        plain = PLAIN.fullmatch(lower) if lower.isascii() else None
        if plain is not None:
            parts = plain[1].split("-")
            if _SPECIAL.isdisjoint(parts):
                table = spelling()
                return " ".join([table.get(part, part) for part in parts]), 0
        if has_opener(lower) or len(lower.split()) != 1:
            return "", BOUND
        bare = without_fillers(lower)
        words = words_of(written_out(bare))
        left = finish(words)
        return left, word_flags(bare, words, left)

    def entangled(self, flags: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Numbers side by side (`and` after some of them too), and the pairs that belong together."""
        return linked(flags)
