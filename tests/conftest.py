"""What several rooms' tests share: sounds made on the spot, and manifests of them."""

import json
from pathlib import Path

import pytest
from sounds import DATASET, tone, write_wav

collect_ignore_glob = ["data/*", "conftest.py", "*/conftest.py"]
"""Scripts that make data, and fixtures: neither has tests, and two of one name are not collected."""


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
