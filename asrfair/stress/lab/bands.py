"""Frequency bands: third octaves, twelfths of an octave, and octaves, with common edges.

IEC 61260-1:2014, base ten: with `G = 10^0.3`, exact mid-band frequencies of third octaves are `1000 G^(x/3)` Hz, edges
a sixth of an octave (`G^(1/6)`) to either side; nominal frequencies are the rounded ones (20, 25, 31.5, ... 20000 Hz).
Twelfths of an octave have the edges `1000 G^(j/12)`: four of them make a third octave exactly, and the edges of octaves
fall on them too. Bands are cut by rectangular integration of a power spectrum, not by the standard's filters, so that
the powers of bands add up to the power of the signal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

OCTAVE = 10**0.3
NOMINAL_HZ = (
    *(20.0, 25.0, 31.5, 40.0, 50.0, 63.0, 80.0, 100.0, 125.0, 160.0, 200.0, 250.0, 315.0, 400.0, 500.0, 630.0),
    *(800.0, 1000.0, 1250.0, 1600.0, 2000.0, 2500.0, 3150.0, 4000.0, 5000.0, 6300.0, 8000.0, 10000.0, 12500.0),
    *(16000.0, 20000.0),
)
"""Third octaves, nominal mid-band frequencies (IEC 61260-1, annex E)."""

THIRD_EDGES_HZ: Numbers = 1000 * OCTAVE ** ((np.arange(-17, 15) - 0.5) / 3)
FINE_EDGES_HZ: Numbers = 1000 * OCTAVE ** (np.arange(-70, 55) / 12)
OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)
"""Bands of envelopes; the lowest holds everything below it too: a slow band has no quick envelope."""

OCTAVE_EDGES_HZ: Numbers = np.concatenate([[FINE_EDGES_HZ[0]], 1000 * OCTAVE ** (np.arange(-3, 5) + 0.5)])
LOWEST_HZ = float(FINE_EDGES_HZ[0])
"""17.8 Hz, the lower edge of the lowest band: what is below is not heard and is taken out first."""

FLOOR_DB = -160.0
"""Where a band holds nothing at all."""


def band_powers(density: Numbers, step_hz: float, edges_hz: Numbers) -> Numbers:
    """The power in contiguous bands.

    Args:
        density: one-sided power spectral density, 1/Hz, at 0, `step_hz`, 2 `step_hz` ... up to half the sample rate.
        step_hz: distance between bins.
        edges_hz: rising, shape (bands + 1,).

    Returns:
        Shape (bands,); a band beyond half the sample rate has none.

    >>> band_powers(np.ones(101), 1.0, np.array([10.0, 20.0, 40.0, 500.0]))
    array([10., 20., 60.])
    """
    half_hz = step_hz * (len(density) - 1)
    at = np.clip((np.arange(len(density) + 1) - 0.5) * step_hz, 0.0, half_hz)
    upto = np.concatenate([[0.0], np.cumsum(density * np.diff(at))])
    powers: Numbers = np.diff(np.interp(edges_hz, at, upto))
    return powers


def bands_below(edges_hz: Numbers, highest_hz: float) -> int:
    """How many bands begin below a frequency by more than a rounding.

    >>> bands_below(OCTAVE_EDGES_HZ, 8000.0)
    7
    """
    return int(np.count_nonzero(edges_hz[:-1] < highest_hz * 0.999))


def octave_of(hz: Any) -> NDArray[np.int64]:
    """Which of `OCTAVES_HZ` a frequency belongs to.

    >>> octave_of([50.0, 1000.0]).tolist()
    [0, 3]
    """
    places = np.searchsorted(OCTAVE_EDGES_HZ, np.asarray(hz, dtype=np.float64), side="right") - 1
    return np.clip(places, 0, len(OCTAVES_HZ) - 1).astype(np.int64)


def decibels(power: Any) -> Numbers:
    """Power in dB, not below `FLOOR_DB`.

    >>> decibels([1.0, 0.0]).tolist()
    [0.0, -160.0]
    """
    powers = np.asarray(power, dtype=np.float64)
    levels: Numbers = np.maximum(10 * np.log10(np.maximum(powers, 1e-30)), FLOOR_DB)
    return levels
