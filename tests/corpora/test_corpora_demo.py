import hashlib

import pytest

pytest.importorskip("espeakng_loader", reason="the extra demo is not installed")

from asrfair.errors import InputError, RunFolderError
from asrfair.manifest import load_manifest
from asrfair.manifest.corpora.demo import build_demo_corpus, grammar, load_recipe, sentences
from asrfair.manifest.corpora.espeak import Request, speak_all


def speech(path, text="peter got three large desks", voice="en-gb-scotland+f2"):
    return Request(path=str(path), text=text, voice=voice, rate_wpm=150, pitch=50)


def test_the_same_text_and_voice_give_the_same_bytes_in_any_order(tmp_path):
    texts = ["peter got three large desks", "lucy sees two old rings", "nina wins ten red sofas"]
    for name, order in (("a", texts), ("b", texts[::-1])):
        speak_all([speech(tmp_path / f"{name}-{text[:5]}.wav", text) for text in order])
    for text in texts:
        digests = {hashlib.sha256((tmp_path / f"{n}-{text[:5]}.wav").read_bytes()).digest() for n in "ab"}
        assert len(digests) == 1


def test_an_unknown_voice_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match="no voice"):
        speak_all([speech(tmp_path / "a.wav", voice="en-atlantis")])


def test_the_demo_corpus_is_a_sound_manifest_of_the_same_prompts_for_everybody(tmp_path):
    folder = build_demo_corpus(tmp_path / "corpus", quick=True)
    manifest = load_manifest(folder, audio="readable")
    recipe = load_recipe()
    prompts = {}
    for utterance in manifest.utterances():
        prompts.setdefault(utterance.speaker_id, []).append(utterance.references[0])
    assert len(prompts) == len(recipe.quick_accents) * recipe.quick_speakers
    assert set(map(tuple, prompts.values())) == {tuple(sentences(recipe, recipe.quick_sentences))}
    assert "no evidence about people" in manifest.dataset.notes
    before = sorted(p.stat().st_mtime_ns for p in folder.rglob("*"))
    assert build_demo_corpus(tmp_path / "corpus", quick=True) == folder
    assert sorted(p.stat().st_mtime_ns for p in folder.rglob("*")) == before


def test_a_folder_with_something_else_is_not_touched(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "precious.txt").write_text("keep")
    with pytest.raises(RunFolderError, match="something else"):
        build_demo_corpus(tmp_path / "corpus", quick=True)
    assert (tmp_path / "corpus" / "precious.txt").read_text() == "keep"


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be made"):
        build_demo_corpus(tmp_path / "file" / "corpus", quick=True)


def test_the_grammar_says_every_sentence_of_the_recipe():
    recipe = load_recipe()
    text = grammar(recipe.slots)
    for sentence in sentences(recipe, 50):
        assert all(word in text for word in sentence.split())
    assert all(len(words) == len(set(words)) == 10 for words in recipe.slots)
