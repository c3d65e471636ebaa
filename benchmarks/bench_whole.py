"""`score` and `analyze` from text to disparities, whole processes, against the better peer; and how it grows.

    python benchmarks/bench_whole.py [--rows 100000 1000000 10000000]

Pairs as in `bench_scoring` (which checks that all counts are equal), 20 utterances a speaker, one normaliser, 30
accents and 3 genders. Ours is everything that a user waits for: reading JSON lines, the store, the counts, the tables.
The peer's is less: transformers' normaliser and jiwer on texts in memory (20,000 pairs, scaled) and scipy's
bootstrap of 30 groups on the speakers' totals (measured in full at 50,000 speakers and scaled).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_million import measured

ROWS = (100_000, 1_000_000)
PEER_PAIRS, TEXTS = 20_000, 1_000_000
DATASET = """
schema_version = 1
name = "Whole"
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


def run(sizes: tuple[int, ...] = ROWS) -> list[dict[str, object]]:
    """Measure every size; the goal is for a million."""
    counting, bootstrap = (float(seconds) for seconds in _apart("--peer").split())
    lines = []
    for rows in sizes:
        seconds, mib = _ours(rows)
        peer = counting * rows / PEER_PAIRS + bootstrap * rows / 1_000_000
        detail = f"{seconds:.1f} s of CPU, peak {mib:.0f} MiB; peer {peer:,.0f} s"
        per_million = f"{seconds / rows * 1e6:.1f} s a million"
        lines.append(
            {
                "goal": f"P10 score + analyze of {rows:,} utterances from text / peer",
                "ratio": peer / seconds,
                "target": 25.0,
                "detail": f"{detail}; {per_million}",
            }
        )
    return lines


def _apart(*arguments: str) -> str:
    """What this script prints in a process of its own, so that this one stays small: a child's peak counts from it."""
    return subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=True).stdout


def _ours(rows: int) -> tuple[float, float]:
    """CPU seconds of both verbs and the larger peak, MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "run"
        _apart("--write", name, "--rows", str(rows))
        given = ("--hypotheses", f"engine={folder / 'engine.jsonl'}", "--normalizer", "whisper-en")
        score = measured("score", str(folder), *given, "--out", str(out))
        analyze = measured("analyze", str(out), "--by", "accent", "--by", "gender")
        return score[0] + analyze[0], max(score[1], analyze[1])


def _peer() -> tuple[float, float]:
    """CPU seconds of normalising and counting `PEER_PAIRS` pairs, and of the bootstrap."""
    from bench_scoring import cpu_seconds, peer_counts, spelling, utterances
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    normalize = EnglishTextNormalizer(spelling())
    spoken, heard = utterances(PEER_PAIRS)

    def work() -> None:
        texts = [[normalize(text) for text in side] for side in (spoken, heard)]
        for _ in peer_counts(*texts):
            pass

    return cpu_seconds(work)[0], _scipy_seconds()


def _write(folder: Path, rows: int) -> None:
    """A manifest and its transcripts; texts come again after a million."""
    from bench_scoring import utterances

    spoken, heard = utterances(min(rows, TEXTS))
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    with (folder / "rows.jsonl").open("w") as manifest, (folder / "engine.jsonl").open("w") as transcripts:
        for i in range(rows):
            text = i % len(spoken)
            speaker = i // 20
            row = {"utterance_id": f"u{i}", "reference": spoken[text], "speaker_id": f"s{speaker}"}
            row |= {"accent": f"accent {speaker % 30}", "gender": ("female", "male", "other")[speaker % 7 % 3]}
            manifest.write(json.dumps(row) + "\n")
            transcripts.write(json.dumps({"utterance_id": f"u{i}", "text": heard[text]}) + "\n")


def _scipy_seconds() -> float:
    """CPU seconds of scipy's bootstrap of 30 groups, 10,000 replicates, 50,000 speakers."""
    import numpy as np
    from bench_resampling import N_GROUPS, N_SPEAKERS, _scipy

    rng = np.random.Generator(np.random.Philox(key=5))
    speaker = np.arange(N_SPEAKERS)
    words = rng.integers(100, 600, N_SPEAKERS)
    return _scipy(speaker, rng.binomial(words, 0.15), words, speaker % N_GROUPS)[0]


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    if asked.peer:
        print(*_peer())
        return
    if asked.write is not None:
        _write(asked.write, asked.rows[0])
        return
    for line in run(tuple(asked.rows)):
        print(f"{line['goal']}: {line['ratio']:.1f} (goal {line['target']:.1f}): {line['detail']}")


if __name__ == "__main__":
    main()
