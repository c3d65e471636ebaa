"""Engines, options and answers as bad as they come: bad input is told in a line, an utterance fails alone."""

import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from asrfair.config import load_config, parse_system
from asrfair.errors import AdapterError, ConfigError, InputError, TransientError
from asrfair.pipeline import transcribe
from asrfair.records import Transcript, Waveform, Word
from asrfair.store import read_hypotheses
from asrfair.transcribe.caller import Caller
from asrfair.transcribe.gate import Gate
from asrfair.transcribe.hearing import Heard
from asrfair.transcribe.said import checked

ENGINES = """
import os, sys
from asrfair.adapters import Adapter
from asrfair.records import SystemInfo, Transcript

NO_ENGINE = 7


class Plain(Adapter):
    def describe(self):
        return SystemInfo(type(self).__name__, "1", {})

    def transcribe_batch(self, batch):
        return [Transcript("x") for _ in batch]


class Leaves(Plain):
    def __init__(self):
        sys.exit(3)


class NoKey(Plain):
    def __init__(self):
        raise KeyError("boom")


class Talks(Plain):
    def __init__(self):
        print("python talks", flush=True)
        os.system("echo its child talks")

    def transcribe_batch(self, batch):
        os.write(1, b"its library talks\\n")
        return super().transcribe_batch(batch)


class NotToBeWritten(Plain):
    def describe(self):
        return SystemInfo("x", "1", {"what": lambda: 1})


class NoBatch(Plain):
    batch_size = 0


class Screams(Plain):
    def transcribe_batch(self, batch):
        raise Warning("\\n\\x00\\x1b[31m" + "y" * 100_000)
"""
NAMES = {
    "broken": "asrfair_test_broken:X",
    "absent": "asrfair_test_absent:X",
    "no-engine": "asrfair_test_engines:NO_ENGINE",
    "leaves": "asrfair_test_engines:Leaves",
    "no-key": "asrfair_test_engines:NoKey",
    "talks": "asrfair_test_engines:Talks",
    "not-written": "asrfair_test_engines:NotToBeWritten",
    "no-batch": "asrfair_test_engines:NoBatch",
    "screams": "asrfair_test_engines:Screams",
}


@pytest.fixture
def cli(tmp_path):
    """Runs the command line with a package of odd engines installed; no run may end in a trace."""
    package = tmp_path / "package"
    (package / "odd-1.0.dist-info").mkdir(parents=True)
    (package / "odd-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    points = "".join(f"{name} = {place}\n" for name, place in NAMES.items())
    (package / "odd-1.0.dist-info" / "entry_points.txt").write_text(f"[asrfair.adapters]\n{points}")
    (package / "asrfair_test_engines.py").write_text(ENGINES)
    (package / "asrfair_test_broken.py").write_text("1 / 0\n")
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def run(*arguments, stdout=subprocess.PIPE):
        done = subprocess.run(
            [sys.executable, "-m", "asrfair", *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "package odd) cannot be loaded: ZeroDivisionError"),
        ("absent", "package odd) cannot be loaded: ModuleNotFoundError"),
        ("no-engine", "is no subclass of asrfair.adapters.Adapter"),
        ("leaves", "cannot be loaded: SystemExit: 3"),
        ("no-key", "cannot be loaded: KeyError: 'boom'"),
        ("not-written", "is no JSON"),
        ("no-batch", "batch_size=0 is not above 0"),
    ],
)
def test_an_engine_that_cannot_be_used_is_bad_input_with_its_reason(cli, tones, tmp_path, name, why):
    done = cli("transcribe", tones(2), "--system", name, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert why in done.stderr


def test_what_an_engine_prints_does_not_mix_with_the_results(cli, tones, tmp_path):
    done = cli("transcribe", tones(2), "--system", "talks", "--out", tmp_path / "run")
    assert done.returncode == 0
    assert "talks |" in done.stdout
    for who in ("python", "its child", "its library"):
        assert f"{who} talks" not in done.stdout
        assert f"{who} talks" in done.stderr


def test_an_engines_scream_is_one_bearable_line(cli, tones, tmp_path):
    done = cli("transcribe", tones(3), "--system", "screams", "--breaker", "2", "--out", tmp_path / "run")
    assert done.returncode == 4
    assert "\x1b" not in done.stdout + done.stderr
    for row in read_hypotheses(tmp_path / "run").to_pylist():
        assert row["error"].startswith(("engine: Warning: ", "stopped: "))
        assert row["error"].isprintable()
        assert len(row["error"]) < 1000


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_results_that_cannot_be_written_are_no_trace(cli):
    with open("/dev/full", "w") as full:
        assert cli("systems", "scripted", stdout=full).returncode == 2


@pytest.mark.parametrize(
    "text",
    [
        "scripted,concurrency=nan",
        "scripted,concurrency=1e999",
        "scripted,requests_per_s=1e-300",
        "scripted,requests_per_s=nan",
        "scripted,id=a\nb",
        "scripted,id=\x1b[31m",
    ],
)
def test_a_pace_or_a_name_that_cannot_be_is_refused(text):
    with pytest.raises(InputError, match="--system scripted"):
        parse_system(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0])
