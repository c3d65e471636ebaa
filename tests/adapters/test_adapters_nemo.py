"""NeMo is not installed where these tests run: what is said then, and how its documented answers are read."""

import importlib.util
from types import SimpleNamespace

import pytest

from asrfair.adapters import describe_options, engine_class, load_engine
from asrfair.adapters.nemo import _failure, _found, best_of, transcript_of
from asrfair.errors import AdapterError, InputError, TooLargeError
from asrfair.records import Transcript, Word

STAMPS = {"word": [{"word": "hello", "start": 0.16, "end": 0.48}, {"word": "ward", "start": 0.5, "end": 0.8}]}


@pytest.mark.skipif(importlib.util.find_spec("nemo") is not None, reason="NeMo is installed")
def test_without_nemo_the_remedy_is_its_own_package_not_an_extra_of_asrfair():
    with pytest.raises(InputError, match=r"nemo_toolkit\[asr\]"):
        load_engine("nemo", {"model": "nvidia/parakeet-tdt-0.6b-v2"})
    (todo,) = engine_class("nemo").missing()
    assert "nemo_toolkit[asr]" in todo
    assert "asrfair[" not in todo


def test_the_options_are_listed_without_nemo():
    assert "timestamps (bool, default True)" in describe_options("nemo")


def test_words_have_times_and_confidences():
    hypothesis = SimpleNamespace(text="hello ward", timestamp=STAMPS, word_confidence=[0.9, 0.25])
    words = (Word("hello", 0.16, 0.48, 0.9), Word("ward", 0.5, 0.8, 0.25))
    assert transcript_of(hypothesis) == Transcript("hello ward", words)


def test_confidences_that_are_not_one_a_word_are_left_out_rather_than_given_to_the_wrong_words():
    hypothesis = SimpleNamespace(text="hello ward", timestamp=STAMPS, word_confidence=[0.9])
    assert [word.confidence for word in transcript_of(hypothesis).words] == [None, None]


def test_a_text_without_times_has_no_words_and_silence_has_none_to_have():
    assert transcript_of(SimpleNamespace(text="hello", timestamp=None, word_confidence=None)).words is None
    assert transcript_of(SimpleNamespace(text=" ", timestamp={}, word_confidence=[])) == Transcript("", ())


@pytest.mark.parametrize("results", [["a", "b"], [["a", "x"], ["b", "y"]], (["a", "b"], [["a", "x"], ["b", "y"]])])
def test_the_best_hypothesis_is_found_in_every_shape_that_versions_give(results):
    assert best_of(results) == ["a", "b"]


def test_a_full_device_asks_for_a_smaller_batch():
    assert isinstance(_failure(RuntimeError("CUDA out of memory. Tried to allocate")), TooLargeError)
    assert isinstance(_failure(RuntimeError("something else")), AdapterError)


def test_a_model_is_a_file_a_hub_name_or_a_name_in_the_catalogue(tmp_path):
    file = tmp_path / "m.nemo"
    file.touch()
    assert _found(str(file), None) == (file, None)
    assert _found("stt_en_conformer_ctc_small", None) == (None, None)
    with pytest.raises(InputError, match="does not exist"):
        _found(str(tmp_path / "none.nemo"), None)
    with pytest.raises(InputError, match="for hub models"):
        _found("stt_en_conformer_ctc_small", "main")
