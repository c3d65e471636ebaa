"""What the tests of several noise families share: speech with pauses, and a mix measured from its parts."""

import numpy as np
import soundfile

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


def speech(seconds=3.0, seed=1, rate=RATE, pauses=0.2, dbfs=-30.0):
    """Noise in syllables of 50 ms, silent for a share of the time in one stretch, at a level while it sounds."""
    rng = rng_for(seed, "speech", "test")
    n, syllable = round(seconds * rate), rate // 20
    loudness = np.repeat(rng.uniform(0.4, 1.0, n // syllable + 1), syllable)[:n]
    samples = rng.normal(0, 1, n) * loudness
    first, last = round(n * (0.5 - pauses / 2)), round(n * (0.5 + pauses / 2))
    samples[first:last] = 0
    samples *= 10 ** (dbfs / 20) / np.sqrt(np.mean(samples[samples != 0] ** 2))
    return Waveform(np.clip(samples, -1, 1).astype(np.float32), rate)


def measured_snr_db(clean, mixed):
    """Active speech level minus noise level of a mix that was not turned down."""
    noise = mixed.samples.astype(np.float64) - clean.samples
    return active_speech_level(clean).level_dbfs - rms_dbfs(noise)


def noise(seconds, rate=RATE, seed=1, dbfs=-30.0):
    """White noise."""
    samples = rng_for(seed, "noise", "test").normal(0, 10 ** (dbfs / 20), round(seconds * rate))
    return np.clip(samples, -1, 1).astype(np.float32)


def written(path, samples, rate=RATE):
    """A file of these samples; its path as text."""
    soundfile.write(path, samples, rate)
    return str(path)
