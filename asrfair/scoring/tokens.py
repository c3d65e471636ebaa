"""Texts to flat arrays of word numbers, a block at a time: what makes normalising and counting fast.

A block of texts becomes one buffer in which every word is followed by one space and every text is preceded by a row
mark. Words are then slices of that buffer between spaces, so that nothing is copied, and Arrow's hash table numbers
them. No Python object is made per word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

BLOCK_CHARS = 8_000_000
ROW_MARK = "\n"
_FIRST_SURROGATE, _SURROGATES = 0xD800, 0x800
MAX_WORDS = 0x110000 - _SURROGATES
"""How many distinct words a block can have: each becomes one character of `strings`."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a block of texts.

    Attributes:
        numbers: int32, every text's words in order, each text preceded by a 0 (the row mark).
        words: the distinct words by their number; the first is the row mark.
        starts: int64, shape (n_texts + 1,): where each text's row mark is in `numbers`, and the end.
    """

    numbers: NDArray[np.int32]
    words: list[str]
    starts: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words per text."""
        return np.diff(self.starts) - 1

    def strings(self) -> list[str]:
        """Each text as a string with one character per word: what rapidfuzz compares fastest."""
        codes = self.numbers.astype("<u4")
        codes[codes >= _FIRST_SURROGATE] += _SURROGATES
        joined = codes.tobytes().decode("utf-32-le")
        starts = self.starts.tolist()
        return [joined[start + 1 : end] for start, end in pairwise(starts)]


def blocks(texts: Sequence[str], size: int) -> Iterator[slice]:
    """Cut texts into runs that fit in the cache: at most `size` texts and about `BLOCK_CHARS` characters."""
    for first in range(0, len(texts), size):
        start, end, chars = first, min(first + size, len(texts)), 0
        if sum(map(len, texts[start:end])) > BLOCK_CHARS:
            for at in range(first, end):
                chars += len(texts[at])
                if chars > BLOCK_CHARS and at > start:
                    yield slice(start, at)
                    start, chars = at, len(texts[at])
        yield slice(start, end)


def split_words(texts: Sequence[str]) -> Tokens:
    """Split texts at spaces (U+0020) and number the words.

    Args:
        texts: any strings. Other white space than the space stays inside its word, where a line feed may be a vertical
            tab.

    Returns:
        The words; runs of spaces and spaces at the ends make no empty words.
    """
    tokens = _split(texts)
    if len(tokens.starts) > len(texts) + 1:
        return _split([text.replace("\n", "\v") for text in texts])
    return tokens


def _split(texts: Sequence[str]) -> Tokens:
    """See `split_words`; a line feed between spaces passes for a row mark."""
    data = "".join(["\n ", " \n ".join(texts), " "]).encode("utf-8", "surrogatepass") if texts else b""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord(" "))
    offsets = np.zeros(len(ends) + 1, np.int32)
    np.add(ends, 1, out=offsets[1:], casting="unsafe")
    words = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data)).dictionary_encode()
    numbers = np.frombuffer(words.indices.buffers()[1], np.int32, len(ends))
    names = _decoded(words.dictionary)
    if "" in names:
        numbers = numbers[numbers != names.index("")]
    starts = np.flatnonzero(numbers == 0)
    return Tokens(numbers, names, np.append(starts, len(numbers)))


def _decoded(words: pa.StringArray) -> list[str]:
    """Distinct words without the space that each ends in: taken from one string, which is faster than one by one."""
    data = words.buffers()[2]
    joined = data.to_pybytes().decode("utf-8", "surrogatepass") if data else ""
    return joined.split(" ")[: len(words)]
