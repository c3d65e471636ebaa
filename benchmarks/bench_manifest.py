"""Loading a manifest, checks included, against `json.loads` of the same lines without any check.

One process, interleaved, medians of CPU time; then the peak memory of a process that loads it and counts coverage.
Run it: `python benchmarks/bench_manifest.py [ROWS]`.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asrfair.manifest import coverage, load_manifest

DATASET = """\
schema_version = 1
name = "made-up rows"
version = "1"
licence = "CC0-1.0"
language = "en-GB"
collection = "Drawn at random."
consent = "Nobody was recorded."

[attributes.accent]
kind = "accent"
provenance = "self_reported"

[attributes.gender]
kind = "demographic"
provenance = "self_reported"

[attributes.device]
kind = "acoustic"
provenance = "recorded"

[attributes.snr_db]
kind = "acoustic"
provenance = "measured"
unit = "dB"
bins = [5, 15, 25]
"""
WORDS = np.array(
    ["the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on"]
)
REPEATS = 3
PEAK = """
import resource, sys
from asrfair.manifest import coverage, load_manifest
coverage(load_manifest(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def write_rows(folder: Path, n_rows: int) -> Path:
    """A manifest of made-up rows: 12 columns, 10 words a reference, 50 utterances a speaker."""
    rng = np.random.Generator(np.random.Philox(key=2))
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    path = folder / "rows.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for i in range(n_rows):
            speaker = i // 50
            row = {
                "utterance_id": f"made-up-{i:07d}",
                "audio": f"audio/{speaker:05d}/{i:07d}.flac",
                "duration_s": round(float(rng.uniform(1, 12)), 3),
                "reference": " ".join(rng.choice(WORDS, 10)),
                "speaker_id": f"speaker-{speaker:05d}",
                "prompt_id": f"p{i % 500}",
                "accent": ("scottish", "irish", "welsh", "english", None)[speaker % 5],
                "gender": ("female", "male", "prefer not to say")[speaker % 3],
                "device": ("phone", "headset")[i % 2],
                "snr_db": round(float(rng.normal(15, 8)), 1),
            }
            file.write(json.dumps(row) + "\n")
    return path


def cpu_s(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of all threads, and the result."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result


def parse_lines(path: Path) -> list[dict[str, Any]]:
    """The peer: every line through the standard library, nothing checked."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run(n_rows: int = 200_000) -> list[dict[str, Any]]:
    """Measure, and check that both read the same."""
    with tempfile.TemporaryDirectory() as name:
        path = write_rows(Path(name), n_rows)
        # First, while this process is small: a child's peak counts from its parent's.
        started = time.perf_counter()
        command = [sys.executable, "-c", PEAK, str(path)]
        peak_mib = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024
        wall_s = time.perf_counter() - started
        peers, ours, counting = [], [], []
        for _ in range(REPEATS):
            seconds, rows = cpu_s(lambda: parse_lines(path))
            peers.append(seconds)
            seconds, manifest = cpu_s(lambda: load_manifest(path))
            ours.append(seconds)
            if manifest.table["utterance_id"].to_pylist() != [row["utterance_id"] for row in rows]:
                raise SystemExit("the rows differ")
            del rows
            seconds, _ = cpu_s(partial(coverage, manifest))
            counting.append(seconds)
    peer, our, count = map(statistics.median, (peers, ours, counting))
    return [
        {
            "goal": "load and check a manifest, against json.loads of its lines (CPU)",
            "ratio": peer / our,
            "target": 0.8,
            "detail": f"{n_rows:,} rows: {peer:.2f} s against {our:.2f} s ({n_rows / our:,.0f} rows/s)",
        },
        {
            "goal": "peak memory of loading and counting coverage, under 1 GiB for 1,000,000 rows",
            "ratio": 1024 / peak_mib,
            "target": 1.0,
            "detail": f"{n_rows:,} rows: {peak_mib:.0f} MiB; coverage {count:.2f} s; {wall_s:.1f} s as a process",
        },
    ]


if __name__ == "__main__":
    for found in run(*map(int, sys.argv[1:])):
        print(f"{found['goal']}: {found['ratio']:.2f} (target {found['target']}) {found['detail']}")
