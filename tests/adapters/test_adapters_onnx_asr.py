"""onnx-asr on a tiny random model in NeMo's CTC format."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("onnx_asr", reason="onnx-asr is not installed: pip install 'asrfair[onnx]'")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'asrfair[onnx]'")
pytest.importorskip("onnx", reason="the model is written with onnx: pip install onnx")

from tiny_onnx import write_ctc

from asrfair.adapters import load_engine
from asrfair.adapters.onnx_asr import _failure
from asrfair.errors import AdapterError, InputError, TooLargeError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000
TYPE = "nemo-conformer-ctc"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_ctc(tmp_path_factory.mktemp("onnx") / "model", "<blk>")


@pytest.fixture(scope="module")
def engine(folder):
    return load_engine("onnx-asr", {"model": TYPE, "path": folder, "device": "cpu", "threads": 1})


def noise(seconds, seed):
    samples = rng_for(seed, "noise", "onnx").normal(0, 0.05, max(1, round(seconds * RATE)))
    return Waveform(samples.astype(np.float32), RATE)


def test_silence_and_the_shortest_audio_give_text_not_an_error(engine):
    for samples in (RATE, 160, 1):
        (transcript,) = engine.transcribe_batch([Waveform(np.zeros(samples, dtype=np.float32), RATE)])
        assert isinstance(transcript.text, str)


def test_a_waveform_gets_the_same_text_again_and_in_any_company(engine):
    batch = [noise(seconds, seed) for seconds, seed in ((0.5, 1), (1.2, 2), (0.8, 3))]
    alone = [engine.transcribe_batch([waveform])[0] for waveform in batch]
    assert len({transcript.text for transcript in alone}) == 3, "the model hears a difference"
    assert engine.transcribe_batch(batch[::-1]) == alone[::-1]


def test_a_padded_batch_gives_the_texts_that_a_masking_model_gives_alone(folder, engine):
    together = load_engine("onnx-asr", {"model": TYPE, "path": folder, "device": "cpu", "batch_size": 3})
    batch = [noise(seconds, seed) for seconds, seed in ((0.5, 1), (1.2, 2), (3, 3), (0.8, 4))]
    assert [t.text for t in together.transcribe_batch(batch)] == [t.text for t in engine.transcribe_batch(batch)]
    assert together.describe().options["padded_batches"]
    assert not engine.describe().options["padded_batches"]


def test_words_have_times_in_order_and_the_models_probability(engine):
    (transcript,) = engine.transcribe_batch([noise(3, 1)])
    assert "".join(word.text for word in transcript.words) == "".join(transcript.text.split())
    starts = [word.start_s for word in transcript.words]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert 2 < starts[-1] <= 3
    assert all(0 < word.confidence <= 1 for word in transcript.words)
    assert len({word.confidence for word in transcript.words}) > 3


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(RATE, np.nan), np.full(RATE, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([noise(1, 1), Waveform(samples.astype(np.float32), RATE)])


def test_the_digest_is_of_the_files_that_are_used_and_of_nothing_else(folder, engine, tmp_path):
    same = write_ctc(tmp_path / "same", "<blk>")
    (tmp_path / "same" / "README.md").write_text("not read")
    described = load_engine("onnx-asr", {"model": TYPE, "path": same, "device": "cpu"}).describe()
    assert described == engine.describe()
    other = write_ctc(tmp_path / "other", "<blk>", seed=6)
    assert load_engine("onnx-asr", {"model": TYPE, "path": other, "device": "cpu"}).describe() != described


def test_quantised_files_are_taken_if_asked_for(folder, tmp_path):
    write_ctc(tmp_path / "both", "<blk>")
    data = (tmp_path / "both" / "model.onnx").read_bytes()
    (tmp_path / "both" / "model.int8.onnx").write_bytes(data)
    (tmp_path / "both" / "model.onnx").write_bytes(b"not a model")
    options = {"model": TYPE, "path": str(tmp_path / "both"), "device": "cpu"}
    made = load_engine("onnx-asr", {**options, "quantization": "int8"})
    assert made.describe().options["quantization"] == "int8"
    with pytest.raises(InputError, match="cannot load"):
        load_engine("onnx-asr", options)


def test_python_goes_on_while_the_model_decodes(engine):
    worker = threading.Thread(target=engine.transcribe_batch, args=([noise(300, 1)],))
    ticks = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert not engine.holds_gil
    assert ticks > 5


def test_a_full_device_asks_for_a_smaller_batch():
    assert isinstance(_failure(RuntimeError("Failed to allocate memory for requested buffer")), TooLargeError)
    assert isinstance(_failure(RuntimeError("something else")), AdapterError)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "nowhere"}, "is not a folder"),
        ({"model": "oracle"}, "'oracle' not supported"),
        ({"model": "nemo-conformer-rnnt"}, r"encoder-model\.onnx.* not found"),
        ({"revision": "main"}, "for hub models"),
        ({"language": "en"}, "takes no language"),
        ({"device": "abacus"}, "none of auto, cpu, cuda"),
        ({"batch_size": 0}, "batch_size=0 is below 1"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_remedy(folder, options, says):
    with pytest.raises(InputError, match=says):
        load_engine("onnx-asr", {"model": TYPE, "path": folder, "device": "cpu", **options})


def test_a_type_alone_names_no_model():
    with pytest.raises(InputError, match="must specify a specific model name"):
        load_engine("onnx-asr", {"model": TYPE})
