"""`asrfair systems` tells of every engine that is found whether it can be used here, and loads no engine's library."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from asrfair.adapters import available_engines
from asrfair.cli import main

ENGINES = '''
"""Two engines that somebody else ships."""
from asrfair.adapters._base import Adapter
from asrfair.adapters._cloud import CloudAdapter


class Local(Adapter):
    """Hears here."""

    LIBRARIES = ("library_that_nobody_has",)
    EXTRA = "nobody"

    def __init__(self, model: str, beams: int | None = 5):
        raise SystemExit("a constructor was called")

    def describe(self): ...
    def transcribe_batch(self, batch): ...


class Service(CloudAdapter):
    """Asks a server."""

    CREDENTIALS = (("SERVICE_KEY", "SERVICE_REGION"), ("SERVICE_TOKEN",))

    def __init__(self):
        raise SystemExit("a constructor was called")

    def describe(self): ...
    def ask(self, waveform): ...
'''
ENTRY_POINTS = """
[asrfair.adapters]
their-local = their_engines:Local
their-service = their_engines:Service
their-broken = their_broken:Engine
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder with a package of engines, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "their_engines.py").write_text(ENGINES)
    (folder / "their_broken.py").write_text("import library_that_nobody_has\n")
    info = folder / "their_engines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-engines\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def asked(shipped, *arguments, **environment):
    """The verb in a process of its own, with the shipped engines."""
    path = os.pathsep.join([str(shipped), *filter(None, sys.path)])
    clean = {key: value for key, value in os.environ.items() if not key.startswith("SERVICE_")}
    command = [sys.executable, "-m", "asrfair", "systems", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=clean | {"PYTHONPATH": path} | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def listed(shipped):
    return {entry["name"]: entry for entry in json.loads(asked(shipped, "--json"))}


def test_every_engine_is_listed_with_what_it_is(listed):
    assert {name.replace("_", "-") for name in available_engines()} <= set(listed)
    assert listed["pocketsphinx"]["kind"] == "local"
    assert listed["precomputed"]["kind"] == "transcripts"
    assert listed["their-service"]["kind"] == "cloud"
    for entry in listed.values():
        assert entry["ready"] is (not entry["missing"])


def test_what_is_missing_is_said_without_a_constructor_being_called(listed):
    assert listed["their-local"]["missing"] == ["install library_that_nobody_has: pip install 'asrfair[nobody]'"]
    assert listed["their-service"]["missing"] == ["set SERVICE_KEY and SERVICE_REGION or SERVICE_TOKEN"]
    assert listed["scripted"]["ready"] is True


def test_credentials_make_a_service_ready_and_are_not_shown(shipped):
    canary = "canary-0123456789"
    said = asked(shipped, "their-service", "--json", SERVICE_TOKEN=canary)
    assert json.loads(said)["ready"] is True
    assert canary not in said + asked(shipped, "their-service", SERVICE_TOKEN=canary)


def test_an_engine_that_cannot_be_loaded_hides_no_other(listed):
    broken = listed["their-broken"]
    assert (broken["kind"], broken["ready"]) == ("unknown", False)
    assert "library_that_nobody_has" in broken["missing"][0]


def test_options_have_types_and_defaults(listed):
    assert listed["their-local"]["options"] == [
        {"name": "model", "types": ["str"], "required": True, "default": None},
        {"name": "beams", "types": ["int"], "required": False, "default": 5},
    ]


def test_a_local_engine_has_no_price_and_the_priced_ones_say_of_when(listed):
    assert listed["pocketsphinx"]["price"] is None
    for entry in listed.values():
        for price in entry["prices"]:
            assert entry["kind"] == "cloud"
            assert price["currency"] == "USD"
            assert price["as_of"].startswith("20")


def test_the_text_says_the_same(shipped, listed):
    said = asked(shipped)
    for name, entry in listed.items():
        assert f"{name}: {entry['kind']}, {'ready' if entry['ready'] else 'not ready'}" in said
    assert "to do: set SERVICE_KEY and SERVICE_REGION or SERVICE_TOKEN" in said
    assert f"{sum(entry['ready'] for entry in listed.values())} of {len(listed)} engines are ready" in said
    assert max(map(len, said.splitlines())) <= 100


def test_one_engine_is_told_in_detail(shipped):
    said = asked(shipped, "their-local")
    assert "Hears here." in said
    assert "option model (str, required)" in said
    assert "pocketsphinx" not in said


def test_an_engine_that_is_not_there_is_bad_input():
    done = CliRunner().invoke(main, ["systems", "nope"])
    assert done.exit_code == 2
    assert "no engine is called 'nope'" in done.stderr


def test_the_list_loads_no_engines_library_and_is_quick():
    code = (
        "import sys, time\nfrom asrfair.startup import keep_pandas_out\nkeep_pandas_out()\n"
        "from asrfair.pipeline.systems import systems\nsystems().as_text()\n"
        "print(time.process_time())\nprint(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spent, names = done.stdout.splitlines()
    heavy = {
        "torch",
        "transformers",
        "pocketsphinx",
        "boto3",
        "openai",
        "httpx",
        "onnxruntime",
        "ray",
        "pandas",
        "grpc",
    }
    assert not heavy & {name.partition(".")[0] for name in names.split()}
    assert float(spent) < 3.0, "seconds of processor; 0.9 on a calm machine"
