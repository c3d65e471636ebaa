import json
from pathlib import Path

import pytest

from asrfair.errors import ManifestError
from asrfair.manifest import load_manifest

DATASET = """\
schema_version = 1
name = "Ward 7"
version = "1"
licence = "internal"
language = "en-GB"
collection = "Asked on the ward."
consent = "Research only."

[attributes.accent]
kind = "accent"
provenance = "self_reported"

[attributes.gender]
kind = "demographic"
provenance = "self_reported"
vocabulary = ["female", "male", "non-binary"]

[attributes.snr_db]
kind = "acoustic"
provenance = "measured"
unit = "dB"
bins = [10, 20]
"""

ROW = {
    "utterance_id": "u1",
    "reference": "good morning",
    "speaker_id": "s1",
    "accent": "Scottish",
    "gender": "female",
    "snr_db": 12,
}


class Folder:
    """A manifest folder in the making."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)
        self.dataset(DATASET)

    def dataset(self, text: str) -> "Folder":
        (self.path / "dataset.toml").write_text(text, encoding="utf-8")
        return self

    def lines(self, *lines: str | bytes | dict, name: str = "rows.jsonl", end: bytes = b"\n") -> "Folder":
        """Rows as JSON, text or bytes, one a line."""
        encode = {dict: lambda row: json.dumps(row).encode(), str: str.encode, bytes: bytes}
        (self.path / name).write_bytes(end.join(encode[type(line)](line) for line in lines) + end)
        return self

    def rows(self, *changes: dict) -> "Folder":
        """JSONL rows u1, u2, ..., sound but for the changes; a change to ... removes the key."""
        rows = [{**ROW, "utterance_id": f"u{i}", **change} for i, change in enumerate(changes, start=1)]
        return self.lines(*({key: value for key, value in row.items() if value is not ...} for row in rows))

    def csv(self, text: str | bytes, name: str = "rows.csv") -> "Folder":
        (self.path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def load(self, **options):
        return load_manifest(self.path, **options)

    def faults(self, **options) -> list[str]:
        """What is wrong, with places relative to this folder."""
        with pytest.raises(ManifestError) as caught:
            self.load(**options)
        assert not any(fault.warning for fault in caught.value.faults)
        return [str(fault).removeprefix(f"{self.path}/") for fault in caught.value.faults]

    def warnings(self, **options) -> list[str]:
        found = self.load(**options).warnings
        assert all(warning.warning for warning in found)
        return [str(warning).removeprefix(f"{self.path}/") for warning in found]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "ward")
