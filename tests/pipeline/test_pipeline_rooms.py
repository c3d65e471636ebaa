"""From audio to a finding about a room, through the verbs: what was heard, whom it hurts, what silence brings."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio, rms_dbfs
from asrfair.errors import InputError
from asrfair.records import Condition
from asrfair.seeds import rng_for
from asrfair.stress import Scene, load_environment

RATE = 16_000
SPEAKERS, UTTERANCES, WORDS = 12, 3, 10
NOISY = "machine-hum@5dB"


def said(place):
    return [f"word{place}x{number}" for number in range(WORDS)]


def with_errors(words, count):
    return " ".join(["wrong"] * count + words[count:])


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Two groups of speakers: A has 2 errors in 10 words clean and 3 in the noise, B has 2 and 6, give or take one.

    The engine is the scripted one: it knows every waveform that it will hear, clean and in the room.
    """
    folder = tmp_path_factory.mktemp("rooms")
    room, condition = load_environment("machine-hum"), Condition("machine-hum", "5dB", 0)
    rows, script = [], []
    for speaker in range(2 * SPEAKERS):
        group = "AB"[speaker % 2]
        for place in range(UTTERANCES):
            name, rng = f"u{speaker}-{place}", rng_for(speaker, f"u{place}", "test")
            samples = rng.normal(0, 0.05, RATE // 2) * np.repeat(rng.uniform(0.2, 1, 10), RATE // 20)
            soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="PCM_16")
            row = {"utterance_id": name, "audio": f"{name}.wav", "reference": " ".join(said(place)), "language": "en"}
            rows.append(row | {"speaker_id": f"s{speaker}", "accent": group, "age": 40})
            clean, _ = read_audio(folder / f"{name}.wav")
            noisy = room.apply(clean, condition, name, Scene(name, speaker_id=f"s{speaker}"))
            worse = 3 if group == "A" else 6
            for waveform, errors in ((clean, 2 + rng.integers(-1, 2)), (noisy, worse + rng.integers(-1, 2))):
                text = with_errors(said(place), int(errors))
                script.append({"waveform": waveform_digest(waveform), "text": text})
    rows.append({"utterance_id": "hush", "audio": "hush.wav", "reference": "<no-speech>", "language": "en"})
    rows[-1] |= {"speaker_id": "s0", "accent": "A"}
    soundfile.write(folder / "hush.wav", np.zeros(RATE), RATE, subtype="PCM_16")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.jsonl").write_text("".join(json.dumps(line) + "\n" for line in script))
    (folder / "dataset.toml").write_text(
        'schema_version = 1\nname = "r"\nversion = "1"\nlicence = "none"\nlanguage = "en"\ncollection = "made"\n'
        'consent = "none"\n[attributes.accent]\nkind = "accent"\nprovenance = "self_reported"\nbaseline = "A"\n'
        '[attributes.age]\nkind = "demographic"\nprovenance = "self_reported"\nunit = "years"\n'
    )
    return folder


