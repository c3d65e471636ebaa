"""Vosk on a random Kaldi model, written on the spot in Kaldi's own formats."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("vosk", reason="vosk is not installed: pip install 'asrfair[vosk]'")

from tiny_kaldi import write_kaldi

from asrfair.adapters import load_engine
from asrfair.errors import AdapterError, InputError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_kaldi(tmp_path_factory.mktemp("kaldi") / "model", dither="1")


@pytest.fixture(scope="module")
def engine(model):
    return load_engine("vosk", {"model": model})


def noise(seconds, seed):
    samples = rng_for(seed, "noise", "vosk").normal(0, 0.01, max(1, round(seconds * RATE)))
    return Waveform(samples.astype(np.float32), RATE)


def test_silence_and_the_shortest_audio_give_text_not_an_error(engine):
    for samples in (RATE, 160, 1):
        (transcript,) = engine.transcribe_batch([Waveform(np.zeros(samples, dtype=np.float32), RATE)])
        assert isinstance(transcript.text, str)


def test_a_waveform_gets_the_same_transcript_again_and_in_any_company(engine):
    batch = [noise(seconds, seed) for seconds, seed in ((0.5, 1), (1.2, 2), (0.8, 3))]
    alone = [engine.transcribe_batch([waveform])[0] for waveform in batch]
    assert len({transcript.text for transcript in alone}) == 3, "the model hears a difference"
    assert engine.transcribe_batch(batch[::-1]) == alone[::-1]


def test_noise_that_kaldi_adds_is_off_unless_asked_for_and_then_said(model, engine):
    silence = Waveform(np.zeros(2 * RATE, dtype=np.float32), RATE)
    dithered = load_engine("vosk", {"model": model, "dither": True})
    assert len({repr(dithered.transcribe_batch([silence])) for _ in range(4)}) > 1
    assert not dithered.describe().deterministic
    assert len({repr(engine.transcribe_batch([silence])) for _ in range(4)}) == 1
    assert engine.describe().deterministic


def test_words_are_those_of_the_text_with_times_in_order_and_confidences(engine):
    (transcript,) = engine.transcribe_batch([noise(3, 1)])
    words = transcript.words
    assert " ".join(word.text for word in words) == transcript.text
    assert set(transcript.text.split()) <= {"yes", "no", "pain", "none"}
    assert all(0 <= w.start_s < w.end_s <= 3.03 and 0 <= w.confidence <= 1 for w in words)
    assert [w.start_s for w in words] == sorted(w.start_s for w in words)
    assert words[-1].end_s > 2


def test_audio_of_any_length_is_heard_to_its_end(engine):
    (transcript,) = engine.transcribe_batch([noise(40, 1)])
    assert engine.longest_s is None
    assert 37 < transcript.words[-1].end_s <= 40.03
    assert [w.start_s for w in transcript.words] == sorted(w.start_s for w in transcript.words)


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(RATE, np.nan), np.full(RATE, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([noise(1, 1), Waveform(samples.astype(np.float32), RATE)])


def test_the_description_says_all_that_changes_the_text(model, engine, tmp_path):
    assert load_engine("vosk", {"model": model}).describe() == engine.describe()
    other = write_kaldi(tmp_path / "other", seed=6, dither="1")
    assert load_engine("vosk", {"model": other}).describe() != engine.describe()


def test_nothing_is_written_to_stderr(model, capfd):
    load_engine("vosk", {"model": model}).transcribe_batch([noise(0.5, 1)])
    assert capfd.readouterr() == ("", "")


def test_python_goes_on_while_the_model_decodes(engine):
    worker = threading.Thread(target=engine.transcribe_batch, args=([noise(200, 1)],))
    ticks = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert not engine.holds_gil
    assert ticks > 5


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


def test_a_grammar_that_a_fixed_graph_would_pass_over_is_refused(model, tmp_path):
    (tmp_path / "grammar.json").write_text('["yes", "no"]')
    with pytest.raises(InputError, match="takes no grammar"):
        load_engine("vosk", {"model": model, "grammar": str(tmp_path / "grammar.json")})
