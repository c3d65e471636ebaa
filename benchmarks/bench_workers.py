"""Throughput of pocketsphinx in two worker processes against one: the demo's quick corpus through the whole runner."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from asrfair import pipeline
from asrfair.manifest.corpora.demo import GRAMMAR_FILE, build_demo_corpus
from asrfair.store import read_hypotheses

ROUNDS = 2


def run() -> list[dict[str, object]]:
    """Measure in turns, and check that the texts are the same."""
    with tempfile.TemporaryDirectory() as name:
        corpus = build_demo_corpus(Path(name) / "corpus", quick=True)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        texts = []
        for number in range(ROUNDS):
            for workers in (1, 2):
                out = Path(name) / f"run-{workers}-{number}"
                system = f"pocketsphinx,id=ps,grammar={corpus / GRAMMAR_FILE}"
                began = time.monotonic()
                done = pipeline.transcribe(
                    corpus, out, systems=[system], conditions=["machine-hum@5dB"], workers=workers
                )
                seconds[workers].append(done.run["verbs"][-1]["wall_s"]["ps"])
                texts.append(sorted(read_hypotheses(out, columns=["utterance_id", "text"]).to_pylist(), key=str))
                print(f"{workers} worker(s): {time.monotonic() - began:.1f} s with start-up", flush=True)
        if any(text != texts[0] for text in texts):
            raise SystemExit("the number of workers changed a text")
    ratio = min(seconds[1]) / min(seconds[2])
    detail = f"{len(texts[0])} utterances under noise, wall seconds {min(seconds[1]):.1f} and {min(seconds[2]):.1f}"
    return [{"goal": "pocketsphinx, 2 workers / 1", "ratio": ratio, "target": 1.8, "detail": detail}]


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
