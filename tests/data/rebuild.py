"""Make the golden mini-corpus and its expected tables again. Run it by hand, and say in the commit why they moved.

The sentences and the recognition errors are made here, from a word list and a seed: nobody's speech. Speakers of the
accent "north" are given twice the errors of the others, so that there is something to find.
"""

import json
import shutil
import tempfile
from pathlib import Path

from asrfair import pipeline
from asrfair.seeds import rng_for

HERE = Path(__file__).parent / "mini"
WORDS = ["the", "old", "boat", "went", "over", "a", "green", "river", "and", "two", "small", "birds", "sang", "near"]
WORDS += ["our", "stone", "house", "by", "the", "sea", "at", "dawn"]
ACCENTS = {"south": 0.08, "north": 0.16, "coast": 0.08}
SPEAKERS = 12
UTTERANCES = 6

DATASET = """\
schema_version = 1
name = "Golden mini-corpus"
version = "1"
licence = "Apache-2.0"
language = "en-GB"
collection = "Made from a word list and a seed by tests/data/rebuild.py; nobody spoke."
consent = "No people are involved."

[attributes.accent]
kind = "accent"
provenance = "recorded"
baseline = "south"

[attributes.gender]
kind = "demographic"
provenance = "self_reported"
"""


def spoil(words, rate, rng):
    """Recognise some words wrongly."""
    heard = []
    for word in words:
        draw = rng.random()
        if draw < 0.6 * rate:
            heard.append(WORDS[rng.integers(len(WORDS))] + "s")
        elif draw < 0.85 * rate:
            continue
        else:
            heard.append(word)
        if rng.random() < 0.15 * rate:
            heard.append("uh")
    return heard


def make_corpus():
    rows, heard = [], []
    for accent, rate in ACCENTS.items():
        for number in range(SPEAKERS):
            speaker = f"{accent}-{number:02d}"
            own = rate * float(rng_for(1, speaker, "speaker").lognormal(0.0, 0.25))
            gender = ("female", "male", None)[number % 3]
            for place in range(UTTERANCES):
                utterance_id = f"{speaker}-{place}"
                rng = rng_for(1, utterance_id, "text")
                words = [WORDS[i] for i in rng.integers(len(WORDS), size=12)]
                said = " ".join(words).capitalize() + "."
                rows.append({"utterance_id": utterance_id, "reference": said, "speaker_id": speaker, "accent": accent})
                if gender:
                    rows[-1]["gender"] = gender
                if utterance_id != "coast-03-2":
                    heard.append({"utterance_id": utterance_id, "text": " ".join(spoil(words, own, rng))})
    return rows, heard


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def main():
    HERE.mkdir(exist_ok=True)
    rows, heard = make_corpus()
    (HERE / "dataset.toml").write_text(DATASET, encoding="utf-8")
    (HERE / "rows.jsonl").write_text(lines(rows), encoding="utf-8")
    (HERE / "engine.jsonl").write_text(lines(heard), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        pipeline.audit(HERE, {"engine": HERE / "engine.jsonl"}, out=folder, by=["accent", "gender", "accent*gender"])
        for name in ("groups.csv", "disparities.csv"):
            shutil.copy(Path(folder) / name, HERE / name)


if __name__ == "__main__":
    main()
