"""Systems that were asked again: what analyze writes of it, and what the card says."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from audits import made
from click.testing import CliRunner

from asrfair.adapters import load_engine
from asrfair.cli import main
from asrfair.errors import InputError
from asrfair.pipeline import analyze, ingest, report, score
from asrfair.records import Hypothesis, Waveform
from asrfair.store import HypothesisStore, read_hypotheses, read_repeats, repeat_id
from asrfair.tables import SCHEMAS

SOUND = Waveform(np.zeros(1600, np.float32), 16_000)


def again(row, number, text):
    """The row of a later time; a text that is None failed."""
    said = ("ok", text, None) if text is not None else ("failed", None, "timeout: no answer")
    return Hypothesis(repeat_id(row["system_id"], number), row["condition_id"], row["utterance_id"], row["key"], *said)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two systems asked three times: `one` hears some words otherwise, and fails once; `two` says the same."""
    folder = tmp_path_factory.mktemp("repeats")
    ingest(folder / "data", made(folder / "data", speakers=6, prompts=4, systems=("one", "two")), folder / "run")
    score(folder / "run")
    before = analyze(folder / "run").groups
    rng = np.random.Generator(np.random.Philox(key=5))
    rows = []
    for row in read_hypotheses(folder / "run").to_pylist():
        for number in (2, 3):
            words = row["text"].split()
            if row["system_id"] == "one":
                words = ["y" if rng.random() < 0.05 else word for word in words]
            failed = row["utterance_id"] == "a0-0" and number == 3
            rows.append(again(row, number, None if failed else " ".join(words).upper()))
    with HypothesisStore(folder / "run") as store:
        store.append([], repeats=rows)
    found = analyze(folder / "run")
    assert found.groups.equals(before), "asking again changes no rate of the audit"
    return folder / "run"


def table(run):
    return pq.read_table(run / "repeats.parquet")


def told(run, system, group="all"):
    wanted = {"system_id": system, "normalizer": "whisper-en", "group": group}
    (row,) = [row for row in table(run).to_pylist() if wanted.items() <= row.items()]
    return row


def test_the_table_keeps_its_schema_and_has_a_row_a_group_and_normaliser(run):
    assert table(run).schema.equals(SCHEMAS["repeats"])
    groups = pq.read_table(run / "groups.parquet")
    key = ["system_id", "condition_id", "normalizer", "attribute", "group"]
    assert table(run).select(key).to_pylist() == groups.select(key).to_pylist()
    header, first = (run / "repeats.csv").read_text().splitlines()[:2]
    assert header.split(",") == SCHEMAS["repeats"].names
    assert first.count(";") >= 2, "the three rates"


def test_a_system_that_says_the_same_is_known_by_it(run):
    """Capital letters are nothing to the normaliser; the rates are the same to the last bit."""
    row = told(run, "two")
    assert (row["n_repeats"], row["share_changed"], row["wer_sd"]) == (3, 0.0, 0.0)
    assert len(set(row["wers"])) == 1


def test_a_system_that_does_not_moves_rates_and_gaps(run):
    row = told(run, "one")
    assert 0.5 < row["share_changed"] < 1.0
    assert row["wers"][0] < min(row["wers"][1:]), "words were made wrong after the first time"
    assert row["wer_sd"] == pytest.approx(np.std(row["wers"], ddof=1))
    assert "not_deterministic" in row["flags"]
    gap = told(run, "one", "b")
    gaps = np.subtract(gap["wers"], told(run, "one", "a")["wers"])
    assert gap["gap_sd"] == pytest.approx(np.std(gaps, ddof=1))
    disparities = pq.read_table(run / "disparities.parquet").to_pylist()
    wanted = {"system_id": "one", "normalizer": "whisper-en", "group": "b"}
    (reported,) = [row for row in disparities if wanted.items() <= row.items()]
    assert gap["gap"] == reported["wer_difference"]
    assert gap["half_width"] == pytest.approx((reported["difference_high"] - reported["difference_low"]) / 2)


def test_what_failed_once_is_left_out_every_time(run):
    for system in ("one", "two"):
        assert (told(run, system)["n_utterances"], told(run, system)["n_failed"]) == (48, 1)


