import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.errors import ConfigError, InputError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, available_environments, load_environment, mix_at_snr, parse_condition
from asrfair.stress.steps.tonal import Tonal

RATE = 16_000


def speech(seconds=2.0, seed=1):
    """Noise in syllables, with a pause: something with an active level of its own."""
    rng = rng_for(seed, "speech", "test")
    n = round(seconds * RATE)
    syllables = np.repeat(rng.uniform(0.2, 1.0, n // 800 + 1), 800)[:n]
    samples = rng.normal(0, 0.08, n) * syllables
    samples[n // 2 : n // 2 + n // 5] = 0
    return Waveform(samples.astype(np.float32), RATE)


@settings(max_examples=25, deadline=None)
@given(st.floats(-10, 40), st.integers(0, 1000))
def test_a_mix_measures_what_it_was_mixed_at(snr_db, seed):
    clean = speech(seed=seed)
    noise = Tonal(snr_db=0, fundamental_hz=172, harmonics=5).tones(len(clean.samples), RATE, rng_for(seed, "n", "t"))
    mixed = mix_at_snr(clean, noise, snr_db)
    level = active_speech_level(clean).level_dbfs
    # The mix may be turned down as a whole, so both shares are measured.
    basis = np.stack([clean.samples.astype(float), noise], axis=1)
    (kept, added), *_ = np.linalg.lstsq(basis, mixed.samples.astype(float), rcond=None)
    measured = level + 20 * np.log10(kept) - rms_dbfs(added * noise)
    assert measured == pytest.approx(snr_db, abs=0.02)
    assert np.max(np.abs(mixed.samples)) <= 1.0


def test_noise_belongs_to_the_utterance_and_not_to_the_order_of_the_run():
    environment = load_environment("machine-hum")
    condition = Condition("machine-hum", "5dB", seed=3)
    first = [environment.apply(speech(), condition, name).samples for name in ("u1", "u2", "u3")]
    again = [environment.apply(speech(), condition, name).samples for name in ("u3", "u1", "u2")]
    assert np.array_equal(first[0], again[1])
    assert np.array_equal(first[2], again[0])
    assert not np.array_equal(first[0], first[1])
    other = environment.apply(speech(), Condition("machine-hum", "5dB", seed=4), "u1").samples
    assert not np.array_equal(first[0], other)


def test_a_machine_has_its_tones_and_its_pulses():
    machine = Tonal(snr_db=0, fundamental_hz=200, harmonics=3, rolloff_db=6, repetition_hz=5, duty_cycle=0.5)
    n = 2 * RATE
    spectrum = np.abs(np.fft.rfft(machine.tones(n, RATE, rng_for(1, "t", "t"))))
    peaks = np.sort(np.argsort(spectrum)[-3:]) * RATE / n
    assert peaks == pytest.approx([200, 400, 600])
    assert spectrum[400 * 2] / spectrum[200 * 2] == pytest.approx(10 ** (-6 / 20), rel=1e-6)
    on = machine.pulses(n, RATE, rng_for(1, "p", "t")) > 0.5
    assert on.mean() == pytest.approx(0.5, abs=0.03)
    assert np.count_nonzero(np.diff(on.astype(int)) == 1) == pytest.approx(10, abs=1)


def test_the_environments_that_come_with_asrfair_load_and_name_their_levels():
    assert "machine-hum" in available_environments()
    for name in available_environments():
        environment = load_environment(name)
        assert environment.name == name
        assert environment.description
        assert environment.source


@pytest.mark.parametrize("text", ["clean", "machine-hum@5dB", "machine-hum@5", "machine-hum@-2.5dB"])
def test_a_condition_is_clean_or_an_environment_at_a_level(text):
    condition, environment = parse_condition(text, 0)
    assert (environment is None) == (text == "clean")
    assert condition.condition_id in {"clean", "machine-hum@5dB", "machine-hum@-2.5dB"}


@pytest.mark.parametrize(
    ("text", "says"),
    [("no-such-room@5dB", "machine-hum"), ("machine-hum", "@20dB"), ("machine-hum@loud", "not a level")],
)
def test_a_condition_that_cannot_be_is_refused_with_those_that_can(text, says):
    with pytest.raises(InputError, match=says):
        parse_condition(text, 0)


HEAD = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD, "steps"),
        (HEAD + '[[steps]]\ntype = "nonsense"\n', "tonal"),
        (HEAD + '[[steps]]\ntype = "tonal"\nsnr_db = 5\nfundamental = 100\n', "fundamental"),
        (HEAD + '[[steps]]\ntype = "tonal"\nsnr_db = 5\nfundamental_hz = -1\n', "positive"),
        (HEAD + 'colour = "red"\n[[steps]]\ntype = "tonal"\nsnr_db = 5\nfundamental_hz = 100\n', "colour"),
    ],
)
def test_a_faulty_environment_is_refused_with_file_and_key(tmp_path, text, says):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        load_environment(str(path))


def test_a_second_noise_is_set_against_the_speech_and_not_against_the_first(tmp_path):
    """Two noises at 5 dB each: each 5 dB below the speech, also where the first made the mix clip."""
    path = tmp_path / "two.toml"
    steps = "".join(
        f'[[steps]]\ntype = "tonal"\nsnr_db = {snr_db}\nfundamental_hz = {hz}\n'
        for snr_db, hz in ((-10, 300), (5, 1000))
    )
    path.write_text(f'schema_version = 1\nname = "two"\nversion = "1"\ndescription = "d"\nsource = "s"\n{steps}')
    clip = Waveform(speech().samples * np.float32(3), RATE)
    mixed = load_environment(str(path)).apply(clip, Condition("two"), "u", scene := Scene("u"))
    time = np.arange(len(clip.samples)) / RATE
    tones = [f(2 * np.pi * hz * time) for hz in (300, 1000) for f in (np.sin, np.cos)]
    parts, *_ = np.linalg.lstsq(np.stack([clip.samples.astype(float), *tones], axis=1), mixed.samples, rcond=None)
    level = active_speech_level(clip).level_dbfs + 20 * np.log10(parts[0])
    assert scene.gain_db < 0
    for noise, asked in ((parts[1:3], -10), (parts[3:], 5)):
        assert level - 10 * np.log10(np.sum(noise**2) / 2) == pytest.approx(asked, abs=0.05)
