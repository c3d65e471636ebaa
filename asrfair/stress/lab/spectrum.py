"""The long-term spectrum: power spectral density by averaged windowed spectra (Welch 1967), and powers in bands.

Hann windows of 2 s (a quarter of the recording where that is shorter) that overlap by half: bins of 0.5 Hz. Levels are
in dB relative to full scale, as root mean square: a sine of amplitude 1 has -3.01 dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.records import Waveform
from asrfair.stress.lab.bands import LOWEST_HZ, THIRD_EDGES_HZ, Numbers, band_powers, bands_below, decibels

WINDOW_S = 2.0
TILT_HZ = (100.0, 8000.0)
"""Where the tilt of a spectrum is told."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """A power spectral density.

    Attributes:
        density: one-sided, 1/Hz relative to full scale, shape (bins,): mean over windows.
        typical: the same as median over windows (without its bias): what is there most of the time.
        step_hz: distance between bins.
    """

    density: Numbers
    typical: Numbers
    step_hz: float

    @property
    def hz(self) -> Numbers:
        """The frequencies of the bins."""
        return np.arange(len(self.density), dtype=np.float64) * self.step_hz

    @property
    def highest_hz(self) -> float:
        """Half the sample rate."""
        return self.step_hz * (len(self.density) - 1)

    def powers(self, edges_hz: Numbers) -> Numbers:
        """The power in contiguous bands; bands that begin beyond half the sample rate are left out."""
        return band_powers(self.density, self.step_hz, edges_hz[: bands_below(edges_hz, self.highest_hz) + 1])


def without_rumble(waveform: Waveform) -> Waveform:
    """The recording from 17.8 Hz up: without the offset of its converter and the sway of its building."""
    from scipy import fft

    n = len(waveform.samples)
    size = fft.next_fast_len(n, real=True)
    bins = fft.rfft(waveform.samples, size)
    bins[: int(np.ceil(LOWEST_HZ * size / waveform.sample_rate_hz))] = 0
    return Waveform(fft.irfft(bins, size)[:n].astype(np.float32), waveform.sample_rate_hz)


def measure_spectrum(waveform: Waveform) -> Spectrum:
    """The long-term spectrum of a recording.

    Args:
        waveform: float32, shape (n,), 2 s or longer.
    """
    from scipy.signal import spectrogram

    n, rate = len(waveform.samples), waveform.sample_rate_hz
    width = 2 * int(min(WINDOW_S * rate, n / 4) // 2)
    _, _, windows = spectrogram(
        waveform.samples, rate, "hann", nperseg=width, noverlap=width // 2, detrend=False, scaling="density"
    )
    return Spectrum(windows.mean(axis=1, dtype=np.float64), _median(windows), rate / width)


def _median(windows: Any) -> Numbers:
    """The median over windows, over what the median of so many exponential variables is (Allen et al. 2012)."""
    n = windows.shape[1]
    terms = np.arange(1, (n - 1) // 2 + 1)
    bias = 1.0 + float(np.sum(1.0 / (2.0 * terms + 1) - 1.0 / (2.0 * terms)))
    medians: Numbers = np.median(windows, axis=1).astype(np.float64) / bias
    return medians


def tilt_db_per_octave(spectrum: Spectrum) -> float | None:
    """How the level of third octaves falls or rises, by a straight line from 100 Hz to 8 kHz; pink noise has 0.

    Returns:
        None where fewer than 3 bands lie there.
    """
    levels = decibels(spectrum.powers(THIRD_EDGES_HZ))
    middle = np.sqrt(THIRD_EDGES_HZ[:-1] * THIRD_EDGES_HZ[1:])[: len(levels)]
    whole = THIRD_EDGES_HZ[1 : len(levels) + 1] <= min(TILT_HZ[1] * 1.2, spectrum.highest_hz)
    chosen = whole & (middle >= TILT_HZ[0] * 0.95)
    if np.count_nonzero(chosen) < 3:
        return None
    return float(np.polyfit(np.log2(middle[chosen]), levels[chosen], 1)[0])
