"""What the runner costs beside the engine: time an utterance, and memory by the number of rows.

    python benchmarks/bench_harness.py [ROWS ...]       peak memory for so many rows (100,000 300,000)

The engine is `scripted`, which says a word and does nothing, in one worker; the utterances are segments of half a
second of four WAV files, all different: nothing is answered from what was heard before, and the disk is out of it.

- Time: the real `asrfair.pipeline.transcribe`, batches of one and of 64. Wall: `usage.wall_s` of run.json, from the
  first batch to the last answer. CPU: of the runner's process and of the worker. Start-up is taken off by a run of 256
  rows. The parts are the same work alone, in loops: planning (digest, key, job), hearing (reading the segment), the
  pipe's pickles, rows.
- Memory: peak of the runner's process and of the worker (VmHWM), each number of rows in processes of its own, and how
  much of it `import` and a run of 256 rows need.
"""

from __future__ import annotations

import json
import multiprocessing
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 16_000
FILES, FILE_S, SEGMENT_S = 4, 260.0, 0.5
STEPS_PER_S = 1000
ROWS, FEW = 20_000, 256
MEMORY_ROWS = (100_000, 300_000)
BATCH = 64
PARTS = 5_000
MOST_MIB = 1024.0


def make_dataset(folder: Path, count: int) -> Path:
    """Segments of a few files, no two the same."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(FILES):
        samples = rng.normal(0, 0.05, round(FILE_S * RATE_HZ)).astype(np.float32)
        soundfile.write(folder / f"{number}.wav", samples, RATE_HZ, subtype="PCM_16")
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(count):
            row = {
                "utterance_id": f"utterance-{number:07d}",
                "audio": f"{number % FILES}.wav",
                "offset_s": number // FILES / STEPS_PER_S,
                "duration_s": SEGMENT_S,
                "reference": "the same words as in every other one",
                "speaker_id": f"speaker-{number % 997:03d}",
            }
            file.write(json.dumps(row) + "\n")
    about = ("name", "version", "licence", "language", "collection", "consent")
    (folder / "dataset.toml").write_text("schema_version = 1\n" + "".join(f'{key} = "en"\n' for key in about))
    return folder


def one(dataset: Path, out: Path, batch_size: int) -> dict[str, float]:
    """One run of the runner in this process: seconds and MiB."""
    from asrfair import pipeline

    peaks: list[float] = []

    def progress(ended: int, total: int, failed: int) -> None:
        if ended == total or ended % 10_000 == 0:
            peaks.extend(peak_mib(child.pid) for child in multiprocessing.active_children())

    before, cpu, children = peak_mib("self"), time.process_time(), children_s()
    system = f"scripted,id=x,text=word,batch_size={batch_size}"
    done = pipeline.transcribe(dataset, out, systems=[system], workers=1, progress=progress)
    facts = done.run["verbs"][-1]
    return {
        "rows": facts["transcribed"],
        "failed": facts["failed"],
        "wall_s": done.run["usage"]["x"]["wall_s"],
        "runner_s": time.process_time() - cpu,
        "worker_s": children_s() - children,
        "imports_mib": before,
        "runner_mib": peak_mib("self"),
        "worker_mib": max(peaks),
    }


def peak_mib(process: object) -> float:
    """The most memory that a process has had, MiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def children_s() -> float:
    """CPU seconds of children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measured(count: int, batch_size: int) -> dict[str, float]:
    """One run in a process of its own.

    Raises:
        SystemExit: a row is missing.
    """
    with tempfile.TemporaryDirectory() as name:
        dataset = make_dataset(Path(name) / "data", count)
        command = [sys.executable, __file__, "--one", str(dataset), str(Path(name) / "run"), str(batch_size)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    if found["rows"] != count or found["failed"]:
        raise SystemExit(f"{found['rows']} rows of {count}, {found['failed']} failed")
    return found


def parts() -> dict[str, float]:
    """Microseconds an utterance of each part of the runner, alone."""
    from asrfair.adapters import load_engine
    from asrfair.manifest import load_manifest
    from asrfair.records import Condition, Hypothesis, Transcript
    from asrfair.store import HypothesisStore
    from asrfair.transcribe.caller import Answer
    from asrfair.transcribe.hearing import Hearing, Kit
    from asrfair.transcribe.jobs import Surroundings, plan_jobs

    with tempfile.TemporaryDirectory() as name:
        loaded = load_manifest(make_dataset(Path(name) / "data", PARTS), audio="exists")
        engine, around = load_engine("scripted", {"text": "word"}), Surroundings([Condition()])
        utterances = list(loaded.utterances())
        jobs: list[Any] = []
        found = {
            "planning": _us(lambda: jobs.extend(plan_jobs(utterances, loaded.folder, around, engine.describe()))),
        }
        hearing = Hearing(Kit(), RATE_HZ)
        found["hearing"] = _us(lambda: [hearing.hear(job) for planned in jobs for job in planned])
        answer = Answer(Transcript("word"), None, 0.001, SEGMENT_S, requests=1)
        found["pickles, there and back"] = _us(
            lambda: [
                pickle.loads(pickle.dumps((1, planned))) and pickle.loads(pickle.dumps(answer)) for planned in jobs
            ]
        )
        rows = [Hypothesis("x", "clean", j.utterance_id, j.key, "ok", "word", latency_s=0.1) for (j,) in jobs]
        with HypothesisStore(Path(name) / "run") as store:
            found["rows to the disk"] = _us(lambda: store.append(rows))
    return found


def _us(work: Callable[[], object]) -> float:
    """CPU microseconds an utterance."""
    began = time.process_time()
    work()
    return 1e6 * (time.process_time() - began) / PARTS


def run(memory_rows: tuple[int, ...] = MEMORY_ROWS) -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    lines: list[dict[str, object]] = []
    alone = ", ".join(f"{part} {us:.0f}" for part, us in parts().items())
    for batch_size in (1, BATCH):
        few, many = measured(FEW, batch_size), measured(ROWS, batch_size)
        us = {key: 1e6 * (many[key] - few[key]) / (ROWS - FEW) for key in ("wall_s", "runner_s", "worker_s")}
        cpu = us["runner_s"] + us["worker_s"]
        detail = f"{ROWS:,} utterances; CPU {cpu:.0f} us: runner {us['runner_s']:.0f}, worker {us['worker_s']:.0f}"
        goal = f"harness, ms of wall an utterance, batches of {batch_size} (smaller is better)"
        lines.append({"goal": goal, "ratio": us["wall_s"] / 1000, "target": 1.0, "detail": f"{detail}; alone: {alone}"})
        goal = f"harness, ms of CPU an utterance, batches of {batch_size} (smaller is better)"
        lines.append({"goal": goal, "ratio": cpu / 1000, "target": 1.0, "detail": detail})
    few = measured(FEW, BATCH)
    base = f"{few['imports_mib']:.0f} MiB before, {few['runner_mib']:.0f} with {FEW} rows"
    for count in memory_rows:
        many = measured(count, BATCH)
        detail = (
            f"{base}; {1024 * 1024 * (many['runner_mib'] - few['runner_mib']) / count:.0f} bytes a row; worker "
            f"{many['worker_mib']:.0f} MiB ({few['worker_mib']:.0f}); wall_s {many['wall_s']:.0f} s, "
            f"{count / many['wall_s']:,.0f} rows/s"
        )
        goal = f"harness, {count:,} rows: peak MiB of the runner (smaller is better)"
        lines.append({"goal": goal, "ratio": many["runner_mib"], "target": MOST_MIB, "detail": detail})
    return lines


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))))
    else:
        for line in run(tuple(int(rows.replace(",", "")) for rows in sys.argv[1:]) or MEMORY_ROWS):
            print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}", flush=True)
