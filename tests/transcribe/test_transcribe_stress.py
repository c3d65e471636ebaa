"""Transcription under conditions: the same sound for everybody and every run, measured, told and stored beside it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrfair import pipeline
from asrfair.audio import read_audio
from asrfair.errors import InputError
from asrfair.records import Condition
from asrfair.seeds import rng_for
from asrfair.store import read_hypotheses, read_mixes, read_probes
from asrfair.stress import Banks, Scene, load_environment

RATE = 16_000
HUM = ["clean", "machine-hum@10dB", "machine-hum@0dB"]


@pytest.fixture
def readings(tmp_path):
    """Six utterances of three speakers: syllables of noise, some with pauses; one is non-speech."""
    folder = tmp_path / "readings"
    folder.mkdir()
    rows = []
    for number in range(6):
        rng = rng_for(number, "reading", "test")
        samples = rng.normal(0, 0.05, 2 * RATE) * np.repeat(rng.uniform(0.1, 1, 40), 800)
        samples[RATE : RATE + RATE // 2] = 0
        soundfile.write(folder / f"{number}.wav", samples, RATE, subtype="PCM_16")
        said = "<no-speech>" if number == 5 else f"word {number}"
        row = {"utterance_id": f"u{number}", "audio": f"{number}.wav", "reference": said}
        rows.append(row | {"speaker_id": f"s{number % 3}", "accent": "ab"[number % 2], "language": "en"})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "dataset.toml").write_text(
        'schema_version = 1\nname = "r"\nversion = "1"\nlicence = "none"\nlanguage = "en"\ncollection = "made"\n'
        'consent = "none"\n[attributes.accent]\nkind = "accent"\nprovenance = "self_reported"\n'
    )
    return folder


def mixes_of(run):
    return {(m["system_id"], m["condition_id"], m["utterance_id"]): m for m in read_mixes(Path(run)).to_pylist()}


def test_each_mix_is_measured_told_and_the_same_for_every_system_and_number_of_workers(readings, tmp_path):
    digests = []
    for workers, batch in ((1, 1), (4, 4)):
        run = tmp_path / f"run{workers}"
        systems = [f"scripted,id=a,text=x,batch_size={batch}", "scripted,id=b,text=y"]
        pipeline.transcribe(readings, run, systems=systems, conditions=HUM, workers=workers)
        mixes = mixes_of(run)
        assert len(mixes) == 2 * 2 * 6  # clean audio is no mix
        for (system, condition, utterance), mix in mixes.items():
            assert mix["snr_asked_db"] == [float(condition.removeprefix("machine-hum@").removesuffix("dB"))]
            if utterance != "u5":
                assert mix["snr_db"][0] == pytest.approx(mix["snr_asked_db"][0], abs=0.05)
                assert 0.3 < mix["activity"] <= 1
            assert mix["mix_sha256"] == mixes["a", condition, utterance]["mix_sha256"], system
        digests.append({place: mix["mix_sha256"] for place, mix in mixes.items()})
    assert digests[0] == digests[1]


def test_what_is_told_of_a_mix_is_what_the_environment_makes_of_the_file(readings, tmp_path):
    run = tmp_path / "run"
    pipeline.transcribe(readings, run, systems=["scripted,id=a"], conditions=HUM, workers=1)
    clip, _ = read_audio(readings / "2.wav")
    condition = Condition("machine-hum", "0dB", 0)
    heard = load_environment("machine-hum").apply(clip, condition, "u2", Scene("u2", speaker_id="s2"))
    digest = hashlib.sha256(heard.samples.astype("<f4").tobytes()).hexdigest()
    assert mixes_of(run)["a", "machine-hum@0dB", "u2"]["mix_sha256"] == digest


def test_a_second_run_makes_no_mix_again_and_a_new_condition_only_itself(readings, tmp_path):
    run, log = tmp_path / "run", tmp_path / "log"
    for conditions, calls in ((HUM[:2], 12), (HUM[:2], 12), (HUM, 18)):
        pipeline.transcribe(readings, run, systems=[f"scripted,id=a,log={log}"], conditions=conditions, workers=1)
        assert len(log.read_text().split()) == calls
    assert len(mixes_of(run)) == 12
    assert not (run / ".banks").exists()


def test_non_speech_is_heard_in_the_noise_at_its_nominal_level_and_silent_speech_fails(readings, tmp_path):
    soundfile.write(readings / "4.wav", np.zeros(RATE), RATE, subtype="PCM_16")
    soundfile.write(readings / "5.wav", np.zeros(RATE), RATE, subtype="PCM_16")
    run = tmp_path / "run"
    pipeline.transcribe(readings, run, systems=["scripted,id=a"], conditions=HUM, workers=1)
    rows = {(r["condition_id"], r["utterance_id"]): r for r in read_hypotheses(run).to_pylist()}
    assert rows["clean", "u4"]["status"] == "ok"
    silent = rows["machine-hum@10dB", "u4"]
    assert silent["status"] == "failed"
    assert "silent" in silent["error"]
    assert "not defined" in silent["error"]
    assert rows["machine-hum@10dB", "u5"]["status"] == "ok"  # nobody is to speak there
    assert mixes_of(run)["a", "machine-hum@10dB", "u5"]["noise_dbfs"][0] == pytest.approx(-36, abs=0.1)


def test_probes_are_silence_under_every_condition_and_stay_out_of_the_hypotheses(readings, tmp_path):
    run, log = tmp_path / "run", tmp_path / "log"
    system = f"scripted,id=a,text=thank you,log={log}"
    for _ in range(2):
        pipeline.transcribe(readings, run, systems=[system], conditions=HUM, workers=1, probes=3)
    probes = read_probes(run).to_pylist()
    assert len(probes) == 1 + 3 + 3  # silence itself is always the same, noise is another draw each time
    assert {p["text"] for p in probes} == {"thank you"}
    assert len(read_hypotheses(run)) == 18
    assert len(log.read_text().split()) == 18 + 7


def test_what_is_heard_can_be_kept_to_listen_to(readings, tmp_path):
    run = tmp_path / "run"
    options = {"workers": 2, "save_audio": True, "probes": 1}
    pipeline.transcribe(readings, run, systems=["scripted,id=a"], conditions=HUM, **options)
    assert (run / "audio/a/machine-hum@0dB/probes/probe-000.flac").is_file()
    kept = sorted(p.relative_to(run / "audio").as_posix() for p in (run / "audio").rglob("*.flac"))
    assert len(kept) == 18 + 3
    assert "a/machine-hum@0dB/u0.flac" in kept
    heard, _ = read_audio(run / "audio" / "a" / "machine-hum@0dB" / "u0.flac")
    clean, _ = read_audio(readings / "0.wav")
    assert not np.allclose(heard.samples, clean.samples, atol=1e-3)


def test_a_place_that_cannot_hold_copies_is_refused_before_anything_is_heard(readings, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "audio").write_text("in the way")
    with pytest.raises(InputError, match=r"run/audio: cannot be made a folder"):
        pipeline.transcribe(readings, run, systems=["scripted,id=a"], conditions=HUM, workers=1, save_audio=True)
    assert not (run / "hypotheses").exists() or not len(read_hypotheses(run))


def test_a_copy_that_cannot_be_written_is_no_fault_of_the_audio_and_another_run_heals_it(readings, tmp_path):
    run = tmp_path / "run"
    (run / "audio" / "a").mkdir(parents=True)
    (run / "audio" / "a" / "machine-hum@0dB").write_text("in the way")
    system = ["scripted,id=a"]
    pipeline.transcribe(readings, run, systems=system, conditions=HUM, workers=1, save_audio=True)
    failed = [row for row in read_hypotheses(run).to_pylist() if row["status"] == "failed"]
    assert {row["condition_id"] for row in failed} == {"machine-hum@0dB"}
    assert all(row["error"].startswith("transient: ") for row in failed)
    pipeline.transcribe(readings, run, systems=system, conditions=HUM, workers=1)
    assert {row["status"] for row in read_hypotheses(run).to_pylist()} == {"ok"}


def test_two_environments_of_one_name_are_refused(readings, tmp_path):
    text = (Path(__file__).parents[2] / "manifests/environments/machine-hum.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace("172.0", "180.0"))
    with pytest.raises(InputError, match="two environments are called 'machine-hum'"):
        pipeline.transcribe(
            readings, tmp_path / "r", systems=["scripted,id=a"], conditions=["machine-hum@0dB", f"{mine}@0dB"]
        )


def test_sounds_left_by_a_killed_run_are_not_used_again(readings, tmp_path):
    """They may be those of an older version: what is heard depends on the code that says so."""
    pipeline.transcribe(readings, tmp_path / "fresh", systems=["scripted,id=a"], conditions=HUM, workers=1)
    left = Banks(tmp_path / "run" / ".banks")
    environment, clip = load_environment("machine-hum"), read_audio(readings / "0.wav")[0]
    environment.apply(clip, Condition("machine-hum", "0dB", 0), "u", Scene("u", banks=left))
    (bank,) = left.folder.glob("*.npy")
    np.save(bank, np.load(bank)[::-1].copy())
    pipeline.transcribe(readings, tmp_path / "run", systems=["scripted,id=a"], conditions=HUM, workers=1)
    again, fresh = ({p: m["mix_sha256"] for p, m in mixes_of(tmp_path / run).items()} for run in ("run", "fresh"))
    assert again == fresh
