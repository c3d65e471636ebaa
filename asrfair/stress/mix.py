"""Mixing noise with speech at a signal-to-noise ratio over active speech.

The ratio is that of the active speech level (ITU-T P.56) to the level (root mean square) of the noise over the length
of the speech. A second noise is set against the speech as well, not against what the first has made of it; where a room
or a line comes between them, what is heard there is taken for the speech. If the mix would go beyond full scale, all of
it is turned down, which leaves the ratio as it is. The ratio that was achieved is measured afterwards, on the samples
of the mix.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import ActiveLevel, rms_dbfs
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
    return gain_between(speech_dbfs, Scene("").noise_level_dbfs(noise), snr_db)


def gain_between(speech_dbfs: float, noise_dbfs: float, snr_db: float) -> float:
    """The factor that brings a noise of a known level to a ratio."""
    return float(10 ** ((speech_dbfs - snr_db - noise_dbfs) / 20))


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
    gain = np.float32(gain_between(speech_dbfs, scene.noise_level_dbfs(noise), snr_db))
    mixed: NDArray[np.float32] = noise.astype(np.float32, copy=False) * gain
    mixed += waveform.samples
    kept = turned_down(mixed, scene)
    heard = mixed - waveform.samples if kept == 1.0 else mixed - np.float32(kept) * waveform.samples
    mixed_in(scene, snr_db, speech_dbfs, kept, rms_dbfs(heard))
    scene.mix = Waveform(mixed, waveform.sample_rate_hz)
    return scene.mix


def mixed_in(scene: Scene, snr_db: float, speech_dbfs: float, kept: float, noise_dbfs: float | None) -> None:
    """Take note of what a noise step did.

    Args:
        scene: of the utterance under the condition.
        snr_db: asked for.
        speech_dbfs: active speech level before the mix.
        kept: factor by which the mix was turned down.
        noise_dbfs: level of the noise, measured in the mix.
    """
    within_dbfs = speech_dbfs + 20 * math.log10(kept)
    achieved = None if noise_dbfs is None else within_dbfs - noise_dbfs
    scene.mix_level = ActiveLevel(within_dbfs, scene.activity or 0.0)
    scene.mixed.append(Mixed(snr_db, achieved, noise_dbfs, scene.piece))
    scene.piece = None


def turned_down(samples: NDArray[np.float32], scene: Scene) -> float:
    """Turn samples down in place, as a whole, if they are beyond full scale; the factor (1 if they are not)."""
    peak = float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))
    if peak <= 1.0:
        return 1.0
    factor = np.nextafter(np.float32(1.0 / peak), np.float32(0.0))  # No product of it rounds to more than 1.
    samples *= factor
    scene.gain_db += 20 * math.log10(float(factor))
    return float(factor)
