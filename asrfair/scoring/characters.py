"""Counting character errors: the edit distance of two texts in user-perceived characters.

A character is an extended grapheme cluster (Unicode Standard Annex 29) of the NFC form: `é` is one however it is
typed, so is `हि`, so is a flag. Characters and their errors are counted on the normalised text. White space is not
counted unless `count_spaces=True`; jiwer counts it, and so gives lower rates on texts with many short words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from asrfair.scoring.distances import pairwise
from asrfair.scoring.tokens import blocks

BLOCK_PAIRS = 10_000
_OTHER_SPACE = re.compile(r"[\t\v\f\r\x1c-\x1f]")
_FIRST_CODE = 0xF0000
_LAST_CODE = 0x10FFFF


def count_character_errors(
    references: Sequence[str], hypotheses: Sequence[str], *, count_spaces: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Count the characters of each reference and the character errors of each pair.

    Args:
        references: normalised texts, n.
        hypotheses: normalised texts, n.
        count_spaces: whether the single space between two words is a character.

    Returns:
        n_ref_chars and char_errors, int32, shape (n,) each.

    >>> n_ref_chars, char_errors = count_character_errors(["the cat"], ["the cats"])
    >>> int(n_ref_chars[0]), int(char_errors[0])
    (6, 1)
    """
    n_ref_chars = np.zeros(len(references), np.int32)
    char_errors = np.zeros(len(references), np.int32)
    for rows in blocks(references, BLOCK_PAIRS):
        read = _reader("" if not count_spaces else " ")
        plain = None if count_spaces else _plain([*references[rows], *hypotheses[rows]])
        texts = plain or [read(text) for text in (*references[rows], *hypotheses[rows])]
        spoken, recognised = texts[: rows.stop - rows.start], texts[rows.stop - rows.start :]
        n_ref_chars[rows] = np.fromiter(map(len, spoken), np.int32, len(spoken))
        char_errors[rows] = pairwise(Levenshtein.distance, spoken, recognised)
    return n_ref_chars, char_errors


def _plain(texts: list[str]) -> list[str] | None:
    """Texts without their spaces, all at once, if they are ASCII and have no other white space; None if not."""
    joined = "\n".join(texts)
    if not joined.isascii() or _OTHER_SPACE.search(joined):
        return None
    found = joined.replace(" ", "").split("\n")
    return found if len(found) == len(texts) else None


def _reader(space: str) -> Callable[[str], str]:
    """A function from text to a string with one code point per character; clusters get private code points."""
    codes: dict[str, str] = {}

    def code(cluster: str) -> str:
        if len(cluster) == 1 and ord(cluster) < _FIRST_CODE:
            return cluster
        return codes.setdefault(cluster, chr(min(_FIRST_CODE + len(codes), _LAST_CODE)))

    def read(text: str) -> str:
        if text.isascii():
            return space.join(text.split())
        import regex

        clusters = [regex.findall(r"\X", word) for word in unicodedata.normalize("NFC", text).split()]
        return space.join("".join(map(code, word)) for word in clusters)

    return read
