"""Speaker bootstrap, permutations and sign flips against scipy, pandas and loops of numpy.

    python benchmarks/bench_resampling.py

30 groups x 10,000 bootstrap replicates over 50,000 speakers of 1,000,000 utterances (PERFORMANCE P3): scipy's
percentile bootstrap on the same speaker totals runs in full; drawing speakers with pandas, merging and grouping is
measured on 2 replicates and scaled, as it would take a quarter of an hour. 10,000 permutations of 5,000 speakers over
30 groups and 10,000 sign flips of 5,000 speakers against the loop that one would write with numpy, 500 rounds of it,
scaled. CPU seconds of the process; compiling (once a machine) is not counted, loading the compiled code is told. The
widths of the bootstrap intervals must agree with scipy's within Monte-Carlo error.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

N_GROUPS, N_SPEAKERS, N_UTTERANCES, N_REPLICATES = 30, 50_000, 1_000_000, 10_000
PANDAS_ROUNDS, NUMPY_ROUNDS = 2, 500
M_PERMUTED = 5_000


def run() -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    from asrfair.stats import kernels

    rng = np.random.Generator(np.random.Philox(key=3))
    speaker = rng.integers(0, N_SPEAKERS, N_UTTERANCES)
    words = rng.integers(5, 30, N_UTTERANCES)
    errors = rng.binomial(words, (0.15 * rng.lognormal(0, 0.4, N_SPEAKERS)[speaker]).clip(0, 1))
    group = np.arange(N_SPEAKERS) % N_GROUPS
    loading = _cpu(lambda: _warm(kernels))
    ours, intervals = _ours(kernels, speaker, errors, words, group)
    theirs, expected = _scipy(speaker, errors, words, group)
    _check_widths(intervals, expected)
    pandas = _pandas(speaker, errors, words, group)
    size = f"{N_GROUPS} groups x {N_REPLICATES:,} replicates, {N_SPEAKERS:,} speakers"
    lines = [
        {
            "goal": "P3 speaker bootstrap / scipy.stats.bootstrap on speaker totals",
            "ratio": theirs / ours,
            "target": 10.0,
            "detail": f"{size}: {ours:.2f} s against {theirs:.1f} s of CPU; loading the compiled code {loading:.1f} s",
        },
        {
            "goal": "P3 speaker bootstrap / pandas draw, merge, groupby",
            "ratio": pandas / ours,
            "target": 1000.0,
            "detail": f"{pandas:,.0f} s of CPU, scaled from {PANDAS_ROUNDS} replicates",
        },
    ]
    return lines + _permuted(kernels, rng)


def _warm(kernels: object) -> None:
    """Load, or compile, the loops."""
    kernels.WORTH_COMPILING = 0
    ones = np.ones(100, np.int64)
    kernels.resampled_sums(ones, ones, 0, 0, 10)
    kernels.permuted_sums(ones, ones, np.array([50, 50]), 0, 10)
    kernels.flipped_sums(np.ones(100), 0, 0, 10)


def _ours(kernels: object, speaker: np.ndarray, errors: np.ndarray, words: np.ndarray, group: np.ndarray) -> tuple:
    """CPU seconds from utterances to intervals, and the intervals."""
    found = []

    def work() -> None:
        e, n = (np.bincount(speaker, values, N_SPEAKERS).astype(np.int64) for values in (errors, words))
        for g in range(N_GROUPS):
            inside = group == g
            sums_e, sums_n = kernels.resampled_sums(e[inside], n[inside], g, 0, N_REPLICATES)
            found.append(np.quantile(sums_e / sums_n, [0.025, 0.975]))

    return _cpu(work), found


def _scipy(speaker: np.ndarray, errors: np.ndarray, words: np.ndarray, group: np.ndarray) -> tuple:
    """The same by scipy, on the same totals."""
    from scipy import stats

    found = []

    def work() -> None:
        e, n = (np.bincount(speaker, values, N_SPEAKERS) for values in (errors, words))
        for g in range(N_GROUPS):
            inside = group == g
            interval = stats.bootstrap(
                (e[inside], n[inside]),
                lambda e, n, axis: e.sum(axis) / n.sum(axis),
                paired=True,
                n_resamples=N_REPLICATES,
                method="percentile",
                batch=200,
                rng=np.random.Generator(np.random.Philox(key=g)),
            ).confidence_interval
            found.append([interval.low, interval.high])

    return _cpu(work), found


def _pandas(speaker: np.ndarray, errors: np.ndarray, words: np.ndarray, group: np.ndarray) -> float:
    """Draw speakers, merge their utterances, group: what is usually written; scaled to all replicates."""
    import pandas as pd

    rng = np.random.Generator(np.random.Philox(key=4))
    table = pd.DataFrame({"speaker": speaker, "errors": errors, "words": words, "group": group[speaker]})

    def work() -> None:
        for _ in range(PANDAS_ROUNDS):
            drawn = pd.DataFrame({"speaker": rng.integers(0, N_SPEAKERS, N_SPEAKERS)})
            sums = drawn.merge(table, on="speaker").groupby("group")[["errors", "words"]].sum()
            _ = sums["errors"] / sums["words"]

    return _cpu(work) * N_REPLICATES / PANDAS_ROUNDS


def _permuted(kernels: object, rng: np.random.Generator) -> list[dict[str, object]]:
    """Permutations of speakers over groups, and sign flips."""
    e, n = rng.integers(0, 90, M_PERMUTED).astype(float), rng.integers(100, 700, M_PERMUTED).astype(float)
    counts, sizes = (e.astype(np.int64), n.astype(np.int64)), np.full(N_GROUPS, M_PERMUTED // N_GROUPS)
    sizes[-1] += M_PERMUTED - sizes.sum()
    labels, difference = np.repeat(np.arange(N_GROUPS), sizes), e - e.mean()
    scale = N_REPLICATES / NUMPY_ROUNDS

    def permute() -> None:
        for _ in range(NUMPY_ROUNDS):
            order = rng.permutation(M_PERMUTED)
            _ = np.bincount(labels, e[order]) / np.bincount(labels, n[order])

    def flip() -> None:
        for _ in range(NUMPY_ROUNDS):
            _ = float((rng.choice([-1.0, 1.0], M_PERMUTED) * difference).sum())

    ours = _cpu(lambda: kernels.permuted_sums(*counts, sizes, 1, N_REPLICATES))
    flipped = _cpu(lambda: kernels.flipped_sums(difference, 1, 0, N_REPLICATES))
    loops = _cpu(permute) * scale, _cpu(flip) * scale
    what = f"10,000 of {M_PERMUTED:,} speakers"
    pairs = (("P4 speaker permutation / numpy loop", ours, loops[0]), ("P4 sign flip / numpy loop", flipped, loops[1]))
    return [
        {"goal": goal, "ratio": b / a, "target": 10.0, "detail": f"{what}: {a:.3f} s against {b:.2f} s of CPU"}
        for goal, a, b in pairs
    ]


def _check_widths(ours: list, theirs: list) -> None:
    """Refuse to compare speeds of different intervals."""
    widths = [np.diff(np.array(found), axis=1).ravel() for found in (ours, theirs)]
    ratio = float(np.mean(widths[0] / widths[1]))
    if not 0.985 < ratio < 1.015:
        raise SystemExit(f"bootstrap intervals are {ratio:.3f} times as wide as scipy's")


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print one line a goal."""
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.1f} (goal {line['target']:.1f}): {line['detail']}")


if __name__ == "__main__":
    main()
