"""What leaves a run for other tools is what its tables say, without who is withheld; names from data do nothing."""

import csv
import importlib.util
import json
import os
import re
import shlex
import shutil
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from report_tables import EVIL, gap, group, run_record, tables

from asrfair.cli import main
from asrfair.errors import InputError
from asrfair.pipeline.exporting import export
from asrfair.report.exporters import available_exporters, exporter_class, load_exporter
from asrfair.report.exporters._base import slug
from asrfair.report.exporters.jsonld import ABOUT
from asrfair.report.exporters.mlflow import _scrubbed, _without_secrets
from asrfair.report.published import METRICS

ROOT = Path(__file__).parents[2]
BROKEN = 'a\r\n---\nb: [*x, "y\x1b[31m'
NAMES = ["US", EVIL, "=cmd()", BROKEN, "\u202egnp.exe", "L" * 10_000]
HIDDEN = ("Thai", "Irish")
KEY = "0123456789abcdef" * 2 + "01234567"


def needs(name):
    missing = [m for m in exporter_class(name).needs if importlib.util.find_spec(m) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def wild(tmp_path_factory):
    """A run folder with hostile names, a group of 3 speakers, and the next smallest, which would give it away."""
    folder = tmp_path_factory.mktemp("wild")
    rows = [group("accent", name, n_speakers=20 + i, wer=0.1 + i / 50) for i, name in enumerate(NAMES)]
    rows += [group("accent", "Thai", wer=0.3127, n_speakers=3, words=777)]
    rows += [group("accent", "Irish", wer=0.1873, n_speakers=7, words=611)]
    gaps = [gap("accent", name) for name in [*NAMES[1:], *HIDDEN]]
    groups, disparities = tables(rows, gaps)
    (folder / "run.json").write_text(json.dumps(run_record(manifest={"name": f"Set {EVIL}"})))
    pq.write_table(groups, folder / "groups.parquet")
    pq.write_table(disparities, folder / "disparities.parquet")
    return folder


def number_of(run):
    """(metric, attribute, group) -> value, read from the tables of a run of one cell; the headline's alone."""
    headline = json.loads((run / "run.json").read_text())["normalizers"][0]["name"]
    found = {}
    for name in ("groups", "disparities"):
        for row in pq.read_table(run / f"{name}.parquet").to_pylist():
            if row["normalizer"] == headline and row["group"] not in HIDDEN:
                place = row["attribute"], row["group"]
                found |= {(m, *place): row[m] for m in METRICS if row.get(m) is not None}
    return found


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_hidden(text):
    for name in (*HIDDEN, "0.3127", "0.1873", "777", "611"):
        assert not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text), name


