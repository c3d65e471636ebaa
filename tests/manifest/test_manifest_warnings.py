"""What is worth saying of a manifest that can be used."""

import pytest


def test_an_undeclared_column_is_carried_along_and_said(folder):
    manifest = folder.rows({"device": " phone "}, {"device": ["a", 2]}, {"device": None}).load()
    assert manifest.undeclared == ("device",)
    assert manifest.table["device"].to_pylist() == ["phone", "a|2", None]
    (warning,) = manifest.warnings
    assert warning.field == "device"
    assert (
        "carried along but cannot be grouped by; to group by it, declare [attributes.device] in dataset.toml"
        in warning.message
    )


def test_a_slip_in_a_column_s_name_is_suspected(folder):
    folder.rows({"speaker": "x"})
    assert any(
        "speaker: is not declared" in text and "if it is speaker_id, rename it" in text for text in folder.warnings()
    )


def test_missing_speakers_are_counted(folder):
    folder.rows({}, {"speaker_id": ...}, {"speaker_id": " "})
    assert folder.warnings() == [
        "rows.jsonl:2: speaker_id: is missing in 2 of 3 rows: without speakers no interval and no test can be given"
    ]
    folder.rows({"speaker_id": ...})
    assert folder.warnings()[0].startswith("rows.jsonl: speaker_id: is missing in every row: ")


@pytest.mark.parametrize("value", ["nan", "None", "N/A", "unknown"])
def test_a_value_that_looks_missing_is_said(folder, value):
    folder.rows({}, {"accent": value}, {"accent": ["Irish", value]}, {"speaker_id": value})
    accent, speaker = sorted(folder.warnings(), key=lambda text: "speaker" in text)
    assert accent == (
        f"rows.jsonl:2: accent: {value!r} in 2 rows is taken as a value: if it means missing, leave the field empty"
    )
    assert speaker.startswith(f"rows.jsonl:4: speaker_id: {value!r} in 1 row is taken as a value")


def test_values_that_differ_in_case_or_spacing_are_said(folder):
    folder.rows({"accent": "North East"}, {"accent": "North East"}, {"accent": ["x", "north-east"]})
    assert folder.warnings() == [
        "rows.jsonl:3: accent: 'North East' (2 rows), 'north-east' (1 row) differ only in case or spacing: "
        "are they one?"
    ]


def test_a_sign_is_no_spacing(folder):
    assert folder.rows({"accent": "-1"}, {"accent": "1"}).warnings() == []


def test_a_vocabulary_may_hold_such_values(folder):
    text = (folder.path / "dataset.toml").read_text().replace('"female", "male"', '"female", "Female", "unknown"')
    folder.dataset(text).rows({"gender": "Female"}, {"gender": "female"}, {"gender": "unknown"})
    assert folder.warnings() == []


def test_a_declaration_that_no_row_bears_out_is_said(folder):
    text = (
        (folder.path / "dataset.toml")
        .read_text()
        .replace("[attributes.gender]", 'baseline = "Irish"\n[attributes.gender]')
    )
    folder.dataset(text.replace("bins = [10, 20]", 'bins = [10, 20]\nbaseline = ">=20"')).rows({"gender": None})
    assert folder.warnings() == [
        "dataset.toml: attributes.accent.baseline: no row has 'Irish': the groups are 'Scottish'",
        "dataset.toml: attributes.gender: is declared, but no row has a value: is the column called otherwise?",
        "dataset.toml: attributes.snr_db.baseline: no row has '>=20': the groups are '10-20'",
    ]


def test_the_same_audio_twice_is_said_once(folder):
    same = {"audio": "a.wav"}
    folder.rows(same, {**same, "offset_s": 1}, {**same, "offset_s": 1}, same, same)
    assert folder.warnings() == [
        "rows.jsonl:1: audio: 'a.wav' is in 3 rows with the same segment; 3 rows repeat audio in all: "
        "an utterance should count once"
    ]


def test_segments_of_one_file_are_no_repetition(folder):
    assert folder.rows({"audio": "a.wav", "offset_s": 0}, {"audio": "a.wav", "offset_s": 1}).warnings() == []


def test_a_very_long_reference_is_said(folder):
    folder.rows({}, {"reference": "word " * 10_001})
    assert folder.warnings() == [
        "rows.jsonl:2: reference: is over 10,000 words in 1 row: cut long recordings into utterances"
    ]
