"""The noise lab measures what was put into a room, and nothing that was not."""

import numpy as np
import pytest
from rooms import FUNDAMENTAL_HZ, PERIOD_S, RATE, TONES, banging, pink, scanner

from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress.lab.bands import FINE_EDGES_HZ, NOMINAL_HZ, THIRD_EDGES_HZ, decibels
from asrfair.stress.lab.cycles import track_cycles
from asrfair.stress.lab.decays import blind_decay_time
from asrfair.stress.lab.frames import make_frames
from asrfair.stress.lab.impulses import find_impulses, usual_power
from asrfair.stress.lab.measure import measure_waveform
from asrfair.stress.lab.periodicity import find_period
from asrfair.stress.lab.spectrum import measure_spectrum, tilt_db_per_octave, without_rumble
from asrfair.stress.lab.tones import find_series, find_tones


def measured(sound):
    return measure_waveform(without_rumble(sound))


def test_four_fine_bands_make_a_third_octave_around_its_nominal_centre():
    assert FINE_EDGES_HZ[::4] == pytest.approx(THIRD_EDGES_HZ)
    centres = np.sqrt(THIRD_EDGES_HZ[:-1] * THIRD_EDGES_HZ[1:])
    assert centres == pytest.approx(NOMINAL_HZ, rel=0.02)
    assert centres[NOMINAL_HZ.index(1000)] == pytest.approx(1000)


def test_a_full_scale_sine_has_minus_three_decibels_in_its_band_and_the_bands_add_up():
    time = np.arange(10 * RATE) / RATE
    spectrum = measure_spectrum(Waveform(np.sin(2 * np.pi * 1000 * time).astype(np.float32), RATE))
    powers = spectrum.powers(THIRD_EDGES_HZ)
    assert decibels(powers)[NOMINAL_HZ.index(1000)] == pytest.approx(-3.01, abs=0.02)
    assert powers.sum() == pytest.approx(0.5, rel=0.01)


def test_pink_noise_is_level_in_third_octaves_and_white_noise_rises_by_three_decibels():
    assert tilt_db_per_octave(measure_spectrum(pink(20))) == pytest.approx(0, abs=0.2)
    white = rng_for(1, "white", "test").normal(0, 0.1, 20 * RATE).astype(np.float32)
    assert tilt_db_per_octave(measure_spectrum(Waveform(white, RATE))) == pytest.approx(3.01, abs=0.2)


@pytest.mark.parametrize(("hz", "amplitude"), [(50.03, 0.1), (437.77, 0.01), (3123.4, 0.003)])
def test_a_tone_in_noise_is_found_within_a_tenth_of_a_per_cent_with_its_level(hz, amplitude):
    noise = pink(15, rms=0.01)
    time = np.arange(len(noise.samples)) / RATE
    sound = noise.samples + amplitude * np.sin(2 * np.pi * hz * time)
    (tone,) = find_tones(measure_spectrum(Waveform(sound.astype(np.float32), RATE)))
    assert tone.hz == pytest.approx(hz, rel=1e-3)
    assert decibels(tone.power) == pytest.approx(20 * np.log10(amplitude / np.sqrt(2)), abs=0.5)


def test_a_hum_with_missing_multiples_has_its_fundamental():
    noise = pink(15, rms=0.003)
    time = np.arange(len(noise.samples)) / RATE
    sound = noise.samples + sum(0.01 * np.sin(2 * np.pi * 50 * k * time) for k in (1, 3, 4, 5, 7, 8))
    spectrum = measure_spectrum(Waveform(sound.astype(np.float32), RATE))
    series = find_series(find_tones(spectrum), spectrum.step_hz)
    assert series.hz == pytest.approx(50, rel=1e-3)
    assert series.numbers == (1, 3, 4, 5, 7, 8)


