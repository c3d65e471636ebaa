"""How far a synthesis is from the room: spectrum, modulation and level, each in dB.

- Spectrum: difference of third-octave levels (synthesis minus original), largest and root mean square over the bands
  that matter: those within 40 dB of the loudest.
- Modulation: the envelope spectrum of octave bands in the modulation bands of IEC 60268-16 (third octaves from 0.63 Hz,
  here up to 25 Hz), as power of the envelope over its squared mean, averaged over loud octaves; root mean square of the
  differences in dB, where what lies 20 dB below the strongest modulation counts as that. Two stretches of the same room
  differ in it too: see what they do before judging a synthesis.
- Level: differences of the levels exceeded 10, 50 and 90 % of the time.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from asrfair.records import Waveform
from asrfair.stress.lab.bands import (
    FINE_EDGES_HZ,
    NOMINAL_HZ,
    THIRD_EDGES_HZ,
    Numbers,
    band_powers,
    bands_below,
    decibels,
)
from asrfair.stress.lab.frames import Frames, make_frames
from asrfair.stress.lab.levels import level_percentiles
from asrfair.stress.lab.spectrum import measure_spectrum

RELEVANT_DB = 40.0
MODULATED_DB = 20.0
MODULATION_HZ = (0.63, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0, 10.0, 12.5, 16.0, 20.0, 25.0)
SHOWN_WINDOW_S = 0.032
SHOWN_FRAMES = 600
SHOWN_FROM = 26
"""Pictures begin at 79 Hz: below, a window of 32 ms sees nothing."""

LEAST_PERIODS = 4
"""A modulation band is told where the shorter recording holds so many of its periods."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A synthesis against its room.

    Attributes:
        band_hz: third octaves that both can hold, nominal.
        original_dbfs, synthesis_dbfs: their levels.
        relevant: which of them are within 40 dB of the loudest of the original.
        largest_db: the largest difference over relevant bands, as it is (synthesis minus original).
        rms_db: root mean square of the differences.
        modulation_hz, original_modulation_db, synthesis_modulation_db: envelope spectra.
        modulation_rms_db: root mean square of their differences.
        l10_db, l50_db, l90_db: differences of level percentiles.
    """

    band_hz: tuple[float, ...]
    original_dbfs: tuple[float, ...]
    synthesis_dbfs: tuple[float, ...]
    relevant: tuple[bool, ...]
    largest_db: float
    rms_db: float
    modulation_hz: tuple[float, ...]
    original_modulation_db: tuple[float, ...]
    synthesis_modulation_db: tuple[float, ...]
    modulation_rms_db: float
    l10_db: float
    l50_db: float
    l90_db: float


def compare(original: Waveform, synthesis: Waveform) -> Match:
    """How far a synthesis is from the room.

    Args:
        original: without rumble, 2 s or more; any rate.
        synthesis: the same; may be of another length and rate.
    """
    half_hz = min(original.sample_rate_hz, synthesis.sample_rate_hz) / 2
    n = int(np.count_nonzero(THIRD_EDGES_HZ[1:] <= half_hz)) or bands_below(THIRD_EDGES_HZ, half_hz)
    levels = [decibels(measure_spectrum(one).powers(THIRD_EDGES_HZ))[:n] for one in (original, synthesis)]
    relevant = levels[0] > levels[0].max() - RELEVANT_DB
    difference = (levels[1] - levels[0])[relevant]
    longest_s = min(original.duration_s, synthesis.duration_s)
    hz = tuple(one for one in MODULATION_HZ if one * longest_s >= LEAST_PERIODS)
    modulations = [modulation_db(make_frames(one), hz) for one in (original, synthesis)]
    heard = [np.maximum(one, modulations[0].max() - MODULATED_DB) for one in modulations]
    percentiles = [level_percentiles(one) for one in (original, synthesis)]
    l10, l50, l90 = (round(b - a, 2) for a, b in zip(*percentiles, strict=True))
    return Match(
        band_hz=NOMINAL_HZ[:n],
        original_dbfs=_rounded(levels[0]),
        synthesis_dbfs=_rounded(levels[1]),
        relevant=tuple(bool(one) for one in relevant),
        largest_db=round(float(difference[np.argmax(np.abs(difference))]), 2),
        rms_db=round(math.sqrt(float(np.mean(difference**2))), 2),
        modulation_hz=hz,
        original_modulation_db=_rounded(modulations[0]),
        synthesis_modulation_db=_rounded(modulations[1]),
        modulation_rms_db=round(math.sqrt(float(np.mean((heard[1] - heard[0]) ** 2))), 2),
        l10_db=l10,
        l50_db=l50,
        l90_db=l90,
    )


def modulation_db(frames: Frames, bands_hz: tuple[float, ...]) -> Numbers:
    """Power of the envelope over its squared mean, in modulation bands a third of an octave wide, dB, shape (bands,).

    Args:
        frames: of the sound.
        bands_hz: centres.
    """
    from scipy import fft

    power = frames.power[:, frames.loud]
    relative = power / power.mean(axis=0) - 1
    size = fft.next_fast_len(len(relative), real=True)
    line_power = np.square(np.abs(fft.rfft(relative, size, axis=0))).mean(axis=1) * 2 / len(relative) ** 2
    upto = np.concatenate([[0.0], np.cumsum(line_power)])
    at = (np.arange(len(line_power) + 1) - 0.5) / (size * frames.step_s)
    centres = np.array(bands_hz)
    return decibels(np.interp(centres * 2 ** (1 / 6), at, upto) - np.interp(centres * 2 ** (-1 / 6), at, upto))


def _rounded(values: Numbers) -> tuple[float, ...]:
    """Numbers as they stand in a report."""
    return tuple(round(float(value), 2) for value in values)


def spectrogram_db(waveform: Waveform, seconds: float) -> tuple[Numbers, Numbers]:
    """The first seconds of a sound as levels in bands a sixth of an octave wide, for a picture.

    Args:
        waveform: the sound.
        seconds: how much of it.

    Returns:
        Levels in dB relative to full scale, shape (bands, frames), and the edges in Hz, shape (bands + 1,).
    """
    from scipy.signal import spectrogram

    rate = waveform.sample_rate_hz
    shown = waveform.samples[: round(seconds * rate)]
    width = 2 * round(SHOWN_WINDOW_S * rate / 2)
    hop = max(1, round(len(shown) / SHOWN_FRAMES))
    step = min(width - 1, width - hop) if hop < width else 0
    _, _, density = spectrogram(shown, rate, "hann", nperseg=width, noverlap=step, detrend=False)
    edges = FINE_EDGES_HZ[SHOWN_FROM::2]
    edges = edges[edges <= rate / 2]
    powers = np.stack([band_powers(one.astype(np.float64), rate / width, edges) for one in density.T], axis=1)
    return decibels(powers), edges
