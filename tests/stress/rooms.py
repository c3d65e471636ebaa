"""Rooms whose every number is known, because they are made here."""

import numpy as np

from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000
FUNDAMENTAL_HZ = 172.0
PERIOD_S = 1 / 6
TONES = 16


def pink(seconds, *, rate=RATE, seed=1, rms=0.05):
    """Noise with as much power in every octave."""
    n = round(seconds * rate)
    bins = np.fft.rfft(rng_for(seed, "pink", "test").standard_normal(n))
    bins[1:] /= np.sqrt(np.arange(1, len(bins)))
    bins[0] = 0
    samples = np.fft.irfft(bins, n)
    return Waveform((rms * samples / samples.std()).astype(np.float32), rate)


def train(seconds, *, period_s=PERIOD_S, jitter=0.05, duty=0.7, rate=RATE, seed=1):
    """When a machine is on: 1 for a share of each period, with edges of 4 ms; periods scatter by the jitter."""
    rng, time = rng_for(seed, "train", "test"), np.arange(round(seconds * rate)) / rate
    starts = -period_s * rng.random() + np.cumsum(
        period_s * (1 + jitter * rng.standard_normal(int(seconds / period_s * 1.5) + 4))
    )
    starts -= starts[0] * (starts[0] > 0)
    since = time - starts[np.searchsorted(starts, time, side="right") - 1]
    return np.clip(np.minimum(since, duty * period_s - since) / 0.004, 0, 1)


def scanner(seconds, *, fundamental_hz=FUNDAMENTAL_HZ, n_tones=TONES, floor=0.004, rate=RATE, seed=1, **pulses):
    """A train of tones over broadband noise, as an imaging machine makes it."""
    rng, time = rng_for(seed, "scanner", "test"), np.arange(round(seconds * rate)) / rate
    tones = sum(
        10 ** (-1.5 * k / 20) * np.sin(2 * np.pi * (k * fundamental_hz * time + rng.random()))
        for k in range(1, n_tones + 1)
    )
    sound = tones * train(seconds, rate=rate, seed=seed, **pulses)
    samples = 0.05 * sound / sound.std() + floor * rng.standard_normal(len(time))
    return Waveform(samples.astype(np.float32), rate)


def banging(seconds=60.0, n=24, *, decay_s=0.5, rate=RATE, seed=5):
    """Quiet pink noise with bangs that die away by 60 dB in `decay_s`, one after the other by chance."""
    samples = pink(seconds, rate=rate, seed=seed, rms=0.01).samples.copy()
    rng, length = rng_for(seed, "bangs", "test"), round(1.5 * decay_s * rate)
    fall = 10 ** (-3 * np.arange(length) / rate / decay_s)
    gaps = 1.0 + rng.exponential(1.0, n)
    for begin in np.round(np.cumsum(gaps) * (seconds - 3.0) / gaps.sum() * rate).astype(int):
        samples[begin : begin + length] += (0.2 * fall * rng.standard_normal(length)).astype(np.float32)
    return Waveform(np.clip(samples, -1, 1), rate)
