"""P9: the store of hypotheses against lines of JSON: crash-safe parts of 10,000 rows, synced at the same granularity.

Writes the same rows both ways, scans both (rows by system), checks that both give the same counts, and compares sizes.
CPU seconds of this process.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from asrfair.records import Hypothesis
from asrfair.seeds import rng_for
from asrfair.startup import keep_pandas_out
from asrfair.store import PART_ROWS, HypothesisStore, iter_hypotheses, table_of

ROWS = 200_000
WORDS = [f"word{i}" for i in range(5000)]


def make_rows(n: int) -> list[Hypothesis]:
    """Rows with texts of about 20 words."""
    rng = rng_for(1, "store", "benchmark")
    picks = rng.zipf(1.3, (n, 20)) % len(WORDS)
    return [
        Hypothesis(
            f"system-{i % 4}",
            "clean",
            f"utterance-{i:09d}",
            f"{i:064x}",
            "ok",
            " ".join(WORDS[k] for k in picks[i]),
            latency_s=0.01 * (i % 97),
            audio_sha256=f"{i * 7919:064x}",
        )
        for i in range(n)
    ]


def _cpu(work: object) -> tuple[float, object]:
    began = time.process_time()
    result = work()  # type: ignore[operator]
    return time.process_time() - began, result


def write_lines(path: Path, rows: list[Hypothesis]) -> None:
    """Lines of JSON, synced every part."""
    names = ["system_id", "condition_id", "utterance_id", "key", "status", "text", "error", "words", "latency_s"]
    names.append("audio_sha256")
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(rows), PART_ROWS):
            for row in rows[start : start + PART_ROWS]:
                file.write(json.dumps({name: getattr(row, name) for name in names}) + "\n")
            file.flush()
            os.fsync(file.fileno())


def scan_lines(path: Path) -> Counter[str]:
    """Rows by system, from lines of JSON."""
    with path.open(encoding="utf-8") as file:
        return Counter(json.loads(line)["system_id"] for line in file)


def scan_parts(folder: Path) -> Counter[str]:
    """Rows by system, from the store."""
    found: Counter[str] = Counter()
    for batch in iter_hypotheses(folder, ["system_id"]):
        for entry in pc.value_counts(batch["system_id"]).to_pylist():
            found[entry["values"]] += entry["counts"]
    return found


def run() -> list[dict[str, object]]:
    """Measure, and check that both hold the same."""
    keep_pandas_out()
    rows = make_rows(ROWS)
    tables: list[pa.Table] = []
    with tempfile.TemporaryDirectory() as name:
        lines, folder = Path(name) / "rows.jsonl", Path(name) / "run"
        lines_s, _ = _cpu(lambda: write_lines(lines, rows))
        with HypothesisStore(folder) as store:

            def write_parts() -> None:
                for start in range(0, len(rows), PART_ROWS):
                    store.append(rows[start : start + PART_ROWS])

            parts_s, _ = _cpu(write_parts)
        with HypothesisStore(Path(name) / "columns") as store:
            tables += [table_of(rows[start : start + PART_ROWS]) for start in range(0, len(rows), PART_ROWS)]
            columns_s, _ = _cpu(lambda: [store.append_table(table) for table in tables])
        scans = [(_cpu(lambda: scan_lines(lines)), _cpu(lambda: scan_parts(folder))) for _ in range(3)]
        if any(a[1] != b[1] for a, b in scans):
            raise SystemExit("the store and the lines do not hold the same rows")
        scan_lines_s, scan_parts_s = (min(pair[i][0] for pair in scans) for i in (0, 1))
        size = sum(part.stat().st_size for part in (folder / "hypotheses").iterdir()) / lines.stat().st_size
    detail = f"{ROWS:,} rows, parts of {PART_ROWS:,}, fsync each"
    return [
        {"goal": "P9 write, from rows", "ratio": lines_s / parts_s, "target": 3.0, "detail": detail},
        {"goal": "P9 write, from columns", "ratio": lines_s / columns_s, "target": 3.0, "detail": detail},
        {"goal": "P9 scan", "ratio": scan_lines_s / scan_parts_s, "target": 25.0, "detail": "rows by system"},
        {"goal": "P9 size (smaller is better)", "ratio": size, "target": 0.4, "detail": "store / lines of JSON"},
    ]


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
