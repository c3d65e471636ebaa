"""P1 and P2 of the speed goals: normalising and counting, against transformers' normaliser and jiwer, on the same text.

Synthetic utterances of 5 to 40 words (Zipf vocabulary from Python's own documentation; cased and punctuated, with
contractions, hesitations, number words, digits, British spellings and [laughter]) and hypotheses with about 10 % word
errors. CPU time of one thread; peer and asrfair take turns in one process; every string and every count that the peer
gives is compared. The peer works on a part of the pairs and is scaled; `--full` lets it work on all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import decimal
import email
import gc
import html
import json
import logging
import os
import pydoc_data.topics
import re
import sys
import tracemalloc
import unittest
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import jiwer
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from asrfair.scoring.counts import count_errors
from asrfair.scoring.normalizers._english_rules import spelling
from asrfair.scoring.normalizers.whisper_en import WhisperEnglishNormalizer
from asrfair.seeds import rng_for

N_PAIRS = 200_000
PEER_PAIRS = 18_000
ROUNDS = 5
PEER_BLOCK = 2_000
GOALS = {"P1": 25.0, "P2": 7.0}
SPICE = (
    "don't it's I'm you're we've can't won't they'll he's she's been gonna wanna gotta y'all um uh hmm mhm er one two "
    "three seven twenty hundred thousand first second half percent dollars 20 3.5 1,000 1990s $5 15% [laughter] Mr. Dr."
)


def vocabulary() -> list[str]:
    """Words by falling frequency: documentation, with British spellings and spice among the frequent ones."""
    text = " ".join(pydoc_data.topics.topics.values())
    modules = (asyncio, collections, decimal, email, html, json, logging, np, np.linalg, os, re, unittest)
    members = (value for module in modules for value in vars(module).values())
    text += " ".join(value.__doc__ for value in members if isinstance(getattr(value, "__doc__", None), str))
    counted = Counter(re.findall(r"[a-z]{1,14}", text.lower()))
    words = [word for word, _ in counted.most_common(6_000)]
    for place, word in enumerate(SPICE.split()):
        words.insert(40 + 9 * place, word)
    for place, word in enumerate(list(spelling())[::4]):
        words.insert(600 + 12 * place, word)
    return words


def utterances(n: int) -> tuple[list[str], list[str]]:
    """References and hypotheses."""
    rng = rng_for(2, "bench_scoring", "text")
    words = vocabulary()
    weights = 1 / np.arange(3, len(words) + 3)
    lengths = np.minimum(rng.integers(5, 35, n) + (rng.random(n) < 0.05) * 5, 40)
    picks = rng.choice(len(words), int(lengths.sum()), p=weights / weights.sum())
    others = rng.choice(len(words), len(picks), p=weights / weights.sum())
    fates = rng.random((2, len(picks)))
    references, hypotheses, start = [], [], 0
    for length in lengths.tolist():
        part = slice(start, start + length)
        said = [
            _typed(words[pick], fate) for pick, fate in zip(picks[part].tolist(), fates[1, part].tolist(), strict=True)
        ]
        heard = []
        for word, other, fate in zip(said, others[part].tolist(), fates[0, part].tolist(), strict=True):
            if fate < 0.06:
                heard.append(words[other])
            elif fate >= 0.08:
                heard.append(word)
            if fate > 0.98:
                heard.append(words[other])
        said[0] = said[0].capitalize()
        said[-1] = said[-1].rstrip(",.?!;") + "."
        references.append(" ".join(said))
        hypotheses.append(" ".join(heard))
        start += length
    return references, hypotheses


def _typed(word: str, fate: float) -> str:
    """A word with a capital or a mark now and then."""
    if fate < 0.04:
        return word.capitalize()
    return word + ",.?!;"[int(fate * 50) - 2] if 0.04 <= fate < 0.14 else word


def peer_counts(references: Sequence[str], hypotheses: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """The peer's hits, substitutions, deletions and insertions of each pair."""
    for start in range(0, len(references), PEER_BLOCK):
        done = jiwer.process_words(
            list(references[start : start + PEER_BLOCK]), list(hypotheses[start : start + PEER_BLOCK])
        )
        for chunks in done.alignments:
            found = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
            for chunk in chunks:
                found[chunk.type] += max(
                    chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
                )
            yield tuple(found.values())


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process for a piece of work, and its result."""
    gc.collect()
    start = process_time()
    result = work()
    return process_time() - start, result


def run(n_pairs: int = N_PAIRS, peer_pairs: int = PEER_PAIRS) -> list[dict[str, Any]]:
    """Measure both goals; fails on any difference from the peers."""
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    peer = EnglishTextNormalizer(spelling())
    references, hypotheses = utterances(n_pairs)
    peer_pairs = min(peer_pairs, n_pairs)
    step = -(-peer_pairs // ROUNDS)
    part = [slice(start, min(start + step, peer_pairs)) for start in range(0, peer_pairs, step)]
    times = {name: [] for name in ("P1 peer", "P1", "P2 peer", "P2")}
    for rows in part:
        spent, theirs = cpu_seconds(
            lambda rows=rows: [[peer(t) for t in texts[rows]] for texts in (references, hypotheses)]
        )
        gc.disable()
        counting, _ = cpu_seconds(lambda theirs=theirs: _count_as_peer(theirs))
        gc.enable()
        times["P1 peer"].append((spent + counting) / len(theirs[0]))
        times["P2 peer"].append(counting / len(theirs[0]))
        spent, ours = cpu_seconds(lambda: [*map(WhisperEnglishNormalizer().normalize, (references, hypotheses))])
        counting, counts = cpu_seconds(lambda ours=ours: count_errors(*ours))
        times["P1"].append((spent + counting) / n_pairs)
        times["P2"].append(counting / n_pairs)
        _check(theirs, [texts[rows] for texts in ours], counts.slice(rows.start, len(theirs[0])))
    return [_row(goal, times, counts, n_pairs, sum(len(references[rows]) for rows in part)) for goal in GOALS]


def _count_as_peer(texts: list[list[str]]) -> None:
    for start in range(0, len(texts[0]), PEER_BLOCK):
        jiwer.process_words(*(side[start : start + PEER_BLOCK] for side in texts))


def _check(theirs: list[list[str]], ours: list[list[str]], counts: Any) -> None:
    """Fail where a string or a count differs."""
    strings = sum(a != b for side in range(2) for a, b in zip(theirs[side], ours[side], strict=True))
    expected = list(peer_counts(*theirs))
    pairs = sum(tuple(row.values()) != want for row, want in zip(counts.to_pylist(), expected, strict=True))
    if strings or pairs:
        raise SystemExit(f"bench_scoring: {strings} strings and {pairs} pairs differ from the peers'")


def _row(goal: str, times: dict[str, list[float]], counts: Any, n_pairs: int, compared: int) -> dict[str, Any]:
    """One goal: the median over rounds of peer / asrfair."""
    ratios = [peer / own for peer, own in zip(times[f"{goal} peer"], times[goal], strict=True)]
    totals = {name: sum(counts[name].to_pylist()) for name in counts.column_names}
    wer = (sum(totals.values()) - totals["hits"]) / (sum(totals.values()) - totals["insertions"])
    detail = (
        f"{1 / np.median(times[goal]):,.0f} pairs/s of CPU against {1 / np.median(times[f'{goal} peer']):,.0f}; "
        f"{n_pairs:,} pairs at {wer:.1%} WER; {compared:,} compared, 0 differ; "
        f"rounds {', '.join(f'{ratio:.1f}' for ratio in ratios)}"
    )
    return {"goal": goal, "ratio": float(np.median(ratios)), "target": GOALS[goal], "detail": detail}


def peak_bytes_a_pair(n_pairs: int = 20_000) -> float:
    """Peak of Python's memory while counting, per pair, without the texts themselves."""
    references, hypotheses = utterances(n_pairs)
    tracemalloc.start()
    count_errors(references, hypotheses)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / n_pairs


def main() -> None:
    """Print one line a goal, as JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="let the peer work on every pair (minutes)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = run(peer_pairs=N_PAIRS if options.full else PEER_PAIRS)
    for row in rows:
        print(
            json.dumps(row)
            if options.json
            else f"{row['goal']}: {row['ratio']:.1f}x (goal {row['target']:.0f}x) {row['detail']}"
        )
    if not options.json:
        print(f"P2: {peak_bytes_a_pair():,.0f} bytes a pair at the peak (goal 1,024)")


if __name__ == "__main__":
    main()
