"""What an engine gave, held to its contract before anything is made of it: an engine's library may return anything.

A text that cannot be written down (half of a surrogate pair, which a sloppy JSON reader lets through) is no transcript.
A time or a confidence that cannot be one (not a number, before the beginning, an end before its start, a confidence
outside 0 to 1) is undefined, so it is None; the words stay.
"""

from __future__ import annotations

import math
from dataclasses import replace

from asrfair.errors import AdapterError
from asrfair.records import Transcript, Word

ROUNDING = 1e-6
"""A probability this far above 1 has been rounded."""


def checked(said: object) -> Transcript:
    """A transcript that is one.

    Raises:
        AdapterError: it is none; `malformed`.

    >>> checked(Transcript("a", (Word("a", float("nan"), 2.0, 1.7),))).words
    (Word(text='a', start_s=None, end_s=2.0, confidence=None),)
    """
    if not isinstance(said, Transcript) or not isinstance(said.text, str):
        what = type(said.text).__name__ if isinstance(said, Transcript) else type(said).__name__
        raise AdapterError(f"the engine gave {what} and no transcript", kind="malformed")
    if not _can_be_written(said.text) or not all(_can_be_written(word.text) for word in said.words or ()):
        raise AdapterError("the transcript holds half of a surrogate pair, which is no character", kind="malformed")
    words = None if said.words is None else tuple(map(_sound, said.words))
    return replace(said, words=words, latency_s=_time_s(said.latency_s))


def _can_be_written(text: str) -> bool:
    """Whether a text is valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sound(word: Word) -> Word:
    """A word without figures that cannot be."""
    start_s, end_s, confidence = _time_s(word.start_s), _time_s(word.end_s), word.confidence
    if start_s is not None and end_s is not None and end_s < start_s:
        start_s = end_s = None
    if confidence is not None:
        confidence = min(1.0, confidence) if 0.0 <= confidence <= 1.0 + ROUNDING else None
    return Word(word.text, start_s, end_s, confidence)


def _time_s(time_s: float | None) -> float | None:
    """A time or a length of time, if it can be one."""
    return time_s if time_s is not None and 0.0 <= time_s < math.inf else None
