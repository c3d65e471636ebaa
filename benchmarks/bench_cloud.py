"""P11: a cloud engine with 32 requests in flight against a local server that takes 0.2 s, and under a rate limit.

The server is the tests' own (`tests/adapters/fault_server.py`) in a process of its own; the engine is the OpenAI
adapter with its SDK. `drive` stands for the runner: it asks from `concurrency` threads, at most `requests_per_s`, and
asks again, after as long as the server wants, what was refused for its rate.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from asrfair.adapters import Adapter, load_engine
from asrfair.errors import TransientError
from asrfair.records import Waveform

TESTS = Path(__file__).parents[1] / "tests" / "adapters"
LATENCY_S = 0.2
IN_FLIGHT = 32
SEQUENTIAL, PARALLEL = 10, 640
LIMIT_PER_S, BURST, LIMITED = 50.0, 5, 200


def serve(pipe: Connection, given: dict[str, float]) -> None:
    """The server, in its own process: tells its URL, and at the end what it counted."""
    sys.path.insert(0, str(TESTS))
    from fault_server import FaultServer
    from fault_services import OpenAIService

    with FaultServer(OpenAIService, **given) as server:
        pipe.send(server.url)
        pipe.recv()
    pipe.send((sum(server.paid.values()), max(server.paid.values()), server.limited, server.most_in_flight))


def clips(count: int) -> list[Waveform]:
    """Clips of one second, all different."""
    noise = np.random.default_rng(0).normal(0, 0.05, (count, 16_000)).astype(np.float32)
    return [Waveform(samples, 16_000) for samples in noise]


def drive(engine: Adapter, waveforms: list[Waveform], concurrency: int, requests_per_s: float | None = None) -> float:
    """Have everything transcribed; gives the wall seconds."""
    lock = threading.Lock()
    turn = time.monotonic()

    def wait_for_a_turn() -> None:
        nonlocal turn
        if requests_per_s is None:
            return
        with lock:
            mine = turn = max(turn + 1 / requests_per_s, time.monotonic())
        time.sleep(max(0.0, mine - time.monotonic()))

    def ask(waveform: Waveform) -> None:
        while True:
            wait_for_a_turn()
            try:
                engine.transcribe_batch([waveform])
                return
            except TransientError as error:
                if error.kind != "rate_limit":
                    raise
                time.sleep(error.retry_after_s or 1.0)

    began = time.monotonic()
    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(ask, waveforms))
    return time.monotonic() - began


def measure(
    waveforms: list[Waveform], concurrency: int, requests_per_s: float | None = None, **given: float
) -> tuple[float, int, int]:
    """Wall seconds, how often the server said 429, and the most that it had in flight."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, {"latency_s": LATENCY_S, **given}), daemon=True)
    server.start()
    try:
        engine = load_engine("openai", {"endpoint": f"{here.recv()}/v1", "model": "none"})
        if not isinstance(engine, Adapter):
            raise SystemExit("openai is no adapter")
        engine.transcribe_batch(waveforms[:1])  # start-up is not timed
        seconds = drive(engine, waveforms[1:], concurrency, requests_per_s)
        engine.close()
        here.send("stop")
        paid, most, limited, in_flight = here.recv()
    finally:
        server.kill()
    if paid != len(waveforms) or most != 1:
        raise SystemExit(f"{paid} answers were paid for, not {len(waveforms)}; one {most} times")
    return seconds, limited, in_flight


def run() -> list[dict[str, object]]:
    """Measure."""
    few, many, limited = (clips(count + 1) for count in (SEQUENTIAL, PARALLEL, LIMITED))
    one_s, _, _ = measure(few, 1)
    all_s, _, in_flight = measure(many, IN_FLIGHT)
    before, after = SEQUENTIAL / one_s, PARALLEL / all_s
    limit = {"rate_per_s": LIMIT_PER_S, "burst": BURST, "retry_after_s": 0.1}
    free_s, stormed, _ = measure(limited, IN_FLIGHT, None, **limit)
    held_s, refused, _ = measure(limited, IN_FLIGHT, LIMIT_PER_S * 0.95, **limit)
    return [
        {
            "goal": f"P11 cloud, {IN_FLIGHT} in flight / sequential",
            "ratio": after / before,
            "target": 28.0,
            "detail": f"{after:.0f} against {before:.2f} requests/s, server of {LATENCY_S} s, {in_flight} in flight",
        },
        {
            "goal": "P11 answers of 429 under a limit of 50 requests/s, our limiter on (smaller is better)",
            "ratio": float(refused),
            "target": LIMITED * 0.01,
            "detail": f"of {LIMITED} requests; {stormed} without it; {held_s:.1f} s against {free_s:.1f} s",
        },
    ]


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
