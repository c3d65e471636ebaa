"""`asrfair view` on 1,000,000 results: how long a filter takes, by HTTP and whole, and what index and server cost.

    python benchmarks/bench_view.py [--utterances 1000000] [--systems 1]

The corpus is that of `bench_report`. Each question is asked as the page asks it, for 200 rows, of a server process of
its own, and only once: no selection and no word is answered from what was kept. The time is from the request to the
last byte, its JSON unread; beside it the processor time of the server, which is what counts where others use the
machine.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_report import write_corpus

UTTERANCES = 1_000_000
MOST_MS = 300.0
QUESTIONS = {
    "no filter": "api/rows?limit=200",
    "highest rate": "api/rows?order=rate&limit=200",
    "far down the list": "api/rows?order=rate&offset=700000&limit=200",
    "by name": "api/rows?order=id&offset=400000&limit=200",
    "one group": "api/rows?in.accent=accent+3&limit=200",
    "two groups and insertions": "api/rows?in.accent=accent+4&in.gender=gender+1&errors=insertion&limit=200",
    "any error": "api/rows?errors=any&limit=200",
    "failed": "api/rows?errors=failed&limit=200",
    "a rare part of a word": "api/rows?words=xq&limit=200",
    "a letter, in nearly all": "api/rows?words=e&limit=200",
    "two parts of words": "api/rows?words=an+st&limit=200",
    "a word in a group, highest rate": "api/rows?words=qu&in.accent=accent+7&order=rate&limit=200",
}


def run(n: int = UTTERANCES, systems: int = 1) -> list[dict[str, object]]:
    """Ask every question once of a fresh server; the goal is for each."""
    from asrfair import pipeline

    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "manifest", Path(name) / "run"
        heard = write_corpus(folder, n // systems)
        pipeline.ingest(folder, {f"engine {at}": heard for at in range(systems)}, out)
        pipeline.score(out, normalizer=["minimal"])
        pipeline.analyze(out, by=["accent", "gender"])
        with _served(out) as (_, first, first_mib):
            size = sum(path.stat().st_size for path in (out / ".view").iterdir()) / 1e6
        with _served(out) as (url, again, _):
            times = {what: _ms(url + path) for what, path in QUESTIONS.items()}
            one = re.search(rb'"id":"(\w+)"', urllib.request.urlopen(url + "api/rows?limit=1").read())
            if one is None:
                raise SystemExit("no rows")
            times["one utterance"] = _ms(url + "api/utterance?id=" + one.group(1).decode())
            mib = _peak_mib()
    print(f"start with index: {first:.1f} s, {first_mib:.0f} MiB at most, {size:.0f} MB on disk")
    print(f"start again: {again:.1f} s; {mib:.0f} MiB at most with all questions")
    return [
        {
            "goal": f"asrfair view, {n:,} results, {what}: under {MOST_MS:.0f} ms",
            "ratio": MOST_MS / wall,
            "target": 1.0,
            "detail": f"{wall:.0f} ms, {cpu:.0f} ms CPU",
        }
        for what, (wall, cpu) in times.items()
    ]


_servers: list[int] = []


@contextmanager
def _served(out: Path) -> Iterator[tuple[str, float, float]]:
    """A server process: its address, the seconds until it answers, its peak of memory until then."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "asrfair", "view", str(out), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            _servers[:] = [process.pid]
            url = (process.stdout.readline() if process.stdout else "").strip()
            urllib.request.urlopen(url + "api/about").read()
            yield url, time.perf_counter() - began, _peak_mib()
        finally:
            process.terminate()


def _peak_mib() -> float:
    """Peak memory of the server, as Linux tells it."""
    text = Path(f"/proc/{_servers[0]}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", text)
    return int(found.group(1)) / 1024 if found else 0.0


def _ms(url: str) -> tuple[float, float]:
    """Milliseconds of one request, and of the server's processors in it."""
    began, busy = time.perf_counter(), _cpu_s()
    urllib.request.urlopen(url).read()
    return 1000 * (time.perf_counter() - began), 1000 * (_cpu_s() - busy)


def _cpu_s() -> float:
    """Processor seconds of the server, in hundredths, as Linux tells them."""
    fields = Path(f"/proc/{_servers[0]}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=UTTERANCES)
    parser.add_argument("--systems", type=int, default=1)
    chosen = parser.parse_args()
    for line in run(chosen.utterances, chosen.systems):
        print(f"{line['goal']}: {line['detail']}")
