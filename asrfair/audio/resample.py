"""Changing the sample rate, with soxr at its high quality: flat to 80 % of the band, images below -140 dB."""

from __future__ import annotations

import numpy as np
import soxr

from asrfair.records import Waveform


def resample(waveform: Waveform, sample_rate_hz: int) -> Waveform:
    """The same sound at another rate.

    Args:
        waveform: float32, shape (n,).
        sample_rate_hz: the rate wanted.

    Returns:
        The waveform itself where the rate is right already.

    >>> resample(Waveform(np.zeros(800, dtype=np.float32), 8_000), 16_000).samples.shape
    (1600,)
    """
    if waveform.sample_rate_hz == sample_rate_hz:
        return waveform
    samples = soxr.resample(waveform.samples, waveform.sample_rate_hz, sample_rate_hz, quality="HQ")
    return Waveform(np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False), sample_rate_hz)
