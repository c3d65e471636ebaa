"""Damage, change and extremes: what cannot be used is refused with its place and its remedy, and nothing is mixed."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from audits import made

from asrfair.errors import ConfigError, InputError, RunFolderError
from asrfair.pipeline import analyze, audit, ingest, plan, report, score
from asrfair.pipeline import run as load_and_run
from asrfair.store import held
from asrfair.tables import HYPOTHESES


@pytest.fixture
def run(tmp_path):
    """A run that was scored and analysed."""
    ingest(tmp_path / "data", made(tmp_path / "data"), tmp_path / "run")
    score(tmp_path / "run")
    analyze(tmp_path / "run")
    return tmp_path / "run"


def damaged(path):
    """Turn some bytes of the first block of a file over; its footer stays whole."""
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes(byte ^ 255 for byte in data[40:140]) + data[140:])


def test_damage_inside_a_scores_file_is_named_by_every_verb_that_reads_it(run):
    damaged(run / "scores.parquet")
    for verb in (analyze, plan):
        with pytest.raises(RunFolderError, match=r"scores\.parquet: .*damaged.*again with asrfair score"):
            verb(run)


@pytest.mark.parametrize("name", ["groups", "disparities", "measures"])
def test_damage_inside_a_table_or_a_folder_in_its_place_is_named(run, name):
    path = run / f"{name}.parquet"
    damaged(path)
    with pytest.raises(RunFolderError, match=rf"{name}\.parquet: .*damaged.*again with asrfair analyze"):
        report(run)
    path.unlink()
    path.mkdir()
    with pytest.raises(RunFolderError, match=rf"{name}\.parquet: .*again with asrfair analyze"):
        report(run)


def test_a_run_file_that_is_no_text_or_a_folder_is_refused(run):
    (run / "run.json").write_bytes(b'{"run_id": "\xff"}')
    with pytest.raises(RunFolderError, match=r"run\.json: not a run file"):
        report(run)
    (run / "run.json").unlink()
    (run / "run.json").mkdir()
    with pytest.raises(RunFolderError, match=r"run\.json: cannot be read"):
        report(run)


def test_scores_of_one_manifest_are_not_mixed_with_references_of_another(run, tmp_path):
    rows = tmp_path / "data" / "rows.jsonl"
    rows.write_text(rows.read_text().replace('"accent": "a"', '"accent": "c"'))
    with pytest.raises(RunFolderError, match=r"rows\.jsonl was changed after scoring.*score again"):
        analyze(run, deep=True)
    analyze(run)
    score(run)
    analyze(run, deep=True)


def test_transcripts_that_are_gone_are_not_taken_for_failures(run):
    shutil.rmtree(run / "hypotheses")
    with pytest.raises(RunFolderError, match=r"one \(clean\) has 0 transcripts, and 192 were scored"):
        analyze(run, deep=True)


def test_confidences_that_are_no_probabilities_are_refused_at_the_door_and_later(run, tmp_path):
    file = tmp_path / "sure.jsonl"
    file.write_text(json.dumps({"utterance_id": "a0-0", "text": "x", "words": [["x", 0.0, 0.1, 2.0]]}))
    with pytest.raises(InputError, match=r"sure\.jsonl:1: words: 'x' has the confidence 2\.0; .* or null"):
        ingest(tmp_path / "data", {"sure": file}, tmp_path / "other")
    (part,) = (run / "hypotheses").glob("*.parquet")
    rows = pq.read_table(part).to_pylist()
    rows[3]["words"] = [{"text": "x", "start_s": 0.0, "end_s": 0.1, "confidence": 2.0}]
    pq.write_table(pa.Table.from_pylist(rows, schema=HYPOTHESES), part)
    with pytest.raises(InputError, match=r"one, utterance 'a0-3': 'x' has the confidence 2\.0"):
        analyze(run, deep=True)


@pytest.mark.parametrize("loud", [1e308, 1e-300])
def test_numbers_of_any_size_are_held_equal(tmp_path, loud):
    hypotheses = made(tmp_path / "data")
    path = tmp_path / "data" / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(row | {"snr_db": (row["snr_db"] - 16.5) / 8.5 * loud}) for row in rows))
    found = audit(tmp_path / "data", hypotheses, out=tmp_path / "run", by=["accent"], adjust=["snr_db"])
    compared = [row for row in found.further["adjusted"].to_pylist() if row["group"] == "b"]
    assert all(0.8 < row["adjusted_ratio"] < 1.25 for row in compared)
    assert compared


def test_a_design_effect_beyond_measure_is_refused(run):
    with pytest.raises(InputError, match="design effect 1e"):
        analyze(run, design_effect=1e308)


@pytest.mark.parametrize(
    "option", [{"sigma": 1e200}, {"sigma": 50.0}, {"cv": 1e300}, {"wer": 0.0}, {"wer": 1e-300}, {"wer": float("nan")}]
)
def test_a_plan_refuses_numbers_that_nothing_can_be_planned_from(run, option):
    (name,) = option
    with pytest.raises(InputError, match=rf"^{name} "):
        plan(**{"wer": 0.1, "words": 500.0} | option)
    with pytest.raises(InputError, match=rf"^{name} "):
        plan(run, **option)


def test_a_plan_takes_a_spread_of_zero_at_its_word(run):
    assert plan(run, sigma=0.0).sigma == 0.0


def test_a_plan_of_a_run_without_errors_asks_for_a_rate(tmp_path):
    hypotheses = made(tmp_path / "data", harder=0.0)
    rows = [json.loads(line) for line in (tmp_path / "data" / "rows.jsonl").read_text().splitlines()]
    heard = [{"utterance_id": row["utterance_id"], "text": row["reference"]} for row in rows]
    hypotheses["one"].write_text("\n".join(map(json.dumps, heard)))
    ingest(tmp_path / "data", hypotheses, tmp_path / "run")
    score(tmp_path / "run")
    with pytest.raises(InputError, match=r"run: .*(--wer 0\.05|plan its manifest)"):
        plan(tmp_path / "run")


def test_max_t_without_speakers_says_that_they_are_missing(tmp_path):
    hypotheses = made(tmp_path / "data")
    path = tmp_path / "data" / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if k != "speaker_id"}) for row in rows))
    ingest(tmp_path / "data", hypotheses, tmp_path / "run")
    score(tmp_path / "run")
    with pytest.raises(InputError, match="not every utterance with a value of accent has a speaker"):
        analyze(tmp_path / "run", screening="max-t")


def test_terms_that_are_the_same_to_the_normaliser_are_refused_by_name(run, tmp_path):
    (tmp_path / "terms.txt").write_text("aspirin\nAspirin\n")
    with pytest.raises(InputError, match=r"--terms, as whisper-en writes them: .*'aspirin' was given before"):
        analyze(run, deep=True, terms=tmp_path / "terms.txt")


def test_a_model_of_hundreds_of_groups_is_left_out_with_a_note_and_not_out_of_memory(tmp_path):
    hypotheses = made(tmp_path / "data", speakers=700, prompts=1)
    path = tmp_path / "data" / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(row | {"accent": f"g{i % 350}"}) for i, row in enumerate(rows)))
    found = audit(tmp_path / "data", hypotheses, out=tmp_path / "run", by=["accent"], adjust=["room"])
    for row in found.further["adjusted"].to_pylist():
        assert row["flags"] == ["not_estimable"]
        assert "350 groups" in row["note"]


def test_one_verb_at_a_time_writes_to_a_run(run):
    with held(run):
        for verb in (score, analyze, report):
            with pytest.raises(RunFolderError, match=r"another asrfair .* is writing to this run"):
                verb(run)
    report(run)


def test_what_a_killed_analysis_left_half_written_is_cleared_away(run):
    (run / ".groups.parquet.4711.tmp").write_bytes(b"PAR1")
    analyze(run)
    assert not list(run.glob(".*.tmp"))


def test_a_folder_that_is_no_run_stays_as_it_is(tmp_path):
    with pytest.raises(RunFolderError, match="not a run folder"):
        analyze(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("k = 2", "k: 2"),
        ('empty_ref = "no"', "empty_ref: 'no'"),
        ('costs = "dear"', "costs: 'dear'"),
        ("design_effect = 0.5", "design_effect: 0.5"),
        ("design_effect = nan", "design_effect: nan"),
        ('terms = "terms.txt"', "terms: .*deep = true"),
        ('families = [{ name = "f" }, { name = "f" }]', "families: two are called 'f'"),
        ('families = [{ name = "" }]', "families: one has an empty name"),
    ],
)
def test_a_configuration_is_refused_before_anything_is_transcribed(tmp_path, line, place):
    made(tmp_path / "data")
    path = tmp_path / "c.toml"
    path.write_text(
        f'schema_version = 1\nmanifest = "data"\nout = "run"\n{line}\n'
        '[[hypotheses]]\nname = "one"\nfile = "data/one.jsonl"\n'
    )
    with pytest.raises(ConfigError, match=rf"c\.toml: {place}"):
        load_and_run(path)
    assert not (tmp_path / "run").exists()


def test_what_rests_on_few_speakers_of_a_large_group_is_not_on_the_card(tmp_path):
    """Twelve speak for `b`; four of them have confidences, durations and prompts."""
    hypotheses = made(tmp_path / "data", speakers=12)
    told = {f"b{s}" for s in range(4)} | {f"a{s}" for s in range(12)}
    path = tmp_path / "data" / "rows.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    lacking = [row if row["speaker_id"] in told else row | {"prompt_id": None, "duration_s": None} for row in rows]
    path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if v is not None}) for row in lacking))
    heard = [json.loads(line) for line in hypotheses["one"].read_text().splitlines()]
    for line in heard:
        if line["utterance_id"].split("-")[0] in told:
            line["words"] = [[word, 0.0, 0.1, 0.5] for word in line["text"].split()]
    hypotheses["one"].write_text("\n".join(map(json.dumps, heard)))
    audit(tmp_path / "data", hypotheses, out=tmp_path / "run", by=["accent"], deep=True, k=10)
    tables = json.loads((tmp_path / "run" / "card.json").read_text())["tables"]
    assert not [
        row for name in ("calibration", "matched", "harms") for row in tables[name] if 0 < row["n_speakers"] < 10
    ]
    assert "a" in {row["group"] for row in tables["calibration"]}
    assert "b" not in {row["group"] for row in tables["calibration"]}
    assert not tables["matched"]


def test_scores_of_another_manifest_are_not_analysed_as_the_run(run, tmp_path):
    ingest(tmp_path / "other", made(tmp_path / "other", prompts=9), tmp_path / "run-2")
    score(tmp_path / "run-2")
    shutil.copy(tmp_path / "run-2" / "scores.parquet", run)
    before = (run / "groups.csv").read_bytes()
    with pytest.raises(RunFolderError, match=r"scores\.parquet: scores of another manifest.*asrfair score"):
        analyze(run)
    assert (run / "groups.csv").read_bytes() == before


def test_scores_of_another_system_or_from_before_the_latest_are_not_analysed_as_the_run(tmp_path):
    data, run = tmp_path / "data", tmp_path / "run"
    heard = made(data, systems=("one", "two"))
    ingest(data, {"one": heard["one"]}, run)
    score(run)
    ingest(data, {"two": heard["two"]}, run)
    with pytest.raises(RunFolderError, match=r"has nothing of 'two' under 'clean': asrfair score"):
        analyze(run)
    ingest(data, {"three": heard["two"]}, tmp_path / "run-3")
    score(tmp_path / "run-3")
    shutil.copy(tmp_path / "run-3" / "scores.parquet", run)
    ingest(data, {"one": heard["one"]}, tmp_path / "run-4")
    shutil.copy(tmp_path / "run-3" / "scores.parquet", tmp_path / "run-4")
    with pytest.raises(RunFolderError, match=r"has '(one|three)' under|nothing of 'one'"):
        analyze(tmp_path / "run-4")
    score(run)
    analyze(run)
