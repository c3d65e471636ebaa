"""Recordings are refused or warned of by name, and a profile is an environment that loads and mixes as it says."""

import tomllib

import msgspec
import numpy as np
import pytest
import soundfile
from rooms import RATE, pink, scanner

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.errors import ConfigError, InputError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, load_environment
from asrfair.stress.lab.environment_file import environment_toml, recorded_toml, room_name
from asrfair.stress.lab.measure import measure
from asrfair.stress.lab.profile import Profile
from asrfair.stress.lab.recording import clipped_share, read_recordings


def written(path, samples, rate=RATE, subtype="FLOAT"):
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.fixture(scope="module")
def environment_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("room")
    profile = measure(read_recordings([written(folder / "scan room.wav", scanner(12).samples)]))
    path = folder / "scan-room.toml"
    path.write_text(environment_toml(profile, "scan-room", "0"), encoding="utf-8")
    return path, profile


def speech(seconds=3.0):
    rng = rng_for(1, "speech", "test")
    n = round(seconds * RATE)
    samples = rng.normal(0, 0.08, n) * np.repeat(rng.uniform(0.2, 1.0, n // 800 + 1), 800)[:n]
    samples[n // 2 : n // 2 + n // 5] = 0
    return Waveform(samples.astype(np.float32), RATE)


def test_the_file_holds_the_whole_profile_and_nothing_of_where_the_recording_lay(environment_file):
    path, profile = environment_file
    text = path.read_text(encoding="utf-8")
    content = tomllib.loads(text)
    assert msgspec.convert(content["steps"][0]["profile"], Profile) == profile
    assert str(path.parent) not in text
    assert profile.recordings[0].file == "scan room.wav"
    assert profile.recordings[0].sha256 in content["source"]
    assert max(map(len, text.splitlines()[12:])) < 200


@pytest.mark.parametrize("level", ["5dB", "-3dB"])
def test_the_environment_loads_and_mixes_at_the_level_it_names(environment_file, level):
    environment = load_environment(str(environment_file[0]))
    assert environment.levels == ("20dB", "15dB", "10dB", "5dB", "0dB")
    clean, scene = speech(), Scene("u1")
    heard = environment.apply(speech(), Condition("scan-room", level), "u1", scene)
    kept = 10 ** (scene.gain_db / 20)
    noise = heard.samples - np.float32(kept) * clean.samples
    measured = active_speech_level(clean).level_dbfs + scene.gain_db - rms_dbfs(noise)
    assert measured == pytest.approx(float(level.removesuffix("dB")), abs=0.2)
    again = environment.apply(speech(), Condition("scan-room", level), "u1")
    assert np.array_equal(heard.samples, again.samples)
    other = environment.apply(speech(), Condition("scan-room", level), "u2")
    assert not np.array_equal(heard.samples, other.samples)


def test_the_environment_works_at_telephone_rate(environment_file):
    environment = load_environment(str(environment_file[0]))
    narrow = Waveform(speech().samples[::2].copy(), 8_000)
    scene = Scene("u1")
    environment.apply(narrow, Condition("scan-room", "5dB"), "u1", scene)
    assert scene.mixed[0].snr_db == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("period_s = ", "period = ", "period"),
        ("duty_cycle = ", "shape = 1\nduty_cycle = ", "shape"),
        ("jitter = 0.", "jitter = 7.", "jitter must be"),
        ("highest_hz = 8000.0", "highest_hz = nan", "highest_hz must be finite"),
        ("highest_hz = 8000.0", "highest_hz = -1.0", "highest_hz must be positive"),
        ("500 = [", "501 = [", "octaves"),
        ("250 = [", "250 = [ 1.0,", "one length"),
        ("hz = 172.0", "hz = -172.0", "hz must be positive"),
        ("noise_dbfs = [", "noise_dbfs = [ 1e9,", "noise_dbfs must be"),
        ("[steps.profile]\nschema_version = 1", "[steps.profile]\nschema_version = 2", "schema_version must be 1"),
    ],
)
def test_a_profile_that_was_edited_into_nonsense_is_refused_with_its_key(environment_file, tmp_path, old, new, says):
    text = environment_file[0].read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "x.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_environment(str(path))


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(5 * RATE), "silent"),
        (np.full(5 * RATE, 0.25), "silent"),
        (np.full(5 * RATE, np.nan), "not numbers"),
        (pink(1.5).samples, "1.50 s; a profile needs 2 s"),
        (np.zeros(0), "x.wav"),
    ],
)
def test_a_recording_that_holds_no_room_is_refused_by_name(tmp_path, samples, says):
    path = written(tmp_path / "x.wav", samples)
    with pytest.raises(InputError, match=says) as refused:
        read_recordings([path])
    assert "x.wav" in str(refused.value)