@pytest.mark.parametrize("seconds", [10, 30])
def test_a_scanner_has_its_tones_its_period_its_jitter_and_its_duty_cycle(seconds):
    profile = measured(scanner(seconds))
    assert profile.series.fundamental_hz == pytest.approx(FUNDAMENTAL_HZ, rel=1e-3)
    assert profile.series.multiples == tuple(range(1, TONES + 1))
    assert [tone.hz for tone in profile.tones] == pytest.approx([FUNDAMENTAL_HZ * k for k in range(1, TONES + 1)], 1e-3)
    fall = np.diff([tone.dbfs for tone in profile.tones])
    assert fall == pytest.approx(-1.5, abs=0.4)
    assert profile.repetition.period_s == pytest.approx(PERIOD_S, rel=0.02)
    assert profile.repetition.jitter == pytest.approx(0.05, abs=0.02)
    assert profile.repetition.duty_cycle == pytest.approx(0.7, abs=0.04)
    assert profile.impulses is None
    assert profile.swell is None


@pytest.mark.parametrize(("period_s", "jitter", "duty"), [(0.05, 0.0, 0.5), (0.4, 0.02, 0.3), (2.0, 0.01, 0.4)])
def test_quick_and_slow_machines_have_their_periods(period_s, jitter, duty):
    frames = make_frames(scanner(30, period_s=period_s, jitter=jitter, duty=duty, fundamental_hz=440, n_tones=5))
    found = find_period(frames)
    assert found.period_s == pytest.approx(period_s, rel=0.02)
    assert track_cycles(frames, found.period_s).duty_cycle == pytest.approx(duty, abs=0.08)


@pytest.mark.parametrize("seed", range(12))
def test_pink_noise_has_no_tones_no_repetition_no_impulses_and_no_reverberation(seed):
    profile = measured(pink(10 if seed % 2 else 30, seed=seed))
    assert profile.tones == ()
    assert profile.repetition is None
    assert profile.impulses is None
    assert profile.swell is None
    assert profile.reverberation.decay_time_s is None
    assert profile.reverberation.reason
    assert profile.level.kurtosis == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("seed", range(6))
def test_noise_that_wanders_without_a_period_has_no_repetition(seed):
    noise = pink(30, seed=seed)
    walk = rng_for(seed, "walk", "test").standard_normal(32 * 2)
    level_db = 5 * np.interp(np.arange(len(noise.samples)) / RATE, np.arange(64) / 2, walk)
    profile = measured(Waveform((noise.samples * 10 ** (level_db / 20)).astype(np.float32) * 0.2, RATE))
    assert profile.repetition is None
    assert profile.swell.deviation_db == pytest.approx(np.std(level_db), rel=0.35)
    assert profile.swell.together > 0.8


def test_bangs_are_counted_and_the_room_that_they_die_away_in_is_heard():
    frames = make_frames(banging(decay_s=0.5))
    found = find_impulses(frames, usual_power(frames, None, None))
    assert len(found.times_s) == 24
    decay = blind_decay_time(frames)
    assert decay.decay_time_s == pytest.approx(0.5, rel=0.1)
    assert decay.n_decays >= 15
    assert decay.reason is None


def test_a_longer_reverberation_is_measured_as_longer():
    times = [blind_decay_time(make_frames(banging(decay_s=decay_s))).decay_time_s for decay_s in (0.25, 0.5, 1.0)]
    assert times == pytest.approx([0.25, 0.5, 1.0], rel=0.15)


def test_levels_scale_with_gain_and_nothing_else_moves():
    loud = scanner(10)
    quiet = Waveform(loud.samples * np.float32(0.1), RATE)
    a, b = measured(loud), measured(quiet)
    assert b.level.dbfs == pytest.approx(a.level.dbfs - 20, abs=0.02)
    assert np.array(b.bands.noise_dbfs) == pytest.approx(np.array(a.bands.noise_dbfs) - 20, abs=0.1)
    assert b.repetition.period_s == a.repetition.period_s
    assert [tone.hz for tone in b.tones] == pytest.approx([tone.hz for tone in a.tones], abs=0.01)
