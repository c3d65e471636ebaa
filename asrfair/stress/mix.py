"""Mixing noise with speech at a signal-to-noise ratio over active speech.

The ratio is that of the active speech level (ITU-T P.56) to the level (root mean square) of the noise over the length
of the speech. If the mix would go beyond full scale, all of it is turned down, which leaves the ratio as it is. The
ratio that was achieved is measured afterwards, on the samples of the mix.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import rms_dbfs
from asrfair.errors import AudioError
from asrfair.records import Waveform
from asrfair.stress.scene import Mixed, Scene


def noise_gain(speech_dbfs: float, noise: NDArray[np.floating[Any]], snr_db: float) -> float:
    """The factor that brings noise to a ratio.

    Args:
        speech_dbfs: active speech level, dB relative to full scale.
        noise: shape (n,), as long as the speech.
        snr_db: active speech level minus noise level, dB.

    Raises:
        AudioError: the noise is silent.
    """
    noise_db = rms_dbfs(noise)
    if noise_db is None:
        raise AudioError("the noise is silent: it has no level to set")
    return float(10 ** ((speech_dbfs - snr_db - noise_db) / 20))


def mix_at_snr(
    waveform: Waveform, noise: NDArray[np.floating[Any]], snr_db: float, scene: Scene | None = None
) -> Waveform:
    """Speech with noise at a ratio over active speech.

    Args:
        waveform: the speech.
        noise: shape (n,), as long as the speech.
        snr_db: active speech level minus noise level, dB.
        scene: where the level is known from, and what is told; None to measure it here.

    Returns:
        The mix, turned down as a whole if it would be beyond full scale.

    Raises:
        AudioError: the speech or the noise is silent.
    """
    scene = scene or Scene("")
    speech_dbfs = scene.speech_level_dbfs(waveform)
    gain = np.float32(noise_gain(speech_dbfs, noise, snr_db))
    mixed = waveform.samples + gain * noise.astype(np.float32, copy=False)
    kept = turned_down(mixed, scene)
    heard = mixed - np.float32(kept) * waveform.samples
    noise_dbfs = rms_dbfs(heard)
    achieved = None if noise_dbfs is None else speech_dbfs + 20 * math.log10(kept) - noise_dbfs
    scene.mixed.append(Mixed(snr_db, achieved, noise_dbfs, scene.piece))
    scene.piece = None
    return Waveform(mixed, waveform.sample_rate_hz)


def turned_down(samples: NDArray[np.float32], scene: Scene) -> float:
    """Turn samples down in place, as a whole, if they are beyond full scale; the factor (1 if they are not)."""
    peak = float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
    if peak <= 1.0:
        return 1.0
    factor = np.float32(1.0 / peak)
    samples *= factor
    np.clip(samples, -1.0, 1.0, out=samples)
    scene.gain_db += 20 * math.log10(float(factor))
    return float(factor)
