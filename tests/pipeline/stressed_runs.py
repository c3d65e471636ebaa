"""Run folders with several conditions, written as transcribe writes them: real texts, scored by the real verb."""

import json

import numpy as np
import pyarrow as pa

from asrfair.manifest import load_manifest
from asrfair.pipeline.joints import begun
from asrfair.pipeline.numbers import score
from asrfair.provenance import ConditionRecord, SystemRecord, write_record
from asrfair.store import HypothesisStore
from asrfair.tables import HYPOTHESES

DATASET = """
schema_version = 1
name = "Made on the spot"
version = "1"
licence = "none"
language = "en"
collection = "Simulated."
consent = "Nobody was recorded."
[attributes.accent]
kind = "accent"
provenance = "annotated"
baseline = "a"
[attributes.room]
kind = "acoustic"
provenance = "recorded"
"""


def condition(condition_id, hardest="lowest"):
    """What run.json says of `hum@5dB`."""
    if condition_id == "clean":
        return ConditionRecord(condition_id="clean")
    environment, _, level = condition_id.partition("@")
    unit = level.lstrip("-.0123456789")
    value = float(level.removesuffix(unit)) if level else None
    return ConditionRecord(
        condition_id=condition_id,
        environment=environment,
        level=level or None,
        level_value=value,
        level_unit=unit,
        hardest=hardest,
    )


def garbled(rng, words, rate):
    """Words of which a share is wrong."""
    wrong = rng.random(len(words)) < rate
    return " ".join("x" if bad else word for word, bad in zip(words, wrong, strict=True))


def stressed_run(
    folder, factors, *, speakers=12, utterances=10, n_words=30, seed=1, spread=0.3, deterministic=True, drop=(),
    normalizers=("minimal",), room=None, hardest="lowest", own=0.0,
):  # fmt: skip
    """A scored run.

    Args:
        folder: an empty folder.
        factors: condition -> how many times clean's errors the speakers of `a` and of `b` have.
        speakers: of each accent.
        room: utterance number -> where it was recorded.
        drop: (condition, utterance_id) that failed.
        own: log-sd of a speaker's own answer to a condition.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(DATASET)
    rows, heard = [], []
    for group, accent in enumerate("ab"):
        for s in range(speakers):
            rate = 0.1 * np.exp(spread * rng.standard_normal())
            answers = {c: np.exp(own * rng.standard_normal()) if c != "clean" else 1.0 for c in factors}
            for k in range(utterances):
                words = [f"p{k}w{i}" for i in range(n_words)]
                name = f"{accent}{s}-{k}"
                row = {"utterance_id": name, "reference": " ".join(words), "speaker_id": f"{accent}{s}"}
                row |= {"accent": accent, "prompt_id": f"p{k}"}
                rows.append(row | ({"room": room(k)} if room else {}))
                for c, factor in factors.items():
                    text = None if (c, name) in drop else garbled(rng, words, rate * factor[group] * answers[c])
                    heard.append({"condition_id": c, "utterance_id": name, "text": text})
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    heard.sort(key=lambda row: row["condition_id"])
    for row in heard:
        row |= {"system_id": "one", "key": "k", "status": "ok" if row["text"] is not None else "failed"}
    run = folder / "run"
    with HypothesisStore(run) as store:
        record = begun(run, load_manifest(folder), None, 0)
        for c in factors:
            record.add_condition(condition(c, hardest))
        system = SystemRecord(system_id="one", name="one", version="1", deterministic=deterministic)
        record.add_system(system, list(factors))
        store.append_table(pa.Table.from_pylist(heard, schema=HYPOTHESES), part_rows=1_000_000)
        write_record(run, record)
    score(run, normalizer=list(normalizers))
    return run
