"""Figures and tables for papers: files of a run, the same each time, inert whatever a group is called."""

import csv
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import asrfair
from asrfair.errors import InputError
from asrfair.pipeline.papers import figures, tables
from asrfair.report.figures import plain
from asrfair.report.latex import HEADER, escaped

MINI = Path(__file__).parents[1] / "data" / "mini"
EVIL = '\\input{x} $a_b$ & 50 % {<b>} =1+1 "q" ~^#'


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("papers") / "run"
    asrfair.audit(MINI, {"engine": MINI / "engine.jsonl"}, out=out, by=["accent"])
    return out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The same, with a group that is called what it should not be."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(MINI, folder / "mini")
    rows = [json.loads(line) for line in (MINI / "rows.jsonl").read_text().splitlines()]
    lines = [json.dumps(row | {"accent": EVIL} if row.get("accent") == "coast" else row) for row in rows]
    (folder / "mini" / "rows.jsonl").write_text("\n".join(lines))
    dataset = (MINI / "dataset.toml").read_text()
    (folder / "mini" / "dataset.toml").write_text(re.sub(r"(?m)^vocabulary.*\n", "", dataset))
    asrfair.audit(folder / "mini", {"engine": MINI / "engine.jsonl"}, out=folder / "run", by=["accent"])
    return folder / "run"


def test_figures_are_the_same_bytes_each_time_in_every_format(run, tmp_path):
    formats = ("svg", "pdf", "png")
    first = figures(run, out=tmp_path / "a", formats=formats)
    again = figures(run, out=tmp_path / "b", formats=formats)
    assert [path.name for path in first] == [path.name for path in again]
    assert {path.suffix for path in first} == {".svg", ".pdf", ".png"}
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert "wer_accent.svg" in {path.name for path in first}


def test_a_table_has_the_numbers_of_the_run(run, tmp_path):
    (path,) = tables(run, out=tmp_path, formats=("csv",))
    rows = {row[0]: row for row in csv.reader(io.StringIO(path.read_text()))}
    assert tuple(rows["group"]) == HEADER
    for row in pq.read_table(run / "groups.parquet").to_pylist():
        if row["attribute"] == "accent" and row["normalizer"] == "whisper-en":
            assert rows[row["group"]][3] == f"{100 * row['wer']:.1f}"
            assert rows[row["group"]][1] == str(row["n_speakers"])


def test_latex_is_balanced_and_obeys_nothing_that_a_group_is_called(hostile, tmp_path):
    (path,) = tables(hostile, out=tmp_path)
    text = path.read_text()
    assert r"\input" not in text
    bare = re.sub(r"\\(?:[{}$&#%_]|text\w+\{\})", "", text)
    assert bare.count("{") == bare.count("}")
    body = bare[bare.index(r"\midrule") : bare.index(r"\bottomrule")]
    assert not re.search(r"[$#_^~]", body)
    lines = [line for line in body.splitlines()[1:] if line.strip()]
    assert {line.count("&") for line in lines} == {len(HEADER) - 1}


def test_csv_is_no_formula(hostile, tmp_path):
    (path,) = tables(hostile, out=tmp_path, formats=("csv",))
    assert not re.search(r"(?m)^\"?[=+@]", path.read_text())


def test_a_group_that_is_withheld_is_in_no_figure_and_no_table(run, tmp_path):
    assert not tables(run, out=tmp_path / "t", k=13)
    assert not figures(run, out=tmp_path / "f", k=13)


def test_what_there_is_not_is_refused(run, tmp_path):
    for call, says in (
        (lambda: figures(run, out=tmp_path, formats=("gif",)), "svg, pdf, png"),
        (lambda: figures(run, out=tmp_path, attributes=("shoe",)), "accent"),
        (lambda: tables(run, out=tmp_path, formats=("word",)), "latex, csv"),
        (lambda: tables(tmp_path / "nothing"), "run"),
    ):
        with pytest.raises(InputError, match=says):
            call()


def test_the_verbs_print_what_they_wrote(run, tmp_path):
    for verb in ("figures", "tables"):
        command = [sys.executable, "-m", "asrfair", verb, str(run), "--out", str(tmp_path / verb)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert all(Path(line).exists() for line in done.stdout.splitlines())
        assert done.stdout


def test_escaping_leaves_letters_alone():
    assert escaped("naïve Ελλάδα 日本") == "naïve Ελλάδα 日本"
    assert escaped("a\x00b\n c") == "a b c"


def test_the_page_on_figures_does_what_it_says(tmp_path, monkeypatch):
    shutil.copytree(MINI, tmp_path / "tests" / "data" / "mini")
    monkeypatch.chdir(tmp_path)
    text = (MINI.parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    for kind, block in re.findall(r"```(sh|python)\n(.*?)```", text, re.DOTALL):
        for line in block.strip().splitlines() if kind == "sh" else ():
            subprocess.run([sys.executable, "-m", *shlex.split(line)], check=True, capture_output=True)
        if kind == "python":
            exec(block, {})
    assert (tmp_path / "forest.pdf").stat().st_size
    assert (tmp_path / "runs" / "mini" / "tables" / "accent_engine_clean.tex").stat().st_size


def test_a_name_in_a_figure_cannot_turn_what_stands_behind_it():
    assert plain("a\u202eb\x07c  d") == "abc d"
    assert plain("$x$") == r"\$x\$"
