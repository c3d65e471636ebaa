"""Every command of the page on releases does what it says, with the exit code that stands above it."""

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
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
provenance = "self_reported"
"""


@pytest.fixture
def desk(tmp_path):
    """A corpus of two accents, and two releases: the second makes a quarter more errors for one of them."""
    rng = np.random.Generator(np.random.Philox(key=5))
    (tmp_path / "corpus").mkdir()
    rows, said = [], {"june": [], "july": []}
    for speaker in range(40):
        accent, voice = ("north", "south")[speaker % 2], np.exp(0.3 * rng.standard_normal())
        for k in range(12):
            words = [f"w{i}" for i in range(25)]
            name = {"utterance_id": f"{speaker}-{k}"}
            rows.append(name | {"reference": " ".join(words), "speaker_id": str(speaker), "accent": accent})
            luck = rng.random(len(words))
            for release, rate in (("june", 0.15), ("july", 0.15 if accent == "north" else 0.21)):
                text = " ".join("x" if u < rate * voice else w for u, w in zip(luck, words, strict=True))
                said[release].append(name | {"text": text})
    (tmp_path / "corpus" / "dataset.toml").write_text(DATASET)
    for path, lines in (("corpus/rows", rows), ("june", said["june"]), ("july", said["july"])):
        (tmp_path / f"{path}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path


def test_every_command_of_the_page_on_releases_does_what_it_says(desk):
    ran = 0
    for block in map(re.Match.groupdict, BLOCK.finditer((ROOT / "docs" / "releases.md").read_text(encoding="utf-8"))):
        mark = block["mark"] or ""
        if mark.startswith("file: "):
            (desk / mark.removeprefix("file: ")).write_text(block["text"])
        if block["kind"] != "sh":
            continue
        expected = int(mark.removeprefix("exits with ") or 0)
        for line in block["text"].strip().splitlines():
            command = [sys.executable, "-m", *shlex.split(line)]
            done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False)
            assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
            ran += 1
    assert ran == 6
    assert "WORSE" in (desk / "runs" / "july-against-june" / "comparison.md").read_text()
    assert ElementTree.parse(desk / "runs" / "gate.xml").getroot().findall(".//failure")
