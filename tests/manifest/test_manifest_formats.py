"""The three formats say the same, and real manifests load."""

import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrfair.manifest import coverage, load_manifest
from asrfair.tables import check_table

SHARED = Path(__file__).parents[3] / "shared" / "data"
COLUMNS = ["utterance_id", "reference", "speaker_id", "duration_s", "language", "accent", "gender", "snr_db", "note"]

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
[attributes.gender]
kind = "demographic"
provenance = "self_reported"
[attributes.snr_db]
kind = "acoustic"
provenance = "measured"
unit = "dB"
"""

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
VALUE = TEXT.filter(
    lambda text: not set(text) & set("|*") and text.strip().casefold() not in ("missing", "all", "rest")
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "reference": st.sampled_from(
                ["hello", "two words", 'a "quoted", thing', "شكرا", "line\nbreak", "<no-speech>"]
            ),
            "speaker_id": st.none() | TEXT,
            "duration_s": st.none() | st.floats(0.001, 86_400),
            "language": st.sampled_from([None, "en", "gd-GB"]),
            "accent": st.none() | st.lists(VALUE, max_size=3),
            "gender": st.sampled_from([None, "female", "prefer not to say"]),
            "snr_db": st.none() | st.floats(-100, 100),
            "note": st.none() | TEXT,
        }
    ),
    min_size=1,
    max_size=12,
)


def write_all(folder: Path, rows: list[dict]) -> list[Path]:
    """The same rows in each format."""
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    paths = [folder / f"rows.{suffix}" for suffix in ("jsonl", "csv", "parquet")]
    paths[0].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: "|".join(value) if isinstance(value, list) else value for name, value in row.items()}
        writer.writerow({name: repr(value) if isinstance(value, float) else value for name, value in cells.items()})
    paths[1].write_bytes(text.getvalue().encode())
    types = {"accent": pa.list_(pa.string()), "duration_s": pa.float64(), "snr_db": pa.float64()}
    columns = {name: pa.array([row[name] for row in rows], types.get(name, pa.string())) for name in COLUMNS}
    pq.write_table(pa.table(columns), paths[2])
    return paths


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_jsonl_csv_and_parquet_of_the_same_rows_are_the_same_manifest(rows):
    rows = [{"utterance_id": f"u{i}", **row} for i, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as name:
        first, *others = (load_manifest(path) for path in write_all(Path(name), rows))
    for other in others:
        assert other.table.to_pydict() == first.table.to_pydict()
        assert other.table.schema == first.table.schema
        assert other.undeclared == first.undeclared
        assert [(w.field, w.message) for w in other.warnings] == [(w.field, w.message) for w in first.warnings]


def test_the_examples_of_the_readme_work(folder):
    readme = Path(__file__).parents[2].joinpath("manifests", "README.md").read_text(encoding="utf-8")
    blocks = {name: readme.partition(f"```{name}\n")[2].partition("```")[0] for name in ("json", "toml")}
    manifest = folder.dataset(blocks["toml"]).lines(blocks["json"].strip()).load()
    assert sorted(manifest.attributes) == ["first_language", "snr_db"]


def test_the_table_keeps_the_contract(folder):
    table = folder.rows({"note": "x"}).load().table
    check_table(table.schema, "manifest", "here")
    assert table.column_names[-4:] == ["accent", "gender", "snr_db", "note"]
    assert table.schema.field("snr_db").type == pa.float64()


def test_an_attribute_in_no_row_is_a_column_all_the_same(folder):
    table = folder.rows({"snr_db": ..., "gender": ...}).load().table
    assert table["gender"].to_pylist() == [None]
    assert table.schema.field("snr_db").type == pa.float64()


@pytest.mark.parametrize(
    ("name", "n_rows", "n_speakers", "attribute"),
    [("ivie", 102, 102, "dialect"), ("commonvoice", 100, 99, "accent"), ("fsdd", 600, 6, "accent")],
)
def test_real_manifests_load_with_their_audio(name, n_rows, n_speakers, attribute):
    if not (SHARED / name).is_dir():
        pytest.skip("the shared data is not beside the repository")
    manifest = load_manifest(SHARED / name, audio="readable")
    found = coverage(manifest)
    assert (found.total.n_utterances, found.total.n_speakers) == (n_rows, n_speakers)
    assert sum(row.n_utterances for row in found.groups if row.attribute == attribute) == n_rows
    assert not any(warning.field == attribute for warning in manifest.warnings)


def test_accent_and_speaker_are_confounded_in_fsdd():
    if not (SHARED / "fsdd").is_dir():
        pytest.skip("the shared data is not beside the repository")
    notes = coverage(load_manifest(SHARED / "fsdd")).notes
    (note,) = (note for note in notes if (note.attribute, note.code) == ("accent", "confounded_with_speaker"))
    assert len(note.groups) == 4
    assert note.text.startswith("every group of accent has fewer than 3 speakers")


def test_nothing_heavy_is_imported(folder):
    """Scoring loads a manifest, and has a second of CPU for everything. (pyarrow itself may look for pandas.)"""
    folder.rows({})
    code = (
        "import sys; from asrfair.manifest import coverage, load_manifest; coverage(load_manifest(sys.argv[1]));"
        "heavy = {'scipy', 'torch', 'transformers', 'matplotlib', 'jinja2', 'soundfile', 'librosa'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder.path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
