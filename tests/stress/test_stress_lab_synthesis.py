"""What is synthesised from a profile is the room again: at any length, at any rate, from the same seed the same."""

import functools

import numpy as np
import pytest
from rooms import RATE, banging, pink, scanner

from asrfair.audio import resample, rms_dbfs
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress.lab.bands import octave_of
from asrfair.stress.lab.match import compare
from asrfair.stress.lab.measure import measure_waveform
from asrfair.stress.lab.spectrum import without_rumble
from asrfair.stress.lab.synthesis import synthesise

ROOMS = {"scanner": lambda: scanner(30), "pink": lambda: pink(30), "bangs": lambda: banging(60.0)}


@functools.cache
def room(name):
    """A room without rumble and its profile."""
    sound = without_rumble(ROOMS[name]())
    return sound, measure_waveform(sound)


def made(profile, seconds=30.0, rate=RATE, seed=1):
    return Waveform(synthesise(profile, seconds, rate, rng_for(seed, "made", "test")), rate)


@pytest.mark.parametrize("rate", [8_000, RATE, 44_100])
@pytest.mark.parametrize("name", ["scanner", "pink"])
def test_every_band_that_matters_is_within_two_decibels_at_any_rate(name, rate):
    sound, profile = room(name)
    match = compare(resample(sound, min(rate, RATE)), made(profile, rate=rate))
    assert sum(match.relevant) >= 15
    assert abs(match.largest_db) < 2.0
    assert match.rms_db < 0.7
    assert match.modulation_rms_db < 4.0


def test_levels_and_percentiles_are_those_of_the_room():
    for name in ("scanner", "pink"):
        sound, profile = room(name)
        match = compare(sound, made(profile))
        assert rms_dbfs(made(profile).samples) == pytest.approx(profile.level.dbfs, abs=0.3)
        assert [match.l10_db, match.l50_db, match.l90_db] == pytest.approx([0, 0, 0], abs=0.5)


def test_a_room_with_bangs_is_as_quiet_between_them_and_bangs_as_often():
    sound, profile = room("bangs")
    long = made(profile, 180.0)
    match = compare(sound, long)
    assert match.l50_db == pytest.approx(0, abs=1.0)
    assert match.l90_db == pytest.approx(0, abs=1.0)
    assert abs(match.largest_db) < 3.0
    again = measure_waveform(without_rumble(long))
    assert again.impulses.per_minute == pytest.approx(profile.impulses.per_minute, rel=0.35)
    assert again.impulses.decay_s == pytest.approx(profile.impulses.decay_s, rel=0.3)


def test_the_profile_of_a_synthesis_is_the_profile():
    _, profile = room("scanner")
    again = measure_waveform(without_rumble(made(profile)))
    assert again.level.dbfs == pytest.approx(profile.level.dbfs, abs=0.3)
    assert [tone.hz for tone in again.tones] == pytest.approx([tone.hz for tone in profile.tones], rel=1e-3)
    assert [tone.dbfs for tone in again.tones] == pytest.approx([tone.dbfs for tone in profile.tones], abs=1.0)
    assert again.series.fundamental_hz == pytest.approx(profile.series.fundamental_hz, rel=1e-3)
    assert again.repetition.period_s == pytest.approx(profile.repetition.period_s, rel=0.02)
    assert again.repetition.duty_cycle == pytest.approx(profile.repetition.duty_cycle, abs=0.06)
    assert again.repetition.jitter == pytest.approx(profile.repetition.jitter, abs=0.02)
    for octave, row in profile.repetition.envelope_db.items():
        swing, swing_again = np.ptp(row), np.ptp(again.repetition.envelope_db[octave])
        assert swing_again == pytest.approx(swing, abs=max(2.0, 0.25 * swing))
    levels = np.array(profile.bands.third_octave_dbfs)
    heard = levels > levels.max() - 40
    assert np.array(again.bands.third_octave_dbfs)[heard] == pytest.approx(levels[heard], abs=1.0)


def test_the_same_generator_gives_the_same_samples_and_another_gives_others():
    _, profile = room("scanner")
    assert np.array_equal(made(profile, 3.0).samples, made(profile, 3.0).samples)
    assert not np.array_equal(made(profile, 3.0).samples, made(profile, 3.0, seed=2).samples)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 5.0, 130.0])
def test_it_is_as_long_as_wanted_and_blocks_leave_no_seam(seconds):
    _, profile = room("pink")
    sound = made(profile, seconds, rate=8_000)
    assert len(sound.samples) == round(seconds * 8_000)
    if seconds > 100:
        levels = [rms_dbfs(part) for part in np.split(sound.samples, 26)]
        assert np.ptp(levels) < 2.0


def test_nothing_is_made_up_above_half_the_rate_of_the_recording():
    sound = without_rumble(pink(10, rate=8_000))
    wide = made(measure_waveform(sound), 5.0, rate=48_000).samples
    power = np.abs(np.fft.rfft(wide)) ** 2
    hz = np.fft.rfftfreq(len(wide), 1 / 48_000)
    assert power[hz > 4_050].sum() < 1e-6 * power.sum()


def test_tones_above_half_the_rate_are_left_out_and_not_folded_down():
    sound = scanner(10, fundamental_hz=1000, n_tones=6)
    narrow = measure_waveform(without_rumble(made(measure_waveform(sound), 20.0, rate=8_000)))
    assert [tone.hz for tone in narrow.tones] == pytest.approx([1000, 2000, 3000], rel=1e-3)
    assert octave_of(3000).tolist() == 5
