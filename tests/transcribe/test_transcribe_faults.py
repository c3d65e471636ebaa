"""A service that fails in every way: each utterance ends with its own reason, and nothing is paid for twice."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from fault_protocol import Said, planned
from fault_server import FaultServer
from fault_services import OpenAIService

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio
from asrfair.config import SystemSpec
from asrfair.errors import InputError
from asrfair.store import read_hypotheses
from asrfair.transcribe.gate import Gate

CANARY = "canary-0b7f52d1c9ae"
PRICES = """\
schema_version = 1
as_of = 2026-01-01
currency = "USD"
[[price]]
engine = "openai"
per_minute = 6.0
source = "made up: ten cents a second"
"""


@pytest.fixture(autouse=True)
def key(monkeypatch):
    pytest.importorskip("openai", reason="the engine openai is not installed")
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)


def digests_of(folder, n):
    return [waveform_digest(read_audio(folder / f"{i}.wav")[0]) for i in range(n)]


def asks(server, **more):
    options = {"endpoint": f"{server.url}/v1", "model": "whisper-1"}
    return SystemSpec(engine="openai", id="cloud", options=options, **({"concurrency": 32} | more))


def rows_of(run):
    return {row["utterance_id"]: row for row in read_hypotheses(Path(run)).to_pylist()}


def test_a_thousand_utterances_with_every_fault_are_all_accounted_for_and_none_is_paid_for_twice(tones, tmp_path):
    """10 % 429, 5 % 500, 2 % cut, 1 % garbage, 3 % refused: exactly the last two fail."""
    n, folder, out = 1000, tones(1000), tmp_path / "run"
    digests = digests_of(folder, n)
    shares = {"429": 0.10, "500": 0.05, "cut": 0.02, "garbage": 0.01, "400": 0.03}
    plan = planned(digests, shares)
    answers = {digest: Said(f"word {i}") for i, digest in enumerate(digests)}
    with FaultServer(OpenAIService, answers, plan) as server:
        done = pipeline.transcribe(folder, out, systems=[asks(server)])
    rows = rows_of(out)
    ends = Counter((row["error"] or "ok").partition(":")[0] for row in rows.values())
    assert ends == {"ok": 960, "refused": 30, "malformed": 10}
    assert all(rows[f"u{i}"]["text"] in (f"word {i}", None) for i in range(n))
    assert server.faults == {"429": 100, "500": 50, "cut": 20, "garbage": 10, "400": 30}
    assert set(server.paid.values()) == {1}, "something was paid for twice"
    assert server.paid.total() == 970
    assert done.run["usage"]["cloud"]["retries"] == 170
    failed = {e["group"]: e["n_failed"] for e in done.run["failures"] if e["attribute"] == "accent"}
    assert sum(failed.values()) == 40
    pipeline.score(out)
    pipeline.analyze(out, by=["accent"])
    pipeline.report(out)
    card = (out / "card.md").read_text()
    assert "Who got no transcript" in card
    assert "refused" in card

    with FaultServer(OpenAIService, answers, plan) as server:
        again = pipeline.transcribe(folder, out, systems=[asks_same(out)])
    assert server.requests.total() == 0
    assert again.run["verbs"][-1]["kept"] == n


def asks_same(out):
    """The system of a run as it was, at an address that is not there any more: nothing may be asked."""
    system = json.loads((out / "run.json").read_text())["systems"][0]
    options = {"endpoint": system["options"]["endpoint"], "model": "whisper-1"}
    return SystemSpec(engine="openai", id="cloud", options=options)


def test_a_key_is_in_no_file_of_a_run_and_in_no_output(tones, tmp_path):
    folder, out = tones(12), tmp_path / "run"
    plan = planned(digests_of(folder, 12), {"400": 0.25, "401": 0.25, "500": 0.25})
    with FaultServer(OpenAIService, {}, plan) as server:
        config = tmp_path / "run.toml"
        config.write_text(
            f'schema_version = 1\nmanifest = "{folder}"\nout = "{out}"\nmax_failed = 1.0\n'
            '[[systems]]\nengine = "openai"\nid = "cloud"\n'
            f'options = {{ endpoint = "{server.url}/v1", model = "whisper-1" }}\n'
        )
        command = [sys.executable, "-X", "dev", "-m", "asrfair", "run", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert server.seen, "nothing was asked"
    assert any(CANARY in str(request.headers) for request in server.seen), "the key was not used at all"
    assert CANARY not in done.stdout + done.stderr
    for path in [*out.rglob("*"), config]:
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path
    assert read_hypotheses(out).num_rows == 12


def test_credentials_that_are_denied_stop_the_system_at_once_and_the_next_run_asks_again(tones, tmp_path):
    folder, out = tones(60), tmp_path / "run"
    denied = {digest: ["401"] for digest in digests_of(folder, 60)}
    with FaultServer(OpenAIService, {}, denied) as server:
        first = pipeline.transcribe(folder, out, systems=[asks(server, concurrency=2)])
        assert server.requests.total() < 12
        ends = Counter(row["error"].partition(":")[0] for row in rows_of(out).values())
        assert ends["stopped"] > 45
        assert ends.total() == 60
        assert "denied" in first.run["verbs"][-1]["stopped"]["cloud"]
        server.plan.clear()
        pipeline.transcribe(folder, out, systems=[asks(server)])
    assert {row["status"] for row in rows_of(out).values()} == {"ok"}


def test_a_system_that_only_fails_is_stopped_and_the_others_go_on(tones, tmp_path):
    folder, out = tones(80), tmp_path / "run"
    with FaultServer(OpenAIService, {}, {digest: ["400"] for digest in digests_of(folder, 80)}) as server:
        systems = [asks(server, concurrency=2), SystemSpec(engine="scripted", id="other", options={"text": "x"})]
        done = pipeline.transcribe(folder, out, systems=systems, breaker=10)
    kinds = Counter(
        (row["system_id"], (row["error"] or "ok").partition(":")[0]) for row in read_hypotheses(out).to_pylist()
    )
    assert kinds["other", "ok"] == 80
    assert kinds["cloud", "stopped"] > 55
    assert kinds["cloud", "stopped"] + kinds["cloud", "refused"] == 80
    assert "10 failures in a row" in done.text


def test_a_budget_is_never_exceeded_also_not_by_coming_back(tones, tmp_path):
    folder, out = tones(40), tmp_path / "run"  # 0.3 s each: three cents
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    with FaultServer(OpenAIService, {}) as server:
        told = pipeline.dry_run(folder, out, systems=[asks(server)], prices=prices)
        assert "40 requests" in told
        assert "1.2 USD at the list prices of 2026-01-01" in told
        assert not out.exists()
        done = pipeline.transcribe(folder, out, systems=[asks(server)], prices=prices, budget=0.5)
        assert server.paid.total() == 16
        assert done.run["usage"]["cloud"]["cost"] == pytest.approx(0.48)
        assert sum((row["error"] or "").startswith("budget: ") for row in rows_of(out).values()) == 24
        pipeline.transcribe(folder, out, systems=[asks(server)], prices=prices, budget=0.7)
        assert server.paid.total() == 23
        pipeline.transcribe(folder, out, systems=[asks(server)], prices=prices)
        assert server.paid.total() == 40
        assert set(server.paid.values()) == {1}


def test_a_budget_for_what_has_no_price_is_refused_before_anything_is_asked(tones, tmp_path):
    with FaultServer(OpenAIService, {}) as server, pytest.raises(InputError, match="no price for cloud"):
        pipeline.transcribe(tones(2), tmp_path / "run", systems=[asks(server)], budget=1.0)


def test_a_given_rate_is_kept_and_the_server_never_complains(tones, tmp_path):
    """All 60 at once would be refused 50 times; ten are allowed together, because a busy machine may be late."""
    folder = tones(60)
    with FaultServer(OpenAIService, {}, rate_per_s=40, burst=10) as server:
        pipeline.transcribe(folder, tmp_path / "run", systems=[asks(server, requests_per_s=30)])
    assert server.limited == 0
    assert {row["status"] for row in rows_of(tmp_path / "run").values()} == {"ok"}


def test_without_a_rate_a_server_that_complains_is_asked_more_slowly_and_nothing_is_lost(tones, tmp_path):
    folder = tones(120)
    with FaultServer(OpenAIService, {}, rate_per_s=40, burst=5, retry_after_s=0.2) as server:
        pipeline.transcribe(folder, tmp_path / "run", systems=[asks(server)])
    assert {row["status"] for row in rows_of(tmp_path / "run").values()} == {"ok"}
    assert set(server.paid.values()) == {1}
    assert server.limited < 120, "more complaints than utterances: a storm"


def test_a_gate_lets_calls_through_at_its_rate():
    gate = Gate(50.0)
    began = time.monotonic()
    for _ in range(11):
        gate.wait()
    assert 0.19 < time.monotonic() - began < 0.6


def test_a_gate_holds_everybody_while_the_server_asks_to_wait():
    gate = Gate()
    gate.too_many(gate.wait(), 0.3)
    began = time.monotonic()
    gate.wait()
    assert time.monotonic() - began > 0.25


def test_a_server_that_is_gone_is_a_dropped_connection_that_the_next_run_tries_again(tones, tmp_path):
    folder, out = tones(3), tmp_path / "run"
    with FaultServer(OpenAIService, {}) as server:
        pass
    pipeline.transcribe(folder, out, systems=[asks(server)], retries=0)
    assert {row["error"].partition(":")[0] for row in rows_of(out).values()} == {"connection"}
    with FaultServer(OpenAIService, {}) as server:
        moved = SystemSpec(engine="openai", id="new", options={"endpoint": f"{server.url}/v1", "model": "whisper-1"})
        done = pipeline.transcribe(folder, out, systems=[moved])
    assert done.run["verbs"][-1]["transcribed"] == 3
