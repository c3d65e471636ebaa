"""A real kitchen around real speech: profiled, synthesised, mixed and measured; its recordings are not kept here."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrfair import pipeline
from asrfair.audio import direct_to_reverberant_db, read_audio, reverberation_time_s
from asrfair.pipeline.profile import profile
from asrfair.store import read_hypotheses, read_mixes
from asrfair.stress.lab.match import compare

SHARED = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not (SHARED / "noise").is_dir(), reason="the shared recordings are not here")


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """The first minute of the kitchen, profiled, with an environment of the recording itself."""
    folder = tmp_path_factory.mktemp("kitchen")
    samples, rate_hz = soundfile.read(SHARED / "noise" / "noise" / "kitchen.wav")
    soundfile.write(folder / "kitchen.wav", samples[: 60 * rate_hz], rate_hz)
    soundfile.write(folder / "later.wav", samples[60 * rate_hz : 120 * rate_hz], rate_hz)
    return folder, profile([folder / "kitchen.wav"], out=folder / "rooms", with_recording=True)


def test_the_synthesis_is_near_the_kitchen_that_was_recorded_and_the_one_a_minute_later(rooms):
    folder, made = rooms
    assert made.match.rms_db < 1.5
    assert abs(made.match.largest_db) < 3.5
    assert made.profile.repetition is None  # nothing in a kitchen repeats
    synthesis, _ = read_audio(folder / "rooms" / "kitchen.wav")
    later, _ = read_audio(folder / "later.wav")
    assert compare(later, synthesis).rms_db < 2.0


def test_real_speech_is_heard_in_it_at_the_ratio_that_was_asked_for(rooms, tmp_path):
    folder, _ = rooms
    conditions = [f"{folder / 'rooms' / name}.toml@10dB" for name in ("kitchen", "kitchen-recorded")]
    speech = SHARED / "commonvoice"
    pipeline.transcribe(speech, tmp_path / "run", systems=["scripted,id=s"], conditions=conditions, workers=1, limit=12)
    mixes = read_mixes(tmp_path / "run").to_pylist()
    assert len(mixes) == 2 * 12
    for mix in mixes:
        assert mix["snr_db"] == pytest.approx([10.0], abs=0.2)
    assert len({mix["pieces"][0] for mix in mixes if mix["condition_id"] == "kitchen-recorded@10dB"}) > 2


def test_noise_of_any_rate_length_and_number_of_channels_is_heard(tmp_path):
    """Hens in stereo, a phone that is rubbed for 0.8 s, a tap, eight microphones of one room."""
    head = 'schema_version = 1\nversion = "1"\ndescription = "d"\nsource = "s"\nlevel_unit = "dB"\nlevels = [5]\n'
    conditions = []
    for file in ("hens.ogg", "phone_rub.wav", "laptop_tap.wav", "room_noise_one.wav"):
        name = file.partition(".")[0].replace("_", "-")
        step = f'[[steps]]\ntype = "recorded"\nsnr_db = "level"\nfiles = ["{SHARED / "noise" / "noise" / file}"]\n'
        (tmp_path / f"{name}.toml").write_text(f'name = "{name}"\n{head}{step}')
        conditions.append(f"{tmp_path / name}.toml@5dB")
    run, speech = tmp_path / "run", SHARED / "commonvoice"
    pipeline.transcribe(speech, run, systems=["scripted,id=s"], conditions=conditions, workers=1, limit=6)
    assert {row["status"] for row in read_hypotheses(run).to_pylist()} == {"ok"}
    mixes = read_mixes(run).to_pylist()
    assert np.abs([mix["snr_db"][0] - 5 for mix in mixes]).max() < 0.2
    looped = {mix["condition_id"] for mix in mixes if any("looped" in note for note in mix["notes"])}
    assert {"phone-rub@5dB", "laptop-tap@5dB"} <= looped


def test_measured_rooms_measure_as_they_were_measured():
    """The decay of the clap bends: it is listed by its first 20 dB (0.64 s for 60 dB), here 30 dB count (0.82 s)."""
    for line in (SHARED / "noise" / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["kind"] == "rir":
            heard, _ = read_audio(SHARED / "noise" / row["audio"])
            found = reverberation_time_s(heard.samples, heard.sample_rate_hz)
            assert found == pytest.approx(row["rt60_s"], rel=0.35 if "clap" in row["id"] else 0.1), row["id"]
            direct_db = direct_to_reverberant_db(heard.samples, heard.sample_rate_hz)
            assert direct_db == pytest.approx(row["drr_db"], abs=0.8), row["id"]
