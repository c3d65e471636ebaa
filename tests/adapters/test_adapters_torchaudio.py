"""The engine torchaudio, with a small model of its own architecture in a file."""

import json

import pytest

pytest.importorskip("torchaudio", reason="torchaudio is not installed: pip install 'asrfair[torch]'")

import torch
import torchaudio
from tiny_models import noise
from tiny_torchaudio import make_file

from asrfair.adapters import load_engine
from asrfair.errors import AdapterError, InputError

CLIPS = [noise(seconds, seed) for seed, seconds in enumerate((1.0, 2.7, 0.4, 3.1))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("torchaudio")
    return {mode: make_file(folder / f"{mode}.pt", mode, mode == "layer_norm") for mode in ("layer_norm", "group_norm")}


def engine(files, mode="layer_norm", **options):
    return load_engine("torchaudio", {"weights": files[mode], "device": "cpu", **options})


@pytest.mark.parametrize("mode", ["layer_norm", "group_norm"])
def test_a_batch_equals_one_by_one(files, mode):
    heard = engine(files, mode)
    assert heard.batch_size == (1 if mode == "group_norm" else 256)
    alone = [heard.transcribe_batch([clip])[0] for clip in CLIPS]
    together = heard.transcribe_batch(CLIPS)
    assert [t.text for t in together] == [t.text for t in alone]
    assert len({t.text for t in alone}) == len(CLIPS)


def test_group_norm_in_a_batch_changes_texts_which_is_why_it_is_off(files):
    alone = [engine(files, "group_norm").transcribe_batch([clip])[0].text for clip in CLIPS]
    assert [t.text for t in engine(files, "group_norm", batch_unmasked=True).transcribe_batch(CLIPS)] != alone


def test_a_clip_is_normalised_by_itself(files):
    """The library's wrapper normalises over the batch; a loud neighbour must not matter, nor must the own level."""
    heard = engine(files)
    loud = type(CLIPS[0])(CLIPS[1].samples * 50, 16_000)
    quiet = type(CLIPS[0])(CLIPS[0].samples * 0.5, 16_000)
    alone = heard.transcribe_batch([CLIPS[0]])[0].text
    assert heard.transcribe_batch([CLIPS[0], loud])[0].text == alone
    assert heard.transcribe_batch([quiet])[0].text == alone


def test_words_have_times_in_the_audio_and_confidences(files):
    for clip, transcript in zip(CLIPS, engine(files).transcribe_batch(CLIPS), strict=True):
        assert [word.text for word in transcript.words] == transcript.text.split()
        times = [time for word in transcript.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= clip.duration_s
        assert all(0 < word.confidence <= 1 for word in transcript.words)


def test_what_it_is_depends_on_weights_and_decoding(files):
    infos = [engine(files).describe(), engine(files, "group_norm").describe()]
    infos.append(engine(files, dtype="bf16").describe())
    assert len({json.dumps(dict(info.options)) for info in infos}) == 3
    assert infos[0] == engine(files).describe()
    assert infos[2].options["dtype"] == "bfloat16"


def test_a_beam_search_finds_the_lexicons_words_and_says_so(files, tmp_path):
    pytest.importorskip("flashlight", reason="flashlight-text is not installed: pip install flashlight-text")
    free = engine(files, decoder="ctc_beam", beam_size=5)
    greedy = engine(files).transcribe_batch(CLIPS)
    found = free.transcribe_batch(CLIPS)
    assert [t.text for t in found] == [free.transcribe_batch([clip])[0].text for clip in CLIPS]
    agree = sum(a.text[:6] == b.text[:6] for a, b in zip(greedy, found, strict=True))
    assert agree >= 2
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("sea S E A |\nboat B O A T |\n")
    bound = engine(files, decoder="ctc_beam", beam_size=20, lexicon=str(lexicon))
    said = {word for t in bound.transcribe_batch(CLIPS) for word in t.text.split()}
    assert said
    assert said <= {"sea", "boat"}
    assert bound.describe().options["lexicon_sha256"] != free.describe().options["lexicon_sha256"]


def test_a_beam_search_without_its_library_says_what_to_install(files):
    if __import__("importlib.util").util.find_spec("flashlight"):
        pytest.skip("flashlight-text is installed")
    with pytest.raises(InputError, match="pip install flashlight-text"):
        engine(files, decoder="ctc_beam")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "WAV2VEC2_ASR_BASE_960H"),
        ({"bundle": "WAV2VEC2_BASE"}, "WAV2VEC2_ASR_BASE_100H"),
        ({"bundle": "WAV2VEC2_ASR_BASE_960H", "weights": "nowhere.pth"}, "does not exist"),
        ({"weights": "nowhere.pth"}, "weights="),
        ({"weights": __file__}, "cannot be loaded"),
        ({"weights": "x", "decoder": "magic"}, "greedy"),
        ({"weights": "x", "device": "tpu"}, "auto, cpu, cuda"),
        ({"weights": "x", "dtype": "int8"}, "bfloat16"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can(options, says):
    with pytest.raises(InputError, match=says):
        load_engine("torchaudio", options)


def test_a_bundle_takes_its_architecture_from_the_library_and_its_weights_from_a_file(tmp_path):
    """The file is the one that torchaudio would download: with three labels of fairseq that it drops."""
    bundle = torchaudio.pipelines.WAV2VEC2_ASR_BASE_10M
    model = torchaudio.models.wav2vec2_base(aux_num_out=29)
    state = model.state_dict()
    for key in ("aux.weight", "aux.bias"):
        held = state[key]
        state[key] = torch.cat([held[:1], torch.zeros_like(held[:3]), held[1:]])
    path = tmp_path / "base.pth"
    torch.save(state, path)
    heard = load_engine(
        "torchaudio", {"bundle": "WAV2VEC2_ASR_BASE_10M", "weights": str(path), "device": "cpu", "dtype": "bf16"}
    )
    assert (heard.sample_rate_hz, heard.batch_size) == (bundle.sample_rate, 1)
    assert isinstance(heard.transcribe_batch([CLIPS[2]])[0].text, str)


def test_audio_too_short_for_one_frame_is_that_clips_failure(files):
    with pytest.raises(AdapterError, match="torchaudio"):
        engine(files).transcribe_batch([noise(0.005, 1)])