def test_the_card_says_it_in_words(run):
    files = report(run)
    card = json.loads((run / "card.json").read_text())
    (section,) = [s for s in card["sections"] if s["id"] == "repeats"]
    sentences = " ".join(section["sentences"])
    assert "two, clean audio: asked 3 times, it wrote the same text every time, for all 47 utterances" in sentences
    assert "one, clean audio: asked 3 times, it did not write the same for" in sentences
    assert any("described as deterministic" in warning for warning in card["warnings"])
    for path in files:
        if path.suffix in (".md", ".html"):
            text = path.read_text(encoding="utf-8")
            assert "Does it say the same twice?" in text
            assert "it wrote the same text every time" in text


def test_a_group_that_is_withheld_on_the_card_is_in_no_row_of_it(run):
    report(run, k=7)
    card = json.loads((run / "card.json").read_text())
    kept = {row["attribute"] for row in card["tables"]["repeats"]}
    assert kept == {"all", "room", "snr_db"}, "six speakers an accent"
    report(run)


def test_the_sentences_stand_in_the_terminal_too(run):
    done = CliRunner().invoke(main, ["analyze", str(run)])
    assert done.exit_code == 0
    assert "it wrote the same text every time" in " ".join(done.stdout.split())


def test_without_the_manifest_it_is_said_how_to_go_on(run, tmp_path):
    data = run.parent / "data"
    data.rename(tmp_path / "data")
    try:
        with pytest.raises(InputError, match="its manifest"):
            analyze(run)
    finally:
        (tmp_path / "data").rename(data)


def test_a_deterministic_engine_says_the_same_text_every_time(tmp_path):
    """A real engine is asked for every utterance, again and again."""
    made(tmp_path / "data", speakers=4, prompts=2)
    engine = load_engine("scripted", {"text": "p0w0 p0w1"})
    ids = [json.loads(line)["utterance_id"] for line in (tmp_path / "data" / "rows.jsonl").read_text().splitlines()]
    texts = [[said.text for said in engine.transcribe_batch([SOUND] * len(ids))] for _ in range(4)]
    first = tmp_path / "scripted.jsonl"
    first.write_text("\n".join(json.dumps({"utterance_id": i, "text": t}) for i, t in zip(ids, texts[0], strict=True)))
    ingest(tmp_path / "data", {"scripted": first}, tmp_path / "run")
    score(tmp_path / "run")
    rows = read_hypotheses(tmp_path / "run").to_pylist()
    with HypothesisStore(tmp_path / "run") as store:
        for number, said in enumerate(texts[1:], start=2):
            by_id = dict(zip(ids, said, strict=True))
            store.append([], repeats=[again(row, number, by_id[row["utterance_id"]]) for row in rows])
    analyze(tmp_path / "run")
    for row in table(tmp_path / "run").to_pylist():
        assert (row["n_repeats"], row["wer_sd"], row["share_changed"]) == (4, 0.0, 0.0)
        assert row["gap_sd"] in (None, 0.0)
        assert "not_deterministic" not in row["flags"]
    report(tmp_path / "run")
    assert "wrote the same text every time, for all 16 utterances" in (tmp_path / "run" / "card.md").read_text()


def test_a_run_that_asked_once_has_no_such_table(tmp_path):
    ingest(tmp_path / "data", made(tmp_path / "data", speakers=3, prompts=2), tmp_path / "run")
    score(tmp_path / "run")
    (tmp_path / "run" / "repeats.parquet").write_bytes(b"of an earlier analysis")
    assert "repeats" not in analyze(tmp_path / "run").further
    assert not (tmp_path / "run" / "repeats.parquet").exists()
    report(tmp_path / "run")
    assert "say the same twice" not in (tmp_path / "run" / "card.md").read_text()


def test_repeats_are_kept_beside_the_hypotheses_and_merged_like_them(tmp_path):
    rows = [Hypothesis("s#2", "clean", f"u{i}", "k", "ok", "x") for i in range(3)]
    with HypothesisStore(tmp_path) as store:
        for row in rows:
            store.append([], repeats=[row])
        store.append([], repeats=[Hypothesis("s#2", "clean", "u0", "k", "ok", "y")])
        assert set(store.known_repeats("s#2", "clean")) == {"u0", "u1", "u2"}
        assert not store.known("s#2", "clean")
        store.compact()
    with HypothesisStore(tmp_path) as store:
        assert store.known_repeats("s#2", "clean")["u0"] == ("k", "ok", None)
    assert sorted(read_repeats(tmp_path)["text"].to_pylist()) == ["x", "x", "y"]
    assert len(read_hypotheses(tmp_path)) == 0
