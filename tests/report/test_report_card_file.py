"""`card.toml`: what a person says of the service, refused at the door where it cannot be used."""

import tomllib

import pytest

from asrfair.errors import ConfigError
from asrfair.report import QUESTIONS, Stated, load_stated, written
from asrfair.report.stated import answer


def loaded(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text, encoding="utf-8")
    return load_stated(path)


def test_the_template_says_nothing_and_asks_everything(tmp_path):
    text = written({})
    assert loaded(tmp_path, text) == Stated()
    for question in QUESTIONS:
        assert question.text in text
        assert question.example.replace('"', '\\"') in text


def test_every_example_of_the_template_is_an_answer_once_its_comment_is_taken_away(tmp_path):
    lines = [line.removeprefix("# ") if " = " in line else line for line in written({}).splitlines()]
    stated = loaded(tmp_path, "\n".join(lines))
    for question in QUESTIONS:
        assert answer(stated, question.key) == [question.example]


@pytest.mark.parametrize("text", ['a "quoted" \\ text', "two\nlines\tand a tab", "עברית", "\x00\x1b[31m\x7fred", "'''"])
def test_an_answer_is_read_as_it_was_written_without_control_characters(tmp_path, text):
    given = {q.key: [text, text] if q.is_list else text for q in QUESTIONS}
    stated = loaded(tmp_path, written(given))
    plain = "".join(c for c in text if c.isprintable() or c in "\n\t").strip()
    for question in QUESTIONS:
        assert answer(stated, question.key) == [plain] * (2 if question.is_list else 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("purpose = 'x'", "unknown field `purpose`"),
        ("[overview]\npurpos = 'x'", "`$.overview`"),
        ("[intended_use]\nstakeholders = 'me'", "`$.intended_use.stakeholders`"),
        ("contact = 3", "`$.contact`"),
        ("schema_version = 2", "this version reads 1"),
        ("[overview", "not a TOML file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(tmp_path, text, place):
    with pytest.raises(ConfigError, match=r"card\.toml: ") as refused:
        loaded(tmp_path, text)
    assert place in str(refused.value)


def test_an_absent_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="asrfair card init"):
        load_stated(tmp_path / "card.toml")


def test_blanks_are_no_answer():
    parsed = tomllib.loads("contact = '  '")
    assert answer(Stated(**parsed), "contact") == []
