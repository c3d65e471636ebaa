"""What the measures of arrays take, refused at the door with its place: numbers that are not negative, and labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError

Floats = NDArray[np.float64]


def numbers(values: ArrayLike, name: str, length: int | None = None) -> Floats:
    """A vector of finite numbers, none negative.

    Args:
        values: shape (n,).
        name: what they are, for the message.
        length: how many there must be; None for any number.

    Raises:
        InputError: no vector, another length, or a number that is negative, NaN or infinite.

    >>> numbers([1, 2], "words").tolist()
    [1.0, 2.0]
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not a list of numbers") from error
    if found.ndim != 1 or (length is not None and len(found) != length):
        raise InputError(f"{name}: shape {found.shape}; give {'a list of numbers' if length is None else length}")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{name}[{at}]: {found[at]} is not a finite number that is not negative")
    return found


def labels(values: ArrayLike, name: str, length: int) -> NDArray[Any]:
    """One label an utterance, strings or integers.

    Raises:
        InputError: not as many as utterances, or neither strings nor integers.
    """
    found = np.asarray(values)
    if found.shape != (length,):
        raise InputError(f"{name}: shape {found.shape} for {length} utterances; give one an utterance")
    if length and found.dtype.kind not in "iuUSO":
        raise InputError(f"{name}: {found.dtype} is no label; give strings or integers, one an utterance")
    if found.dtype.kind == "O" and not all(isinstance(value, str) for value in found):
        raise InputError(f"{name}: not every one is a string; give strings or integers, none missing")
    return found
