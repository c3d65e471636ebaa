"""faster-whisper on a tiny random Whisper, made with transformers and converted with CTranslate2 on the spot."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("faster_whisper", reason="faster-whisper is not installed: pip install 'asrfair[faster-whisper]'")
pytest.importorskip("transformers", reason="the model is made with transformers: pip install 'asrfair[torch]'")

from tiny_ct2 import write_ct2

from asrfair.adapters import load_engine
from asrfair.errors import AdapterError, InputError, TooLargeError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return {"model": write_ct2(tmp_path_factory.mktemp("whisper")), "device": "cpu", "cpu_threads": 1}


@pytest.fixture
def engine(model):
    made = load_engine("faster-whisper", model)
    yield made
    made.close()


def noise(seconds, seed):
    samples = rng_for(seed, "noise", "faster-whisper").normal(0, 0.05, max(1, round(seconds * RATE)))
    return Waveform(samples.astype(np.float32), RATE)


def test_silence_and_the_shortest_audio_give_text_not_an_error(engine):
    for samples in (RATE, 160, 1):
        (transcript,) = engine.transcribe_batch([Waveform(np.zeros(samples, dtype=np.float32), RATE)])
        assert isinstance(transcript.text, str)


def test_a_waveform_gets_the_same_text_again_and_in_any_company(engine):
    batch = [noise(seconds, seed) for seconds, seed in ((0.5, 1), (1.2, 2), (0.8, 3))]
    alone = [engine.transcribe_batch([waveform])[0].text for waveform in batch]
    assert len(set(alone)) == 3, "the model hears a difference"
    assert [t.text for t in engine.transcribe_batch(batch[::-1])] == alone[::-1]


def test_decoding_together_gives_each_the_text_and_times_that_it_has_alone(model):
    engine = load_engine("faster-whisper", {**model, "batched": True, "language": "en"})
    assert engine.batch_size == 16
    assert engine.longest_s == 30
    batch = [noise(seconds, seed) for seconds, seed in ((30, 1), (0.05, 2), (5, 3), (1.2, 4))]
    alone = [engine.transcribe_batch([waveform])[0] for waveform in batch]
    together = engine.transcribe_batch(batch)
    assert [t.text for t in together] == [t.text for t in alone]
    assert len({t.text for t in alone}) == 4
    times = [[(w.text, w.start_s, w.end_s) for w in t.words or ()] for t in together]
    assert times == [[(w.text, w.start_s, w.end_s) for w in t.words or ()] for t in alone]
    assert all(0 <= start <= end <= 30 for words in times for _, start, end in words)
    with pytest.raises(AdapterError, match="at most 30 s"):
        engine.transcribe_batch([noise(31, 1)])


def test_audio_longer_than_a_window_is_heard_to_its_end(engine):
    (transcript,) = engine.transcribe_batch([noise(35, 1)])
    assert engine.longest_s is None
    assert transcript.words
    assert max(word.end_s for word in transcript.words) > 30


def test_words_have_times_and_probabilities_unless_they_are_not_asked_for(model, engine):
    words = [w for seed in range(3) for w in engine.transcribe_batch([noise(3, seed)])[0].words or ()]
    assert words
    assert all(0 <= w.start_s <= w.end_s <= 30 and 0 <= w.confidence <= 1 and w.text == w.text.strip() for w in words)
    without = load_engine("faster-whisper", {**model, "word_timestamps": False})
    assert without.transcribe_batch([noise(3, 1)])[0].words is None


def test_the_detector_of_speech_cuts_noise_out(model):
    engine = load_engine("faster-whisper", {**model, "vad": True})
    (transcript,) = engine.transcribe_batch([noise(2, 1)])
    assert (transcript.text, transcript.words) == ("", ())


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(RATE, np.nan), np.full(RATE, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([noise(1, 1), Waveform(samples.astype(np.float32), RATE)])


def test_a_prompt_that_leaves_no_room_for_the_text_is_refused_before_anything_is_transcribed(model):
    with pytest.raises(InputError, match="have 241 tokens, more than 223"):
        load_engine("faster-whisper", {**model, "hotwords": "x" * 120, "initial_prompt": "y" * 120})


def test_a_full_device_asks_for_a_smaller_batch():
    from asrfair.adapters.faster_whisper import _failure

    assert isinstance(_failure(RuntimeError("CUDA failed with error out of memory")), TooLargeError)
    assert isinstance(_failure(RuntimeError("something else")), AdapterError)


def test_the_description_says_all_that_changes_the_text(model, engine):
    options = engine.describe().options
    assert len(options["model_sha256"]) == 64
    assert options["compute_type"] == "float32"
    assert options["temperature"] == 0
    others = [{"beam_size": 1}, {"compute_type": "int8"}, {"hotwords": "pain"}, {"initial_prompt": "x"}, {"vad": True}]
    for other in others:
        assert load_engine("faster-whisper", {**model, **other}).describe() != engine.describe()
    assert load_engine("faster-whisper", {**model, "cpu_threads": 2}).describe() == engine.describe()


def test_python_goes_on_while_the_model_decodes(model):
    engine = load_engine("faster-whisper", model)
    worker = threading.Thread(target=engine.transcribe_batch, args=([noise(60, 1)],))
    ticks = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert not engine.holds_gil
    assert ticks > 5


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"task": "sing"}, "none of transcribe, translate"),
        ({"device": "abacus"}, "none of auto, cpu, cuda"),
        ({"beam_size": 0}, "beam_size=0 is below 1"),
        ({"language": "de"}, "none of en"),
        ({"revision": "main"}, "for hub models"),
        ({"compute_type": "float17"}, "cannot load"),
        ({"batched": True}, "needs language"),
        ({"batched": True, "language": "en", "vad": True}, "neither vad nor"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_remedy(model, options, says):
    with pytest.raises(InputError, match=says):
        load_engine("faster-whisper", {**model, **options})


def test_a_folder_without_a_model_is_refused_with_what_is_missing(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"has no model\.bin, tokenizer\.json"):
        load_engine("faster-whisper", {"model": str(tmp_path)})


def test_a_name_that_is_no_folder_and_no_size_is_refused():
    with pytest.raises(InputError, match="is no folder"):
        load_engine("faster-whisper", {"model": "enormous"})
