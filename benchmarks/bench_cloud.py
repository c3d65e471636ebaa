"""P11: the runner with 32 requests in flight against a local server that takes 0.2 s, and under a rate limit.

The server is the tests' own (`tests/adapters/fault_server.py`) in a process of its own; the engine is the OpenAI
adapter with its SDK; the runner is `asrfair.pipeline.transcribe`, from WAV files to the store. Sequential is the same
adapter, one clip after the other, without the runner. Every answer is checked to have been paid for once.

Rates are of the steady state: answers from the second round of 32 to the last but one, by the time at which the runner
counts them. `usage.wall_s` of run.json is told beside it: from the first batch to the last answer, so that it holds the
first connections of 32 threads and the wait for the last answers, but not the start of the worker and its libraries.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import soundfile

from asrfair import pipeline
from asrfair.adapters import Adapter, load_engine
from asrfair.config import SystemSpec
from asrfair.records import Waveform

TESTS = Path(__file__).parents[1] / "tests" / "adapters"
RATE_HZ = 16_000
LATENCY_S = 0.2
IN_FLIGHT = 32
SEQUENTIAL, PARALLEL = 20, 960
LIMIT_PER_S, BURST, LIMITED = 50.0, 5, 200


@dataclass(slots=True)
class Served:
    """A server, and what it counted when it has ended."""

    url: str
    paid: int = 0
    most_paid: int = 0
    refused: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class Asked:
    """What the runner did: seconds of `usage.wall_s`, and when it counted each answer."""

    wall_s: float
    retries: int
    ended_s: list[float] = field(default_factory=list)

    @property
    def steady_per_s(self) -> float:
        """Answers per second between the second round and the last but one."""
        first, last = IN_FLIGHT - 1, len(self.ended_s) - IN_FLIGHT - 1
        return (last - first) / (self.ended_s[last] - self.ended_s[first])


def serve(pipe: Connection, given: dict[str, float]) -> None:
    """The server, in its own process: tells its URL, and at the end what it counted."""
    sys.path.insert(0, str(TESTS))
    from fault_server import FaultServer
    from fault_services import OpenAIService

    with FaultServer(OpenAIService, **given) as server:
        pipe.send(server.url)
        pipe.recv()
    pipe.send((sum(server.paid.values()), max(server.paid.values()), server.limited, server.most_in_flight))


@contextmanager
def server(**given: float) -> Iterator[Served]:
    """A server of 0.2 s; what it counted is there when the context has ended."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, {"latency_s": LATENCY_S, **given}), daemon=True)
    process.start()
    try:
        served = Served(f"{here.recv()}/v1")
        yield served
        here.send("stop")
        served.paid, served.most_paid, served.refused, served.in_flight = here.recv()
    finally:
        process.kill()
        process.join()


def make_dataset(folder: Path, count: int) -> Path:
    """Clips of one second, all different."""
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.05, (count, RATE_HZ)).astype(np.float32)
    rows = []
    for number, samples in enumerate(noise):
        soundfile.write(folder / f"{number}.wav", samples, RATE_HZ, subtype="PCM_16")
        rows.append({"utterance_id": f"u{number}", "audio": f"{number}.wav", "reference": "a", "duration_s": 1.0})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    about = ("name", "version", "licence", "language", "collection", "consent")
    (folder / "dataset.toml").write_text("schema_version = 1\n" + "".join(f'{key} = "en"\n' for key in about))
    return folder


def sequential(count: int) -> float:
    """Requests per second of the adapter alone, one after the other."""
    noise = np.random.default_rng(1).normal(0, 0.05, (count + 1, RATE_HZ)).astype(np.float32)
    clips = [Waveform(samples, RATE_HZ) for samples in noise]
    with server() as served:
        engine = load_engine("openai", {"endpoint": served.url, "model": "none"})
        if not isinstance(engine, Adapter):
            raise SystemExit("openai is no adapter")
        engine.transcribe_batch(clips[:1])  # start-up is not timed
        began = time.monotonic()
        for clip in clips[1:]:
            engine.transcribe_batch([clip])
        seconds = time.monotonic() - began
        engine.close()
    return count / seconds


def run_through(dataset: Path, out: Path, requests_per_s: float | None = None, **given: float) -> tuple[Asked, Served]:
    """Have a dataset transcribed by the runner with 32 in flight.

    Raises:
        SystemExit: an answer is missing, or was paid for twice.
    """
    ended_s: list[float] = []

    def progress(ended: int, total: int, failed: int) -> None:
        ended_s.append(time.monotonic())

    with server(**given) as served:
        options = {"endpoint": served.url, "model": "none"}
        paced = {"concurrency": IN_FLIGHT, "requests_per_s": requests_per_s}
        system = SystemSpec(engine="openai", id="cloud", options=options, **paced)
        done = pipeline.transcribe(dataset, out, systems=[system], workers=1, progress=progress)
    facts, usage = done.run["verbs"][-1], done.run["usage"]["cloud"]
    if facts["failed"] or served.paid != len(ended_s) or served.most_paid != 1:
        raise SystemExit(
            f"{facts['failed']} failed; {served.paid} paid for of {len(ended_s)}, one {served.most_paid} times"
        )
    return Asked(usage["wall_s"], facts["retries"]["cloud"], ended_s), served


def run() -> list[dict[str, object]]:
    """Measure."""
    limit = {"rate_per_s": LIMIT_PER_S, "burst": BURST, "retry_after_s": 0.1}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, few = make_dataset(folder / "many", PARALLEL), make_dataset(folder / "few", LIMITED)
        before = sequential(SEQUENTIAL)
        asked, served = run_through(many, folder / "a")
        free, stormed = run_through(few, folder / "b", None, **limit)
        held, refused = run_through(few, folder / "c", LIMIT_PER_S * 0.95, **limit)
    return [
        {
            "goal": f"P11 the runner, {IN_FLIGHT} in flight / sequential, steady state",
            "ratio": asked.steady_per_s / before,
            "target": 28.0,
            "detail": f"{asked.steady_per_s:.0f} against {before:.2f} requests/s, server of {LATENCY_S} s, "
            f"{served.in_flight} in flight; by usage.wall_s, all {PARALLEL} requests in {asked.wall_s:.1f} s: "
            f"{PARALLEL / asked.wall_s / before:.1f} times",
        },
        {
            "goal": f"P11 answers of 429, limit of {LIMIT_PER_S:g} requests/s, requests_per_s on (smaller is better)",
            "ratio": float(refused.refused),
            "target": LIMITED * 0.01,
            "detail": f"of {LIMITED} requests, wall_s {held.wall_s:.1f} s",
        },
        {
            "goal": "P11 the same without requests_per_s: the runner slows down by itself (smaller is better)",
            "ratio": float(stormed.refused),
            "target": LIMITED * 0.5,
            "detail": f"{free.retries} retries, wall_s {free.wall_s:.1f} s; at the limit it would be "
            f"{LIMITED / LIMIT_PER_S:.1f} s",
        },
    ]


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
