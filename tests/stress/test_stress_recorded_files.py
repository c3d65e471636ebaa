"""A recording of one's own as an environment: what is refused when it is loaded, and what its digest follows."""

import numpy as np
import pytest
import soundfile
from stress_noises import RATE, measured_snr_db, noise, speech, written

from asrfair.errors import ConfigError, InputError
from asrfair.records import Condition, Waveform
from asrfair.stress import load_environment

HEAD = """\
schema_version = 1
name = "room"
version = "1"
description = "d"
source = "s"
level_unit = "dB"
levels = [5]

[[steps]]
type = "recorded"
snr_db = "level"
"""


def environment(tmp_path, lines):
    path = tmp_path / "room.toml"
    path.write_text(HEAD + lines)
    return str(path)


def faulty(folder, kind):
    """A file that cannot be noise."""
    path = folder / f"{kind}.wav"
    if kind == "silent":
        written(path, np.zeros(RATE, dtype=np.float32))
    elif kind == "offset":
        written(path, np.full(RATE, 0.3, dtype=np.float32))
    elif kind == "single":
        written(path, np.full(1, 0.3, dtype=np.float32))
    elif kind == "nan":
        soundfile.write(path, np.array([0.1, np.nan, 0.1]), RATE, subtype="FLOAT")
    elif kind == "text":
        path.write_text("no audio")
    elif kind == "empty":
        path.write_bytes(b"")
    return path.name


@pytest.mark.parametrize("kind", ["missing", "silent", "offset", "single", "nan", "text", "empty"])
def test_a_file_that_cannot_be_noise_is_refused_when_the_environment_is_loaded(tmp_path, kind):
    written(tmp_path / "fine.wav", noise(1))
    lines = f'files = ["fine.wav", "{faulty(tmp_path, kind)}"]'
    with pytest.raises(ConfigError, match=rf"room\.toml: \[\[steps\]\] number 1: files: .*{kind}\.wav"):
        load_environment(environment(tmp_path, lines))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("files = []", "files"),
        ("", "files"),
        ('files = "fine.wav"', "files"),
        ('files = ["fine.wav"]\nhighpass_hz = 0', "highpass_hz"),
        ('files = ["fine.wav"]\nhighpass_hz = nan', "highpass_hz"),
        ('files = ["fine.wav"]\nhighpass_hz = 30000', "highpass_hz"),
        ('files = ["fine.wav"]\npiece_s = 3', "piece_s"),
    ],
)
def test_keys_that_cannot_be_worked_with_are_refused_by_name(tmp_path, lines, says):
    written(tmp_path / "fine.wav", noise(1))
    with pytest.raises(ConfigError, match=rf"room\.toml: .*{says}"):
        load_environment(environment(tmp_path, lines))


def test_an_environment_of_ones_own_recording_is_heard_and_follows_the_recording(tmp_path):
    written(tmp_path / "mine.ogg", noise(12, 44_100), 44_100)
    path = environment(tmp_path, 'files = ["mine.ogg"]\nhighpass_hz = 100')
    mine, clean = load_environment(path), speech()
    mixed = mine.apply(clean, Condition("room", "5dB"), "u1")
    assert measured_snr_db(clean, mixed) == pytest.approx(5, abs=0.2)
    written(tmp_path / "mine.ogg", noise(12, 44_100, seed=2), 44_100)
    assert load_environment(path).digest != mine.digest


@pytest.mark.parametrize("becomes", ["another", "gone"])
def test_a_recording_that_changes_while_it_is_in_use_is_refused_until_it_is_back(tmp_path, becomes):
    path = tmp_path / "fine.wav"
    written(path, noise(1))
    room, said = load_environment(environment(tmp_path, 'files = ["fine.wav"]')), Waveform(noise(2), RATE)
    before, condition = path.read_bytes(), Condition(room.name, "5dB", 0)
    heard = room.apply(said, condition, "u").samples
    if becomes == "gone":
        path.unlink()
    else:
        written(path, noise(3))
    with pytest.raises(InputError, match=r"fine\.wav has changed or gone"):
        room.apply(said, condition, "u")
    path.write_bytes(before)
    assert np.array_equal(room.apply(said, condition, "u").samples, heard)


def test_a_name_that_no_file_can_have_is_refused_when_the_environment_is_loaded(tmp_path):
    with pytest.raises(ConfigError, match=r"room\.toml: \[\[steps\]\] number 1: files: .*null"):
        load_environment(environment(tmp_path, 'files = ["a\\u0000.wav"]'))
