"""kill -9 of the runner and of its workers, ten times each, at random moments: the store equals an undisturbed run's.

Ray has two machines of one processor, made on this one; the third line of Ray is of machines lost and others come.

    python benchmarks/kill_nine.py                       both executors
    python benchmarks/kill_nine.py --executor ray --kills 10

Each line says how many rows the store holds, how many of them differ from the undisturbed run's in any column but the
latency, how many failed, and how often the engine was asked for more than the undisturbed run asked: what was lost.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio
from asrfair.seeds import rng_for
from asrfair.store import iter_hypotheses, read_hypotheses
from asrfair.transcribe.ray_session import QUIET

UTTERANCES = 600
THINKING_S = 0.03
BATCH = 3
WORKERS = 2
MOMENTS_S = (0.1, 1.2)
"""A kill comes so long after the engine was last seen at work."""

DATASET = """\
schema_version = 1
name = "Noise"
version = "1"
licence = "CC0-1.0"
language = "en"
collection = "Made by the benchmark."
consent = "Nobody spoke."
"""
DRIVER = """
import json, sys
from asrfair import pipeline
manifest, run, system, how = sys.argv[1:]
pipeline.transcribe(manifest, run, systems=[system], **json.loads(how))
"""
IS_WORKER = {
    "local": lambda command: b"spawn_main" in command,
    "ray": lambda command: command.startswith(b"ray::RayActor"),
}


class Bench:
    """A manifest of noise with a script, and the rows that an undisturbed run has.

    Args:
        folder: for all files.
        executor: `local` or `ray`.
        address: of the Ray cluster.
    """

    def __init__(self, folder: Path, executor: str, address: str | None) -> None:
        self.folder, self.executor = folder, executor
        self.how = {"executor": executor, "workers": WORKERS} | ({"address": address} if address else {})
        self.manifest, self.log = folder / "noise", folder / f"log-{executor}"
        self.rng = rng_for(1, "kill-nine", executor)
        self.system = f"scripted,id=s,script={folder / 'script.jsonl'},batch_size={BATCH},log={self.log}"
        if not self.manifest.exists():
            make_manifest(self.manifest, folder / "script.jsonl")
        self.expected = self.rows(self.finished("calm"))

    def start(self, run: str) -> subprocess.Popen[bytes]:
        """A runner, as a process."""
        system = f"{self.system},delay_s={THINKING_S}"
        arguments = [str(self.manifest), str(self.folder / f"{run}-{self.executor}"), system, json.dumps(self.how)]
        return subprocess.Popen([sys.executable, "-c", DRIVER, *arguments])

    def finished(self, run: str) -> Path:
        """Run to the end, here and undisturbed."""
        out = self.folder / f"{run}-{self.executor}"
        pipeline.transcribe(self.manifest, out, systems=[f"{self.system},delay_s=0.0"], **self.how)
        return out

    def asked(self) -> int:
        """How many utterances the engine was asked for."""
        return len(self.log.read_text(encoding="ascii").split()) if self.log.exists() else 0

    def moment(self, runner: subprocess.Popen[bytes]) -> bool:
        """Wait until the engine works, and then for a random time; false if the runner has ended."""
        before = self.asked()
        while self.asked() == before:
            if runner.poll() is not None:
                return False
            time.sleep(0.02)
        time.sleep(float(self.rng.uniform(*MOMENTS_S)))
        return runner.poll() is None

    @staticmethod
    def rows(run: Path) -> dict[str, dict[str, object]]:
        """All columns but the latency, by utterance."""
        rows = read_hypotheses(run).drop_columns(["latency_s"]).to_pylist()
        return {row["utterance_id"]: row for row in rows}

    def kill_runners(self, kills: int) -> str:
        """Kill the runner, run it again, and so on."""
        done, before = 0, self.asked()
        for _ in range(kills):
            runner = self.start("runner")
            done += self.moment(runner)
            runner.kill()
            runner.wait()
        return self.told(f"{done} kills of the runner", self.finished("runner"), before)

    def kill_workers(self, kills: int) -> str:
        """Kill workers under a runner that goes on; where it stops before the last kill, it is continued."""
        done, before, stops = 0, self.asked(), 0
        runner = self.start("workers")
        while done < kills and stops < kills:
            if not self.moment(runner):
                stops, runner = stops + 1, self.start("workers")
                continue
            workers = list(descendants(os.getpid(), IS_WORKER[self.executor]))
            if workers:
                os.kill(workers[int(self.rng.integers(len(workers)))], signal.SIGKILL)
                done += 1
        stops += runner.wait() != 0
        out = self.folder / f"workers-{self.executor}"
        failed = sum(row["status"] == "failed" for row in self.rows(out).values())
        what = f"{done} kills of workers ({stops} times it stopped, {failed} failed as a crash until continued)"
        return self.told(what, self.finished("workers"), before)

    def lose_machines(self, cluster: Any, losses: int) -> str:
        """Take away machines of the Ray cluster under a runner, and bring others."""
        done, before = 0, self.asked()
        runner = self.start("machines")
        while done < losses and self.moment(runner):
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
            cluster.add_node(num_cpus=1)
            done += 1
        runner.wait()
        return self.told(f"{done} machines lost", self.finished("machines"), before)

    def told(self, what: str, run: Path, before: int) -> str:
        """A line about a store."""
        rows = self.rows(run)
        differ = sum(rows.get(name) != row for name, row in self.expected.items()) + len(rows.keys() - self.expected)
        failed = sum(row["status"] == "failed" for row in rows.values())
        doubled = sum(batch.num_rows for batch in iter_hypotheses(run, ["key"])) - len(rows)
        again = self.asked() - before - len(self.expected)
        return (
            f"{self.executor}: {what}: {len(rows)} rows of {len(self.expected)}, {differ} differ, {failed} failed, "
            f"{doubled} stored twice, {again} asked again"
        )


def make_manifest(folder: Path, script: Path) -> None:
    """Noise, and what the engine says to it."""
    folder.mkdir()
    rows, lines = [], []
    for number in range(UTTERANCES):
        samples = rng_for(number, "noise", "kill-nine").normal(0, 3000, 1600).astype("<i2")
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(np.ascontiguousarray(samples).tobytes())
        said = {"waveform": waveform_digest(read_audio(folder / f"{number}.wav")[0]), "text": f"word {number}"}
        rows.append({"utterance_id": f"u{number}", "audio": f"{number}.wav", "reference": f"word {number}"})
        lines.append(said)
    speakers = [row | {"speaker_id": f"s{number % 9}"} for number, row in enumerate(rows)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in speakers), encoding="utf-8")
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    script.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def descendants(parent: int, wanted: Callable[[bytes], bool]) -> Iterator[int]:
    """Processes below one, of which the command line is wanted."""
    try:
        for pid in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()):
            if wanted(Path(f"/proc/{pid}/cmdline").read_bytes()):
                yield pid
            yield from descendants(pid, wanted)
    except (FileNotFoundError, ProcessLookupError):
        return


def main() -> None:
    """Kill, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executor", choices=["local", "ray"], action="append")
    parser.add_argument("--kills", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        for executor in chosen.executor or ["local", "ray"]:
            cluster = ray_cluster(stack) if executor == "ray" else None
            bench = Bench(Path(name), executor, None if cluster is None else cluster.address)
            print(bench.kill_runners(chosen.kills), flush=True)
            print(bench.kill_workers(chosen.kills), flush=True)
            if cluster is not None:
                print(bench.lose_machines(cluster, 3), flush=True)


def ray_cluster(stack: ExitStack) -> Any:
    """A Ray cluster of machines with one processor each, beside a head that has none for actors."""
    os.environ.update(QUIET)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    stack.callback(cluster.shutdown)
    for _ in range(WORKERS):
        cluster.add_node(num_cpus=1)
    return cluster


if __name__ == "__main__":
    main()
