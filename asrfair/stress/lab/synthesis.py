"""As much of a room as is wanted, from its profile.

    x(t) = sum over octaves o of  a_o(t) n_o(t)  +  sum over tones k of  b_o(k)(t) A_k sin(2 pi f_k t + phase_k)
    a_o(t)^2 = (1 - share_o) cycle_o(t) swell_o(t) + knocks_o(t),     b_o(t)^2 = cycle_o(t) swell_o(t)

`n_o` is noise with the measured spectrum (twelfths of an octave, without the tones) and phases drawn at random; `cycle`
is the envelope of the repetition, whose beginnings follow one another with the measured jitter; `swell` is a Gaussian
process with the measured time of forgetting whose values are given the measured distribution; `knocks` are exponential
decays at the times of a Poisson process that hold the measured share of the power. All means are 1, so that the levels
are those of the profile. Bands and tones above half the sample rate are left out, and nothing is made up above half the
rate of the recording. The same profile, length, rate and generator give the same samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asrfair.stress.lab.bands import FINE_EDGES_HZ, OCTAVES_HZ, Numbers, octave_of
from asrfair.stress.lab.cycles import cycle_gains, phases
from asrfair.stress.lab.frames import SWELL_S
from asrfair.stress.lab.profile import QUANTILES, Impulses, Profile, Repetition, Swell

BLOCK_S = 60.0
"""Noise is made in blocks of at most this length: one transform of an hour would fill the memory."""

FADE_S = 0.5
CONTROL_HZ = 1000.0
"""Gains are drawn at this rate, with straight lines between."""


def synthesise(profile: Profile, seconds: float, rate_hz: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The room for so many seconds.

    Args:
        profile: of the room.
        seconds: how long.
        rate_hz: samples a second, any.
        rng: decides phases, the beginnings of cycles, swells and knocks.

    Returns:
        float32, shape (round(seconds * rate_hz),), at the level of the profile; crests may be beyond 1.
    """
    n = round(seconds * rate_hz)
    gains = _Gains(profile, seconds, rng)
    samples = _tones(profile, n, rate_hz, rng, gains)
    block, fade = round(BLOCK_S * rate_hz), round(FADE_S * rate_hz)
    for begin in range(0, n, block):
        _add_noise(profile, samples, (begin, min(n, begin + block + fade)), rate_hz, rng, gains)
    return samples.astype(np.float32)


class _Gains:
    """What the power of each octave is multiplied by, over time; mean 1."""

    def __init__(self, profile: Profile, seconds: float, rng: np.random.Generator) -> None:
        self.times = np.arange(int(seconds * CONTROL_HZ) + 2) / CONTROL_HZ
        steady = np.ones((len(self.times), len(OCTAVES_HZ)))
        if profile.repetition is not None:
            steady *= _cycles(profile.repetition, self.times, rng)
        if profile.swell is not None:
            steady *= _swell(profile.swell, self.times, rng)
        self.tones = steady
        self.noise = steady
        if profile.impulses is not None:
            share = np.array([profile.impulses.share.get(str(octave), 0.0) for octave in OCTAVES_HZ])
            knocks = _knocks(profile.impulses, self.times, rng)
            self.noise = steady * (1 - share) + knocks[:, None] * share

    def amplitude(self, power: Numbers, octave: int, begin: int, end: int, rate_hz: int) -> Numbers:
        """The factor for samples `begin` to `end` of an octave."""
        gains: Numbers = np.interp(np.arange(begin, end) / rate_hz, self.times, np.sqrt(power[:, octave]))
        return gains


def _noise_density(profile: Profile) -> Numbers:
    """Power per Hz of each fine band."""
    levels = np.array(profile.bands.noise_dbfs)
    low, high = FINE_EDGES_HZ[: len(levels)], np.minimum(FINE_EDGES_HZ[1 : len(levels) + 1], profile.bands.highest_hz)
    width = high - low
    density: Numbers = np.where(width > 0, 10 ** (levels / 10) / np.maximum(width, 1e-9), 0.0)
    return density