def test_no_file_a_missing_one_and_the_same_one_twice_are_refused(tmp_path):
    path = written(tmp_path / "x.wav", pink(3).samples)
    for paths, says in (([], "no recording"), ([tmp_path / "y.wav"], "missing"), ([path, path], "twice")):
        with pytest.raises(InputError, match=says):
            read_recordings(paths)


def test_sway_below_hearing_is_no_room(tmp_path):
    time = np.arange(16 * RATE) / RATE
    path = written(tmp_path / "sway.wav", 0.5 * np.sin(2 * np.pi * 0.25 * time))
    profile = measure(read_recordings([path]))
    assert profile.level.dbfs < -80


def test_a_clipped_recording_is_measured_with_a_warning_that_says_how_much(tmp_path):
    loud = np.clip(pink(12).samples * 12, -0.8, 0.8)
    profile = measure(read_recordings([written(tmp_path / "loud.wav", loud)]))
    share = clipped_share(loud)
    at_peak = np.mean(np.abs(loud) >= 0.8)
    assert at_peak / 2 < share < at_peak  # One or two samples at the peak may be a crest of their own.
    assert profile.level.clipped_share == pytest.approx(share, abs=1e-6)
    assert any("loud.wav" in warning and "clipped" in warning for warning in profile.warnings)
    assert measure(read_recordings([written(tmp_path / "fine.wav", pink(12).samples)])).warnings == ()


def test_recordings_of_two_rates_are_one_room_at_the_lower_rate(tmp_path):
    wide = written(tmp_path / "a.wav", pink(8, rate=32_000, seed=1).samples, 32_000)
    narrow = written(tmp_path / "b.flac", pink(8, seed=2).samples, subtype="PCM_16")
    profile = measure(read_recordings([wide, narrow]))
    assert profile.bands.highest_hz == 8000
    assert [one.rate_hz for one in profile.recordings] == [32_000, RATE]
    assert any("joined at 16000" in warning for warning in profile.warnings)
    assert profile.impulses is None
    assert profile.repetition is None


def test_a_name_is_one_that_an_environment_can_have():
    assert room_name(None, "  é!") == "room"
    assert room_name(None, "clean") == "clean-room"
    assert room_name("mri-3T.b", "x") == "mri-3T.b"
    for wanted in ("clean", "a b", "", "../x", "a@b"):
        with pytest.raises(InputError, match="--name"):
            room_name(wanted, "x")


def test_a_hostile_file_name_stays_text(environment_file):
    _, profile = environment_file
    source = msgspec.structs.replace(profile.recordings[0], file='a"]\n[steps]\x7f\udce9 \\.wav')
    hostile = msgspec.structs.replace(profile, recordings=(source,))
    content = tomllib.loads(environment_toml(hostile, "x", "0"))
    assert content["steps"][0]["profile"]["recordings"][0]["file"] == 'a"]\n[steps]\x7f? \\.wav'


def test_the_recorded_environment_names_its_copies(environment_file):
    content = tomllib.loads(recorded_toml(environment_file[1], "x-recorded", ["x.flac"], "0"))
    assert content["steps"] == [{"type": "recorded", "snr_db": "level", "files": ["x.flac"]}]
    assert content["levels"] == [20, 15, 10, 5, 0]