@pytest.fixture(scope="module")
def run(desk, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    engine = f"scripted,id=engine,text=thank you,script={desk / 'script.jsonl'}"
    pipeline.transcribe(desk, out, systems=[engine], conditions=["clean", NOISY], workers=2, probes=2)
    pipeline.score(out)
    pipeline.analyze(out, deep=True)
    return out


def table(run, name):
    return pq.read_table(run / f"{name}.parquet").to_pylist()


def test_a_room_that_hurts_one_group_more_is_found(run):
    (found,) = [r for r in table(run, "interactions") if r["group"] == "B" and r["normalizer"] == "whisper-en"]
    assert found["verdict"] == "amplifies"
    assert found["absolute"] == pytest.approx(0.3, abs=0.06)  # (.6 - .2) - (.3 - .2), give or take the draws
    assert found["ratio"] == pytest.approx(2.0, abs=0.4)
    losses = {r["group"]: r for r in table(run, "degradation") if r["normalizer"] == "whisper-en"}
    assert losses["B"]["n_speakers"] == SPEAKERS
    assert losses["B"]["n_pairs"] == SPEAKERS * UTTERANCES
    assert losses["B"]["wer_difference"] == pytest.approx(0.4, abs=0.05)


def test_every_group_was_heard_at_the_ratio_that_was_asked_for(run):
    found = {(r["attribute"], r["group"]): r for r in table(run, "heard")}
    assert set(found) == {("all", "all"), ("accent", "A"), ("accent", "B")}
    for row in found.values():
        assert row["snr_asked_db"] == 5.0
        assert row["snr_lowest_db"] == pytest.approx(5.0, abs=0.05)
        assert row["snr_highest_db"] == pytest.approx(5.0, abs=0.05)
    assert found["accent", "B"]["n_speakers"] == SPEAKERS


def test_what_is_written_when_nobody_speaks_is_counted(run):
    found = {r["condition_id"]: r for r in table(run, "probes")}
    assert found["clean"]["n_probes"] == 1
    assert found[NOISY]["n_words"] == 2 * 2  # "thank you", each time
    assert found[NOISY]["words_per_hour"] == pytest.approx(4 / (20 / 3600))
    assert found[NOISY]["examples"] == ["thank you"]


def test_transcripts_move_as_far_as_they_were_changed(run):
    moved = {r["group"]: r["sensitivity"] for r in table(run, "sensitivity") if r["condition_id"] == NOISY}
    assert moved["B"] > moved["A"] > 0


def test_the_card_says_it_in_words_and_the_page_draws_it(run):
    files = {path.name: path.read_text() for path in pipeline.report(run)}
    card = json.loads(files["card.json"])
    assert any("B" in line and "machine-hum" in line for line in card["headlines"])
    assert {"degradation", "interactions", "heard", "probes"} <= {section["id"] for section in card["sections"]}
    assert files["report.html"].count("<svg") >= 2


def test_an_analysis_needs_neither_the_audio_nor_the_manifest(run, desk, tmp_path):
    before = (run / "interactions.csv").read_bytes()
    hidden = desk.with_name("elsewhere")
    desk.rename(hidden)
    try:
        pipeline.analyze(run)
    finally:
        hidden.rename(desk)
    assert (run / "interactions.csv").read_bytes() == before
    assert not (run / "sensitivity.parquet").exists()  # that needs --deep


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"real": ["nonsense"]}, "SIMULATED=REAL"),
        ({"real": ["ward@5dB=clean"]}, "no condition 'ward@5dB' in this run; there are: machine-hum@5dB"),
        ({"real": [f"{NOISY}=room=ward"]}, "neither a condition of this run nor ATTR=GROUP"),
        ({"real": [f"{NOISY}=accent=C"]}, "no group 'C' of accent; there are: A, B"),
        ({"real": [f"{NOISY}=accent="]}, "no group ''"),
        ({"real": [f"{NOISY}=age=3"]}, "age is a number without bins"),
        ({"real": [f"{NOISY}={NOISY}"]}, "compared with itself"),
        ({"threshold": 0.0}, "threshold 0.0"),
        ({"difficulty": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_the_tables_stay(run, options, says):
    before = (run / "groups.csv").read_bytes()
    with pytest.raises(InputError, match=says):
        pipeline.analyze(run, **options)
    assert (run / "groups.csv").read_bytes() == before


def test_the_clean_condition_stands_for_the_real_room_if_it_is_named(run):
    pipeline.analyze(run, real=[f"{NOISY}=clean"])
    rows = {r["group"]: r for r in table(run, "reality") if r["normalizer"] == "whisper-en"}
    assert rows["B"]["verdict"] == "differs"


def test_a_difficulty_table_of_other_conditions_is_refused(run, tmp_path):
    (tmp_path / "hard.csv").write_text("condition_id,difficulty\nmachine-hum@7dB,30\n")
    with pytest.raises(InputError, match=f"no condition of this run is in the table; there are: {NOISY}"):
        pipeline.analyze(run, difficulty=tmp_path / "hard.csv")


def test_speakers_that_are_not_known_are_not_counted_as_one(desk, tmp_path):
    folder = shutil.copytree(desk, tmp_path / "desk")
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        if row["accent"] == "B" and row["utterance_id"].endswith("-0"):
            del row["speaker_id"]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pipeline.transcribe(
        folder, tmp_path / "run", systems=["scripted,id=e,text=x"], conditions=["clean", NOISY], workers=1
    )
    pipeline.score(tmp_path / "run")
    pipeline.analyze(tmp_path / "run")
    counts = {r["group"]: r["n_speakers"] for r in table(tmp_path / "run", "heard")}
    assert counts == {"all": None, "A": SPEAKERS, "B": None}


def test_the_ratio_that_is_told_is_that_of_the_noise_that_is_swept(desk, tmp_path):
    """The hiss of a ventilator's air comes first, at a ratio that stays; its whine is what the level is of."""
    out, swept = tmp_path / "run", ["ventilator@10dB", "ventilator@0dB"]
    pipeline.transcribe(desk, out, systems=["scripted,id=e,text=x"], conditions=["clean", *swept], workers=1)
    pipeline.score(out)
    pipeline.analyze(out)
    for row in table(out, "heard"):
        level = float(row["condition_id"].removeprefix("ventilator@").removesuffix("dB"))
        assert row["snr_asked_db"] == level
        assert row["snr_db"] == pytest.approx(level, abs=0.05)


def test_an_environment_that_only_changes_speech_cannot_be_listened_to_alone(tmp_path):
    for name in ("telephone", "again", "cheap-handset"):
        with pytest.raises(InputError, match=f"{name}: makes no sound of its own.*--save-audio"):
            pipeline.listen(name, tmp_path / "a.wav", seconds=1, rate_hz=16_000)
    assert not list(tmp_path.iterdir())
    pipeline.listen("pink-noise@20dB", tmp_path / "a.wav", seconds=1, rate_hz=16_000)
    assert rms_dbfs(read_audio(tmp_path / "a.wav")[0].samples) == pytest.approx(-46, abs=0.2)
