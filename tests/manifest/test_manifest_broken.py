"""Whatever is in the files, the answer is a manifest or a list of faults, never another exception."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrfair.errors import ManifestError
from asrfair.manifest import coverage, load_manifest

DATASET = """\
schema_version = 1
name = "n"
version = "1"
licence = "l"
language = "en"
collection = "c"
consent = "c"
[attributes.accent]
kind = "accent"
provenance = "self_reported"
vocabulary = ["a", "b"]
[attributes.snr_db]
kind = "acoustic"
provenance = "measured"
bins = [1]
"""
COLUMNS = ["utterance_id", "audio", "offset_s", "duration_s", "audio_sha256", "prompt_id", "licence", "reference"]
COLUMNS += ["references", "language", "speaker_id", "accent", "snr_db", "note"]

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["a", "u1", "en"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2)
)
ROW = st.dictionaries(st.sampled_from(COLUMNS) | st.text(max_size=3), VALUES, max_size=8)
FUZZ = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def loads_or_is_refused(name: str, data: bytes, dataset: bytes = DATASET.encode()) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(data)
        Path(folder, "dataset.toml").write_bytes(dataset)
        with contextlib.suppress(ManifestError):
            coverage(load_manifest(folder, audio="readable"))


@FUZZ
@given(st.lists(ROW, max_size=6))
def test_any_objects(rows):
    loads_or_is_refused("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


@FUZZ
@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from(["rows.jsonl", "rows.csv", "rows.parquet"]))
def test_any_bytes(lines, name):
    loads_or_is_refused(name, b"\n".join(lines))


@FUZZ
@given(st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=4), max_size=6))
def test_any_csv(rows):
    header = ",".join(["utterance_id", "reference", "snr_db", "accent"])
    loads_or_is_refused("rows.csv", "\n".join([header, *(",".join(row) for row in rows)]).encode("utf-8", "replace"))


@FUZZ
@given(st.dictionaries(st.sampled_from(["kind", "bins", "unit", "baseline", "vocabulary", "x"]), VALUES, max_size=4))
def test_any_attribute(table):
    try:
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        text = "\n".join([DATASET, "[attributes.other]", 'provenance = "recorded"', *lines])
        data = text.encode()
    except UnicodeEncodeError:
        return
    loads_or_is_refused("rows.jsonl", b'{"utterance_id": "u", "reference": "a", "other": "b"}\n', data)


@FUZZ
@given(st.binary(max_size=200))
def test_any_dataset(data):
    loads_or_is_refused("rows.jsonl", b'{"utterance_id": "u", "reference": "a"}\n', data)


def test_many_broken_rows_are_read_in_bounded_time_and_counted(folder):
    folder.lines(*(['{"utterance_id": '] * 60_000), {"utterance_id": "u", "reference": "a"})
    with pytest.raises(ManifestError) as caught:
        folder.load()
    assert "and 50,000 more faults" in str(caught.value.faults[-1])
