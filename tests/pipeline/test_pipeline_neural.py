"""A real neural engine, from synthetic voices to a card: real words, a real disparity, confidences by group."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from asrfair import pipeline

pytest.importorskip("torch", reason="torch is not installed: pip install 'asrfair[torch]'")
pytest.importorskip("transformers", reason="transformers is not installed: pip install 'asrfair[torch]'")
pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed: pip install 'asrfair[demo]'")

MODEL = Path(__file__).parents[1] / "data" / "tiny_ctc" / "model"
ACCENTS = {"US": "en-us", "West Midlands": "en-gb-x-gbcwmd"}
VOICES = ("m4", "m6", "m8", "f3", "m5", "croak", "m1", "f1")
SENTENCES = ("two six eight nine", "zero one five seven four", "three nine eight two six one", "seven four zero two")
DATASET = """
schema_version = 1
name = "Digits"
version = "1"
licence = "none"
language = "en"
collection = "Synthesised by espeak-ng."
consent = "Nobody spoke."
[attributes.accent]
kind = "accent"
provenance = "recorded"
baseline = "US"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from asrfair.manifest.corpora.espeak import Request, speak_all

    folder = tmp_path_factory.mktemp("digits")
    rows, requests = [], []
    for accent, language in ACCENTS.items():
        for voice in VOICES:
            for n, text in enumerate(SENTENCES):
                name = f"{language}-{voice}-{n}"
                path = str(folder / f"{name}.wav")
                requests.append(Request(path=path, text=text, voice=f"{language}+{voice}", rate_wpm=150, pitch=50))
                row = {"utterance_id": name, "audio": f"{name}.wav", "reference": text, "accent": accent}
                rows.append(row | {"speaker_id": f"{language}-{voice}"})
    speak_all(requests)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "dataset.toml").write_text(DATASET)
    system = f"transformers,id=digits,model={MODEL},device=cpu"
    conditions = ["clean", "pink-noise@0dB"]
    pipeline.transcribe(folder, folder / "run", systems=[system], conditions=conditions, repeats=2)
    pipeline.score(folder / "run", normalizer=["minimal"])  # Others write "two six" as 26: one word.
    pipeline.analyze(folder / "run", by=["accent"], deep=True)
    pipeline.report(folder / "run")
    return folder / "run"


def table(run, name):
    return pq.read_table(run / f"{name}.parquet").to_pylist()


def test_the_accent_it_never_heard_is_recognised_worse_and_that_is_shown_under_noise(run):
    rates = {
        r["group"]: r["wer"] for r in table(run, "groups") if r["condition_id"] == "clean" and r["wer"] is not None
    }
    assert rates["West Midlands"] > 0.1 > rates["US"]
    noisy = [r for r in table(run, "disparities") if r["condition_id"] != "clean" and r["group"] == "West Midlands"]
    assert {row["verdict"] for row in noisy} == {"higher"}


def test_its_confidences_reach_the_calibration_by_group(run):
    found = table(run, "calibration")
    over = {r["group"]: r for r in found if r["measure"] == "overconfidence" and r["condition_id"] == "clean"}
    assert set(ACCENTS) <= set(over)
    assert all(-1.0 <= row["value"] <= 1.0 and row["n_words"] > 50 for row in over.values())
    assert over["West Midlands"]["value"] > over["US"]["value"], "surer of itself than it may be, where it is worse"


def test_it_says_the_same_twice_and_the_card_tells(run):
    assert {row["share_changed"] for row in table(run, "repeats") if row["share_changed"] is not None} == {0.0}
    assert "the same" in (run / "card.md").read_text()


def test_what_it_used_is_on_the_card(run):
    usage = json.loads((run / "run.json").read_text())["usage"]["digits"]
    assert usage["rows"] == 2 * 2 * len(ACCENTS) * len(VOICES) * len(SENTENCES)
    assert usage["rtfx"] > 0
    assert usage["cost"] is None
    assert "Speed and cost" in (run / "card.md").read_text()
