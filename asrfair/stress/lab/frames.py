"""The recording as frames: power in octave bands every 2 ms, from which everything that changes in time is measured.

Frames are Hann windows of 16 ms (768 samples at 48 kHz); the power of a frame in a band is that of the signal there, so
that the mean over frames is the power of the band. Windows of this length follow pulses up to about 60 a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress.lab.bands import OCTAVE_EDGES_HZ, Numbers, bands_below

WINDOW_S = 0.016
FRAMES_PER_S = 500.0
CHUNK = 4096
SWELL_S = 0.05
"""Slow changes of the level are followed in steps of this length."""

LEVEL_S = 0.125
"""Levels are told over frames of this length (the time constant `fast` of IEC 61672 sound level meters)."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Power in octave bands over time.

    Attributes:
        power: relative to full scale, shape (frames, bands); bands are the first of `bands.OCTAVES_HZ`.
        bins: how many bins of the spectrum are in each band, shape (bands,): its degrees of freedom are twice that.
        step_s: time from frame to frame.
    """

    power: Numbers
    bins: Numbers
    step_s: float

    @property
    def loud(self) -> NDArray[np.bool_]:
        """Which bands hold a relevant part: within 50 dB of the loudest."""
        mean = self.power.mean(axis=0)
        return np.asarray(mean > mean.max() * 1e-5)

    def excess(self, reference: Numbers | None = None) -> Numbers:
        """How loud each frame is against what is usual in every band, shape (frames,); about 1 where nothing happens.

        Bands count by their number of bins, so that one quiet but quick band shows a click that a loud slow one hides.

        Args:
            reference: what is usual, shape (frames, bands) or (bands,); the medians over time unless given.
        """
        usual = np.median(self.power, axis=0) if reference is None else reference
        weights = self.bins * self.loud
        ratio = self.power / np.maximum(usual, 1e-30)
        score: Numbers = ratio @ (weights / weights.sum())
        return score


def make_frames(waveform: Waveform) -> Frames:
    """The frames of a recording.

    Args:
        waveform: float32, shape (n,).
    """
    from scipy import fft

    rate = waveform.sample_rate_hz
    width, hop = 2 * round(WINDOW_S * rate / 2), max(1, round(rate / FRAMES_PER_S))
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(waveform.samples, width)[::hop]
    hz = np.arange(width // 2 + 1) * rate / width
    n_bands = bands_below(OCTAVE_EDGES_HZ, rate / 2)
    band = np.clip(np.searchsorted(OCTAVE_EDGES_HZ, hz, side="right") - 1, 0, n_bands - 1)
    member = np.eye(n_bands, dtype=np.float32)[band]
    member[0] = 0  # The offset.
    scale = 2.0 / (width * float(np.sum(window**2)))
    chunks = [
        np.square(np.abs(fft.rfft(views[at : at + CHUNK] * window, axis=1))) @ member
        for at in range(0, len(views), CHUNK)
    ]
    power = np.concatenate(chunks).astype(np.float64) * scale
    return Frames(power, member.sum(axis=0).astype(np.float64), hop / rate)


def sample_power(samples: NDArray[np.float32], rate_hz: int, frame_s: float = LEVEL_S) -> Numbers:
    """Mean square over frames of the samples, without overlap, shape (frames,)."""
    width = round(frame_s * rate_hz)
    whole = samples[: len(samples) // width * width].reshape(-1, width)
    power: Numbers = np.mean(np.square(whole, dtype=np.float64), axis=1)
    return power
