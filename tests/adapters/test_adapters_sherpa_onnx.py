"""sherpa-onnx on a tiny random CTC model with the metadata that it reads of NeMo's."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("sherpa_onnx", reason="sherpa-onnx is not installed: pip install 'asrfair[sherpa]'")
pytest.importorskip("onnx", reason="the model is written with onnx: pip install onnx")

from tiny_onnx import write_ctc

from asrfair.adapters import load_engine
from asrfair.errors import AdapterError, InputError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000
METADATA = {"vocab_size": 11, "subsampling_factor": 4, "normalize_type": "per_feature"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_ctc(tmp_path_factory.mktemp("sherpa") / "model", "<blk>", **METADATA)


@pytest.fixture(scope="module")
def engine(model):
    return load_engine("sherpa-onnx", {"model": model, "kind": "nemo_ctc"})


def noise(seconds, seed):
    samples = rng_for(seed, "noise", "sherpa").normal(0, 0.05, max(1, round(seconds * RATE)))
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


def test_words_are_those_of_the_text_and_their_times_lie_in_the_audio_in_order(engine):
    (transcript,) = engine.transcribe_batch([noise(3, 1)])
    assert " ".join(word.text for word in transcript.words) == " ".join(transcript.text.split())
    starts = [word.start_s for word in transcript.words]
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert 2 < starts[-1] <= 3
    assert {word.confidence for word in transcript.words} == {None}, "the CTC decoder does not say"


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(RATE, np.nan), np.full(RATE, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([noise(1, 1), Waveform(samples.astype(np.float32), RATE)])


def test_the_description_says_all_that_changes_the_text(model, engine, tmp_path):
    options = engine.describe().options
    assert options["kind"] == "nemo_ctc"
    assert options["files"] == "model.onnx tokens.txt"
    other = write_ctc(tmp_path / "other", "<blk>", seed=6, **METADATA)
    assert load_engine("sherpa-onnx", {"model": other, "kind": "nemo_ctc"}).describe() != engine.describe()
    padded = load_engine("sherpa-onnx", {"model": model, "kind": "nemo_ctc", "batch_size": 4})
    assert padded.batch_size == 4
    assert padded.describe().options["padded_batches"]
    assert not options["padded_batches"]


def test_python_goes_on_while_the_model_decodes(engine):
    worker = threading.Thread(target=engine.transcribe_batch, args=([noise(300, 1)],))
    ticks = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert not engine.holds_gil
    assert ticks > 5


def test_the_smaller_file_is_taken_only_if_asked_for_or_alone(model, tmp_path):
    write_ctc(tmp_path / "both", "<blk>", **METADATA)
    data = (tmp_path / "both" / "model.onnx").read_bytes()
    (tmp_path / "both" / "model.int8.onnx").write_bytes(data)
    both = {"model": str(tmp_path / "both"), "kind": "nemo_ctc"}
    assert load_engine("sherpa-onnx", both).describe().options["files"] == "model.onnx tokens.txt"
    small = load_engine("sherpa-onnx", {**both, "precision": "int8"})
    assert small.describe().options["files"] == "model.int8.onnx tokens.txt"
    (tmp_path / "both" / "model.onnx").unlink()
    assert load_engine("sherpa-onnx", both).describe().options["files"] == "model.int8.onnx tokens.txt"
    with pytest.raises(InputError, match=r"has no model\.onnx \(float\)"):
        load_engine("sherpa-onnx", {**both, "precision": "float"})


def test_a_file_that_would_end_the_process_is_refused_with_what_the_library_says(tmp_path):
    bad = {"model": write_ctc(tmp_path / "bad", "<blk>", vocab_size=11), "kind": "nemo_ctc"}
    with pytest.raises(InputError, match="'subsampling_factor' does not exist in the metadata"):
        load_engine("sherpa-onnx", bad)


def test_the_names_of_files_tell_the_kind_where_only_one_has_them(tmp_path):
    from asrfair.adapters.sherpa_onnx import _kind_of

    for name, kind in (
        ("joiner-epoch-99-avg-1.onnx", "transducer"),
        ("preprocess.onnx", "moonshine"),
        ("tiny.en-encoder.int8.onnx", "whisper"),
    ):
        folder = tmp_path / kind
        folder.mkdir()
        (folder / name).touch()
        assert _kind_of(folder, None) == kind


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "nowhere"}, "is not a folder"),
        ({}, "kind=transducer"),
        ({"kind": "oracle"}, "none of transducer"),
        ({"kind": "transducer"}, r"has no encoder\.onnx, decoder\.onnx, \*joiner\*\.onnx"),
        ({"kind": "nemo_ctc", "decoding": "guess"}, "none of greedy_search"),
        ({"kind": "nemo_ctc", "language": "en"}, "take no language"),
        ({"kind": "nemo_ctc", "hotwords_file": "words.txt"}, "hotwords need a transducer"),
        ({"kind": "nemo_ctc", "decoding": "modified_beam_search"}, "cannot load.*Only greedy_search"),
        ({"kind": "nemo_ctc", "threads": 0}, "threads=0 is below 1"),
    ],
)
def test_options_that_cannot_be_are_refused_with_a_remedy(model, options, says):
    with pytest.raises(InputError, match=says):
        load_engine("sherpa-onnx", {"model": model, **options})
