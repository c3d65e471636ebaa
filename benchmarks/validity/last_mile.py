"""Whether the analysis of stress runs finds planted interactions as often as planned, and others as seldom as promised.

Every run is a folder: transcripts of two accents, clean and in noise, are written to the store of hypotheses with
`run.json` as `transcribe` does, scored by the verb `score` and analysed by the verb `analyze`. Speakers have
log-normal rates (log-sd .3) and log-normal answers to the noise of their own (log-sd .45); 6 % of words are wrong in
clean, 8 utterances of 40 words a speaker. The number of speakers is planned for 80 % power on both scales from these
assumptions alone (`planned`). With noise that doubles everybody's errors there is nothing to find on either scale.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from regimes import Floats, rng_of
from studies import Line

from asrfair.manifest import load_manifest
from asrfair.pipeline import analyze, score
from asrfair.pipeline.joints import begun
from asrfair.provenance import ConditionRecord, SystemRecord, write_record
from asrfair.stats.planning import needed_speakers
from asrfair.store import HypothesisStore
from asrfair.tables import HYPOTHESES

RATE, SPREAD, OWN = 0.06, 0.3, 0.45
UTTERANCES, WORDS = 8, 40
HURT = {"a": 1.5, "b": 3.0}
SAME = {"a": 2.0, "b": 2.0}
DATASET = """
schema_version = 1
name = "Simulated"
version = "1"
licence = "none"
language = "en"
collection = "Simulated."
consent = "Nobody was recorded."
[attributes.accent]
kind = "accent"
provenance = "annotated"
baseline = "a"
"""


def planned(factors: dict[str, float]) -> int:
    """Speakers a group for 80 % power on the scale that needs more of them.

    The change of one speaker has, on the log scale, the variance `e^(s^2)(e^(o^2) - 1)` between speakers, s the spread
    of their rates and o that of their answers, and `1/E_0 + 1/E_1` within; on the absolute scale `R^2 e^(s^2) E(k a -
    1)^2 - (R (k - 1))^2` and `(R + k R)/N`, k being the factor and a the answer.
    """
    words = UTTERANCES * WORDS
    answers, rates = math.expm1(OWN**2), math.exp(SPREAD**2)
    log = [rates * answers + (1 + 1 / k) / (RATE * words) for k in factors.values()]
    plain = [
        RATE**2 * (rates * (k * k * (1 + answers) - 2 * k + 1) - (k - 1) ** 2) + RATE * (1 + k) / words
        for k in factors.values()
    ]
    distances = (math.log(factors["b"] / factors["a"]), RATE * (factors["b"] - factors["a"]))
    return max(needed_speakers(*v, math.exp(d)) or 0 for v, d in zip((log, plain), distances, strict=True))


def write_manifest(folder: Path, speakers: int) -> None:
    """Who speaks, and what is said: the same in every run."""
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    text = " ".join(f"w{i}" for i in range(WORDS))
    rows = [
        {"utterance_id": f"{g}{s}-{k}", "reference": text, "speaker_id": f"{g}{s}", "accent": g}
        for g in HURT
        for s in range(speakers)
        for k in range(UTTERANCES)
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def simulated(rng: np.random.Generator, speakers: int, factors: dict[str, float]) -> pa.Table:
    """The transcripts of one run."""
    rates = RATE * _log_normal(rng, SPREAD, 2 * speakers)
    noisy = rates * np.repeat(list(factors.values()), speakers) * _log_normal(rng, OWN, 2 * speakers)
    ids = [f"{g}{s}-{k}" for g in factors for s in range(speakers) for k in range(UTTERANCES)]
    found = []
    for condition, of in (("clean", rates), ("fan@5dB", noisy)):
        wrong = rng.random((len(ids), WORDS)) < np.repeat(of, UTTERANCES)[:, None]
        for name, bad in zip(ids, wrong.tolist(), strict=True):
            text = " ".join("x" if b else f"w{i}" for i, b in enumerate(bad))
            found.append({"condition_id": condition, "utterance_id": name, "text": text})
    for row in found:
        row |= {"system_id": "simulated", "key": "k", "status": "ok"}
    return pa.Table.from_pylist(found, schema=HYPOTHESES)


def _log_normal(rng: np.random.Generator, sigma: float, n: int) -> Floats:
    return np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)


def analysed(folder: Path, run: Path, heard: pa.Table) -> dict[str, Any]:
    """The interaction that one run tells of."""
    manifest = load_manifest(folder)
    with HypothesisStore(run) as store:
        record = begun(run, manifest, None, 0)
        record.add_condition(ConditionRecord(condition_id="clean"))
        record.add_condition(
            ConditionRecord(condition_id="fan@5dB", environment="fan", level="5dB", level_value=5.0, level_unit="dB")
        )
        record.add_system(SystemRecord(system_id="simulated", name="simulated", version="1"), ["clean", "fan@5dB"])
        store.append_table(heard, part_rows=len(heard))
        write_record(run, record)
    score(run, normalizer=["minimal"])
    (row,) = analyze(run).further["interactions"].to_pylist()
    found: dict[str, Any] = row
    return found


def study(name: str, factors: dict[str, float], speakers: int, n: int) -> list[dict[str, Any]]:
    """The interactions of n runs."""
    rng, found = rng_of("last mile", name), []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_manifest(folder, speakers)
        for number in range(n):
            found.append(analysed(folder, folder / f"run-{number}", simulated(rng, speakers, factors)))
    return found


def last_mile(n: int) -> Iterator[Line]:
    """What is found where noise hurts one accent twice as much, and where it doubles everybody's errors."""
    m = planned(HURT)
    hurt, same = study("hurt", HURT, m, n), study("same", SAME, m, 2 * n)
    name = f"last mile, {m} speakers of each accent"
    yield Line(name, "noise hurts b twice: amplifies (planned 80 %)", _share(hurt, "amplifies"), 0.75, 0.86, n)
    yield Line(name, "noise hurts b twice: depends on the scale", _share(hurt, "scale-dependent"), None, None, n)
    for scale, truth in (("ratio", 2.0), ("absolute", 0.09)):
        yield Line(name, f"noise hurts b twice: intervals hold, {scale}", _held(hurt, scale, truth), None, None, n)
    found = _share(same, "amplifies", "narrows")
    yield Line(name, "noise doubles all errors: any interaction found", found, 0.03, 0.07, 2 * n)
    for scale, truth in (("ratio", 1.0), ("absolute", 0.0)):
        yield Line(
            name, f"noise doubles all errors: intervals hold, {scale}", _held(same, scale, truth), 0.93, 0.97, 2 * n
        )


def _share(rows: list[dict[str, Any]], *verdicts: str) -> float:
    """How often a verdict was given."""
    return float(np.mean([row["verdict"] in verdicts for row in rows]))


def _held(rows: list[dict[str, Any]], scale: str, truth: float) -> float:
    """How often an interval holds the truth."""
    return float(np.mean([row[f"{scale}_low"] <= truth <= row[f"{scale}_high"] for row in rows]))