def _add_noise(
    profile: Profile,
    samples: Numbers,
    place: tuple[int, int],
    rate_hz: int,
    rng: np.random.Generator,
    gains: _Gains,
) -> None:
    """Add a block of noise to the samples, faded into the one before it."""
    from scipy import fft

    begin, end = place
    size = fft.next_fast_len(max(end - begin, rate_hz), real=True)
    hz = np.arange(size // 2 + 1) * rate_hz / size
    density = _noise_density(profile)
    band = np.searchsorted(FINE_EDGES_HZ, hz, side="right") - 1
    known = (band >= 0) & (band < len(density)) & (hz < min(profile.bands.highest_hz, rate_hz / 2))
    amplitude = np.zeros(len(hz))
    amplitude[known] = np.sqrt(density[band[known]] * rate_hz * size / 2)
    bins = amplitude * np.exp(2j * np.pi * rng.random(len(hz)))
    octave = octave_of(hz)
    shape = _faded(end - begin, round(FADE_S * rate_hz), is_first=begin == 0, is_last=end == len(samples))
    for number in np.unique(octave[known]).tolist():
        part = fft.irfft(np.where(octave == number, bins, 0), size)[: end - begin]
        samples[begin:end] += shape * part * gains.amplitude(gains.noise, number, begin, end, rate_hz)


def _faded(n: int, fade: int, *, is_first: bool, is_last: bool) -> Numbers:
    """Ones that rise and fall where a block of noise meets another (equal power), shape (n,)."""
    shape = np.ones(n)
    if not is_first:
        shape[:fade] = np.sin(np.linspace(0, np.pi / 2, fade))[:n]
    if not is_last:
        shape[-fade:] = np.cos(np.linspace(0, np.pi / 2, fade))
    return shape


def _tones(profile: Profile, n: int, rate_hz: int, rng: np.random.Generator, gains: _Gains) -> Numbers:
    """All tones below half the rate, shape (n,)."""
    samples = np.zeros(n)
    phase = 2 * np.pi * rng.random(len(profile.tones))
    octaves = octave_of([tone.hz for tone in profile.tones])
    time = np.arange(n) / rate_hz
    for number in np.unique(octaves).tolist():
        sound = np.zeros(n)
        for tone, angle, octave in zip(profile.tones, phase, octaves, strict=True):
            if octave == number and tone.hz < rate_hz / 2:
                sound += np.sqrt(2) * 10 ** (tone.dbfs / 20) * np.sin(2 * np.pi * tone.hz * time + angle)
        samples += sound * gains.amplitude(gains.tones, number, 0, n, rate_hz)
    return samples


def _cycles(repetition: Repetition, times: Numbers, rng: np.random.Generator) -> Numbers:
    """The envelope of the repetition in each octave, shape (times, octaves)."""
    period = repetition.period_s
    count = int(times[-1] / period * 1.5) + 8
    gaps = period * np.maximum(0.3, 1 + repetition.jitter * rng.standard_normal(count))
    starts = np.cumsum(gaps) - gaps[0] - period * rng.random()
    shares = phases(starts, times, period)
    power = np.ones((len(times), len(OCTAVES_HZ)))
    for number, octave in enumerate(OCTAVES_HZ):
        row = repetition.envelope_db.get(str(octave))
        if row is not None:
            cycle = 10 ** (np.array(row) / 10)
            power[:, number] = cycle_gains(cycle / cycle.mean(), shares)
    return power


def _swell(swell: Swell, times: Numbers, rng: np.random.Generator) -> Numbers:
    """The slow changes of each octave, shape (times, octaves)."""
    from scipy.signal import lfilter
    from scipy.special import ndtri

    keep = float(np.exp(-SWELL_S / swell.time_s))
    knots = np.arange(int(times[-1] / SWELL_S) + 3) * SWELL_S
    warm = round(8 * swell.time_s / SWELL_S) + 1
    drawn = rng.standard_normal((warm + len(knots), len(OCTAVES_HZ) + 1))
    walks = lfilter([np.sqrt(1 - keep**2)], [1, -keep], drawn, axis=0)[warm:]
    walks = np.sqrt(swell.together) * walks[:, :1] + np.sqrt(1 - swell.together) * walks[:, 1:]
    marks = ndtri(np.array(QUANTILES))
    power = np.ones((len(times), len(OCTAVES_HZ)))
    for number, octave in enumerate(OCTAVES_HZ):
        row = swell.level_db.get(str(octave))
        if row is not None:
            level = np.interp(walks[:, number], marks, row)
            power[:, number] = 10 ** (np.interp(times, knots, level) / 10) / mean_power(np.array(row))
    return power


def mean_power(level_db: Numbers) -> float:
    """The mean of the power of a Gaussian process whose values have these quantiles (`QUANTILES`) in dB."""
    from scipy.special import ndtri

    walk = ndtri((np.arange(2000) + 0.5) / 2000)
    return float(np.mean(10 ** (np.interp(walk, ndtri(np.array(QUANTILES)), level_db) / 10)))


def _knocks(impulses: Impulses, times: Numbers, rng: np.random.Generator) -> Numbers:
    """The power of the impulses over time, mean 1, shape (times,)."""
    from scipy.signal import lfilter

    seconds = float(times[-1])
    count = int(rng.poisson(impulses.per_minute * seconds / 60))
    energy = 10 ** (impulses.spread_db * rng.standard_normal(count) / 10)
    # The mean of a lognormal energy, and of Poisson many: exact in the long run.
    usual = np.exp(0.5 * (impulses.spread_db * np.log(10) / 10) ** 2)
    at = np.minimum((rng.random(count) * seconds * CONTROL_HZ).astype(np.int64), len(times) - 1)
    strokes = np.bincount(at, energy / usual, len(times)) / (impulses.per_minute / 60 / CONTROL_HZ)
    keep = float(10 ** (-6 / (impulses.decay_s * CONTROL_HZ)))
    power: Numbers = lfilter([1 - keep], [1, -keep], strokes)
    return power
