"""whisper.cpp on a random model in its own file format, written on the spot."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("_pywhispercpp", reason="pywhispercpp is not installed: pip install 'asrfair[whispercpp]'")

from tiny_ggml import write_ggml

from asrfair.adapters import load_engine
from asrfair.errors import AdapterError, InputError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return {"model": write_ggml(tmp_path_factory.mktemp("ggml") / "tiny.bin"), "threads": 1}


@pytest.fixture(scope="module")
def engine(model):
    made = load_engine("whisper-cpp", model)
    yield made
    made.close()
    made.close()


def noise(seconds, seed):
    samples = rng_for(seed, "noise", "whisper-cpp").normal(0, 0.05, max(1, round(seconds * RATE)))
    return Waveform(samples.astype(np.float32), RATE)


def test_silence_and_the_shortest_audio_are_decoded_not_passed_over(engine):
    for samples in (RATE, 1600, 1):
        (transcript,) = engine.transcribe_batch([Waveform(np.zeros(samples, dtype=np.float32), RATE)])
        assert transcript.text, "whisper.cpp passes over 0.1 s and less: an empty text that nobody decoded"


def test_a_waveform_gets_the_same_text_again_and_in_any_company(engine):
    batch = [noise(seconds, seed) for seconds, seed in ((0.5, 1), (1.2, 2), (3, 3))]
    alone = [engine.transcribe_batch([waveform])[0] for waveform in batch]
    assert len({transcript.text for transcript in alone}) > 1, "the model hears a difference"
    assert engine.transcribe_batch(batch[::-1]) == alone[::-1]


def test_audio_longer_than_a_window_is_heard_to_its_end(engine):
    (transcript,) = engine.transcribe_batch([noise(45, 1)])
    assert engine.longest_s is None
    assert max(word.start_s for word in transcript.words) > 30


def test_words_are_those_of_the_text_with_times_in_the_audio_and_probabilities(engine):
    said = engine.transcribe_batch([noise(3, seed) for seed in range(4)])
    for transcript in said:
        assert "".join(word.text for word in transcript.words) == "".join(transcript.text.split())
        assert all(0 <= w.start_s <= w.end_s <= 3 and 0 < w.confidence <= 1 for w in transcript.words)
    assert len({word.confidence for transcript in said for word in transcript.words}) > 1


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(RATE, np.nan), np.full(RATE, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([noise(1, 1), Waveform(samples.astype(np.float32), RATE)])


def test_the_description_says_all_that_changes_the_text(model, engine, tmp_path):
    assert engine.describe().options["language"] == "en", "an English model"
    assert load_engine("whisper-cpp", {**model, "threads": 2}).describe() == engine.describe()
    other = write_ggml(tmp_path / "other.bin", seed=6)
    for changed in ({"beam_size": 2}, {"prompt": "pain"}, {"translate": True}, {"model": other}):
        assert load_engine("whisper-cpp", {**model, **changed}).describe() != engine.describe()


def test_options_reach_the_decoder(model, engine):
    batch = [noise(seconds, seed) for seconds, seed in ((1.2, 2), (1, 4))]
    plain = engine.transcribe_batch(batch)
    for changed in ({"beam_size": 5}, {"prompt": "ab cd"}):
        assert load_engine("whisper-cpp", {**model, **changed}).transcribe_batch(batch) != plain


def test_nothing_is_written_to_stderr(model, capfd):
    load_engine("whisper-cpp", model).transcribe_batch([noise(0.5, 1)])
    assert capfd.readouterr() == ("", "")


def test_python_goes_on_while_the_model_decodes(engine):
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
        ({"model": "tiny.en"}, "is not a file"),
        ({"beam_size": 0}, "beam_size=0 is below 1"),
        ({"language": "de"}, "is not en, which is all that this model knows"),
        ({"language": "klingon"}, "is not en"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_remedy(model, options, says):
    with pytest.raises(InputError, match=says):
        load_engine("whisper-cpp", {**model, **options})


@pytest.mark.parametrize("data", [b"not a model", None])
def test_a_file_that_would_crash_the_process_is_refused_with_what_the_library_says(model, tmp_path, data):
    if data is None:
        with open(model["model"], "rb") as file:
            data = file.read(1_000_000)
    (tmp_path / "bad.bin").write_bytes(data)
    with pytest.raises(InputError, match=r"cannot load.*bad\.bin.*failed to load model"):
        load_engine("whisper-cpp", {"model": str(tmp_path / "bad.bin")})
