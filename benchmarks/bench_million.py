"""1,000,000 utterances of 50,000 speakers through `score` and `analyze`, whole processes: CPU seconds, peak memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench_startup import make_manifest

ROWS = 1_000_000
SPEAKERS = 50_000


_WATCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


def measured(*arguments: str) -> tuple[float, float]:
    """CPU seconds and peak MiB of a process, started by a small one: a peak counts from what the parent had."""
    command = [sys.executable, "-c", _WATCH, sys.executable, "-m", "asrfair", *arguments]
    status, seconds, mib = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if int(status):
        raise SystemExit(f"asrfair {arguments[0]} failed")
    return float(seconds), float(mib)


def run() -> list[dict[str, object]]:
    """Measure each verb once."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "manifest", Path(name) / "run"
        heard = make_manifest(folder, ROWS, SPEAKERS)
        jobs = {
            "score, two normalisers": ("score", str(folder), "--hypotheses", f"x={heard}", "--out", str(out)),
            "analyze, three attributes and a pair": (
                *("analyze", str(out), "--by", "accent", "--by", "gender", "--by", "noise", "--by", "accent*gender"),
            ),
        }
        lines = []
        for job, arguments in jobs.items():
            seconds, mib = measured(*arguments)
            detail = f"{ROWS:,} utterances, {seconds:.1f} s CPU"
            lines.append({"goal": f"1 M rows, {job}: peak MiB", "ratio": mib, "target": 1024.0, "detail": detail})
    return lines


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.0f} (goal below {line['target']:.0f}); {line['detail']}")
