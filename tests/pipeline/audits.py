"""A manifest and its transcripts, made on the spot: two accents that read the same prompts in two rooms."""

import json

import numpy as np

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
[attributes.room]
kind = "acoustic"
provenance = "recorded"
[attributes.snr_db]
kind = "acoustic"
provenance = "measured"
unit = "dB"
bins = [10, 20]
"""


def made(folder, *, speakers=12, prompts=8, harder=1.0, noisy_share=(0.5, 0.5), systems=("one",)):
    """Write the manifest; words are wrong at 10 %, twice that in the noisy room, `harder` times for the accent `b`."""
    rng = np.random.Generator(np.random.Philox(key=11))
    rows, heard = [], {system: [] for system in systems}
    for group, accent in enumerate("ab"):
        for s in range(speakers):
            voice = np.exp(0.2 * rng.standard_normal())
            for k in range(prompts):
                noisy = rng.random() < noisy_share[group]
                words = [f"p{k}w{i}" for i in range(20)]
                row = {"utterance_id": f"{accent}{s}-{k}", "reference": " ".join(words), "speaker_id": f"{accent}{s}"}
                row |= {
                    "prompt_id": f"p{k}",
                    "duration_s": 6.0,
                    "accent": accent,
                    "room": "ward" if noisy else "office",
                }
                rows.append(row | {"snr_db": 8.0 if noisy else 25.0})
                for system in systems:
                    rate = 0.1 * voice * (2.0 if noisy else 1.0) * (harder if accent == "b" else 1.0)
                    said = ["x" if rng.random() < rate else word for word in words]
                    heard[system].append({"utterance_id": row["utterance_id"], "text": " ".join(said)})
    folder.mkdir(exist_ok=True)
    (folder / "dataset.toml").write_text(DATASET)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for system, lines in heard.items():
        (folder / f"{system}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return {system: folder / f"{system}.jsonl" for system in systems}
