"""The command line as a user meets it: exit codes, what goes where, and that bad input leaves nothing behind."""

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from asrfair.cli import main
from asrfair.tables import DISPARITIES, GROUPS

MINI = Path(__file__).parent / "data" / "mini"


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def mini(tmp_path):
    folder = tmp_path / "mini"
    shutil.copytree(MINI, folder)
    return folder


def audit(mini, out, *more):
    return run("audit", mini, "--hypotheses", f"engine={mini / 'engine.jsonl'}", "--out", out, *more)


def test_audit_ends_with_the_table_and_the_three_files(mini, tmp_path):
    done = audit(mini, tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "north" in done.stdout
    for name in ("card.json", "card.md", "report.html", "run.json", "scores.parquet", "groups.csv", "disparities.csv"):
        assert (tmp_path / "run" / name).stat().st_size
    assert str(tmp_path / "run" / "report.html") in done.stdout


def test_the_tables_have_the_columns_of_the_contract(mini, tmp_path):
    audit(mini, tmp_path / "run")
    for name, schema in (("groups", GROUPS), ("disparities", DISPARITIES)):
        assert pq.read_schema(tmp_path / "run" / f"{name}.parquet").names == schema.names
        with (tmp_path / "run" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            assert next(csv.reader(file)) == schema.names
    assert "wer" not in pq.read_schema(tmp_path / "run" / "scores.parquet").names


def test_verb_by_verb_gives_what_audit_gives(mini, tmp_path):
    audit(mini, tmp_path / "one")
    two = tmp_path / "two"
    assert run("score", mini, "--hypotheses", f"engine={mini / 'engine.jsonl'}", "--out", two).exit_code == 0
    assert run("analyze", two).exit_code == 0
    assert run("report", two).exit_code == 0
    for name in ("scores.parquet", "groups.csv", "disparities.csv"):
        assert (two / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_scores_can_be_made_again_without_the_transcripts_file(mini, tmp_path):
    audit(mini, tmp_path / "run")
    (mini / "engine.jsonl").unlink()
    done = run("score", tmp_path / "run", "--normalizer", "none")
    assert done.exit_code == 0
    assert "none" in done.stdout


def test_a_missing_transcript_is_a_failure_and_never_a_deletion(mini, tmp_path):
    audit(mini, tmp_path / "run")
    scores = pq.ParquetFile(tmp_path / "run" / "scores.parquet").read().to_pylist()
    (row,) = [r for r in scores if r["utterance_id"] == "coast-03-2" and r["normalizer"] == "minimal"]
    assert row["status"] == "failed"
    assert row["deletions"] is None


def test_transcripts_of_no_utterance_are_said_and_not_used(mini, tmp_path):
    with (mini / "engine.jsonl").open("a") as file:
        file.write('{"utterance_id": "nobody", "text": "x"}\n')
    done = audit(mini, tmp_path / "run")
    assert done.exit_code == 0
    assert "1 transcripts of engine are of no utterance" in done.stderr
    assert "nobody" not in str(pq.ParquetFile(tmp_path / "run" / "scores.parquet").read()["utterance_id"].to_pylist())


def test_too_many_failures_end_with_4_and_the_table_by_group(mini, tmp_path):
    kept = [line for line in (mini / "engine.jsonl").read_text().splitlines() if '"north' not in line]
    (mini / "engine.jsonl").write_text("\n".join(kept))
    done = audit(mini, tmp_path / "run")
    assert done.exit_code == 4
    assert "north" in done.stderr
    assert (tmp_path / "run" / "card.json").exists()
    assert audit(mini, tmp_path / "run2", "--max-failed", "0.5").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check", "absent"], "absent"),
        (["analyze", "absent"], "not a run folder"),
        (["report", "absent"], "not a run folder"),
        (["score", "absent"], "not a run folder"),
        (["run", "absent.toml"], "cannot be read"),
        (["score", MINI, "--hypotheses", "engine", "--out", "x"], "NAME=FILE"),
        (["score", MINI, "--hypotheses", "engine=absent.jsonl", "--out", "x"], "absent.jsonl"),
        (["transcribe", MINI, "--system", "no-such-engine", "--out", "x"], "no-such-engine"),
        (["transcribe", MINI, "--system", "scripted,colour=red", "--out", "x"], "colour"),
        (["transcribe", MINI, "--system", "scripted", "--condition", "no-such-room@5dB", "--out", "x"], "no-such-room"),
    ],
)
def test_bad_input_is_one_clear_message_and_exit_code_2(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()), "something was written"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--by", "acent"], "accent"),
        (["--by", "accent*shoe_size"], "shoe_size"),
        (["--baseline", "accent=mars"], "mars"),
        (["--baseline", "accent"], "ATTR=GROUP"),
    ],
)
def test_a_wrong_question_is_answered_with_the_right_ones(arguments, says, mini, tmp_path):
    audit(mini, tmp_path / "run")
    before = (tmp_path / "run" / "groups.parquet").read_bytes()
    done = run("analyze", tmp_path / "run", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert (tmp_path / "run" / "groups.parquet").read_bytes() == before


def test_another_baseline_turns_the_comparison_round(mini, tmp_path):
    audit(mini, tmp_path / "run")
    run("analyze", tmp_path / "run", "--by", "accent", "--baseline", "accent=north")
    rows = pq.ParquetFile(tmp_path / "run" / "disparities.parquet").read().to_pylist()
    assert {row["baseline"] for row in rows} == {"north"}
    assert {row["verdict"] for row in rows if row["group"] == "south"} == {"lower"}


def test_check_shows_every_fault_at_once_and_leaves_with_2(mini):
    rows = (mini / "rows.jsonl").read_text().splitlines()
    rows[3] = rows[2]
    rows[5] = rows[5].replace('"reference": "', '"duration_s": -1.2, "reference": "')
    (mini / "rows.jsonl").write_text("\n".join(rows))
    done = run("check", mini)
    assert done.exit_code == 2
    assert "rows.jsonl:4: utterance_id" in done.stderr
    assert "rows.jsonl:6: duration_s" in done.stderr


def test_check_speaks_to_machines(mini):
    done = run("check", mini, "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    groups = {(g["attribute"], g["group"]): g for g in found["coverage"]["groups"]}
    assert groups["accent", "north"]["n_speakers"] == 12
    assert groups["gender", "missing"]["n_utterances"] == 72


def test_run_reads_everything_from_one_file_and_refuses_unknown_keys(mini, tmp_path):
    config = tmp_path / "audit.toml"
    config.write_text(
        'schema_version = 1\nmanifest = "mini"\nout = "out"\nby = ["accent"]\n'
        '[[hypotheses]]\nname = "engine"\nfile = "mini/engine.jsonl"\n'
    )
    assert run("run", config).exit_code == 0
    assert (tmp_path / "out" / "card.md").exists()
    config.write_text(config.read_text() + "batchh = 3\n")
    done = run("run", config)
    assert done.exit_code == 2
    assert "batchh" in done.stderr


def test_a_run_folder_keeps_two_systems_apart(mini, tmp_path):
    other = mini / "other.jsonl"
    other.write_text((mini / "engine.jsonl").read_text().replace(" the ", " a "))
    out = tmp_path / "run"
    audit(mini, out)
    done = run("score", mini, "--hypotheses", f"engine={other}", "--out", out)
    assert done.exit_code == 2
    assert "engine" in done.stderr
    assert run("score", mini, "--hypotheses", f"other={other}", "--out", out).exit_code == 0
    systems = set(pq.ParquetFile(out / "scores.parquet").read(["system_id"])["system_id"].to_pylist())
    assert systems == {"engine", "other"}
