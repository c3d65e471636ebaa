"""Audio that a manifest names is looked for, opened and held to its segments, when that is asked for."""

import numpy as np
import pytest
import soundfile


@pytest.fixture
def ward(folder):
    """A folder with one second of silence, a broken file, an empty one and a directory."""
    audio = folder.path / "audio"
    (audio / "folder.wav").mkdir(parents=True)
    soundfile.write(audio / "a.wav", np.zeros(8000, dtype=np.float32), 8000)
    soundfile.write(audio / "empty.wav", np.zeros(0, dtype=np.float32), 8000)
    (audio / "broken.wav").write_bytes(b"RIFF nothing")
    return folder


def test_audio_is_not_looked_at_unless_asked(ward):
    assert len(ward.rows({"audio": "nowhere.wav"}).load()) == 1


def test_missing_audio_is_named(ward):
    faults = ward.rows({"audio": "audio/b.wav"}, {"audio": "audio/folder.wav"}, {}, {"audio": "audio/a.wav"}).faults(
        audio="exists"
    )
    assert faults == [
        "rows.jsonl:1: audio: 'audio/b.wav' does not exist: copy it there, or mend the path (it counts from the "
        "manifest's folder)",
        "rows.jsonl:2: audio: 'audio/folder.wav' is a folder: name the file",
        "rows.jsonl:3: audio: is missing: name the file, relative to the manifest's folder",
    ]


def test_unreadable_and_empty_audio_is_named(ward):
    broken, empty = ward.rows({"audio": "audio/broken.wav"}, {"audio": "audio/empty.wav"}).faults(audio="readable")
    assert broken.startswith("rows.jsonl:1: audio: 'audio/broken.wav' is not audio that can be read (")
    assert broken.endswith("): convert it to WAV or FLAC")
    assert empty.startswith("rows.jsonl:2: audio: 'audio/empty.wav' holds no audio")


@pytest.mark.parametrize(
    ("segment", "fault"),
    [
        ({"duration_s": 1.05}, None),
        ({"offset_s": 0.5, "duration_s": 0.5}, None),
        ({"offset_s": 0.5}, None),
        ({"duration_s": 1.2}, "duration_s: the segment ends at 1.2 s, but 'audio/a.wav' is 1.000 s long: mend it"),
        ({"offset_s": 0.9, "duration_s": 0.5}, "duration_s: the segment ends at 1.4 s, but"),
        ({"offset_s": 1.0}, "offset_s: the segment starts at 1 s, but 'audio/a.wav' is 1.000 s long: mend offset_s"),
    ],
)
def test_segments_lie_inside_their_file(ward, segment, fault):
    ward.rows({"audio": "audio/a.wav", **segment})
    if fault is None:
        assert ward.warnings(audio="readable") == []
    else:
        assert ward.faults(audio="readable")[0].startswith(f"rows.jsonl:1: {fault}")


def test_transcripts_without_audio_are_a_manifest_too(ward):
    ward.rows({}, {})
    assert ward.warnings(audio="readable") == [
        "rows.jsonl: audio: no row names audio: transcripts can be scored, but nothing can be transcribed"
    ]
    assert ward.faults(audio="exists") == [
        "rows.jsonl: audio: is missing in every row: name the files, relative to the manifest's folder"
    ]


def test_audio_of_some_rows_only_is_a_fault(ward):
    (fault,) = ward.rows({"audio": "audio/a.wav"}, {}).faults(audio="readable")
    assert fault.startswith("rows.jsonl:2: audio: is missing")


def test_uris_cannot_be_transcribed_by_this_version(ward):
    ward.rows({"audio": "s3://ward/a.wav"})
    (fault,) = ward.faults(audio="exists")
    assert "is a URI; this version reads local files: download it first" in fault
    (warning,) = ward.warnings(audio="readable")
    assert "name audio by URI" in warning


def test_a_path_that_is_refused_is_not_looked_for(ward):
    (fault,) = ward.rows({"audio": "../../etc/passwd"}).faults(audio="readable")
    assert "leaves the manifest's folder" in fault
