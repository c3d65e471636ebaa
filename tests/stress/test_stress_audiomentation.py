"""audiomentations under seeds of our own: the same for the same utterance, and nothing else in the process is moved."""

# ruff: noqa: NPY002 - what becomes of the global generators is what is tested

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from stress_noises import RATE, speech

from asrfair.errors import AudioError, ConfigError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, load_environment
from asrfair.stress.steps.audiomentation import Audiomentation

pytest.importorskip("audiomentations")

HEAD = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'
STEPS = {
    "AddGaussianSNR": {"min_snr_db": 5.0, "max_snr_db": 15.0},
    "SevenBandParametricEQ": {},
    "AddColorNoise": {},
    "TanhDistortion": {},
    "TimeMask": {},
    "BitCrush": {},
}


def environment(tmp_path, lines, head=HEAD):
    path = tmp_path / "x.toml"
    path.write_text(f'{head}[[steps]]\ntype = "audiomentation"\n{lines}')
    return load_environment(str(path))


def heard(name, step):
    return step.apply(speech(0.5), rng_for(1, name, "c"), Scene(name)).samples.tobytes()


@pytest.mark.parametrize("transform", sorted(STEPS))
def test_the_same_utterance_is_heard_the_same_in_any_order_and_from_any_thread(transform):
    step = Audiomentation(transform=transform, parameters=STEPS[transform])
    names = [f"u{number}" for number in range(6)]
    wanted = [heard(name, step) for name in names]
    random.seed(5)  # Whatever else the process does with the global generators.
    assert [heard(name, step) for name in reversed(names)] == wanted[::-1]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda name: heard(name, step), names)) == wanted
    assert len(set(wanted)) > 1


def test_the_global_generators_are_as_they_were_also_after_an_error():
    noisy = Audiomentation(transform="AddGaussianNoise")
    equalizer = Audiomentation(transform="SevenBandParametricEQ")
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    heard("u", noisy)
    with pytest.raises(AudioError, match="audiomentations SevenBandParametricEQ: "):
        equalizer.apply(Waveform(np.ones(2000, dtype=np.float32), 1000), rng_for(1, "u", "c"), Scene("u"))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_transform_is_always_applied_whatever_probability_is_given(tmp_path):
    for p in ("", "p = 0.0"):
        flipped = environment(tmp_path, f'transform = "PolarityInversion"\n[steps.parameters]\n{p}')
        clean = speech(0.2)
        for name in ("u1", "u2", "u3"):
            assert np.array_equal(flipped.apply(clean, Condition("x"), name).samples, -clean.samples)


def test_parameters_do_what_they_say(tmp_path):
    """6 dB less is half; a low-pass at 500 Hz kills a tone at 4 kHz."""
    quiet = environment(tmp_path, 'transform = "Gain"\nparameters = { min_gain_db = -6.0206, max_gain_db = -6.0206 }')
    clean = speech(0.2)
    assert quiet.apply(clean, Condition("x"), "u").samples == pytest.approx(clean.samples / 2, abs=1e-6)
    low = environment(
        tmp_path,
        'transform = "LowPassFilter"\n'
        "parameters = { min_cutoff_freq = 500, max_cutoff_freq = 500, min_rolloff = 24, max_rolloff = 24 }",
    )
    tone = Waveform((0.5 * np.sin(2 * np.pi * 4000 * np.arange(RATE) / RATE)).astype(np.float32), RATE)
    assert np.abs(low.apply(tone, Condition("x"), "u").samples[2000:]).max() < 0.005


def test_the_level_of_the_condition_can_be_put_into_parameters(tmp_path):
    swept = environment(
        tmp_path,
        'transform = "Gain"\nlevel = "level"\nlevel_parameters = ["min_gain_db", "max_gain_db"]\n',
        HEAD + 'level_unit = "dB"\nlevels = [-20, 0]\n',
    )
    clean = speech(0.2)
    assert np.array_equal(swept.apply(clean, Condition("x", "0dB"), "u").samples, clean.samples)
    assert swept.apply(clean, Condition("x", "-20dB"), "u").samples == pytest.approx(clean.samples / 10, abs=1e-6)


def test_what_is_too_loud_is_turned_down_as_a_whole_and_told():
    step = Audiomentation(transform="Gain", parameters={"min_gain_db": 60.0, "max_gain_db": 60.0})
    clean, scene = speech(0.2), Scene("u")
    loud = step.apply(clean, rng_for(1, "u", "c"), scene)
    peak = np.abs(clean.samples).max()
    assert np.abs(loud.samples).max() == pytest.approx(1.0, abs=2e-7)
    assert loud.samples == pytest.approx(clean.samples / peak, abs=1e-5)
    assert scene.gain_db == pytest.approx(-60 - 20 * np.log10(peak), abs=0.01)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('transform = "Louder"', r"Louder.*AddGaussianSNR, .*AirAbsorption"),
        ('transform = "AddBackgroundNoise"', "must be one of"),
        ('transform = "Compose"', "must be one of"),
        ('transform = "Resample"', "must be one of"),
        ('transform = "Gain"\nparameters = { louder = 3 }', "louder.*min_gain_db, max_gain_db"),
        ('transform = "Gain"\nparameters = { min_gain_db = 3.0, max_gain_db = -3.0 }', "Gain"),
        ('transform = "AddGaussianSNR"\nparameters = { min_snr_db = "loud" }', "AddGaussianSNR"),
        ('transform = "RoomSimulator"', "another library|same for the same seed"),
        ('transform = "Gain"\nlevel = 3.0', "together"),
        ('transform = "Gain"\nprobability = 1', "probability"),
        ("parameters = {}", "transform"),
    ],
)
def test_what_audiomentations_cannot_do_is_refused_when_the_environment_is_loaded(tmp_path, lines, says):
    with pytest.raises(ConfigError, match=rf"(?s)x\.toml: .*{says}"):
        environment(tmp_path, lines)


def test_without_the_library_the_extra_is_named(tmp_path):
    """In a process of its own, where the library cannot be imported."""
    path = tmp_path / "x.toml"
    path.write_text(f'{HEAD}[[steps]]\ntype = "audiomentation"\ntransform = "Gain"\n')
    code = (
        "import sys; sys.modules['audiomentations'] = None\n"
        "from asrfair.errors import InputError, MissingExtraError\n"
        "from asrfair.stress import load_environment\n"
        "from asrfair.stress.steps.audiomentation import Audiomentation\n"
        "try: Audiomentation(transform='Gain')\n"
        "except MissingExtraError as error: print(error.extra)\n"
        f"try: load_environment({str(path)!r})\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "stress"
    assert "pip install 'asrfair[stress]'" in done.stdout.splitlines()[1]
