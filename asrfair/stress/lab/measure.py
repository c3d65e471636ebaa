"""From recordings to a profile: every measure, and what is left for each of them when the others have taken theirs.

The power of the recording is shared out once: tones take what stands out of the floor, impulses the share of each
octave beyond what is usual there, and the rest is noise that the repetition and the swell move. A synthesis of what was
found (without swell and impulses) then shows two things that cannot be read from the recording alone: how much its
levels scatter by themselves, which is taken off the swell, and how much of each band is the skirt of pulsed tones,
which is taken off the noise there, so that it is not put in twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from asrfair.errors import InputError
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress.lab.bands import (
    FINE_EDGES_HZ,
    NOMINAL_HZ,
    OCTAVE_EDGES_HZ,
    OCTAVES_HZ,
    THIRD_EDGES_HZ,
    Numbers,
    decibels,
)
from asrfair.stress.lab.cycles import Cycles, track_cycles
from asrfair.stress.lab.decays import blind_decay_time
from asrfair.stress.lab.frames import Frames, make_frames
from asrfair.stress.lab.impulses import FoundImpulses, crest_factor_db, find_impulses, kurtosis, usual_power
from asrfair.stress.lab.levels import level_percentiles, level_tracks, measure_swell
from asrfair.stress.lab.periodicity import FoundPeriod, find_period
from asrfair.stress.lab.profile import Bands, Decay, Impulses, Level, Profile, Repetition, Series, Source, Tone
from asrfair.stress.lab.recording import Recording, joined, warnings_of
from asrfair.stress.lab.spectrum import Spectrum, measure_spectrum, tilt_db_per_octave, without_rumble
from asrfair.stress.lab.synthesis import synthesise
from asrfair.stress.lab.tones import FoundTone, find_series, find_tones, without_tones

TRIAL_S = 60.0
LEAST_REST, MOST_REST = 0.01, 2.0
"""The noise of a band is changed by a trial to no less and no more than this share of what it was."""

MOST_IN_IMPULSES = 0.9999


def measure(recordings: Sequence[Recording]) -> Profile:
    """The profile of a room.

    Args:
        recordings: of that room, from `recording.read_recordings`.

    Raises:
        InputError: nothing is left above 17.8 Hz.
    """
    waveform = without_rumble(joined(recordings))
    sources = tuple(
        Source(
            file=one.path.name,
            sha256=one.sha256,
            recorded=one.recorded,
            seconds=round(one.waveform.duration_s, 3),
            rate_hz=one.waveform.sample_rate_hz,
        )
        for one in recordings
    )
    lengths = np.array([len(one.waveform.samples) for one in recordings], dtype=np.float64)
    clipped = float(np.dot([one.clipped_share for one in recordings], lengths) / lengths.sum())
    if float(np.max(np.abs(waveform.samples))) < 1e-7:
        raise InputError(f"{recordings[0].path}: nothing but an offset or a sway below 17.8 Hz: no sound to profile")
    found = measure_waveform(waveform, sources)
    level = msgspec.structs.replace(found.level, clipped_share=round(clipped, 7))
    return msgspec.structs.replace(found, level=level, warnings=tuple(warnings_of(recordings)))


def measure_waveform(waveform: Waveform, sources: tuple[Source, ...] = ()) -> Profile:
    """The profile of sound without rumble.

    Args:
        waveform: 2 s or more, from `spectrum.without_rumble`.
        sources: what it is from.
    """
    spectrum, frames = measure_spectrum(waveform), make_frames(waveform)
    period = find_period(frames)
    cycles = None if period is None else track_cycles(frames, period.period_s)
    tones = (
        find_tones(spectrum)
        if period is None or cycles is None
        else find_tones(spectrum, 1 / period.period_s, cycles.duty_cycle * period.period_s)
    )
    noise = without_tones(spectrum, tones)
    knocks = find_impulses(frames, usual_power(frames, cycles, period.period_s if period else None))
    reverberation = blind_decay_time(frames)
    steady = Profile(
        recordings=sources,
        level=_level(waveform),
        bands=_bands(spectrum, noise.powers(FINE_EDGES_HZ)),
        tones=_tones(tones),
        series=_series(tones, spectrum.step_hz),
        repetition=_repetition(period, cycles),
        reverberation=Decay(
            decay_time_s=None if reverberation.decay_time_s is None else round(reverberation.decay_time_s, 3),
            n_decays=reverberation.n_decays,
            reason=reverberation.reason,
        ),
    )
    return _completed(steady, waveform, spectrum, noise, frames, knocks)


def _completed(
    steady: Profile,
    waveform: Waveform,
    spectrum: Spectrum,
    noise: Spectrum,
    frames: Frames,
    knocks: FoundImpulses,
) -> Profile:
    """The profile with swell and impulses, its noise freed of what a trial synthesis puts there twice."""
    rate = waveform.sample_rate_hz
    trial = Waveform(synthesise(steady, TRIAL_S, rate, rng_for(0, "profile", "trial")), rate)
    period_s = None if steady.repetition is None else steady.repetition.period_s
    tracks = level_tracks(frames, knocks.quiet, period_s)
    swell = measure_swell(tracks, level_tracks(make_frames(trial), None, period_s), frames.loud)
    powers = noise.powers(FINE_EDGES_HZ)
    if steady.repetition is not None:
        heard = measure_spectrum(trial).powers(FINE_EDGES_HZ)
        target = spectrum.powers(FINE_EDGES_HZ)
        powers = np.clip(powers + target - heard, LEAST_REST * powers, MOST_REST * powers)
    return msgspec.structs.replace(
        steady,
        bands=_bands(spectrum, powers),
        swell=swell,
        impulses=_impulses(knocks, frames, spectrum, noise, waveform.duration_s),
    )


def _level(waveform: Waveform) -> Level:
    """How loud the recording is."""
    l10, l50, l90 = level_percentiles(waveform)
    power = float(np.mean(np.square(waveform.samples, dtype=np.float64)))
    return Level(
        dbfs=_db(power),
        l10_dbfs=round(l10, 2),
        l50_dbfs=round(l50, 2),
        l90_dbfs=round(l90, 2),
        crest_factor_db=round(crest_factor_db(waveform.samples), 2),
        kurtosis=round(kurtosis(waveform.samples), 3),
        clipped_share=0.0,
    )


def _bands(spectrum: Spectrum, noise_powers: Numbers) -> Bands:
    """The long-term spectrum, with these powers of noise in fine bands."""
    thirds = spectrum.powers(THIRD_EDGES_HZ)
    tilt = tilt_db_per_octave(spectrum)
    return Bands(
        highest_hz=round(spectrum.highest_hz, 3),
        tilt_db_per_octave=None if tilt is None else round(tilt, 2),
        third_octave_hz=NOMINAL_HZ[: len(thirds)],
        third_octave_dbfs=tuple(_db(power) for power in thirds),
        noise_dbfs=tuple(_db(power) for power in noise_powers),
    )


def _tones(tones: Sequence[FoundTone]) -> tuple[Tone, ...]:
    """Tones as data."""
    return tuple(
        Tone(hz=round(one.hz, 3), dbfs=_db(one.power), prominence_db=round(one.prominence_db, 1)) for one in tones
    )


def _series(tones: list[FoundTone], step_hz: float) -> Series | None:
    """The harmonic series as data."""
    series = find_series(tones, step_hz)
    if series is None:
        return None
    return Series(fundamental_hz=round(series.hz, 3), multiples=series.numbers, share=round(series.share, 3))


def _repetition(period: FoundPeriod | None, cycles: Cycles | None) -> Repetition | None:
    """The repetition as data."""
    if period is None or cycles is None:
        return None
    levels = np.maximum(decibels(cycles.envelope), -60.0)
    return Repetition(
        period_s=round(period.period_s, 5),
        strength=round(period.strength, 3),
        jitter=round(min(cycles.jitter, 0.3), 4),
        duty_cycle=round(cycles.duty_cycle, 3),
        envelope_db={
            str(octave): tuple(round(float(level), 1) for level in row)
            for octave, row in zip(OCTAVES_HZ, levels.T, strict=False)
        },
    )


def _impulses(
    knocks: FoundImpulses, frames: Frames, spectrum: Spectrum, noise: Spectrum, seconds: float
) -> Impulses | None:
    """The impulses as data."""
    n = len(knocks.times_s)
    if n == 0:
        return None
    beyond = 1 - frames.power[knocks.quiet].mean(axis=0) / np.maximum(frames.power.mean(axis=0), 1e-30)
    room = np.maximum(noise.powers(OCTAVE_EDGES_HZ), 1e-30)
    share = np.clip(beyond * spectrum.powers(OCTAVE_EDGES_HZ) / room, 0.0, MOST_IN_IMPULSES)
    energies = decibels(knocks.energy.sum(axis=1))
    return Impulses(
        per_minute=round(n * 60 / seconds, 2),
        height_db=round(float(np.median(knocks.height_db)), 1),
        spread_db=round(min(30.0, float(energies.std())), 2),
        decay_s=round(float(np.clip(np.median(knocks.decay_s), 0.01, 10.0)), 3),
        share={str(octave): round(float(one), 5) for octave, one in zip(OCTAVES_HZ, share, strict=False)},
    )


def _db(power: float) -> float:
    """Power in dB as it stands in a profile."""
    return round(float(decibels(power)), 2)
