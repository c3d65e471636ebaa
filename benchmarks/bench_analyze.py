"""The `analyze` stage on 1,000,000 stored score rows: CPU, peak memory, and pandas + scipy doing the same work.

    python benchmarks/bench_analyze.py [--rows N]

One system and condition, 50,000 speakers, three attributes (30 accents of the speaker, 3 genders, 4 noise levels of the
utterance) and one intersection. Each side runs in a process of its own, interleaved; its CPU includes imports and
reading the file. The peer makes the groups' rates and log-jackknife intervals only (no comparisons, no flags), from
pandas' `groupby`, by the formulas of METHODS section 0; both must find the same rates and intervals. PERFORMANCE sets a
goal for CPU and memory only; the pandas line is there to compare with, its target of 1 says "no slower".
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = 1_000_000
ATTRIBUTES = ("accent", "gender", "noise")
BY = (*ATTRIBUTES, "accent*gender")
MAX_CPU_S = 3.0
MAX_RSS_MB = 600.0


def run(rows: int = ROWS, repeats: int = 3) -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        _write(path, rows)
        found = [(_in_process("asrfair", path), _in_process("pandas", path)) for _ in range(repeats)]
    for ours, theirs in found:
        _check_equal(ours["groups"], theirs["groups"])
    ours, theirs = min((o for o, _ in found), key=_cpu_s), min((t for _, t in found), key=_cpu_s)
    cpu = f"{ours['cpu_s']:.2f} s of CPU, {rows:,} rows, {len(ours['groups'])} groups, whole process"
    return [
        {"goal": "re-group stored counts: CPU", "ratio": MAX_CPU_S / ours["cpu_s"], "target": 1.0, "detail": cpu},
        {
            "goal": "re-group stored counts: memory",
            "ratio": MAX_RSS_MB / ours["rss_mb"],
            "target": 1.0,
            "detail": f"peak {ours['rss_mb']:.0f} MB, limit {MAX_RSS_MB:.0f} MB",
        },
        {
            "goal": "re-group stored counts: pandas + scipy",
            "ratio": theirs["cpu_s"] / ours["cpu_s"],
            "target": 1.0,
            "detail": f"{theirs['cpu_s']:.2f} s and {theirs['rss_mb']:.0f} MB, without comparisons; equal intervals",
        },
    ]


def _cpu_s(found: dict[str, float]) -> float:
    return found["cpu_s"]


def _write(path: Path, rows: int) -> None:
    """A scores table as `asrfair score` would write it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from asrfair.seeds import rng_for
    from asrfair.tables import SCORES

    rng = rng_for(1, "bench_analyze", "clean")
    n_speakers = max(rows // 20, 60)
    speaker = rng.integers(0, n_speakers, rows)
    rate = 0.15 * rng.lognormal(0.0, 0.4, n_speakers)[speaker]
    n_words = rng.integers(5, 30, rows)
    counts = {name: rng.binomial(n_words, rate.clip(0, 1) / 3) for name in ("substitutions", "deletions", "insertions")}
    counts["deletions"] = np.minimum(counts["deletions"], n_words - counts["substitutions"])
    counts["hits"] = n_words - counts["substitutions"] - counts["deletions"]
    counts |= {"n_ref_chars": n_words * 5, "char_errors": counts["substitutions"] * 3}
    failed = rng.random(rows) < 0.01
    columns = {
        "system_id": pa.repeat("engine", rows),
        "condition_id": pa.repeat("clean", rows),
        "utterance_id": pa.array([f"utterance-{i:07d}" for i in range(rows)]),
        "normalizer": pa.repeat("whisper-en", rows),
        "status": pa.array(np.where(failed, "failed", "ok")),
        "speaker_id": pa.array([f"speaker-{i:05d}" for i in speaker]),
    }
    columns |= {name: pa.array(counts[name], pa.int32(), mask=failed) for name in SCORES.names[6:]}
    columns["accent"] = pa.array([f"accent {i % 30}" for i in speaker], mask=speaker % 101 == 0)
    columns["gender"] = pa.array(np.array(["female", "male", "prefer not to say"])[speaker % 7 % 3])
    columns["noise"] = pa.array(np.array(["<5", "5-10", "10-20", ">=20"])[rng.integers(0, 4, rows)])
    pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=50_000)


