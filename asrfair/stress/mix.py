"""Mixing noise with speech at a signal-to-noise ratio over active speech.

The ratio is that of the active speech level (ITU-T P.56) to the level (root mean square) of the noise over the length
of the speech. If the mix would go beyond full scale, all of it is turned down, which leaves the ratio as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.errors import AudioError
from asrfair.records import Waveform

NOMINAL_SPEECH_DBFS = -26.0
"""Where there is no speech at all (digital silence), noise is set against the nominal level of telephony."""


def noise_gain(waveform: Waveform, noise: NDArray[np.float64], snr_db: float) -> float:
    """The factor that brings noise to a ratio.

    Args:
        waveform: the speech.
        noise: shape (n,), as long as the speech.
        snr_db: active speech level minus noise level, dB.

    Raises:
        AudioError: the noise is silent.
    """
    active = active_speech_level(waveform)
    speech_db = NOMINAL_SPEECH_DBFS if active is None else active.level_dbfs
    noise_db = rms_dbfs(noise)
    if noise_db is None:
        raise AudioError("the noise is silent: it has no level to set")
    return float(10 ** ((speech_db - snr_db - noise_db) / 20))


def mix_at_snr(waveform: Waveform, noise: NDArray[np.float64], snr_db: float) -> Waveform:
    """Speech with noise at a ratio over active speech.

    Args:
        waveform: the speech.
        noise: shape (n,), as long as the speech.
        snr_db: active speech level minus noise level, dB.

    Returns:
        The mix, turned down as a whole if it would be beyond full scale.
    """
    mixed = waveform.samples + noise_gain(waveform, noise, snr_db) * noise
    peak = float(np.max(np.abs(mixed), initial=0.0))
    if peak > 1.0:
        mixed = mixed / peak
    return Waveform(mixed.astype(np.float32), waveform.sample_rate_hz)
