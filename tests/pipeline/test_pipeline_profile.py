"""The verb profile: one recording in, an environment, a picture, a page and a sound out, with words that are true."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.append(str(Path(__file__).parents[1] / "stress"))

from rooms import RATE, pink, scanner

from asrfair.audio import read_audio
from asrfair.errors import InputError
from asrfair.pipeline.profile import profile
from asrfair.records import Waveform
from asrfair.stress import load_environment, parse_condition
from asrfair.stress.lab.match import compare
from asrfair.stress.lab.spectrum import without_rumble

KITCHEN = Path(__file__).parents[3] / "shared" / "data" / "noise" / "noise" / "kitchen.wav"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    soundfile.write(folder / "scan room.wav", scanner(12).samples, RATE, subtype="PCM_16")
    return folder, profile([folder / "scan room.wav"], out=folder / "out", seconds=15.0, with_recording=True)


def test_it_writes_what_it_says(done):
    folder, outcome = done
    kinds = (".toml", ".json", ".png", ".wav", "-recorded.toml", "-recorded.flac", ".html")
    assert {file.name for file in outcome.files} == {f"scan-room{kind}" for kind in kinds}
    assert {file.name for file in (folder / "out").iterdir()} == {file.name for file in outcome.files}
    assert (folder / "out" / "scan-room.png").read_bytes().startswith(b"\x89PNG")
    assert soundfile.info(folder / "out" / "scan-room.wav").duration == 15.0
    copy, _ = read_audio(folder / "out" / "scan-room-recorded.flac")
    original, _ = read_audio(folder / "scan room.wav")
    assert np.array_equal(copy.samples, original.samples)


def test_the_next_command_names_a_condition_that_exists(done):
    _, outcome = done
    assert outcome.command in outcome.as_text()
    (condition,) = re.findall(r"--condition (\S+@\S+)", outcome.command)
    assert parse_condition(condition, 0)[0].condition_id == "scan-room@10dB"


def test_the_words_are_those_of_the_numbers(done):
    _, outcome = done
    text = outcome.as_text()
    flowing = " ".join(text.split())
    assert "a harmonic series on 172.0" in flowing
    assert "16 multiples" in flowing
    assert "Match: near in its spectrum, near in how" in flowing
    assert str(outcome.files[0]) in text
    assert max(len(line) for line in text.split("\n\n")[0].splitlines()) <= 100
    content = json.loads(outcome.as_json())
    assert content["schema_version"] == 1
    assert content["profile"]["repetition"]["period_s"] == outcome.profile.repetition.period_s
    assert content["match"]["largest_db"] == outcome.match.largest_db


def test_the_page_needs_no_network_and_escapes_what_it_is_given(tmp_path):
    soundfile.write(tmp_path / "a<script>.wav", pink(3).samples, RATE)
    outcome = profile([tmp_path / "a<script>.wav"], out=tmp_path / "out", seconds=3.0)
    page = outcome.files[-1].read_text(encoding="utf-8")
    assert "a&lt;script&gt;.wav" in page
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)
    assert "Mind: " in outcome.as_text()


def test_the_same_recording_gives_the_same_bytes(done, tmp_path):
    folder, outcome = done
    again = profile([folder / "scan room.wav"], out=tmp_path, seconds=15.0, with_recording=True)
    for one, two in zip(outcome.files, again.files, strict=True):
        if one.suffix == ".html":  # Its command names the folder.
            assert one.read_text().replace(str(folder / "out"), "") == two.read_text().replace(str(tmp_path), "")
        else:
            assert one.read_bytes() == two.read_bytes(), one.name


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"seconds": 0.5}, "--seconds"),
        ({"rate_hz": 10}, "--rate"),
        ({"name": "a b"}, "--name"),
        ({"name": "a" * 81}, "--name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(done, tmp_path, options, says):
    with pytest.raises(InputError, match=says):
        profile([done[0] / "scan room.wav"], out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_recording_with_a_long_name_makes_an_environment_that_loads(done, tmp_path):
    recording = tmp_path / f"{'long ' * 45}.wav"
    recording.write_bytes((done[0] / "scan room.wav").read_bytes())
    outcome = profile([recording], out=tmp_path / "out", seconds=2.0, with_recording=True, synthesise_wav=False)
    for file in outcome.files:
        if file.suffix == ".toml":
            assert load_environment(str(file)).levels


@pytest.mark.skipif(not KITCHEN.exists(), reason="the kitchen recording is not there")
def test_a_kitchen_synthesised_from_its_first_minute_is_like_its_second(tmp_path):
    waveform, _ = read_audio(KITCHEN)
    rate = waveform.sample_rate_hz
    first, second = waveform.samples[: 60 * rate], waveform.samples[60 * rate : 120 * rate]
    soundfile.write(tmp_path / "kitchen.wav", first, rate, subtype="PCM_16")
    outcome = profile([tmp_path / "kitchen.wav"], out=tmp_path / "out")
    assert outcome.profile.repetition is None
    assert outcome.profile.tones[0].hz == pytest.approx(48.6, abs=0.5)
    assert abs(outcome.match.largest_db) < 2.5
    made, _ = read_audio(tmp_path / "out" / "kitchen.wav")
    other = compare(without_rumble(Waveform(second, rate)), made)
    assert other.rms_db < 1.5
    assert abs(other.largest_db) < 3.5
    assert [other.l10_db, other.l50_db, other.l90_db] == pytest.approx([0, 0, 0], abs=2.5)
