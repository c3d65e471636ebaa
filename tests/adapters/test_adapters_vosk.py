"""Vosk: what is refused."""

import pytest

pytest.importorskip("vosk", reason="vosk is not installed: pip install 'asrfair[vosk]'")

from asrfair.adapters import load_engine
from asrfair.errors import InputError


def test_a_folder_without_a_model_is_refused(tmp_path):
    for folder, says in (("nowhere", "is not a folder"), (str(tmp_path), r"has no am/final\.mdl")):
        with pytest.raises(InputError, match=says):
            load_engine("vosk", {"model": folder})


def test_a_damaged_model_is_refused_and_the_process_lives(tmp_path):
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot load"):
        load_engine("vosk", {"model": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "says"),
    [("yes, no", "is not JSON"), ('{"a": 1}', "not a list"), ("[]", "not a list"), ("[1]", "not a list")],
)
def test_a_grammar_that_is_no_list_of_phrases_is_refused(tmp_path, text, says):
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").touch()
    (tmp_path / "grammar.json").write_text(text)
    with pytest.raises(InputError, match=says):
        load_engine("vosk", {"model": str(tmp_path), "grammar": str(tmp_path / "grammar.json")})
