"""Audits of data in which nothing differs, through the whole command line: how often any of them finds something.

`asrfair audit` of 102 speakers in nine groups with `--by dialect`, the labels shuffled over the speakers each time; an
audit counts if any comparison under any normaliser is `higher` or `lower`. The transcripts are simulated, or real ones
if a folder is given (`manifest.jsonl`, `dataset.toml`, one file of hypotheses).
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from regimes import REGIMES, rng_of, utterances, voices
from studies import Line

DATASET = """
schema_version = 1
name = "Null"
version = "1"
licence = "none"
language = "en"
collection = "Simulated."
consent = "Nobody was recorded."
[attributes.dialect]
kind = "dialect"
provenance = "annotated"
baseline = "D0"
"""


def null_audits(n: int, real: Path | None = None) -> Iterator[Line]:
    """The share of audits with any finding."""
    found = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, hypotheses = _real(real, folder) if real else _simulated(folder)
        for number in range(n):
            _write_shuffled(rows, folder, number)
            found += _audit(folder, hypotheses)
    case = f"102 speakers, 9 dialects shuffled, {'IViE by amazon' if real else 'simulated'}"
    yield Line("audits of null data with any finding", case, found / n, None, 0.07, n)


def _audit(folder: Path, hypotheses: Path) -> bool:
    """Run the command line, and look whether it claims anything."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from asrfair.cli import main

    out = folder / "run"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["audit", str(folder), "--hypotheses", f"engine={hypotheses}", "--out", str(out), "--by", "dialect"]
    with contextlib.redirect_stdout(io.StringIO()):
        main(arguments, standalone_mode=False)
    verdicts = pq.read_table(out / "disparities.parquet", columns=["verdict"])["verdict"]
    return bool(pc.any(pc.is_in(verdicts, value_set=_CLAIMS)).as_py())


def _write_shuffled(rows: list[dict], folder: Path, number: int) -> None:
    """The manifest, every speaker with the dialect of another."""
    labels = {row["speaker_id"]: row["dialect"] for row in rows}
    shuffled = rng_of("null audits", number).permutation(list(labels.values()))
    given = dict(zip(labels, shuffled.tolist(), strict=True))
    lines = [json.dumps(row | {"dialect": given[row["speaker_id"]]}) for row in rows]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")


def _simulated(folder: Path) -> tuple[list[dict], Path]:
    """102 speakers who read on, and what a recogniser makes of it."""
    rng, regime, m = rng_of("null data"), REGIMES["conversation"], 102
    speaker, words, errors = utterances(rng, regime, voices(rng, regime, m))
    rows, texts = [], []
    for i, (s, n, e) in enumerate(zip(speaker.tolist(), words.astype(int), errors.astype(int), strict=True)):
        said = [f"w{k}" for k in range(n)]
        heard = ["x"] * min(e, n) + said[min(e, n) :] + ["y"] * max(0, e - n)
        spoken = {"utterance_id": f"u{i}", "reference": " ".join(said)}
        rows.append(spoken | {"speaker_id": f"s{s}", "dialect": f"D{s % 9}"})
        texts.append(json.dumps({"utterance_id": f"u{i}", "text": " ".join(heard)}))
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    hypotheses = folder / "engine.jsonl"
    hypotheses.write_text("\n".join(texts), encoding="utf-8")
    return rows, hypotheses


def _real(source: Path, folder: Path) -> tuple[list[dict], Path]:
    """IViE, as it lies in the shared folder."""
    rows = [json.loads(line) for line in (source / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    shutil.copy(source / "dataset.toml", folder / "dataset.toml")
    return rows, source / "amazon.jsonl"


def _claims() -> object:
    import pyarrow as pa

    return pa.array(["higher", "lower"])


_CLAIMS = _claims()
"""Verdicts that say that a group differs."""
