"""Every command and every piece of code that the README shows is run here; the test command is what .ci/run runs."""

import importlib.util
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from asrfair.adapters import Adapter
from asrfair.cli import main
from asrfair.config import FamilySpec
from asrfair.records import Waveform
from asrfair.stats import Family
from asrfair.tables import SCHEMAS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]


def commands(text):
    """The asrfair commands of a shell block, without what sets up the environment."""
    for line in text.strip().splitlines():
        last = line.split(" && ")[-1]
        if last.startswith((".venv/bin/asrfair ", "asrfair ")):
            yield shlex.split(last)[1:]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder that looks like the checkout to the commands, where they may write."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "tests" / "data", folder / "tests" / "data")
    return folder


def test_the_readme_has_two_commands_that_do_all_the_set_up():
    marked = {block["mark"]: block["text"] for block in BLOCKS if block["mark"]}
    for name, last in (("command: demo", "asrfair demo"), ("command: test", "pytest")):
        steps = marked[name].strip().split(" && ")
        assert len(marked[name].strip().splitlines()) == 1
        assert steps[0].startswith("python3 -m venv")
        assert "pip install" in steps[1]
        assert last in steps[-1]


def test_every_command_of_the_readme_does_what_it_says(desk):
    pytest.importorskip("espeakng_loader", reason="the extra demo is not installed")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = []
    for block in BLOCKS:
        if (block["mark"] or "").startswith("file: ") and block["kind"] == "toml":
            (desk / block["mark"].removeprefix("file: ")).write_text(block["text"])
        if block["kind"] != "sh":
            continue
        for arguments in commands(block["text"]):
            done = subprocess.run(
                [sys.executable, "-m", "asrfair", *arguments], cwd=desk, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"asrfair {' '.join(arguments)}: {done.stderr}"
            assert done.stdout.strip()
            ran.append(arguments[0])
    assert {"demo", "check", "audit", "score", "analyze", "report", "plan", "transcribe", "run", "systems"} <= set(ran)
    for name in ("card.json", "card.md", "report.html"):
        assert (desk / "runs" / "demo" / name).stat().st_size
    shown = next(block["text"] for block in BLOCKS if block["kind"] == "text")
    card = (desk / "runs" / "demo" / "card.md").read_text()
    for group, rate in re.findall(r"^  ([A-Z][\w ]+?) {2,}10 +300 +0 +([\d.]+)", shown, re.MULTILINE):
        assert re.search(rf"\| {group} \| 10 \|.*\| {re.escape(rate)} \|", card), f"README: {group} {rate}"


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    code = next(block["text"] for block in BLOCKS if block["kind"] == "python" and not block["mark"])
    exec(compile(code, "README.md", "exec"), {})
    assert "north" in capsys.readouterr().out


def test_the_page_on_statistics_names_what_there_is():
    """Its modules exist, its tables have schemas, its configuration is accepted, the card's figures are in the repo."""
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    methods = text[text.index("| question |") : text.index("Nothing is pooled")]
    for line in methods.strip().splitlines()[2:]:
        for module in re.findall(r"`(\w+)`", line.split("|")[3]):
            assert importlib.util.find_spec(f"asrfair.stats.{module}"), module
    listed = text[text.index("| table |") : text.index("`verdict` is")]
    for line in listed.strip().splitlines()[2:]:
        assert set(re.findall(r"`(\w+)`", line.split("|")[1])) <= set(SCHEMAS), line
    families = tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1])["families"]
    assert [Family(**msgspec.to_builtins(msgspec.convert(f, FamilySpec))).method for f in families] == ["holm", "bh"]
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link


def test_the_page_on_the_last_mile_names_what_there_is():
    """Its tables and columns are those of `tables`, its commands have the options that they show, its links lead."""
    text = (ROOT / "docs" / "last-mile.md").read_text(encoding="utf-8")
    listed = text[text.index("| table |") : text.index("**Two scales")]
    for line in listed.strip().splitlines()[2:]:
        name, columns = re.search(r"`(\w+)`", line.split("|")[1])[1], re.findall(r"`(\w+)`", line.split("|")[3])
        assert set(columns) <= set(SCHEMAS[name].names), name
    for line in re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1].strip().splitlines():
        _, verb, *arguments = shlex.split(line)
        known = {option for parameter in main.commands[verb].params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known, line
    measures = set(re.findall(r"`(\w+)`", text[text.index("**Measures of") : text.index("`censored` says")]))
    assert {"wer", "level_at", "penalty", "quiet_equals", "area", "area_ratio", "worst_case", "nwerd"} <= measures
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link


def test_the_engine_of_the_readme_is_an_engine(tmp_path):
    import numpy as np

    (tmp_path / "my_engine.py").write_text(next(b["text"] for b in BLOCKS if b["mark"] == "file: my_engine.py"))
    spec = importlib.util.spec_from_file_location("my_engine", tmp_path / "my_engine.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = module.MyEngine()
    assert isinstance(engine, Adapter)
    (said,) = engine.transcribe_batch([Waveform(np.zeros(8000, dtype=np.float32), 16_000)])
    assert said.text == "0.5 seconds of sound"


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_a_notebook_runs(path, capsys):
    runpy.run_path(str(path))
    assert "Findings" in capsys.readouterr().out


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
