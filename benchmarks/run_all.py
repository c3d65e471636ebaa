"""Run every benchmark of this folder and write RESULTS.md with the machine and the versions.

python benchmarks/run_all.py [bench_name ...]
"""

from __future__ import annotations

import importlib
import platform
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("jiwer", "transformers", "rapidfuzz", "numpy", "pyarrow", "msgspec", "pandas", "scipy", "pocketsphinx")
PACKAGES += ("statsmodels", "numba", "audiomentations", "pyroomacoustics", "av", "torch", "openai", "ray")


def main() -> None:
    """Run, print and write."""
    sys.path.insert(0, str(HERE))
    names = sys.argv[1:] or sorted(path.stem for path in HERE.glob("bench_*.py"))
    rows = []
    for name in names:
        print(f"== {name}", flush=True)
        for line in importlib.import_module(name).run():
            print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}", flush=True)
            rows.append(f"| {name} | {line['goal']} | {line['ratio']:.2f} | {line['target']} | {line['detail']} |")
    versions = ", ".join(f"{package} {metadata.version(package)}" for package in PACKAGES)
    text = (
        "# Benchmark results\n\nMade by `python benchmarks/run_all.py`. Ratios are peer / asrfair on the same work in "
        "the same run, unless a line says otherwise; each script checks that both give the same results.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}; {platform.machine()}, 2 shared cores, no GPU; Python "
        f"{platform.python_version()}; {versions}.\n\n"
        "| script | what | measured | goal | detail |\n|---|---|---:|---:|---|\n" + "\n".join(rows) + "\n"
    )
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
