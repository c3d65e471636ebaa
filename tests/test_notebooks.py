"""The notebooks run as they are committed, and what they say is what the run folder that they leave says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from asrfair.store import read_mixes

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=400, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
"""Jupyter warns of its own future, which is no fault of ours: it has a process to itself."""


def surroundings(folder):
    """An environment in which `python3` is the interpreter of the tests, and nothing is written outside the folder."""
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    (folder / "made").mkdir()
    own = {f"JUPYTER_{name}_DIR": str(folder / "jupyter" / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTER_PATH": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}
    return os.environ | own | {"TMPDIR": str(folder / "made"), "PYTHONPATH": str(ROOT)}


def shown(notebook, kind):
    """All outputs of a kind, as text: `text/plain`, `text/html`, `image/png` or `stream`."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    if kind == "stream":
        return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]
    return ["".join(output["data"][kind]) for output in outputs if kind in output.get("data", {})]


def execute(name, folder):
    """A notebook with its outputs, the folder that it worked in, and the one that it was run in."""
    (desk := folder / "desk").mkdir()
    command = [sys.executable, "-c", EXECUTE, str(ROOT / "notebooks" / f"{name}.ipynb"), str(folder / "out.ipynb")]
    done = subprocess.run(command, cwd=desk, env=surroundings(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    (work,) = (folder / "made").glob(f"{name.replace('_', '-')}-*")
    return json.loads((folder / "out.ipynb").read_text(encoding="utf-8")), work, desk


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook of the last mile."""
    pytest.importorskip("espeakng_loader", reason="the extra demo is not installed")
    return execute("last_mile", tmp_path_factory.mktemp("notebook"))


def rows(work, name):
    """A table of the run, by the headline normaliser."""
    table = pq.read_table(work / "run" / f"{name}.parquet").to_pylist()
    return [row for row in table if row["normalizer"] == "whisper-en"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {}), cell["id"]
    assert not re.search(r"/(home|root|tmp|Users|work|opt|mnt)\b|[A-Z]:\\\\", text)


def test_the_last_mile_writes_only_where_it_says(executed):
    _, work, desk = executed
    assert not list(desk.iterdir())
    assert {path.name for path in work.iterdir()} == {"ward-7.wav", "room", "corpus", "run"}


def test_the_room_is_synthesised_near_its_recording(executed):
    notebook, work, _ = executed
    match = json.loads((work / "room" / "ward-7.json").read_text())["match"]
    assert match["rms_db"] < 1.0
    assert match["modulation_rms_db"] < 3.0
    assert any("Match: near" in text for text in shown(notebook, "stream"))
    assert len(shown(notebook, "image/png")) == 1


def test_every_mix_of_the_last_mile_has_the_ratio_that_was_asked_for(executed):
    mixes = read_mixes(executed[1] / "run").to_pylist()
    assert {row["condition_id"] for row in mixes} == {
        "ward-7@10dB",
        "ward-7@5dB",
        "ward-7@0dB",
        "ward-7-recorded@0dB",
    }
    assert len(mixes) == 4 * len({row["utterance_id"] for row in mixes})
    for row in mixes:
        assert row["snr_db"] == pytest.approx(row["snr_asked_db"], abs=0.01)
        assert re.fullmatch(r"[0-9a-f]{64}", row["mix_sha256"])


def test_the_last_mile_ends_in_verdicts_and_a_card(executed):
    notebook, work, _ = executed
    verdicts = {"amplifies", "narrows", "scale-dependent", "not shown", "cannot tell", "suppressed"}
    interactions = rows(work, "interactions")
    assert len(interactions) == 4 * 4  # four accents beside the baseline, at three levels and under the recording
    assert {row["verdict"] for row in interactions} <= verdicts
    assert {row["baseline"] for row in interactions} == {"US"}
    overall = {row["condition_id"]: row for row in rows(work, "degradation") if row["attribute"] == "all"}
    assert overall["ward-7@0dB"]["difference_low"] > 0
    assert {row["verdict"] for row in rows(work, "reality")} <= {"alike", "differs", "cannot tell"}
    card = json.loads((work / "run" / "card.json").read_text())
    said = "".join(shown(notebook, "stream"))
    assert card["headlines"]
    assert all(f"- {line}\n" in said for line in card["headlines"])
    assert (work / "run" / "report.html").stat().st_size
    figures = [text for text in shown(notebook, "text/html") if "<svg" in text]
    assert len(figures) == 2  # the map and the curves
    assert all("West Midlands" in figure for figure in figures)


def test_the_quickstart_says_what_its_run_folder_says(tmp_path):
    notebook, work, desk = execute("quickstart", tmp_path)
    assert not list(desk.iterdir())
    gaps = {row["group"]: row for row in rows(work, "disparities")}
    assert gaps["north"]["verdict"] == "higher"
    assert f"{gaps['north']['wer_ratio']:.3f}" in "".join(shown(notebook, "text/html"))
    assert "Findings" in "".join(shown(notebook, "stream"))
    assert len(shown(notebook, "image/png")) == 1


def test_the_card_of_the_notebook_has_what_was_said_and_nothing_of_the_group_of_three(tmp_path):
    notebook, work, _ = execute("service_card", tmp_path)
    (card,) = shown(notebook, "text/markdown")
    assert "Turns dictated ward notes into text that a nurse checks before it is saved." in card
    assert "not stated" in card
    said = "".join(shown(notebook, "stream"))
    assert "on the card: []" not in said
    published = json.loads((work / "run" / "card.json").read_text())
    groups = {r["group"]: r for part in published["cells"][0]["attributes"] for r in part["groups"]}
    assert groups.get("island", {}).get("wer") is None
    assert all(f"{line}\n" in said for line in published["headlines"])


def test_the_comparison_of_the_notebook_tells_for_whom_the_new_release_is_worse(tmp_path):
    notebook, work, _ = execute("compare_systems", tmp_path)
    said = "".join(shown(notebook, "stream"))
    assert re.search(r"south.*worse|worse.*south", said, re.IGNORECASE)
    assert "violated" in said.splitlines()
    assert len(shown(notebook, "image/png")) == 1
    assert {path.name for path in work.iterdir()} == {"ward", "june.csv", "july.csv", "june", "july"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin(path):
    """It imports and plots; what computes is in asrfair."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) <= 16
    assert max(len(cell["source"]) for cell in code) <= 50
