"""The page with transcripts: how large it is, how long it takes to make, and when a browser can be used on it.

    python benchmarks/bench_report.py [--utterances 20000 200000]

Sentences of 4 to 16 words from a vocabulary of 8,000 with the frequencies of a language, an engine with 15 % errors,
30 accents and 3 genders, 20 utterances a speaker. The page is read from disk by Debian's Chromium; what counts is the
time from the start of the navigation until filters and list answer (`asrfair-ready`), the best of three. Making the
report is CPU seconds of this process, in which the verbs before it have run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = (20_000, 200_000)
VOCABULARY = 8_000
DATASET = """
schema_version = 1
name = "Report"
version = "1"
licence = "none"
language = "en"
collection = "Made on the spot."
consent = "Nobody was recorded."
[attributes.accent]
kind = "accent"
provenance = "annotated"
[attributes.gender]
kind = "demographic"
provenance = "self_reported"
"""
GOALS = {20_000: (5e6, 30.0, 1.0), 200_000: (None, 10.0, None)}


def run(sizes: tuple[int, ...] = SIZES) -> list[dict[str, object]]:
    """Measure every size; the goals are for 20,000 (bytes, time to interactive) and for 200,000 (seconds)."""
    lines: list[dict[str, object]] = []
    for n in sizes:
        size, seconds, ready = _measured(n)
        most_bytes, most_seconds, most_ready = GOALS.get(n, (None, None, None))
        parts = (
            ("MB of report.html", size / 1e6, most_bytes and most_bytes / 1e6),
            ("s of CPU to make the report", seconds, most_seconds),
            ("s until Chromium can be used", ready, most_ready),
        )
        for what, value, goal in parts:
            if value is not None:
                detail = f"{value:.2f} {what}"
                ratio = goal / value if goal else 1.0
                lines.append({"goal": f"{what}, {n:,} utterances", "ratio": ratio, "target": 1.0, "detail": detail})
    return lines


def _measured(n: int) -> tuple[int, float, float | None]:
    """Bytes, seconds of `report`, seconds until the page can be used."""
    from asrfair import pipeline

    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "manifest", Path(name) / "run"
        heard = write_corpus(folder, n)
        pipeline.ingest(folder, {"engine": heard}, out)
        pipeline.score(out)
        pipeline.analyze(out)
        began = time.process_time()
        pipeline.report(out, include_transcripts=True)
        seconds = time.process_time() - began
        page = out / "report.html"
        return page.stat().st_size, seconds, _ready(page)


def write_corpus(folder: Path, n: int) -> Path:
    """Write a manifest of n utterances; returns the transcripts' file."""
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, size)) for size in rng.integers(2, 10, VOCABULARY)]
    chances = 1 / np.arange(1, VOCABULARY + 1)
    drawn = rng.choice(VOCABULARY, n * 16, p=chances / chances.sum()).reshape(n, 16).tolist()
    lengths, wrong = rng.integers(4, 17, n).tolist(), rng.random((n, 16))
    folder.mkdir()
    (folder / "dataset.toml").write_text(DATASET)
    heard = folder / "engine.jsonl"
    with (folder / "rows.jsonl").open("w") as rows, heard.open("w") as out:
        for at in range(n):
            said = [words[number] for number in drawn[at][: lengths[at]]]
            speaker = at // 20
            row = {
                "utterance_id": f"u{at}",
                "reference": " ".join(said).capitalize() + ".",
                "speaker_id": f"s{speaker}",
            }
            row |= {"accent": f"accent {speaker % 30}", "gender": f"gender {speaker % 7 % 3}"}
            rows.write(json.dumps(row) + "\n")
            text = [_misheard(word, chance, words) for word, chance in zip(said, wrong[at].tolist(), strict=False)]
            out.write(json.dumps({"utterance_id": f"u{at}", "text": " ".join(filter(None, text))}) + "\n")
    return heard


def _misheard(word: str, chance: float, words: list[str]) -> str:
    """A word as it was recognised: as it is, another, none or two."""
    if chance < 0.08:
        return words[int(chance * 1e6) % VOCABULARY]
    if chance < 0.12:
        return ""
    return f"{word} {words[int(chance * 1e6) % VOCABULARY]}" if chance < 0.15 else word


def _ready(page: Path) -> float | None:
    """Seconds until the page can be used; None without a browser or its driver."""
    browser = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if browser is None:
        return None
    best = float("inf")
    with sync_playwright() as driver:
        for _ in range(3):
            chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            tab = chromium.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]", timeout=120_000)
            best = min(best, tab.evaluate("performance.getEntriesByName('asrfair-ready')[0].startTime") / 1000)
            chromium.close()
    return best


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--utterances", type=int, nargs="+", default=SIZES)
    for line in run(tuple(parser.parse_args().utterances)):
        print(f"{line['goal']}: {line['detail']}")
