"""Which file MANIFEST means, and files that are not what their name says."""

import gzip
import hashlib
from pathlib import Path

import pytest

from asrfair.errors import AudioError, ManifestError
from asrfair.manifest import load_manifest


def refusal(path) -> str:
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["rows.jsonl", "manifest.jsonl"])
def test_a_folder_means_its_one_rows_file(folder, name):
    folder.lines({"utterance_id": "u", "reference": "a"}, name=name)
    assert folder.load().rows_path == folder.path / name
    assert load_manifest(str(folder.path / name)).digest == folder.load().digest


def test_a_rows_file_of_any_name_can_be_given(folder):
    folder.lines({"utterance_id": "u", "reference": "a"}, name="dialects 2026.jsonl")
    assert len(load_manifest(folder.path / "dialects 2026.jsonl")) == 1
    assert "it has dialects 2026.jsonl: rename it, or name it as the manifest" in refusal(folder.path)


def test_several_rows_files_are_refused(folder):
    folder.rows({}).csv("utterance_id,reference\nu,a\n")
    assert "has several rows files (rows.jsonl, rows.csv): name the one to use, or keep one" in refusal(folder.path)


def test_none_or_no_such_file_is_refused(folder):
    assert "has no rows file: add manifest.jsonl, manifest.csv or manifest.parquet" in refusal(folder.path)
    assert "does not exist: give the folder of a manifest, or its rows file" in refusal(folder.path / "nothing.csv")


@pytest.mark.parametrize(
    ("name", "remedy"), [("rows.json", "JSON Lines"), ("rows.tsv", "commas"), ("dataset.toml", "folder")]
)
def test_another_kind_of_file_is_refused_with_what_to_do(folder, name, remedy):
    folder.lines("{}", name=name)
    assert "is not a rows file that can be read: " in refusal(folder.path / name)
    assert remedy in refusal(folder.path / name)


def test_faults_name_the_file_as_the_user_did(folder, monkeypatch):
    folder.rows({"duration_s": -1})
    monkeypatch.chdir(folder.path.parent)
    assert refusal("./ward/").startswith("./ward/rows.jsonl:1: duration_s: -1 is negative")
    assert refusal(Path("ward")).startswith("ward/rows.jsonl:1: ")
    monkeypatch.chdir(folder.path)
    assert refusal("rows.jsonl").startswith("rows.jsonl:1: ")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is empty: write one row for each utterance"),
        (b"\xef\xbb\xbf \n\n", "is empty: write one row for each utterance"),
        ('{"utterance_id": "u"}\n'.encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ('{"utterance_id": "u"}\n'.encode("utf-16-be"), "is UTF-16: save it as UTF-8"),
        ('{"utterance_id": "u"}\n'.encode("utf-32"), "is UTF-32: save it as UTF-8"),
        (gzip.compress(b"{}"), "is gzip: unpack it first"),
        (b"PK\x03\x04...", "is a zip file or an Excel workbook: save the sheet as CSV UTF-8"),
        (b"PAR1....", "is Parquet: name it .parquet"),
        (b'[\n {"utterance_id": "u"}\n]', "is one JSON document over many lines: write JSON Lines"),
        (b'{\n "utterance_id": "u"\n}', "is one JSON document over many lines: write JSON Lines"),
    ],
)
def test_a_file_that_is_something_else_is_one_fault(folder, data, fault):
    (folder.path / "rows.jsonl").write_bytes(data)
    (found,) = folder.faults()
    assert found.partition(": ")[2].startswith(fault)


def test_the_digest_is_over_both_files(folder):
    folder.rows({})
    both = (folder.path / "dataset.toml").read_bytes() + (folder.path / "rows.jsonl").read_bytes()
    assert folder.load().digest == hashlib.sha256(both).hexdigest()


def test_audio_paths_count_from_the_manifest_s_folder(folder):
    manifest = folder.rows({}).load()
    assert manifest.folder == folder.path
    assert manifest.audio_path("a/b.wav") == folder.path / "a" / "b.wav"
    with pytest.raises(AudioError, match="reads local files"):
        manifest.audio_path("s3://ward/a.wav")
