"""What several rooms' tests share: sounds made on the spot, and manifests of them."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

DATASET = """\
schema_version = 1
name = "Tones"
version = "1"
licence = "CC0-1.0"
language = "en"
collection = "Made by the tests."
consent = "Nobody spoke."

[attributes.accent]
kind = "accent"
provenance = "recorded"
"""


def tone(number, seconds=0.3, rate=16_000):
    """A tone that no other number has."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * (200 + 7 * number) * time)).astype(np.float32)


def write_wav(path, samples, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


@pytest.fixture
def tones(tmp_path):
    """Makes a manifest of `n` tones: utterance u0 says `word 0` and so on."""

    def make(n, folder="tones"):
        here = tmp_path / folder
        here.mkdir()
        rows = []
        for i in range(n):
            write_wav(here / f"{i}.wav", tone(i))
            row = {"utterance_id": f"u{i}", "audio": f"{i}.wav", "reference": f"word {i}", "speaker_id": f"s{i % 8}"}
            rows.append(row | {"accent": ("a", "b")[i % 8 >= 4]})
        (here / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (here / "dataset.toml").write_text(DATASET)
        return here

    return make


@pytest.fixture
def shared():
    """The real data beside the checkout, where it is."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the real data of ../shared are not here")
    return folder