def run_cli(*arguments, **environment):
    """The command in a process of its own, as a user has it; what it said is given back."""
    found = subprocess.run(
        [sys.executable, "-m", "asrfair", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """The commands of docs/exporters.md, run."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "tests" / "data" / "mini", folder / "tests" / "data" / "mini")
    text = (ROOT / "docs" / "exporters.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.*?)```", text, re.DOTALL).group(1)
    here = Path.cwd()
    os.chdir(folder)
    try:
        for line in block.strip().splitlines():
            if "--to hf" in line and importlib.util.find_spec("huggingface_hub") is None:
                continue
            done = CliRunner().invoke(main, shlex.split(line)[1:])
            assert done.exit_code == 0, done.output
    finally:
        os.chdir(here)
    return folder


def test_the_commands_of_the_page_write_every_number_of_the_tables(mini):
    wanted = number_of(mini / "runs" / "mini")
    rows = read_csv(mini / "numbers.csv")
    assert {(r["metric"], r["attribute"], r["group"]): float(r["value"]) for r in rows} == wanted
    signatures = {cell["signature"] for cell in json.loads((mini / "runs/mini/card.json").read_text())["cells"]}
    assert {r["signature"] for r in rows} == signatures
    graph = json.loads((mini / "numbers.jsonld").read_text())["@graph"]
    said = [node["value"] for node in graph if node["@type"] == "Observation"]
    assert said == [float(r["value"]) for r in rows]


def test_the_page_names_every_exporter_option_and_metric():
    text = (ROOT / "docs" / "exporters.md").read_text(encoding="utf-8")
    listed = CliRunner().invoke(main, ["export", "--list"]).output
    for name in available_exporters():
        assert f"| `{name}` |" in text
        assert re.search(rf"^{name} ", listed, re.MULTILINE)
    for word in [*METRICS, *re.findall(r"(\w+) \((?:optional|required|default)", listed)]:
        assert f"`{word}`" in text, word
    assert set(ABOUT) == set(METRICS)


def test_csv_has_no_withheld_group_and_no_formula(wild, tmp_path):
    export(wild, to="csv", out=tmp_path / "n.csv")
    rows = read_csv(tmp_path / "n.csv")
    assert_hidden((tmp_path / "n.csv").read_text(encoding="utf-8"))
    assert {r["group"] for r in rows} >= {"US", EVIL if EVIL[0] not in "=+-@" else f"'{EVIL}", "'=cmd()"}
    assert not [c for r in rows for name, c in r.items() if name != "value" and c[:1] in ("=", "+", "-", "@")]
    assert len({r["group"] for r in rows}) == len(NAMES) + 1


def test_a_smaller_k_publishes_more(wild, tmp_path):
    export(wild, to="csv", out=tmp_path / "n.csv", k=3)
    rates = {r["group"]: float(r["value"]) for r in read_csv(tmp_path / "n.csv") if r["metric"] == "wer"}
    assert rates.items() >= {"Thai": 0.3127, "Irish": 0.1873}.items()


def test_jsonld_can_stand_in_a_page_and_holds_together(wild, tmp_path):
    export(wild, to="jsonld", out=tmp_path / "n.jsonld")
    text = (tmp_path / "n.jsonld").read_text(encoding="utf-8")
    assert_hidden(text)
    assert "<" not in text
    assert "\u202e" not in text
    graph = json.loads(text)["@graph"]
    ids = {node["@id"] for node in graph}
    seen = [n for n in graph if n["@type"] == "Observation"]
    assert {n["observationAbout"]["@id"] for n in seen} | {n["variableMeasured"]["@id"] for n in seen} < ids
    assert len(ids) == len(graph)
    names = {node["name"] for node in graph if node["@type"] == "Thing"}
    assert f"accent: {EVIL}" in names
    assert sorted(n["value"] for n in seen) == sorted(number_of(wild).values())


@needs("hf")
def test_a_model_card_comes_back_as_it_was_written(wild, tmp_path):
    from huggingface_hub import ModelCard

    export(wild, to="hf", out=tmp_path / "card.md", options={"model": "my-model"})
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert_hidden(text)
    assert "<script>" not in text.split("\n---\n")[-1]
    data = ModelCard.load(tmp_path / "card.md").data
    assert data.model_name == "my-model"
    wanted = {
        place: v for (metric, *place_), v in number_of(wild).items() if metric == "wer" for place in [tuple(place_)]
    }
    assert sorted(result.metric_value for result in data.eval_results) == sorted(wanted.values())
    by_group = {result.metric_args["group"]: result for result in data.eval_results}
    assert by_group["US"].metric_args["interval"] == pytest.approx([0.08, 0.13])
    assert by_group[EVIL].metric_value == wanted["accent", EVIL]
    assert by_group["L" * 10_000].metric_args["normalizer"] == "minimal"
    assert all(name.isprintable() for name in by_group)


@needs("hf")
def test_results_of_a_new_run_take_the_place_of_those_of_the_same_groups(wild, tmp_path):
    from huggingface_hub import EvalResult, ModelCard

    from asrfair.report.exporters.hf import merged

    export(wild, to="hf", out=tmp_path / "card.md")
    ours = ModelCard.load(tmp_path / "card.md").data.eval_results
    other = EvalResult("automatic-speech-recognition", "x/y", "Y", "wer", 0.5)
    assert merged([other, *ours], ours) == [other, *ours]


@needs("hf")
def test_a_hub_that_cannot_be_reached_is_told_without_a_token(wild, tmp_path):
    arguments = ["export", wild, "--to", "hf", "--out", tmp_path / "c.md", "--option", "push=nobody/nothing"]
    found = subprocess.run(
        [sys.executable, "-m", "asrfair", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "HF_TOKEN": f"hf_{KEY}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 2
    assert "push=nobody/nothing" in found.stderr
    assert KEY not in found.stderr + (tmp_path / "c.md").read_text()


@needs("mlflow")
def test_an_mlflow_store_has_the_numbers_and_the_card(wild, tmp_path):
    store, files = tmp_path / "ml.db", tmp_path / "files"
    run_cli("export", wild, "--to", "mlflow", "--out", files, "--option", f"tracking=sqlite:///{store}")
    with sqlite3.connect(store) as db:
        metrics = dict(db.execute("select key, value from metrics"))
        tags = db.execute("select key, value from tags").fetchall()
        params = dict(db.execute("select key, value from params"))
        runs = db.execute("select status from runs").fetchall()
    db.close()
    wanted = {m if a == "all" else f"{m}/{slug(a)}/{slug(g)}": value for (m, a, g), value in number_of(wild).items()}
    assert metrics == pytest.approx(wanted)
    assert runs == [("FINISHED",), ("FINISHED",)]
    assert ("asrfair.run_id", "r1") in tags
    assert params["normalizer"] == "minimal"
    assert_hidden(json.dumps([list(metrics), tags, params]))
    kept = {path.name: path for path in files.rglob("*") if path.is_file()}
    assert set(kept) == {"card.json", "card.md", "card.html", "numbers.csv"}
    assert "0.3127" not in kept["card.json"].read_text()


def test_an_address_that_mlflow_would_refuse_is_refused_without_its_password():
    with pytest.raises(InputError, match="sqlite") as caught:
        load_exporter("mlflow", {"tracking": "file://user:geheim@host/x"})
    assert "geheim" not in str(caught.value)
    with pytest.raises(InputError, match="needs --option tracking"):
        load_exporter("mlflow", {})


@needs("mlflow")
def test_a_store_that_refuses_is_told_without_its_password(wild, tmp_path):
    (tmp_path / "x.db").write_text("no database at all, " * 50)
    uri = f"sqlite:///{tmp_path}/x.db?timeout=7531"
    found = subprocess.run(
        [sys.executable, "-m", "asrfair", "export", str(wild), "--to", "mlflow", "--option", f"tracking={uri}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 2, found.stderr
    assert "x.db: MLflow did not take it: (sqlite3.DatabaseError) file is not a database" in found.stderr
    assert "7531" not in found.stdout + found.stderr


def test_what_mlflow_says_is_shown_without_what_is_secret_in_the_address():
    uri = "https://user:geheim@host:9/?token=wort"
    said = _scrubbed("pool of user:geheim@host:9 failed: /?token=wort/api/2.0", uri)
    assert said == "pool of ...:...@host:9 failed: /?.../api/2.0"
    assert _without_secrets(uri) == "https://host:9/"


def records(path):
    """The records of a `.wandb` file: LevelDB's log format behind a header of seven bytes."""
    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""


@needs("wandb")
def test_an_offline_run_of_weights_and_biases_has_the_table_and_the_summary(wild, tmp_path):
    home = {name: str(tmp_path / "home") for name in ("HOME", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR")}
    run_cli("export", wild, "--to", "wandb", "--out", tmp_path, WANDB_API_KEY=KEY, **home)
    (path,) = tmp_path.glob("wandb/offline-run-*/files/media/table/*.json")
    table = json.loads(path.read_text())
    assert [row[1] for row in table["data"]] == list(number_of_in_order(wild, tmp_path))
    assert_hidden(json.dumps(table))
    (log,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    said = b"".join(records(log)).decode("utf-8", "replace")
    assert re.search(r"engine/clean/wer/accent/US.{0,4}0\.1\b", said, re.DOTALL)
    assert_hidden(said)
    for file in tmp_path.glob("wandb/**/*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file.name


def number_of_in_order(run, folder):
    """The values, in the order of the CSV."""
    export(run, to="csv", out=folder / "n.csv")
    return (float(row["value"]) for row in read_csv(folder / "n.csv"))


def test_a_missing_library_is_named_with_its_extra(wild, tmp_path):
    """With a folder in front of the path in which the library cannot be imported, as if it were not installed."""
    for name, extra in (("hf", "hub"), ("wandb", "wandb"), ("mlflow", "mlflow")):
        module = exporter_class(name).needs[0]
        (tmp_path / f"{module}.py").write_text(f"raise ImportError({module!r})\n")
        options = ["--option", "tracking=sqlite:///x.db"] if name == "mlflow" else []
        found = subprocess.run(
            [sys.executable, "-m", "asrfair", "export", str(wild), "--to", name, *options],
            env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert found.returncode == 2, found.stderr
        assert f"asrfair[{extra}]" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "excel"], "there are csv, hf, jsonld, mlflow, wandb"),
        (["--to", "_base"], "no exporter"),
        (["--to", "csv", "--option", "x=1"], "takes none"),
        (["--to", "hf", "--option", "system=other"], "system=NAME, one of engine"),
        (["--to", "wandb", "--option", "mode=loud"], "offline or online"),
        (["--to", "csv", "--k", "2"], "fewer than 3"),
        ([], "--list"),
    ],
)
def test_what_cannot_be_done_is_said(wild, arguments, said):
    done = CliRunner().invoke(main, ["export", str(wild), *arguments])
    assert done.exit_code == 2
    assert said in done.output
