"""A small run with everything that a page must bear: hostile names and texts, a small group, failures, two systems."""

import base64
import json
import wave
import zlib

import numpy as np

from asrfair import pipeline

MARKUP = "<script>alert('group')</script>"
FORMULA = "=cmd()"
RTL = "עברית"
SMALL = "Islanders"
GROUPS = {MARKUP: 8, FORMULA: 8, RTL: 8, SMALL: 2}
EVIL_TEXTS = [
    "</script><script>alert(1)</script> <!-- <img src=x onerror=alert(2)> javascript:alert(3)",
    "one two three four five six seven",
    "שלום עולם זה מבחן קטן מאוד כאן",
    "=HYPERLINK(1) \u202egnp.exe <b>bold</b> \x07 &amp; ]]>",
]
DATASET = """
schema_version = 1
name = "Hostile"
version = "1"
licence = "CC0-1.0"
language = "en"
collection = "Made by the tests."
consent = "Nobody spoke."
[attributes.accent]
kind = "accent"
provenance = "self_reported"
[attributes.gender]
kind = "demographic"
provenance = "self_reported"
"""


def write_manifest(folder, *, audio=False):
    """The manifest; returns its rows."""
    rows = []
    speakers = [(group, n) for group, size in GROUPS.items() for n in range(size)]
    for number, (group, n) in enumerate(speakers):
        for at, text in enumerate(EVIL_TEXTS):
            name = f"secret-{number}-{at}<img src=x onerror=alert(4)>"
            row = {"utterance_id": name, "reference": text, "speaker_id": f"person-{number}"}
            row |= {"accent": group, "gender": "female" if n % 2 else "male"}
            if audio:
                row |= {"audio": f"{number}-{at}.wav"}
                _write_tone(folder / row["audio"], 300 + 10 * number)
            rows.append(row)
    (folder / "dataset.toml").write_text(DATASET)
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return rows


def _write_tone(path, hertz, rate=8_000, seconds=1.0):
    samples = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def recognised(rows, wrong):
    """Transcripts in which every `wrong`-th word is another, one is left out and one is added; some are absent."""
    for number, row in enumerate(rows):
        words = row["reference"].split()
        if number % 17 == 16:
            continue
        for at in range(number % wrong, len(words), wrong):
            words[at] = f"{words[at]}x" if number % 3 else ""
        yield {
            "utterance_id": row["utterance_id"],
            "text": " ".join(filter(None, [*words, "um"][: len(words) + number % 2])),
        }


def make_run(folder, *, audio=False):
    """A run folder that was analysed, of two systems; returns it and the manifest's rows."""
    manifest, run = folder / "manifest", folder / "run"
    manifest.mkdir()
    rows = write_manifest(manifest, audio=audio)
    files = {}
    for name, wrong in (("engine", 4), ("other <b>", 3)):
        path = files[name] = folder / f"{wrong}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in recognised(rows, wrong)))
    pipeline.audit(manifest, files, out=run, normalizer=["none"], by=["accent", "gender", "accent*gender"])
    return run, rows


def unpacked(text):
    """The data of a block."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
