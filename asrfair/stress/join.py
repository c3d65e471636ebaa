"""Joining recordings end to end, with cross-fades of equal power, so that no join clicks or dips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def joined(parts: Sequence[NDArray[np.float32]], rate_hz: int, fade_s: float) -> NDArray[np.float32]:
    """Recordings one after another, each cross-faded with the next.

    The weights are the sine and the cosine of a quarter turn: the power of two sounds that have nothing in common stays
    what it was. A part shorter than three cross-fades is faded over a third of its length.

    Args:
        parts: float32, one-dimensional, none of them empty; at least one.
        rate_hz: samples a second.
        fade_s: length of a cross-fade, seconds.

    Returns:
        float32, as long as the parts less the cross-fades.

    >>> joined([np.ones(300, dtype=np.float32)] * 2, 1000, 0.1).shape
    (500,)
    """
    pieces: list[NDArray[np.float32]] = [parts[0]]
    for part in parts[1:]:
        before = pieces.pop()
        fade = min(round(fade_s * rate_hz), len(before) // 3, len(part) // 3)
        turn = np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32)
        over = before[len(before) - fade :] * np.cos(turn) + part[:fade] * np.sin(turn)
        pieces += [before[: len(before) - fade], over, part[fade:]]
    return np.concatenate(pieces)
