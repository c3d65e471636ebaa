"""Who is switched: the envelope of a periodic room, shared out between a machine and the noise that goes on without it.

The envelope of an octave is that of everything in it. What is left at the quietest point of the cycle is steady noise,
as far as the noise of the octave reaches; everything else is switched, tones and noise alike. Within the octave, steady
noise is the even floor below the rest: a density `c` that is the same over the octave, cut where a fine band has less,
so that `sum of min(noise_b, c width_b)` is what is left in the pause. The sum of both parts has the measured envelope.
"""

from __future__ import annotations

import numpy as np

from asrfair.stress.lab.bands import FINE_EDGES_HZ, OCTAVES_HZ, Numbers, octave_of
from asrfair.stress.lab.profile import Profile

STEPS = 60


def noise_powers(profile: Profile) -> Numbers:
    """Power of the noise in fine bands, shape (bands,)."""
    powers: Numbers = 10 ** (np.array(profile.bands.noise_dbfs) / 10)
    return powers


def steady_powers(profile: Profile) -> Numbers:
    """Power of the noise that goes on in the pauses, in fine bands, shape (bands,); all of it where nothing repeats."""
    powers = noise_powers(profile)
    if profile.repetition is None:
        return powers
    widths = np.diff(FINE_EDGES_HZ)[: len(powers)]
    octaves = octave_of(FINE_EDGES_HZ[: len(powers)] * 1.01)
    steady = powers.copy()
    for octave, left in enumerate(_left_in_pauses(profile).tolist()):
        here = octaves == octave
        steady[here] = _filled(powers[here], widths[here], left)
    return steady


def switched_gain(profile: Profile, cycle: Numbers) -> Numbers:
    """What the power of everything that is switched is multiplied by, mean 1.

    Args:
        profile: of a room that repeats.
        cycle: power of everything in each octave over its mean, shape (times, octaves).
    """
    whole, left = _octave_powers(profile), _left_in_pauses(profile)
    gain: Numbers = np.maximum(cycle * whole - left, 0) / np.maximum(whole - left, 1e-30)
    return np.where(whole - left > 1e-9 * whole, gain, 1.0)


def _octave_powers(profile: Profile, *, is_noise_alone: bool = False) -> Numbers:
    """Power of noise and tones in octaves, shape (octaves,)."""
    total = np.zeros(len(OCTAVES_HZ))
    powers = noise_powers(profile)
    np.add.at(total, octave_of(FINE_EDGES_HZ[: len(powers)] * 1.01), powers)
    if not is_noise_alone:
        tones = [10 ** (tone.dbfs / 10) for tone in profile.tones]
        np.add.at(total, octave_of([tone.hz for tone in profile.tones]), tones)
    return total


def _left_in_pauses(profile: Profile) -> Numbers:
    """Power of the steady noise in octaves, shape (octaves,)."""
    quietest = np.ones(len(OCTAVES_HZ))
    rows = {} if profile.repetition is None else profile.repetition.envelope_db
    for number, octave in enumerate(OCTAVES_HZ):
        if str(octave) in rows:
            cycle = 10 ** (np.array(rows[str(octave)]) / 10)
            quietest[number] = cycle.min() / cycle.mean()
    left: Numbers = np.minimum(_octave_powers(profile, is_noise_alone=True), quietest * _octave_powers(profile))
    return left


def _filled(powers: Numbers, widths: Numbers, left: float) -> Numbers:
    """The part of each band below the one density at which all parts together have a power; by bisection in dB."""
    if left >= powers.sum():
        return powers
    low, high = -250.0, 50.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        filled = np.minimum(powers, 10 ** (middle / 10) * widths)
        low, high = (middle, high) if filled.sum() < left else (low, middle)
    return np.minimum(powers, 10 ** (low / 10) * widths)
