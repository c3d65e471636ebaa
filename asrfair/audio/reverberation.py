"""Reverberation: decay curve, reverberation time and direct-to-reverberant ratio of an impulse response.

The decay curve is the energy that is still to come (backward integration: Schroeder 1965, J. Acoust. Soc. Am. 37),

    L(t) = 10 log10( integral from t of h^2 / integral from 0 of h^2 )  dB

and the reverberation time RT60 is how long it takes to fall by 60 dB, from a straight line (least squares) through the
curve between -5 and -35 dB (T30) or, where noise leaves less room, -5 and -25 dB (T20): ISO 3382-1. A measured response
ends in noise, which would bend the curve: it is integrated only to the knee, where its power (averaged over 10 ms) has
sunk to within 5 dB of that of its last tenth. A range is used if the knee lies 10 dB below its end, as ISO 3382-1 asks
of the noise. Other tools compensate for the cut (Lundeby et al. 1995); at 10 dB that is worth about 5 % for T20.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

START_DB = -5.0
RANGES_DB = (30.0, 20.0)
"""Falls that the line is drawn over, T30 before T20."""

SPARE_DB = 10.0
KNEE_DB = 5.0
SMOOTH_S = 0.01
DIRECT_S = 0.0025
"""What comes this soon after the peak is the direct sound."""


def direct_tap(response: NDArray[np.floating[Any]]) -> int:
    """Where the direct sound is: the largest tap.

    >>> direct_tap(np.array([0.0, 0.1, -1.0, 0.3]))
    2
    """
    return int(np.argmax(np.abs(response)))


def decay_curve_db(response: NDArray[np.floating[Any]], until: int | None = None) -> NDArray[np.float64]:
    """The decay curve from the direct sound on.

    Args:
        response: impulse response, shape (taps,).
        until: the tap to integrate to; the last unless given.

    Returns:
        dB, 0 at the direct sound; empty for silence.
    """
    energy = np.square(response[direct_tap(response) : until], dtype=np.float64)
    coming = np.cumsum(energy[::-1])[::-1]
    coming = coming[coming > 0]
    return 10 * np.log10(coming / coming[0]) if len(coming) else coming


def reverberation_time_s(response: NDArray[np.floating[Any]], rate_hz: int) -> float | None:
    """RT60 of an impulse response.

    Args:
        response: shape (taps,); what precedes the direct sound does not count.
        rate_hz: samples a second.

    Returns:
        Seconds, from T30 or else T20; None where noise leaves less than 20 dB of decay to see.

    >>> decay = 10 ** (-3 * np.arange(16_000) / 8_000)
    >>> round(reverberation_time_s(np.random.default_rng(0).normal(size=16_000) * decay, 16_000), 2)
    0.5
    """
    until, fall_db = _knee(response, rate_hz)
    curve = decay_curve_db(response, until)
    for range_db in RANGES_DB:
        if fall_db < -START_DB + range_db + SPARE_DB:
            continue
        inside = np.flatnonzero((curve <= START_DB) & (curve >= START_DB - range_db))
        if len(inside) < 2:
            continue
        slope = float(np.polyfit(inside / rate_hz, curve[inside], 1)[0])
        return -60.0 / slope if slope < 0 else None
    return None


def direct_to_reverberant_db(response: NDArray[np.floating[Any]], rate_hz: int) -> float | None:
    """Energy of the direct sound (to 2.5 ms after the peak) against all that comes later.

    Args:
        response: shape (taps,).
        rate_hz: samples a second.

    Returns:
        dB; None without any reverberation, or without any sound.
    """
    energy = np.square(response, dtype=np.float64)
    end = direct_tap(response) + round(DIRECT_S * rate_hz) + 1
    direct, later = float(energy[:end].sum()), float(energy[end:].sum())
    return 10 * math.log10(direct / later) if direct > 0 and later > 0 else None


def _knee(response: NDArray[np.floating[Any]], rate_hz: int) -> tuple[int, float]:
    """The tap where decay is lost in noise, and how far below its largest the power is there, dB."""
    width = max(1, round(SMOOTH_S * rate_hz))
    begin = direct_tap(response)
    energy = np.square(response[begin:], dtype=np.float64)
    blocks = energy[: len(energy) // width * width].reshape(-1, width).mean(axis=1)
    if len(blocks) < 10 or not blocks.any():
        return len(response), 0.0
    noise = float(blocks[-max(1, len(blocks) // 10) :].mean())
    above = np.flatnonzero(blocks > noise * 10 ** (KNEE_DB / 10))
    if not len(above):
        return len(response), 0.0
    last = int(above[-1]) + 1
    at_knee = max(float(blocks[min(last, len(blocks) - 1)]), np.finfo(np.float64).tiny)
    return begin + last * width, 10 * math.log10(float(blocks.max()) / at_knee)
