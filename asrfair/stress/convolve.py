"""Convolution by FFT: what rooms, microphones and band limits come down to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress.mix import turned_down
from asrfair.stress.scene import Scene


def convolved(waveform: Waveform, taps: NDArray[np.float32], delay: int, scene: Scene) -> Waveform:
    """Audio through a filter, as long as before and where it was.

    Args:
        waveform: float32, shape (n,).
        taps: the impulse response, float32, shape (taps,).
        delay: the tap that is no delay.
        scene: told if the result had to be turned down.

    Returns:
        The audio from `delay` on, turned down as a whole if it would be beyond full scale.
    """
    from scipy import fft

    n = len(waveform.samples)
    size = fft.next_fast_len(n + len(taps) - 1, real=True)
    heard = fft.irfft(fft.rfft(waveform.samples, size) * fft.rfft(taps, size), size)
    samples = np.ascontiguousarray(heard[delay : delay + n], dtype=np.float32)
    turned_down(samples, scene)
    return Waveform(samples, waveform.sample_rate_hz)
