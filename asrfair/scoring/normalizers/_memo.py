"""Normalising word by word with a memory: each distinct word is worked out once, whole texts are rarely looked at.

Most rules of a normaliser look at one word. A text whose words are all *free* (what becomes of each does not depend on
its neighbours) is put together from what is known of its words; every other text goes the exact, slow way. What is
free is decided by the normaliser, conservatively, and proved by tests against the slow way and the original.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.scoring.normalizers._base import Normalizer
from asrfair.scoring.tokens import ROW_MARK, Tokens, blocks, split_words

BOUND = 1
"""Flag of a word that makes its whole text go the slow way."""

EMPTY = 128
"""Flag of a word of which nothing is left; set by `WordNormalizer`, and such words are not seen by `entangled`."""

BLOCK_TEXTS = 40_000

MAX_KNOWN = 1_000_000
"""Words remembered; beyond that the memory starts afresh."""


class WordNormalizer(Normalizer):
    """A normaliser most of whose rules look at one word."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, int]] = {}

    @abstractmethod
    def normalize_text(self, text: str) -> str:
        """The slow way: exact for any text."""

    @abstractmethod
    def normalize_word(self, word: str) -> tuple[str, int]:
        """What is left of one word, and its flags for `entangled`.

        Args:
            word: what stands between two spaces; may contain any other character, other white space too.
        """

    def prepare(self, texts: list[str]) -> list[str]:
        """Texts whose free words give the same result, e.g. without what stands in brackets."""
        return texts

    def entangled(self, flags: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Which words depend on a neighbour.

        Args:
            flags: of the words of many texts that leave something behind, in order, with a 0 before each text.

        Returns:
            True at one place or more in every text that must go the slow way.
        """
        found: NDArray[np.bool_] = (flags & BOUND) != 0
        return found

    def normalize(self, texts: Sequence[str]) -> list[str]:
        """See `Normalizer.normalize`."""
        done: list[str] = []
        for rows in blocks(texts, BLOCK_TEXTS):
            done += self._normalize_block(list(texts[rows]))
        return done

    def _normalize_block(self, texts: list[str]) -> list[str]:
        tokens = split_words(self.prepare(texts))
        entries = self._look_up(tokens.words)
        lefts, each = zip(*entries, strict=True)
        flags = np.array(each, np.uint16)
        done = _assembled(tokens, lefts)
        for row in self._slow_rows(tokens, flags):
            done[row] = self.normalize_text(texts[row])
        return done

    def _look_up(self, words: list[str]) -> list[tuple[bytes, int]]:
        """What is left of each distinct word (in UTF-8, with a space behind it) and its flags; first, the row mark."""
        if len(self._known) > MAX_KNOWN:
            self._known.clear()
        known = self._known
        return [(ROW_MARK.encode(), 0), *[known.get(word) or self._learn(word) for word in words[1:]]]

    def _learn(self, word: str) -> tuple[bytes, int]:
        left, flags = self.normalize_word(word)
        if left:
            entry = f"{left} ".encode("utf-8", "surrogatepass"), flags
        else:
            entry = b"", flags if flags & BOUND else flags | EMPTY
        self._known[word] = entry
        return entry

    def _slow_rows(self, tokens: Tokens, flags: NDArray[np.uint16]) -> list[int]:
        """The texts of which a word is entangled."""
        if not flags.any():
            return []
        of_words = flags[tokens.numbers]
        places = np.flatnonzero((of_words & EMPTY) == 0)
        places = places[self.entangled(of_words[places])]
        rows: list[int] = np.unique(np.searchsorted(tokens.starts, places, side="right") - 1).tolist()
        return rows


def _assembled(tokens: Tokens, lefts: Sequence[bytes]) -> list[str]:
    """Each text put together from what is left of its words."""
    offsets = np.zeros(len(lefts) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, lefts), np.int32, len(lefts)), out=offsets[1:])
    choices = pa.StringArray.from_buffers(len(lefts), pa.py_buffer(offsets), pa.py_buffer(b"".join(lefts)))
    numbers = pa.Array.from_buffers(pa.int32(), len(tokens.numbers), [None, pa.py_buffer(tokens.numbers)])
    taken = choices.take(numbers)
    end = np.frombuffer(taken.buffers()[1], np.int32, len(taken) + 1)[-1]
    joined: bytes = taken.buffers()[2].to_pybytes()[:end].replace(b" \n", b"\n").removesuffix(b" ")
    return joined.decode("utf-8", "surrogatepass").split(ROW_MARK)[1:]
