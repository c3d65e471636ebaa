"""The scoring room: normalisers, alignment, counts. Pure functions over text; no audio, no engine, no groups."""

from collections.abc import Sequence

from asrfair.errors import InputError
from asrfair.scoring.alignment import AlignedSpan, align
from asrfair.scoring.counts import count_errors
from asrfair.scoring.normalizers import Normalizer, available_normalizers, find_normalizer
from asrfair.scoring.scorer import Scorer

__all__ = [
    "AlignedSpan",
    "Normalizer",
    "Scorer",
    "align",
    "available_normalizers",
    "count_errors",
    "find_normalizer",
    "normalize",
]


def normalize(texts: Sequence[str], normalizer: str) -> list[str]:
    """Normalise texts, each as if it were alone.

    Args:
        texts: any strings.
        normalizer: name, e.g. `minimal` or `whisper-en`.

    Returns:
        One string per text; words are what stands between white space.

    Raises:
        InputError: the normaliser is unknown, or one text was given in place of a sequence.

    >>> normalize(["It's colourful, innit?", "[laughs] twenty one"], "whisper-en")
    ['it is colorful innit', '21']
    """
    if isinstance(texts, str):
        raise InputError("texts are a sequence of texts, not one text; put it in a list")
    return find_normalizer(normalizer).normalize(list(texts))
