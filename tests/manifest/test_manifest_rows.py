"""Every fault of a row is found, at its place, with its remedy."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

NO_SPEECH = "write what was said (for a clip without speech: <no-speech>)"


def test_a_sound_row_becomes_an_utterance(folder):
    manifest = folder.rows({"gender": ["female", "non-binary"], "snr_db": 12, "duration_s": 2, "offset_s": 0.5}).load()
    (utterance,) = manifest.utterances()
    assert utterance.references == ("good morning",)
    assert utterance.attributes == {"accent": ("Scottish",), "gender": ("female", "non-binary"), "snr_db": ("12",)}
    assert (utterance.language, utterance.speaker_id, utterance.audio) == ("en-GB", "s1", None)
    assert (utterance.offset_s, utterance.duration_s) == (0.5, 2.0)
    assert len(manifest) == 1
    assert manifest.warnings == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"utterance_id": ...}, "utterance_id: is missing: give each utterance a name of its own"),
        ({"utterance_id": "  "}, "utterance_id: is missing: give each utterance a name of its own"),
        (
            {"utterance_id": "u1"},
            "utterance_id: 'u1' is already the name of line 1: give each utterance a name of its own",
        ),
        ({"utterance_id": 1.5}, "utterance_id: 1.5 is not text: write it in quotes"),
        ({"utterance_id": "a\x00b"}, "utterance_id: 'a\\x00b' has control characters: remove them"),
        ({"utterance_id": " u2"}, "utterance_id: ' u2' has surrounding space: remove it"),
        ({"speaker_id": "a\x1bb"}, "speaker_id: 'a\\x1bb' has control characters: remove them"),
        ({"reference": ...}, f"reference: is missing: {NO_SPEECH}"),
        ({"reference": None}, f"reference: is missing: {NO_SPEECH}"),
        ({"reference": ""}, f"reference: is empty: {NO_SPEECH}"),
        ({"reference": " \u3000\t"}, f"reference: is empty: {NO_SPEECH}"),
        ({"reference": "a\0b"}, "reference: has a NUL character: remove it"),
        ({"reference": 7}, "reference: 7 is not text: write it in quotes"),
        ({"reference": ["a"]}, "reference: ['a'] is not text: write it in quotes"),
        ({"reference": ..., "references": []}, f"references: is an empty list: {NO_SPEECH}"),
        ({"reference": ..., "references": ["a", " "]}, f"references: wording 2 of 2 is empty: {NO_SPEECH}"),
        (
            {"reference": ..., "references": "a"},
            "references: 'a' is not a list of texts: write the accepted wordings as",
        ),
        ({"references": ["a"]}, "references: reference is given too: give one of the two"),
        ({"duration_s": -1.2}, "duration_s: -1.2 is negative: write seconds"),
        ({"duration_s": 0}, "duration_s: 0 is no length: write the segment's length in seconds"),
        ({"duration_s": 90000}, "duration_s: 90000 is more than 24 hours: write seconds (are these milliseconds"),
        ({"duration_s": "1.5"}, "duration_s: '1.5' is text, not a number: write it without quotes"),
        ({"duration_s": True}, "duration_s: True is not a number"),
        ({"offset_s": -0.1}, "offset_s: -0.1 is negative: write seconds"),
        ({"offset_s": 1e9}, "offset_s: 1e+09 is more than 24 hours"),
        (
            {"audio": "/data/a.wav"},
            "audio: '/data/a.wav' is an absolute path: write it relative to the manifest's folder",
        ),
        ({"audio": "C:\\a.wav"}, "audio: 'C:\\\\a.wav' is an absolute path"),
        ({"audio": "C:/a.wav"}, "audio: 'C:/a.wav' is an absolute path"),
        ({"audio": "\\\\host\\a.wav"}, "audio: '\\\\\\\\host\\\\a.wav' is an absolute path"),
        ({"audio": "file:///a.wav"}, "audio: 'file:///a.wav' is an absolute path"),
        ({"audio": "../a.wav"}, "audio: '../a.wav' leaves the manifest's folder: keep audio inside it"),
        ({"audio": "a/./../../b.wav"}, "audio: 'a/./../../b.wav' leaves the manifest's folder"),
        ({"audio": "a\\..\\..\\b.wav"}, "audio: 'a\\\\..\\\\..\\\\b.wav' leaves the manifest's folder"),
        ({"audio": "a\\b.wav"}, "audio: 'a\\\\b.wav' has a backslash: write / between folders"),
        ({"audio": " a.wav"}, "audio: ' a.wav' has surrounding space: remove it"),
        ({"audio": "a\nb.wav"}, "audio: 'a\\nb.wav' has control characters: rename the file"),
        ({"audio_sha256": "abc"}, "audio_sha256: 'abc' is not 64 hex digits"),
        ({"language": "en_GB"}, "language: 'en_GB' is not a BCP 47 tag: write 'en-GB'"),
        ({"language": "english"}, "language: 'english' is not a BCP 47 tag: write en or en-GB"),
        (
            {"gender": "femal"},
            "gender: 'femal' is not in the vocabulary of dataset.toml ('female', 'male', 'non-binary', ",
        ),
        ({"accent": "missing"}, "accent: 'missing' is reserved: leave the value empty"),
        ({"accent": "All"}, "accent: 'All' is reserved: name the group otherwise"),
        ({"accent": "rest"}, "accent: 'rest' is reserved: name the group otherwise"),
        ({"accent": "a|b"}, "accent: 'a|b' has a |, which joins several values: write several values as a list"),
        ({"accent": ["a|b"]}, "accent: 'a|b' has a |, which joins several values"),
        ({"accent": "a*b"}, "accent: 'a*b' has a *, which joins attributes: write it without"),
        ({"accent": "a\tb"}, "accent: 'a\\tb' has control characters: remove them"),
        ({"accent": {"a": 1}}, "accent: {'a': 1} is nested: write text, or a flat list of texts"),
        ({"accent": [["a"]]}, "accent: ['a'] is nested"),
        ({"snr_db": "loud"}, "snr_db: 'loud' is text, not a number: write it without quotes"),
        ({"snr_db": [1, 2]}, "snr_db: [1, 2] is not a number"),
    ],
)
def test_a_fault_of_a_row_is_named_at_its_line(folder, change, fault):
    (found,) = folder.rows({}, change, {}).faults()
    assert found.startswith(f"rows.jsonl:2: {fault}")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (
            '{"utterance_id": "u2", ',
            "is not valid JSON at character 24: Expecting property name enclosed in double quotes",
        ),
        ('["u2"]', "is a JSON array: write one object a line, without brackets and commas around them"),
        ('"u2"', "'u2' is not a JSON object: write {"),
        ('{"utterance_id": "u2", "reference": "a"} {"b": 1}', "is not valid JSON at character 42: Extra data"),
        (
            b'{"utterance_id": "u2", "reference": "caf\xe9"}',
            "is not UTF-8 (byte 41 of the line): save the file as UTF-8",
        ),
        ("[" * 100_000, "is not valid JSON: a number too long, or nested too deeply"),
        ('{"\\ud83d": "u2"}', "has the key '\\ud83d', which has half a surrogate pair: write the whole character"),
        (
            '{"utterance_id": "u2", "reference": "\\ud83d"}',
            "reference: '\\ud83d' has half a surrogate pair, which is no character: write the whole character",
        ),
        (
            '{"utterance_id": "u2", "reference": "a", "duration_s": NaN}',
            "duration_s: nan is not a finite number: leave it out where there is none",
        ),
        ('{"utterance_id": "u2", "reference": "a", "duration_s": 1e999}', "duration_s: inf is not a finite number"),
        ('{"utterance_id": "u2", "reference": "a", "snr_db": Infinity}', "snr_db: inf is not a finite number"),
        (
            '{"utterance_id": "u2", "reference": "a", "accent": NaN}',
            "accent: nan is not a value: leave it out where there",
        ),
    ],
)
def test_a_line_that_is_no_sound_json_is_named(folder, line, fault):
    sound = [{"utterance_id": f"u{i}", "reference": "a", "speaker_id": "s", "accent": "x"} for i in range(4)]
    (found,) = folder.lines(sound[0], line, sound[3]).faults()
    place = "rows.jsonl:2: "
    assert found.startswith(place + fault), found


def test_all_faults_are_listed_at_once_in_file_order(folder):
    folder.dataset(folder.path.joinpath("dataset.toml").read_text().replace('licence = "internal"\n', ""))
    folder.rows(
        {"duration_s": -1, "audio": "/x"}, {"gender": "x"}, {"utterance_id": "u2", "reference": ...}, {"offset_s": "a"}
    )
    faults = folder.faults()
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["dataset.toml", "licence"],
        ["rows.jsonl:1", "duration_s"],
        ["rows.jsonl:1", "audio"],
        ["rows.jsonl:2", "gender"],
        ["rows.jsonl:3", "reference"],
        ["rows.jsonl:3", "utterance_id"],
        ["rows.jsonl:4", "offset_s"],
    ]


def test_a_refused_value_is_not_also_called_missing(folder):
    assert len(folder.rows({"utterance_id": 2.5, "reference": 3}).faults()) == 2


def test_a_column_missing_throughout_is_one_fault_with_the_likely_name(folder):
    folder.lines({"id": "u1", "transcript": "a"}, {"id": "u2", "transcript": "b"})
    assert folder.faults() == [
        "rows.jsonl: utterance_id: is missing in every row: rename the column 'id', if that is it",
        "rows.jsonl: reference: is missing in every row: rename the column 'transcript', if that is it",
    ]


def test_a_million_faults_are_counted_not_kept(folder):
    folder.rows(*({"duration_s": -1} for _ in range(10_050)), {"utterance_id": "u1"})
    faults = folder.faults()
    assert len(faults) == 10_001
    assert faults[9_999].startswith("rows.jsonl:10000: ")
    assert faults[-1] == "rows.jsonl: and 51 more faults; mend the cause of these 10,000 first"


def test_the_first_faults_are_kept_even_if_they_are_found_last(folder):
    """A duplicate is only known when everything is read."""
    folder.rows({"utterance_id": "x"}, {"utterance_id": "x"}, *({"duration_s": -1} for _ in range(25_000)))
    assert folder.faults()[0].startswith("rows.jsonl:2: utterance_id: 'x' is already the name of line 1")


@pytest.mark.parametrize("reference", ["<no-speech>", " <no-speech> "])
def test_a_clip_without_speech_is_said_explicitly(folder, reference):
    folder.rows(
        {"reference": reference},
        {"reference": ..., "references": [""]},
        {"reference": ..., "references": ["um", "<no-speech>"]},
    )
    assert [u.references for u in folder.load().utterances()] == [("",), ("",), ("um", "")]


def test_references_stay_exactly_as_written(folder):
    said = "  Zoe\u0308, l'<été> 20%\tof it \n"
    assert next(folder.rows({"reference": said}).load().utterances()).references == (said,)


def test_prefer_not_to_say_is_in_every_vocabulary_and_empty_is_missing(folder):
    manifest = folder.rows(
        {"gender": "prefer not to say"}, {"gender": ""}, {"gender": None}, {"gender": []}, {"gender": " "}
    ).load()
    assert manifest.table["gender"].to_pylist() == ["prefer not to say", None, None, None, None]


def test_values_are_tidied_and_composed(folder):
    manifest = folder.rows({"accent": " Gàidhlig "}, {"accent": "Gàidhlig"}, {"accent": ["b", " a", "b"]}).load()
    assert manifest.table["accent"].to_pylist() == ["Gàidhlig", "Gàidhlig", "b|a"]


def test_numbers_and_truth_values_are_group_names_too(folder):
    manifest = folder.rows(*({"accent": value} for value in (16, 16.0, 16.5, True, [1, 2.0]))).load()
    assert manifest.table["accent"].to_pylist() == ["16", "16", "16.5", "true", "1|2"]


def test_right_to_left_and_wide_text_is_kept(folder):
    folder.rows(
        {
            "utterance_id": "כיתה-1",
            "reference": "مرحبا بالعالم",
            "speaker_id": "दीपिका",
            "accent": "עברית",
            "language": "ar-EG",
        }
    )
    (utterance,) = folder.load().utterances()
    assert (utterance.utterance_id, utterance.references) == ("כיתה-1", ("مرحبا بالعالم",))
    assert (utterance.speaker_id, utterance.attributes["accent"], utterance.language) == ("दीपिका", ("עברית",), "ar-EG")


def test_speakers_written_in_two_normal_forms_are_one_person(folder):
    manifest = folder.rows({"speaker_id": "Zoe\u0308"}, {"speaker_id": "Zo\u00eb "}, {"speaker_id": 1089}).load()
    assert manifest.table["speaker_id"].to_pylist() == ["Zoë", "Zoë", "1089"]


def test_blank_lines_bom_and_crlf_do_not_shift_lines(folder):
    good, bad = json.dumps({"utterance_id": "a", "reference": "x"}), json.dumps({"utterance_id": "b"})
    folder.lines(b"\xef\xbb\xbf" + good.encode(), "", "  ", bad, end=b"\r\n")
    assert folder.faults()[0].startswith("rows.jsonl:4: reference: is missing")


def test_objects_that_share_or_span_lines_do_not_shift_lines(folder):
    one = '{"utterance_id": "a", "reference": "x"}'
    folder.lines(f"{one} {one.replace('a', 'b', 1)}", '{"utterance_id":', ' "c"}', '{"utterance_id": "d"}')
    places = [fault.split(": ")[0] for fault in folder.faults()]
    assert places == ["rows.jsonl:1", "rows.jsonl:2", "rows.jsonl:3", "rows.jsonl:4"]


def test_lines_count_on_over_blocks(folder):
    """The file is larger than one block, so lines are counted over several."""
    text = "word " * 400
    folder.rows(*({"reference": text} for _ in range(2500)), {"duration_s": -1}, {"note": 1})
    assert folder.faults()[0].startswith("rows.jsonl:2501: duration_s: -1")


def test_a_column_that_appears_late_is_null_before(folder):
    manifest = folder.rows(
        *({"reference": "word " * 400} for _ in range(2500)), {"note": {"a": [1]}, "snr_db": 3}
    ).load()
    assert manifest.undeclared == ("note",)
    assert manifest.table["note"].null_count == 2500
    assert manifest.table["note"][2500].as_py() == '{"a": [1]}'
    assert manifest.table["snr_db"][2500].as_py() == 3.0


def test_a_key_per_row_is_refused(folder):
    (fault,) = folder.rows(*({f"k{i}": 1} for i in range(1200))).faults()
    assert "there are more than 1,000 different columns: is a value a key?" in fault


def test_uris_are_allowed_where_audio_is_not_needed(folder):
    manifest = folder.rows({"audio": "s3://ward/a.wav"}, {"audio": "https://host/a.wav"}).load()
    assert manifest.table["audio"].to_pylist() == ["s3://ward/a.wav", "https://host/a.wav"]


def test_parquet_columns_of_the_wrong_type_are_one_fault_each(folder):
    columns = {
        "utterance_id": ["a", "b"],
        "reference": ["x", "y"],
        "duration_s": ["1", "2"],
        "speaker_id": [1.5, 2.5],
        "audio": [{"bytes": b"", "path": "a"}] * 2,
        "snr_db": [1.0, float("nan")],
    }
    pq.write_table(pa.table(columns), folder.path / "rows.parquet")
    assert folder.faults() == [
        "rows.parquet: duration_s: is a column of string: write numbers",
        "rows.parquet: speaker_id: is a column of double: write text",
        "rows.parquet: audio: is a column of struct<bytes: binary, path: string>: write text",
        "rows.parquet:2: snr_db: nan is not a finite number: leave it out where there is none",
    ]


def test_parquet_places_are_row_numbers_over_batches(folder):
    n = 40_000
    durations = np.ones(n)
    durations[39_998] = -1
    table = pa.table({"utterance_id": [str(i) for i in range(n)], "reference": ["a"] * n, "duration_s": durations})
    pq.write_table(table, folder.path / "rows.parquet", row_group_size=7_000)
    assert folder.faults()[0].startswith("rows.parquet:39999: duration_s: -1 is negative")


def test_parquet_of_categories_large_strings_and_blobs(folder):
    accents = pa.array(["Scottish", None, "Irish"]).dictionary_encode()
    columns = {
        "utterance_id": pa.array([1, 2, 3]),
        "references": pa.array([["a", "b"], ["c"], ["d"]], pa.large_list(pa.large_string())),
        "accent": accents,
        "gender": pa.array([["female"], [], None]),
        "snr_db": pa.array([1, 2, 3], pa.int8()),
        "recorded": pa.array([0, 1, 2], pa.date32()),
        "blob": pa.array([b"x", b"y", b"z"]),
    }
    pq.write_table(pa.table(columns), folder.path / "rows.parquet")
    manifest = folder.load()
    assert manifest.table["utterance_id"].to_pylist() == ["1", "2", "3"]
    assert manifest.table["references"].to_pylist() == [["a", "b"], ["c"], ["d"]]
    assert manifest.table["accent"].to_pylist() == ["Scottish", None, "Irish"]
    assert manifest.table["gender"].to_pylist() == ["female", None, None]
    assert manifest.table["snr_db"].to_pylist() == [1.0, 2.0, 3.0]
    assert manifest.table["recorded"].to_pylist() == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert manifest.undeclared == ("recorded",)
    assert any("blob: a column of binary is not carried along" in str(warning) for warning in manifest.warnings)


def test_a_damaged_parquet_file_is_one_fault(folder):
    path = folder.path / "rows.parquet"
    pq.write_table(pa.table({"utterance_id": ["a"], "reference": ["x"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    (fault,) = folder.faults()
    assert fault.startswith("rows.parquet: is not a Parquet file that can be read: ")


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "class", "first language", "", "f0", "été"])
def test_a_column_may_have_any_name(folder, name):
    manifest = folder.rows({name: "x"}, {}).load()
    assert manifest.undeclared == (name,)
    assert manifest.table[name].to_pylist() == ["x", None]
