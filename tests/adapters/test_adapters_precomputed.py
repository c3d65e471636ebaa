import json

import pytest

from asrfair.adapters.precomputed import Precomputed
from asrfair.errors import InputError, ManifestError


def source(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Precomputed(str(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.jsonl", '{"utterance_id": "a", "text": "one two"}\n\n{"utterance_id": "b", "text": "", "more": 1}\n'),
        ("t.csv", "utterance_id,text\r\na,one two\r\nb,\r\n"),
        ("t.tsv", "text\tutterance_id\none two\ta\n\tb\n"),
        ("t.trn", ";; a comment\none two (a)\n (b)\n"),
        ("bom.csv", b"\xef\xbb\xbfutterance_id,text\na,one two\nb,\n"),
    ],
)
def test_every_format_gives_the_same_transcripts(tmp_path, name, text):
    table = source(tmp_path, name, text).table()
    assert table.select(["utterance_id", "text"]).to_pylist() == [
        {"utterance_id": "a", "text": "one two"},
        {"utterance_id": "b", "text": ""},
    ]


def test_null_is_no_text_and_not_an_empty_hypothesis(tmp_path):
    table = source(tmp_path, "t.jsonl", '{"utterance_id": "a", "text": null}\n').table()
    assert table["text"].to_pylist() == [None]


def test_words_are_kept_and_make_the_text_where_there_is_none(tmp_path):
    row = {"utterance_id": "a", "words": [["Once", 0.7, 1.0, 0.98], ["upon", 1.0, 1.3]]}
    (found,) = source(tmp_path, "t.jsonl", json.dumps(row)).table().to_pylist()
    assert found["text"] == "Once upon"
    assert found["words"][1] == {"text": "upon", "start_s": 1.0, "end_s": 1.3, "confidence": None}


def test_all_faults_are_named_at_once_with_their_lines(tmp_path):
    text = '{"utterance_id": "a", "text": "x"}\nnot json\n{"utterance_id": "a", "text": "y"}\n{"utterance_id": "c"}\n'
    with pytest.raises(ManifestError) as caught:
        source(tmp_path, "t.jsonl", text)
    assert [fault.line for fault in caught.value.faults] == [2, 3, 4]
    assert "line 1" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.csv", "id,text\na,b\n", "utterance_id"),
        ("t.csv", "utterance_id,text\na,b,c\n", "number of fields"),
        ("t.csv", b"utterance_id,text\na,caf\xe9\n", "UTF-8"),
        ("t.jsonl", "", "no transcripts"),
        ("t.trn", "no id here\n", "utterance id"),
        ("t.xlsx", "x", ".jsonl"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_remedy(tmp_path, name, text, says):
    with pytest.raises(InputError, match=says):
        source(tmp_path, name, text)


def test_the_digest_of_the_file_is_part_of_what_was_tested(tmp_path):
    first = source(tmp_path, "a.jsonl", '{"utterance_id": "a", "text": "x"}').describe()
    second = source(tmp_path, "b.jsonl", '{"utterance_id": "a", "text": "y"}').describe()
    assert first.options["file_sha256"] != second.options["file_sha256"]
    assert first.options["file"] == "a.jsonl"
