"""Noise that is made: its spectrum, its level, and that it belongs to the utterance and nothing else."""

import itertools
import multiprocessing

import numpy as np
import pytest
from stress_noises import RATE, measured_snr_db, speech

from asrfair.audio import rms_dbfs
from asrfair.errors import AudioError, ConfigError
from asrfair.records import Condition
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Scene, load_environment
from asrfair.stress.steps.coloured import Coloured
from asrfair.stress.steps.tonal import Tonal

MACHINE = {"fundamental_hz": 172.0, "harmonics": 5, "repetition_hz": 6.0, "duty_cycle": 0.7, "jitter": 0.05}
SLOPES = {"white": 0.0, "pink": -3.01, "brown": -6.02, "blue": 3.01, "violet": 6.02}


def octave_levels(samples, rate, lowest):
    """Power density in octave bands from `lowest` Hz on, dB."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate)
    edges = itertools.pairwise(lowest * 2.0 ** np.arange(12))
    return np.array([10 * np.log10(power[(hz >= a) & (hz < b)].mean()) for a, b in edges if b <= rate / 2])


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("colour", sorted(SLOPES))
def test_a_colour_falls_or_rises_by_its_slope_in_every_octave(colour, rate):
    noise = Coloured(snr_db=0, colour=colour).sound(30 * rate, rate, rng_for(1, "u", "c"), Scene("u"))
    assert np.diff(octave_levels(noise, rate, 31.25)) == pytest.approx(SLOPES[colour], abs=0.5)


def test_a_slope_of_ones_own_is_kept_too():
    noise = Coloured(snr_db=0, slope_db_per_octave=-4.5).sound(30 * RATE, RATE, rng_for(1, "u", "c"), Scene("u"))
    assert np.diff(octave_levels(noise, RATE, 62.5)) == pytest.approx(-4.5, abs=0.5)


def test_noise_of_a_band_has_nothing_outside_it():
    pool = Coloured(snr_db=0, colour="pink", low_hz=300, high_hz=3400).pool(RATE, rng_for(1, "p", "t"))
    power = np.abs(np.fft.rfft(pool.astype(float))) ** 2
    hz = np.fft.rfftfreq(len(pool), 1 / RATE)
    outside = (hz < 299.9) | (hz > 3400.1)
    assert power[outside].sum() < 1e-10 * power.sum()
    with pytest.raises(AudioError, match="5000 Hz"):
        Coloured(snr_db=0, colour="white", low_hz=5000).sound(100, 8000, rng_for(1, "p", "t"), Scene("u"))


def test_brown_noise_is_not_spent_on_what_nobody_hears():
    pool = Coloured(snr_db=0, colour="brown").pool(RATE, rng_for(1, "p", "t"))
    power = np.abs(np.fft.rfft(pool.astype(float))) ** 2
    assert power[np.fft.rfftfreq(len(pool), 1 / RATE) < 19.9].sum() < 1e-9 * power.sum()


def test_coloured_noise_is_gaussian_and_goes_round_without_a_seam():
    pool = Coloured(snr_db=0, colour="white").pool(RATE, rng_for(1, "p", "t")).astype(float)
    assert np.mean(pool**4) / np.mean(pool**2) ** 2 == pytest.approx(3, abs=0.03)
    smooth = Coloured(snr_db=0, colour="brown", high_hz=200).pool(RATE, rng_for(1, "p", "t")).astype(float)
    steps = np.abs(np.diff(smooth, append=smooth[0]))
    assert steps[-1] <= steps[:-1].max()


NOISES = {
    "pink": Coloured(snr_db=5, colour="pink"),
    "brown": Coloured(snr_db=5, colour="brown"),
    "machine": Tonal(snr_db=5, **MACHINE),
}


@pytest.mark.parametrize("pauses", [0.0, 0.5])
@pytest.mark.parametrize("noise", sorted(NOISES))
def test_a_mix_at_5_db_measures_5_db_over_active_speech(noise, pauses):
    clean, scene = speech(4, pauses=pauses), Scene("u")
    mixed = NOISES[noise].apply(clean, rng_for(1, "u", "c"), scene)
    assert measured_snr_db(clean, mixed) == pytest.approx(5.0, abs=0.2)
    assert scene.mixed[0].snr_db == pytest.approx(5.0, abs=0.02)


def all_noises(folder, names):
    """The bytes of every noise for some utterances, in this order, from banks of their own."""
    banks, sounds = Banks(folder), {}
    for name, (kind, step) in itertools.product(names, NOISES.items()):
        sound = step.apply(speech(0.5), rng_for(7, name, "c@5dB"), Scene(name, seed=7, banks=banks))
        sounds[name, kind] = sound.samples.tobytes()
    return sounds


def test_the_same_seed_is_the_same_audio_in_any_order_with_any_banks_and_in_another_process(tmp_path):
    wanted = all_noises(None, ["u1", "u2", "u3"])
    assert all_noises(None, ["u2"]).items() <= wanted.items()
    assert all_noises(tmp_path / "banks", ["u3", "u1", "u2"]) == wanted
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        apart = pool.starmap(all_noises, [(tmp_path / "others", ["u3", "u2"]), (tmp_path / "others", ["u1"])])
    assert apart[0] | apart[1] == wanted
    assert len(set(wanted.values())) == len(wanted)


def test_another_seed_is_another_noise():
    for step in NOISES.values():
        taken = [step.sound(4000, RATE, rng_for(seed, "u", "c"), Scene("u", seed=seed)) for seed in (1, 2)]
        assert not np.array_equal(*taken)


HEAD = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n[[steps]]\nsnr_db = 5\n'


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('colour = "red"', "violet"),
        ("", "colour or slope_db_per_octave"),
        ('colour = "pink"\nslope_db_per_octave = 3', "not both"),
        ("slope_db_per_octave = 31", "slope_db_per_octave"),
        ("slope_db_per_octave = inf", "slope_db_per_octave"),
        ('colour = "pink"\nlow_hz = 0', "low_hz"),
        ('colour = "pink"\nlow_hz = 300\nhigh_hz = 300', "high_hz"),
    ],
)
def test_a_colour_that_cannot_be_is_refused_with_file_and_key(tmp_path, lines, says):
    path = tmp_path / "x.toml"
    path.write_text(f'{HEAD}type = "coloured"\n{lines}')
    with pytest.raises(ConfigError, match=rf"x\.toml: .*{says}"):
        load_environment(str(path))


def test_a_tone_at_1_khz_is_at_1_khz():
    for rate in (8_000, 16_000, 44_100):
        taken = Tonal(snr_db=0, fundamental_hz=1000).sound(4 * rate, rate, rng_for(1, "u", "c"), Scene("u"))
        spectrum = np.abs(np.fft.rfft(taken * np.hanning(len(taken))))
        assert np.argmax(spectrum) * rate / len(taken) == pytest.approx(1000, abs=0.26)
        assert rms_dbfs(taken) == pytest.approx(-3.01, abs=0.01)


def test_a_machine_of_any_pitch_goes_round_without_a_click_or_a_dip():
    """The seam of the pool is like any other place: neither a step in the sound nor one in its level."""
    for hz, repetition in ((172.37, 0.0), (333.33, 7.3), (1234.5, 0.37)):
        machine = Tonal(snr_db=0, fundamental_hz=hz, repetition_hz=repetition, jitter=0.1, duty_cycle=1.0)
        banks = Banks()
        machine.sound(10, RATE, rng_for(1, "u", "c"), Scene("u", banks=banks))
        (pool,) = banks._held.values()
        round_it = np.concatenate([pool[-RATE:], pool[:RATE]]).astype(float)
        assert np.abs(np.diff(round_it)).max() <= 2 * np.pi * hz / RATE * 1.02
        if not repetition:
            levels = [rms_dbfs(round_it[start : start + 400]) for start in range(0, len(round_it) - 400, 100)]
            assert max(levels) - min(levels) < 0.5
        assert len(pool) / RATE == pytest.approx(60, abs=0.5 / (repetition or 1) + 1e-9)


def pulse_starts(machine, seconds=60.0):
    on = machine.pulses(round(seconds * RATE), RATE, rng_for(3, "p", "t")) > 0
    return np.flatnonzero(np.diff(on.astype(int)) == 1) / RATE, on.mean()


@pytest.mark.parametrize("duty_cycle", [0.2, 0.5, 0.8])
def test_a_machine_sounds_for_its_share_of_the_time(duty_cycle):
    _, share = pulse_starts(Tonal(snr_db=0, fundamental_hz=100, repetition_hz=5, duty_cycle=duty_cycle, jitter=0.03))
    assert share == pytest.approx(duty_cycle, abs=0.02)


@pytest.mark.parametrize("jitter", [0.0, 0.02, 0.1])
def test_pulses_come_at_their_rate_and_are_as_irregular_as_was_said(jitter):
    machine = Tonal(snr_db=0, fundamental_hz=100, repetition_hz=8, duty_cycle=0.4, jitter=jitter)
    starts, _ = pulse_starts(machine)
    gaps = np.diff(starts)
    assert len(starts) == pytest.approx(8 * 60, abs=1)
    assert gaps.mean() == pytest.approx(1 / 8, rel=0.01)
    assert gaps.std() == pytest.approx(jitter / 8, rel=0.15, abs=1e-4)


def test_pulses_that_come_too_early_do_not_click():
    """A jitter of 30 % at a duty cycle of 1: a pulse fades out before the next begins."""
    machine = Tonal(snr_db=0, fundamental_hz=100, repetition_hz=10, duty_cycle=1.0, jitter=0.3)
    envelope = machine.pulses(10 * RATE, RATE, rng_for(1, "p", "t"))
    assert np.abs(np.diff(envelope, append=envelope[0])).max() <= 1 / (0.004 * RATE) + 1e-9
    assert envelope.max() == 1.0


def test_pulses_slower_than_one_a_minute_are_refused():
    with pytest.raises(ValueError, match="repetition_hz"):
        Tonal(snr_db=0, fundamental_hz=100, repetition_hz=0.01)


def test_harmonics_fall_by_the_rolloff_also_in_the_pool():
    machine = Tonal(snr_db=0, fundamental_hz=250, harmonics=4, rolloff_db=6)
    taken = machine.sound(RATE, RATE, rng_for(1, "u", "c"), Scene("u"))
    spectrum = np.abs(np.fft.rfft(taken))
    levels = 20 * np.log10(spectrum[[250, 500, 750, 1000]] / spectrum[250])
    assert levels == pytest.approx([0, -6, -12, -18], abs=0.01)


VOICES_NEEDED = {"babble", "drive-through", "open-office"}
MINE = ("scanner", "ventilator", "compressor", "pink-noise", "machine-hum")


@pytest.mark.parametrize("name", MINE)
def test_an_environment_is_as_loud_as_its_level_says_and_noise_before_it_hardly_counts(name):
    """What is swept is the last step, set against speech that the quiet steps before it have hardly changed."""
    environment, clean = load_environment(name), speech(4, pauses=0.4)
    scene = Scene("u1")
    heard = environment.apply(clean, Condition(name, "5dB"), "u1", scene)
    assert scene.mixed[-1].snr_asked_db == 5
    assert measured_snr_db(clean, heard) == pytest.approx(5, abs=0.2)


def test_noise_of_the_environments_that_need_voices_is_loaded_without_any():
    for name in sorted(VOICES_NEEDED):
        with pytest.raises(AudioError, match="other speakers"):
            load_environment(name).apply(speech(0.5), Condition(name, "5dB"), "u1")


def test_a_machine_that_sounds_once_in_a_minute_is_heard_by_every_utterance_however_short():
    """A chance of 1 in 30 a draw: speakers of short utterances must not be those who fail."""
    machine, banks, clean = (
        Tonal(snr_db=5, fundamental_hz=100, repetition_hz=1 / 60, duty_cycle=0.02),
        Banks(),
        speech(1),
    )
    for number in range(40):
        scene = Scene(f"u{number}", banks=banks)
        mixed = machine.apply(clean, rng_for(1, f"u{number}", "c"), scene)
        assert measured_snr_db(clean, mixed) == pytest.approx(5, abs=0.2)
        assert scene.mixed[0].snr_db == pytest.approx(5, abs=0.05)


def test_no_samples_have_no_noise():
    with pytest.raises(AudioError, match="silent"):
        Tonal(snr_db=5, fundamental_hz=100).sound(0, RATE, rng_for(1, "u", "c"), Scene("u"))
