"""A spreadsheet of references and transcripts, made on the spot: what the tutorial and the notebooks begin with."""

import csv

import numpy as np

WORDS = (
    "the patient walked to the window and asked for water before the doctor came back with the new results of the scan"
).split()
RATES = {"coast": 0.08, "north": 0.14, "south": 0.07}


def write_spreadsheet(path, *, text="text", worse=1.0, seed=11):
    """48 speakers of three accents, eight utterances each; of the north more words are wrong, `worse` times that."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["utterance_id", "speaker_id", "accent", "reference", text])
        for speaker in range(48):
            accent = sorted(RATES)[speaker % 3]
            rate = RATES[accent] * np.exp(0.3 * rng.standard_normal()) * (worse if accent == "north" else 1.0)
            for k in range(8):
                said = [WORDS[i] for i in rng.permutation(len(WORDS))]
                heard = [word[::-1] if rng.random() < rate else word for word in said]
                row = [f"u{speaker:02}-{k}", f"s{speaker:02}", accent, " ".join(said), " ".join(heard)]
                writer.writerow(row)
