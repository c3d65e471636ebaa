"""Greedy (best path) CTC decoding (Graves et al. 2006, section 3.2): repeats are merged, then blanks are dropped.

Only a row's own frames are decoded. What a model says in the padding after them depends on what else is in the batch;
a pipeline that decodes it gives a speaker other words because of other speakers' lengths.

Times: a frame is the utterance's length divided by its number of frames; a word goes from its first token's first frame
to the end of its last token's last. CTC models emit a token at a peak somewhere inside it, so that ends are early and
the error is of the order of a letter.

Confidence of a word: the mean over its tokens' frames, blanks left out, of the posterior of the token emitted there
(the `max_prob` measure with mean aggregation of Laptev & Ginsburg 2023, arXiv 2212.08703, who show that it is too high
throughout: it ranks words, calibration is for the analysis).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Transcript, Word

MOST_ROWS = 256
CPU_AUDIO_S, GPU_AUDIO_S = 32.0, 960.0
"""Seconds a batch: on a CPU padding costs more than batching gains (PERFORMANCE.md, section 4)."""
CPU_PADDING = 0.03
LONGEST_S = 120.0
"""Longest audio at once: attention takes memory by its square."""


@dataclass(frozen=True, slots=True)
class Token:
    """One emitted token: its number, its frames (end exclusive) and the posterior at each of them."""

    number: int
    start: int
    end: int
    posteriors: NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Letters:
    """How token numbers become text.

    Attributes:
        blank: number of the blank.
        tokens: number -> token.
        delimiter: the token between two words, if there is one; else a word begins at a token that starts with `▁`.
        spell: token numbers -> text.
    """

    blank: int
    tokens: Sequence[str | None]
    delimiter: str | None
    spell: Callable[[list[int]], str]


def merged(numbers: NDArray[np.integer[Any]], posteriors: NDArray[np.floating[Any]], blank: int) -> list[Token]:
    """The tokens of one row's frames.

    Args:
        numbers: most likely token of each frame, shape (frames,).
        posteriors: its probability, same shape.
        blank: number of the blank.

    >>> row = merged(np.array([0, 3, 3, 0, 3, 5]), np.ones(6), blank=0)
    >>> [(token.number, token.start, token.end) for token in row]
    [(3, 1, 3), (3, 4, 5), (5, 5, 6)]
    """
    if not len(numbers):
        return []
    starts = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1))
    ends = np.append(starts[1:], len(numbers))
    return [
        Token(int(numbers[start]), int(start), int(end), posteriors[start:end])
        for start, end in zip(starts, ends, strict=True)
        if numbers[start] != blank
    ]


def transcript_of(tokens: Sequence[Token], letters: Letters, duration_s: float, n_frames: int) -> Transcript:
    """Text and words of one row.

    Args:
        tokens: from `merged`.
        letters: how they are spelt.
        duration_s: length of the row's audio, seconds.
        n_frames: frames of the row.

    Returns:
        The words are None where the text of the whole does not split into them (a writing without spaces, say).
    """
    text = letters.spell([token.number for token in tokens]).strip()
    words = []
    for group in _split(tokens, letters):
        spelt = letters.spell([token.number for token in group]).strip()
        if spelt:
            confidence = float(np.concatenate([token.posteriors for token in group]).mean(dtype=np.float64))
            start_s, end_s = (place * duration_s / n_frames for place in (group[0].start, group[-1].end))
            words.append(Word(spelt, start_s, end_s, min(1.0, confidence)))
    return Transcript(text, tuple(words) if [word.text for word in words] == text.split() else None)


def _split(tokens: Sequence[Token], letters: Letters) -> list[list[Token]]:
    """Tokens by word."""
    groups: list[list[Token]] = [[]]
    for token in tokens:
        written = letters.tokens[token.number] or ""
        if letters.delimiter is not None and written == letters.delimiter:
            groups.append([])
        elif letters.delimiter is None and written.startswith("▁"):
            groups.append([token])
        else:
            groups[-1].append(token)
    return [group for group in groups if group]