def _in_process(side: str, path: Path) -> dict[str, object]:
    """Run one side in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--side", side, str(path)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _asrfair(path: Path) -> dict[str, list[float]]:
    from asrfair.startup import keep_pandas_out

    keep_pandas_out()  # as the command line does
    import pyarrow.parquet as pq

    from asrfair.stats import SCORE_COLUMNS, SpeakerSums

    sums = SpeakerSums(BY)
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=[*SCORE_COLUMNS, *ATTRIBUTES], use_threads=False)
            sums.add(rows, {name: rows[name] for name in ATTRIBUTES})
    groups = sums.finish({"accent": "accent 0"}).groups
    return {f"{g['attribute']}={g['group']}": [g["wer"], g["wer_low"], g["wer_high"]] for g in groups.to_pylist()}


def _pandas(path: Path) -> dict[str, list[float]]:
    import pandas as pd

    counts = ["hits", "substitutions", "deletions", "insertions"]
    scores = pd.read_parquet(path, columns=["status", "speaker_id", *counts, *ATTRIBUTES], use_threads=False)
    scores = scores[scores["status"] == "ok"]
    scores["errors"] = scores["substitutions"] + scores["deletions"] + scores["insertions"]
    scores["words"] = scores["hits"] + scores["substitutions"] + scores["deletions"]
    both = scores["accent"].notna() & scores["gender"].notna()
    scores["accent*gender"] = (scores["accent"] + "*" + scores["gender"]).where(both)
    scores["all"] = "all"
    found = {}
    for attribute in ("all", *BY):
        label = scores[attribute].fillna("missing")
        totals = scores.groupby([label, "speaker_id"], observed=True)[["errors", "words"]].sum()
        for group, speakers in totals.groupby(level=0):
            found[f"{attribute}={group}"] = _interval(
                speakers["errors"].to_numpy(float), speakers["words"].to_numpy(float)
            )
    return found


def _interval(errors: object, words: object) -> list[float]:
    """METHODS section 0, as written there."""
    import numpy as np
    from scipy import stats

    m, total = len(words), words.sum()
    rate = errors.sum() / total
    variance = (m - 1) / m * np.sum((errors - rate * words) ** 2 / (total - words) ** 2)
    p2, p3, p4, p5 = (np.sum((words / total) ** k) for k in (2, 3, 4, 5))
    df = (p2 - 2 * p3 + p2**2) ** 2 / (p4 - 4 * p5 + 4 * p2 * p4 + 2 * p3**2 - 4 * p2**2 * p3 + p2**4)
    reach = stats.t.ppf(0.975, df) * np.sqrt(variance) / rate
    return [float(rate), float(rate * np.exp(-reach)), float(rate * np.exp(reach))]


def _check_equal(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> None:
    """Refuse to compare speeds of different results."""
    if ours.keys() != theirs.keys():
        raise SystemExit(f"different groups: {sorted(ours.keys() ^ theirs.keys())}")
    for group, values in ours.items():
        if any(abs(a - b) > 1e-9 * abs(b) for a, b in zip(values, theirs[group], strict=True)):
            raise SystemExit(f"{group}: {values} but the peer found {theirs[group]}")


def main() -> None:
    """Print one line a goal, or run one side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--side", choices=["asrfair", "pandas"])
    parser.add_argument("path", nargs="?", type=Path)
    asked = parser.parse_args()
    if asked.side is None:
        for line in run(asked.rows):
            print(f"{line['goal']}: {line['ratio']:.1f} (goal {line['target']:.1f}): {line['detail']}")
        return
    groups = _asrfair(asked.path) if asked.side == "asrfair" else _pandas(asked.path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"groups": groups, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