@pytest.mark.parametrize("option", ["budget", "timeout_s"])
def test_a_budget_or_a_timeout_that_is_no_number_is_refused(tones, tmp_path, option, value):
    with pytest.raises(InputError, match=option.removesuffix("_s")):
        transcribe(tones(1), tmp_path / "run", systems=["scripted"], **{option: value})
    config = tmp_path / "run.toml"
    config.write_text(f'schema_version = 1\nmanifest = "m"\nout = "o"\n{option} = {value}\n[[systems]]\nengine = "x"\n')
    with pytest.raises(ConfigError, match=option):
        load_config(config)


@pytest.mark.parametrize("longest_s", ["1e-9", "-1", "nan", "0"])
def test_audio_is_not_cut_into_dust(tones, tmp_path, longest_s):
    with pytest.raises(InputError, match="longest_s"):
        transcribe(tones(1), tmp_path / "run", systems=[f"scripted,longest_s={longest_s}"])


def test_an_address_without_ray_is_refused(tones, tmp_path):
    with pytest.raises(InputError, match="--executor ray"):
        transcribe(tones(1), tmp_path / "run", systems=["scripted"], address="127.0.0.1:1")


@pytest.mark.parametrize("said", [None, "text", Transcript(None), Transcript(b"x"), Transcript("a\ud800")])
def test_what_is_no_transcript_is_malformed(said):
    with pytest.raises(AdapterError) as found:
        checked(said)
    assert found.value.kind == "malformed"


def test_times_and_confidences_that_cannot_be_are_undefined_and_the_words_stay():
    words = (
        Word("nan", math.nan, 1.0, math.nan),
        Word("early", -1.0, 1.0, -0.1),
        Word("turned", 2.0, 1.0, 1.7),
        Word("endless", 1.0, math.inf, 1.0 + 1e-9),
        Word("good", 1.0, 2.0, 0.5),
    )
    assert checked(Transcript("t", words, math.nan)) == Transcript(
        "t",
        (
            Word("nan", None, 1.0, None),
            Word("early", None, 1.0, None),
            Word("turned", None, None, None),
            Word("endless", 1.0, None, 1.0),
            Word("good", 1.0, 2.0, 0.5),
        ),
        None,
    )


class Busy:
    """An engine whose server asks to wait for very long, once."""

    batch_size, batch_audio_s, longest_s = 1, None, None

    def __init__(self, wait_s):
        self.wait_s = wait_s

    def transcribe_batch(self, batch):
        wait_s, self.wait_s = self.wait_s, None
        if wait_s is not None:
            raise TransientError("too many", wait_s, kind="rate_limit")
        return [Transcript("x") for _ in batch]


@pytest.mark.parametrize("wait_s", [3600.0, 1e12, math.inf])
def test_a_server_that_asks_to_wait_for_ever_fails_one_utterance_and_holds_no_other(wait_s):
    heard = [Heard(Waveform(np.zeros(160, np.float32), 16_000))]
    caller = Caller(Busy(wait_s), 2, lambda event: None, Gate())
    assert (caller.answer(heard)[0].error or "").startswith("rate_limit: ")
    said = []
    thread = threading.Thread(target=lambda: said.extend(caller.answer(heard)), daemon=True)
    thread.start()
    thread.join(10)
    assert said, "the next call waits as well"
    assert said[0].transcript == Transcript("x")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "no Ray cluster at 127.0.0.1:1"),
        ("ray://127.0.0.1:1", "no Ray cluster"),
        ("nothere.invalid:6379", "no Ray cluster"),
        ("127.0.0.1:99999", "no Ray cluster"),
        ("x" * 5000, "write HOST:PORT"),
        ("127.0.0.1:\u00b2", "write HOST:PORT"),
    ],
)
def test_an_address_where_nobody_listens_is_told_at_once(tones, tmp_path, address, why):
    pytest.importorskip("ray", reason="ray is not installed")
    with pytest.raises(InputError, match=why) as refused:
        transcribe(tones(1), tmp_path / "run", systems=["scripted"], executor="ray", address=address)
    assert len(str(refused.value)) < 500


def test_the_pieces_of_long_audio_are_no_retries(tones, tmp_path):
    done = transcribe(tones(2), tmp_path / "run", systems=["scripted,id=s,longest_s=0.1"])
    assert done.run["usage"]["s"]["requests"] > 2
    assert done.run["usage"]["s"]["retries"] == 0
    assert "retries" not in done.text


def test_a_cost_below_nothing_is_no_credit(tones, tmp_path):
    folder, out = tones(1), tmp_path / "run"
    transcribe(folder, out, systems=["scripted"])
    (out / "meter.json").write_text('{"scripted": {"cost": -1e9}}')
    with pytest.raises(InputError, match="cost below 0"):
        transcribe(folder, out, systems=["scripted"])
