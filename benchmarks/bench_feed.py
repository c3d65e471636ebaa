"""Can two cores feed a fast model with ten conditions (PERFORMANCE P6)?

    python benchmarks/bench_feed.py

A simulated model at RTFx 3,400 (2.9 ms per 10 s clip, no CPU) gets batches of 16. Two threads read FLAC clips, decode
each once, measure its level once, and make clean and nine conditions of it (`stress_work.NINE`) with the digests that
their rows have; a queue of four batches lies between. What counts is the share of the time from its first batch to the
end in which the model is busy. The cores that a model of that speed needs follow from the CPU seconds a second of audio
and are told beside it: others may be using the machine.

The peer, in the same harness: audiomentations with the file opened per condition. Then the real runner:
`pipeline.transcribe` of a manifest by one worker, clean and the shipped environment machine-hum at nine levels,
everything that is stored included; its CPU seconds include the start of the worker.
"""

from __future__ import annotations

import importlib
import json
import queue
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from bench_stress import digest, opened, ours, peer_transforms
from simulated_gpu import SimulatedGpu
from stress_work import RATE_HZ, filled_banks, written

from asrfair.records import Waveform

RTFX, GOAL = 3400.0, 0.95
FILES, CLIPS, SECONDS, THREADS = 20, 160, 10.0, 2
BATCH, AHEAD = 16, 4

Conditions = Callable[[Path], Iterable[np.ndarray]]


def run() -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = written(folder, FILES, SECONDS)
        banks, peer = filled_banks(), peer_transforms(folder)
        clips = [paths[number % FILES] for number in range(CLIPS)]

        def with_digests(path: Path) -> Iterator[np.ndarray]:
            for samples in ours(path, banks):
                digest(samples)
                yield samples

        found = [_fed(with_digests, clips), _fed(lambda path: opened(path, peer), clips)]
        return [
            _line("P6 share of time a model at RTFx 3,400 is busy, ten conditions from 2 threads", found[0], GOAL),
            _line("P6 the same fed by audiomentations, file opened per condition (for comparison)", found[1], 0.0),
            _runner(folder, paths),
        ]


def _line(goal: str, found: tuple[float, float, float, float], target: float) -> dict[str, object]:
    """One line of the results."""
    share, cpu_per_s, got, audio_s = found
    cores = RTFX * cpu_per_s
    detail = (
        f"{audio_s:,.0f} s of audio; {1 / cpu_per_s:,.0f} x real time per CPU second, so RTFx 3,400 needs {cores:.2f} "
        f"cores; {got:.2f} were used"
    )
    return {"goal": goal, "ratio": share, "target": target, "detail": detail}


def _fed(conditions: Conditions, paths: list[Path]) -> tuple[float, float, float, float]:
    """Share of time busy, CPU seconds per second of audio, cores used, seconds of audio."""
    engine = SimulatedGpu(RTFX)
    list(conditions(paths[0]))  # Libraries that are loaded at the first use are not what is measured.
    began, cpu = time.monotonic(), time.process_time()
    heard = prefetched(conditions, paths)
    while batch := list(islice(heard, BATCH)):
        engine.transcribe_batch(batch)
    cpu, wall = time.process_time() - cpu, time.monotonic() - began
    busy, audio_s = sum(end - start for start, end, _ in engine.lines), sum(line[2] for line in engine.lines)
    return busy / (engine.lines[-1][1] - engine.lines[0][0]), cpu / audio_s, cpu / wall, audio_s


def prefetched(conditions: Conditions, paths: list[Path]) -> Iterator[Waveform]:
    """All conditions of all clips, made by threads a bounded way ahead of whoever takes them."""
    waiting: queue.Queue[Path] = queue.Queue()
    made: queue.Queue[Waveform | None] = queue.Queue(BATCH * AHEAD)
    for path in paths:
        waiting.put(path)

    def work() -> None:
        try:
            while True:
                for samples in conditions(waiting.get_nowait()):
                    made.put(Waveform(samples, RATE_HZ))
        except queue.Empty:
            made.put(None)

    for _ in range(THREADS):
        threading.Thread(target=work, daemon=True).start()
    ended = 0
    while ended < THREADS:
        if (one := made.get()) is None:
            ended += 1
        else:
            yield one


def _runner(folder: Path, paths: list[Path]) -> dict[str, object]:
    """The real runner with the simulated engine, which it finds as it finds any engine that others ship."""
    from asrfair import pipeline

    (folder / "simulated_gpu-1.dist-info").mkdir()
    (folder / "simulated_gpu-1.dist-info" / "METADATA").write_text("Name: simulated-gpu\nVersion: 1\n")
    entry = "[asrfair.adapters]\nsimulated-gpu = simulated_gpu:SimulatedGpu\n"
    (folder / "simulated_gpu-1.dist-info" / "entry_points.txt").write_text(entry)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    rows = [
        {
            "utterance_id": f"u{i}",
            "audio": paths[i % FILES].name,
            "reference": "a",
            "speaker_id": "s",
            "duration_s": SECONDS,
        }
        for i in range(CLIPS)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    about = ("name", "version", "licence", "language", "collection", "consent")
    (folder / "dataset.toml").write_text("schema_version = 1\n" + "".join(f'{key} = "en"\n' for key in about))
    log = folder / "busy.txt"
    conditions = ["clean", *(f"machine-hum@{level}dB" for level in range(0, 27, 3))]
    system = f"simulated-gpu,id=gpu,rtfx={RTFX},log={log},batch_size={BATCH}"
    before = _cpu_of_all()
    pipeline.transcribe(folder, folder / "run", systems=[system], conditions=conditions, workers=1)
    cpu = _cpu_of_all() - before
    lines = [tuple(map(float, line.split())) for line in log.read_text().splitlines()]
    wall, audio_s = lines[-1][1] - lines[0][0], sum(line[2] for line in lines)
    share = sum(end - start for start, end, _ in lines) / wall
    return _line(
        "P6 the real runner: share of time the model is busy", (share, cpu / audio_s, cpu / wall, audio_s), GOAL
    )


def _cpu_of_all() -> float:
    """CPU seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(chain.from_iterable((usage.ru_utime, usage.ru_stime) for usage in both))


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.3f} (goal {line['target']}); {line['detail']}")
