"""What a noisy condition costs beside a clean one with the embedded engine: reading, mixing, measuring, digest, row.

The demo's quick corpus, recognised by pocketsphinx in one worker, clean alone, and under `pink-noise@60dB` alone: noise
that is all but inaudible, so that the engine has the same work, and the difference is what the condition itself costs.
A louder noise makes the engine search longer, which no harness can change; its ratio is told beside.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from asrfair import pipeline
from asrfair.manifest.corpora.demo import GRAMMAR_FILE, build_demo_corpus

ROUNDS = 3
GOAL = 1.1


def _seconds(corpus: Path, condition: str) -> tuple[float, float]:
    """Wall and engine seconds of one run under one condition."""
    system = f"pocketsphinx,id=ps,grammar={corpus / GRAMMAR_FILE}"
    with tempfile.TemporaryDirectory() as out:
        done = pipeline.transcribe(corpus, out, systems=[system], conditions=[condition], workers=1)
        facts = done.run["verbs"][-1]
        return facts["wall_s"]["ps"], facts["engine_s"]["ps"]


def run() -> list[dict[str, object]]:
    """The line for RESULTS.md: the median of some rounds."""
    ratios, louder = [], []
    with tempfile.TemporaryDirectory() as folder:
        corpus = build_demo_corpus(Path(folder) / "corpus", quick=True)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            clean, quiet, loud = (_seconds(corpus, c) for c in ("clean", "pink-noise@60dB", "pink-noise@10dB"))
            ratios.append(quiet[0] / clean[0])
            louder.append(loud[0] / clean[0])
            print(f"  {quiet[0]:.1f} s against {clean[0]:.1f} s; {time.perf_counter() - began:.0f} s", flush=True)
    detail = f"wall seconds, 200 utterances, one worker; rounds {', '.join(f'{r:.2f}' for r in ratios)}; at 10 dB the "
    detail += f"engine itself searches longer: {sorted(louder)[ROUNDS // 2]:.2f}"
    name = "a noisy condition / clean, pocketsphinx (smaller is better)"
    return [{"goal": name, "ratio": sorted(ratios)[ROUNDS // 2], "target": GOAL, "detail": detail}]


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
