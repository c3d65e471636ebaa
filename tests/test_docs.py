"""Every command and every piece of code that the README shows is run here; the test command is what .ci/run runs."""

import importlib.util
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from fault_server import FaultServer
from fault_services import SERVED

from asrfair.adapters import Adapter, available_engines, engine_class
from asrfair.adapters._cloud import CloudAdapter
from asrfair.cli import main
from asrfair.config import FamilySpec
from asrfair.manifest.corpora.demo import build_demo_corpus
from asrfair.records import Waveform
from asrfair.stats import Family
from asrfair.tables import SCHEMAS
from asrfair.transcribe.jobs import RETRIED_KINDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(README)]
ENGINES = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
NOT_RUN = "not run by the tests: "
"""So begins the mark of a block whose commands need what no test machine has; their options are checked even so."""


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


@pytest.fixture(scope="module")
def services():
    """The services of the page on engines, on loopback; name of the engine -> URL."""
    with ExitStack() as stack:
        servers = {each.engine: stack.enter_context(FaultServer(each.service)) for each in SERVED}
        yield {each.engine: servers[each.engine].url + each.path for each in SERVED}


@pytest.fixture(scope="module")
def bucket():
    """The environment of an S3 server with a bucket that is called `bucket`."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed: no S3 server to test against")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT")).close()
    yield {
        "AWS_ACCESS_KEY_ID": "canary-id",
        "AWS_SECRET_ACCESS_KEY": "canary-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }
    server.stop()


def with_servers(text, services):
    """A file or command as it is shown, but with services on loopback in place of those of others.

    `openai` finds its server in the environment (OPENAI_BASE_URL), as the SDK does; the others by `endpoint`.
    """
    for engine, url in services.items():
        if engine != "openai":
            text = re.sub(rf'(engine = "{engine}"\noptions = {{)', rf'\1 endpoint = "{url}",', text)
    return text.replace("http://127.0.0.1:8000/v1", services["openai"])


def test_every_command_of_the_page_on_engines_does_what_it_says(tmp_path, services, bucket):
    for library in ("espeakng_loader", "pocketsphinx", "torch", "transformers", "openai", "deepgram", "httpx", "ray"):
        pytest.importorskip(library, reason="an extra of engines is not installed")
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    build_demo_corpus(tmp_path / "runs" / "demo" / "corpus", quick=True)
    keys = {each.variable: "canary-key" for each in SERVED}
    environment = os.environ | keys | bucket
    environment |= {"PYTHONPATH": str(ROOT), "OPENAI_BASE_URL": services["openai"], "HF_HUB_OFFLINE": "1"}
    blocks = [match.groupdict() for match in BLOCK.finditer(ENGINES)]
    for block in blocks:
        if (block["mark"] or "").startswith("file: "):
            (tmp_path / block["mark"].removeprefix("file: ")).write_text(with_servers(block["text"], services))

    def run(block):
        """The commands of a block, which needs no other; command -> what it says."""
        said = {}
        for arguments in commands(block["text"]):
            told = [with_servers(word, services) for word in arguments]
            command = [sys.executable, "-m", "asrfair", *told]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"asrfair {' '.join(arguments)}: {done.stderr}"
            said[" ".join(arguments)] = done.stdout
        return said

    shown = [block for block in blocks if block["kind"] == "sh" and not (block["mark"] or "").startswith(NOT_RUN)]
    with ThreadPoolExecutor(2) as threads:
        said = {command: text for texts in threads.map(run, shown) for command, text in texts.items()}
    runs = tmp_path / "runs"
    first = next(text for line, text in said.items() if "--dry-run" in line)
    assert re.search(r"8 requests \(0 rows are there\), .* 0\.00\d+ USD at the list prices of", first)
    night = json.loads((runs / "night" / "run.json").read_text())
    assert len(night["systems"]) == 8
    assert {name for name, used in night["usage"].items() if used["cost"] is None} == {"sphinx", "sphinx-padded"}
    for place in (runs / "night" / "card.json", runs / "night" / "meter.json", runs / "digits" / "repeats"):
        assert place.exists(), place
    assert json.loads((runs / "away" / "store.json").read_text())["url"] == "s3://bucket/night"
    assert not (runs / "away" / "hypotheses").exists()
    assert (runs / "digits" / "repeats.parquet").exists()
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert not [path for path in files if b"canary" in path.read_bytes()]


def test_the_commands_that_are_not_run_have_options_that_there_are():
    marked = [match for match in BLOCK.finditer(ENGINES) if (match["mark"] or "").startswith(NOT_RUN)]
    for verb, *arguments in (each for match in marked for each in commands(match["text"])):
        known = {option for parameter in main.commands[verb].params for option in parameter.opts}
        assert {word for word in arguments if word.startswith("--")} <= known
    assert len(marked) == 2


def table_after(text, header):
    """The rows of the table with this header, each as its cells."""
    lines = text[text.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("page", ["docs/engines.md", "README.md"])
def test_the_tables_of_engines_are_those_that_there_are(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = {}
    for cells in table_after(text, "| engine | extra | "):
        extra = cells[1].strip("`")
        shown |= dict.fromkeys(re.findall(r"`([\w-]+)`", cells[0]), (None if extra == "none" else extra, cells[2]))
    hearing = {name.replace("_", "-"): engine_class(name) for name in available_engines()}
    hearing = {name: cls for name, cls in hearing.items() if issubclass(cls, Adapter) and name != "scripted"}
    kinds = {True: "cloud", False: "local"}
    assert shown == {name: (cls.EXTRA, kinds[issubclass(cls, CloudAdapter)]) for name, cls in hearing.items()}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {extra for extra, _ in shown.values() if extra} <= set(declared)


def test_the_page_on_engines_names_the_kinds_credentials_and_links_that_there_are():
    rows = table_after(ENGINES, "| kind | what happened |")
    again = {kind.strip("`") for kind, *_, later in rows if later == "yes"}
    assert again == RETRIED_KINDS
    assert len(rows) == len({kind for kind, *_ in rows}) > len(again)
    credentials = ENGINES[ENGINES.index("| engine | environment |") : ENGINES.index("Audio longer than")]
    for name in available_engines():
        cls = engine_class(name)
        for variable in {v for names in getattr(cls, "CREDENTIALS", ()) for v in names}:
            assert f"`{variable}`" in credentials, name
    for link in re.findall(r"\]\(([^)]+)\)", ENGINES):
        assert (ROOT / "docs" / link).exists(), link


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
