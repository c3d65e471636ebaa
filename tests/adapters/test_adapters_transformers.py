"""The engine transformers: random models of every kind, and a trained one that hears digits."""

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="transformers is not installed: pip install 'asrfair[torch]'")
pytest.importorskip("torch", reason="torch is not installed: pip install 'asrfair[torch]'")

import torch
from tiny_models import make_ctc, make_moonshine, make_parakeet, make_transducer, make_whisper, noise

from asrfair.adapters import _ctc, load_engine
from asrfair.adapters._torch import run_guarded
from asrfair.errors import AdapterError, InputError, TooLargeError
from asrfair.records import Waveform
from asrfair.scoring.counts import count_errors

TRAINED = Path(__file__).parent.parent / "data" / "tiny_ctc" / "model"
CLIPS = [noise(seconds, seed) for seed, seconds in enumerate((1.0, 2.7, 0.4, 5.3, 3.1))]
LONG = noise(41.0, 9)
OTHERS = {"parakeet_ctc": make_parakeet, "parakeet_tdt": make_transducer, "moonshine": make_moonshine}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {}

    def get(name):
        if name not in made:
            if name.startswith("whisper"):
                made[name] = make_whisper(folder / name, multilingual=name == "whisper")
            elif name in OTHERS:
                made[name] = OTHERS[name](folder / name)
            else:
                family, _, norm = name.partition("+")
                made[name] = make_ctc(folder / name, family, masked=norm != "group")
        return str(made[name])

    return get


def engine(model, **options):
    return load_engine("transformers", {"model": model, "device": "cpu", **options})


def one_by_one(heard, clips):
    return [heard.transcribe_batch([clip])[0] for clip in clips]


def same(some, others):
    """Equal texts and word times, and confidences to rounding."""
    for a, b in zip(some, others, strict=True):
        assert a.text == b.text
        assert (a.words is None) == (b.words is None)
        for x, y in zip(a.words or (), b.words or (), strict=True):
            assert (x.text, x.start_s, x.end_s) == (y.text, y.start_s, y.end_s)
            assert x.confidence == pytest.approx(y.confidence, abs=1e-4)


MASKED = ["wav2vec2", "wav2vec2-bert", "hubert", "wavlm", "unispeech", "unispeech-sat", "parakeet_ctc"]
LEAKING = ["wav2vec2+group", "wav2vec2-conformer", "data2vec-audio", "sew"]


@pytest.mark.parametrize("name", MASKED)
def test_a_masked_ctc_model_is_batched_and_hears_the_same(models, name):
    if name == "parakeet_ctc":
        pytest.importorskip("librosa", reason="Parakeet's features need librosa")
    heard = engine(models(name))
    assert heard.batch_size > 1
    alone = one_by_one(heard, CLIPS)
    same(heard.transcribe_batch(CLIPS), alone)
    same(heard.transcribe_batch(CLIPS[::-1]), alone[::-1])
    assert len({t.text for t in alone}) == len(CLIPS)


@pytest.mark.parametrize("name", LEAKING)
def test_a_ctc_model_that_padding_changes_is_run_one_by_one(models, name):
    heard = engine(models(name))
    alone = one_by_one(heard, CLIPS)
    assert heard.batch_size == 1
    same(heard.transcribe_batch(CLIPS), alone)
    together = engine(models(name), batch_unmasked=True)
    assert together.batch_size > 1
    assert [t.text for t in together.transcribe_batch(CLIPS)] != [t.text for t in alone]


def test_the_pipeline_of_the_library_decodes_padding_and_this_does_not(models):
    """Why it is not used: even with a mask it says other words in a batch."""
    from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer, pipeline

    folder = models("wav2vec2")
    parts = {"tokenizer": AutoTokenizer, "feature_extractor": AutoFeatureExtractor, "model": AutoModelForCTC}
    parts = {name: kind.from_pretrained(folder) for name, kind in parts.items()}
    made = pipeline("automatic-speech-recognition", device="cpu", **parts)
    samples = [clip.samples for clip in CLIPS]
    alone = [made(one.copy())["text"] for one in samples]
    batched = [found["text"] for found in made([one.copy() for one in samples], batch_size=len(samples))]
    assert batched != alone
    assert [t.text for t in engine(folder).transcribe_batch(CLIPS)] == [" ".join(text.split()) for text in alone]


def test_ctc_words_have_times_in_the_audio_and_confidences(models):
    for name in ("wav2vec2", "wav2vec2-bert"):
        for clip, transcript in zip(CLIPS, engine(models(name)).transcribe_batch(CLIPS), strict=True):
            assert [word.text for word in transcript.words] == transcript.text.split()
            times = [time for word in transcript.words for time in (word.start_s, word.end_s)]
            assert times == sorted(times)
            assert times[0] >= 0
            assert times[-1] <= clip.duration_s
            assert all(0 < word.confidence <= 1 for word in transcript.words)


def test_best_path_decoding_of_a_case_worked_by_hand():
    """Frames `- a a - a | b b -` of 0.1 s say `aa b`: repeats merge, a blank parts them, a delimiter makes words."""
    numbers = np.array([0, 1, 1, 0, 1, 2, 3, 3, 0])
    posteriors = np.array([0.9, 0.5, 0.7, 0.9, 0.6, 0.9, 0.8, 0.4, 0.9])
    letters = _ctc.Letters(0, ["-", "a", "|", "b"], "|", lambda ids: "".join("-a b"[one] for one in ids))
    found = _ctc.transcript_of(_ctc.merged(numbers, posteriors, 0), letters, 0.9, 9)
    assert found.text == "aa b"
    spans = [(word.text, round(word.start_s, 9), round(word.end_s, 9)) for word in found.words]
    assert spans == [("aa", 0.1, 0.5), ("b", 0.6, 0.8)]
    assert [w.confidence for w in found.words] == pytest.approx([0.6, 0.6])
    assert _ctc.transcript_of([], letters, 0.9, 9).text == ""


def test_whisper_in_a_batch_equals_one_by_one_long_audio_included(models):
    heard = engine(models("whisper"))
    assert heard.longest_s is None
    alone = one_by_one(heard, [*CLIPS, LONG])
    same(heard.transcribe_batch([LONG, *CLIPS]), [alone[-1], *alone[:-1]])
    assert len({t.text for t in alone}) >= 4
    assert alone[-1].text != heard.transcribe_batch([Waveform(LONG.samples[: 30 * 16_000], 16_000)])[0].text


def test_two_long_clips_in_a_batch_equal_one_by_one(models):
    heard = engine(models("whisper"), word_times=True)
    clips = [LONG, noise(33.03, 4)]
    same(heard.transcribe_batch(clips), one_by_one(heard, clips))


def test_whispers_features_are_the_librarys(models):
    heard = engine(models("whisper"))
    extractor = heard._model._extractor
    theirs = extractor([clip.samples for clip in CLIPS], sampling_rate=16_000, return_tensors="pt").input_features
    ours, mask = heard._model._features(CLIPS, is_long=False)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    wanted = extractor(
        [clip.samples for clip in CLIPS], sampling_rate=16_000, return_tensors="pt", return_attention_mask=True
    )
    assert torch.equal(mask, wanted.attention_mask.long())


def test_whisper_words_have_times_and_confidences_where_asked(models):
    plain = one_by_one(engine(models("whisper")), CLIPS)
    sure = engine(models("whisper"), confidences=True).transcribe_batch([*CLIPS, LONG])
    assert [t.text for t in sure[:-1]] == [t.text for t in plain]
    assert all(t.words is None for t in plain)
    timed = engine(models("whisper"), word_times=True, confidences=True).transcribe_batch([*CLIPS, LONG])
    for clip, transcript in zip([*CLIPS, LONG], timed, strict=True):
        assert [word.text for word in transcript.words] == transcript.text.split()
        times = [time for word in transcript.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= clip.duration_s
    for transcript in [*sure, *timed]:
        assert transcript.words
        assert all(0 < word.confidence <= 1 for word in transcript.words)


def test_a_whisper_confidence_is_the_models_own_probability(models):
    """The first token of a clip, from one plain forward pass with what the decoder may not say ruled out."""
    heard = engine(models("whisper"), confidences=True, max_new_tokens=1, language="en")
    (transcript,) = heard.transcribe_batch([CLIPS[3]])
    network, tokenizer = heard._model.model, heard._model._tokenizer
    start = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
    asked = torch.tensor([tokenizer.convert_tokens_to_ids(start)])
    features, _ = heard._model._features([CLIPS[3]], is_long=False)
    with torch.no_grad():
        scores = network(input_features=features, decoder_input_ids=asked).logits[0, -1].clone()
    generation = network.generation_config
    scores[[*generation.suppress_tokens, *generation.begin_suppress_tokens]] = -torch.inf
    assert transcript.words[0].confidence == pytest.approx(scores.softmax(-1).max().item(), rel=1e-4)


def test_language_task_and_prompt_reach_the_decoder(models):
    said = {
        name: [t.text for t in one_by_one(engine(models("whisper"), **options), [*CLIPS, LONG])]
        for name, options in {
            "german": {"language": "de"},
            "name": {"language": "German"},
            "translated": {"language": "de", "task": "translate"},
            "thai": {"language": "th"},
            "prompted": {"language": "de", "prompt": "two small birds"},
        }.items()
    }
    assert said["german"] == said.pop("name")
    assert len({tuple(texts) for texts in said.values()}) == len(said)


def test_a_model_of_english_alone_takes_english_and_nothing_else(models):
    folder = models("whisper-en")
    assert engine(folder, language="en").transcribe_batch(CLIPS[:1])[0].text
    with pytest.raises(InputError, match="English alone"):
        engine(folder, language="de")
    with pytest.raises(InputError, match="English alone"):
        engine(folder, task="translate")


def test_a_transducer_says_nothing_behind_the_end_of_a_clip_whatever_it_is_batched_with(models):
    pytest.importorskip("librosa", reason="Parakeet's features need librosa")
    heard = engine(models("parakeet_tdt"))
    assert heard.batch_size > 1
    alone = one_by_one(heard, CLIPS)
    assert [t.text for t in heard.transcribe_batch(CLIPS)] == [t.text for t in alone]
    assert len({t.text for t in alone}) == len(CLIPS)
    for clip, transcript in zip(CLIPS, alone, strict=True):
        times = [time for word in transcript.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert times[-1] <= clip.duration_s


def test_a_generating_model_runs_one_by_one_and_keeps_to_its_limit(models):
    heard = engine(models("moonshine"))
    assert (heard.batch_size, heard.longest_s) == (1, 30.0)
    alone = one_by_one(heard, CLIPS)
    same(heard.transcribe_batch(CLIPS), alone)
    together = engine(models("moonshine"), batch_unmasked=True).transcribe_batch(CLIPS)
    assert [t.text for t in together] != [t.text for t in alone]
    short = engine(models("moonshine"), max_new_tokens=3).transcribe_batch(CLIPS)
    assert all(long.text.startswith(t.text) and t.text != long.text for t, long in zip(short, alone, strict=True))
    for options in ({"language": "en"}, {"prompt": "birds"}):
        with pytest.raises(InputError, match="takes no"):
            engine(models("moonshine"), **options)


def test_describe_has_all_that_changes_the_output(models):
    infos = [
        engine(models("wav2vec2")).describe(),
        engine(models("wav2vec2"), dtype="bfloat16").describe(),
        engine(models("wav2vec2"), attention="eager").describe(),
        engine(models("wav2vec2"), longest_s=20).describe(),
        engine(models("hubert")).describe(),
        engine(models("whisper")).describe(),
        engine(models("whisper"), num_beams=2).describe(),
        engine(models("whisper"), prompt="birds").describe(),
        engine(models("whisper"), fallback=True).describe(),
    ]
    assert len({json.dumps(dict(info.options)) for info in infos}) == len(infos)
    assert [info.deterministic for info in infos] == [True] * 8 + [False]
    assert infos[1].options["dtype"] == "bfloat16"
    assert len(infos[0].options["model_sha256"]) == 64
    assert infos[0].options["revision"] is None
    assert infos[0] == engine(models("wav2vec2"), batch_size=3, batch_audio_s=9.0).describe()


def test_the_digest_follows_the_weights(tmp_path):
    folder = make_ctc(tmp_path / "model")
    before = engine(str(folder)).describe().options["model_sha256"]
    assert engine(str(folder)).describe().options["model_sha256"] == before
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    assert engine(str(folder)).describe().options["model_sha256"] != before


def test_half_precision_and_a_batch_budget_of_ones_own(models):
    heard = engine(models("wav2vec2"), dtype="bf16", batch_size=3, batch_audio_s=9.0)
    assert (heard.batch_size, heard.batch_audio_s) == (3, 9.0)
    assert all(t.text for t in heard.transcribe_batch(CLIPS))
    assert engine(models("wav2vec2")).batch_audio_s == 32.0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"attention": "magic"}, "sdpa, eager, flash_attention_2"),
        ({"num_beams": 0}, "1 to 20"),
        ({"max_new_tokens": 0}, "1 or more"),
        ({"batch_audio_s": -1.0}, "above 0 seconds"),
        ({"dtype": "int4"}, "bfloat16"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
        ({"revision": "main"}, "is a folder"),
        ({"language": "en"}, "without language adapters"),
        ({"word_times": True}, "is for Whisper"),
        ({"task": "translate"}, "is for Whisper"),
        ({"prompt": "birds"}, "takes no prompt"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(models, options, says):
    with pytest.raises(InputError, match=says):
        engine(models("wav2vec2"), **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"language": "fr"}, "de, en, th"),
        ({"task": "sing"}, "transcribe or translate"),
        ({"confidences": True, "num_beams": 2}, "num_beams=1"),
    ],
)
def test_an_option_that_whisper_does_not_have_is_refused(models, options, says):
    with pytest.raises(InputError, match=says):
        engine(models("whisper"), **options)


def test_a_model_that_is_not_there_or_does_not_hear_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        engine(str(tmp_path))
    with pytest.raises(InputError, match="hf download"):
        engine("nobody/has-this", local_files_only=True)
    (tmp_path / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    with pytest.raises(InputError, match="not a speech recogniser"):
        engine(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"]}')
    with pytest.raises(InputError, match="cannot be loaded"):
        engine(str(tmp_path))


HUB = """
from asrfair.adapters._transformers_hub import find_source, quiet_import
source = find_source("some/digits", "v1", True)
config = source.load(quiet_import().AutoConfig.from_pretrained)
print(source.given, source.arguments["revision"], config.model_type)
"""


def test_a_model_of_the_hub_is_pinned_to_the_commit_that_its_revision_means(tmp_path):
    """The hub's own cache on disk, as a download leaves it; in a process of its own, which reads the place at start."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    stored = tmp_path / "hub" / "models--some--digits"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "v1").write_text(commit)
    snapshot = stored / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for file in TRAINED.iterdir():
        (snapshot / file.name).write_bytes(file.read_bytes())
    environment = {**__import__("os").environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", HUB], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["some/digits", commit, "wav2vec2-bert"], done.stderr


def test_memory_that_runs_out_asks_for_a_smaller_batch():
    def too_much():
        return torch.empty(1 << 60)

    def on_a_gpu():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    for work in (too_much, on_a_gpu):
        with pytest.raises(TooLargeError):
            run_guarded("transformers", work)
    with pytest.raises(AdapterError, match="RuntimeError"):
        run_guarded("transformers", lambda: torch.zeros(2) @ torch.zeros(3))


def test_a_clip_too_short_for_one_frame_is_that_clips_failure(models):
    with pytest.raises(AdapterError):
        engine(models("wav2vec2")).transcribe_batch([noise(0.005, 1)])


def test_a_missing_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"asrfair\[torch\]"):
        load_engine("transformers", {"model": "x"})


SENTENCES = ["two six eight nine", "zero one five seven four", "three nine eight two six one"]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Waveforms of the sentences by accent, from voices that were not heard in training."""
    pytest.importorskip("espeakng_loader", reason="espeak-ng is not installed: pip install 'asrfair[demo]'")
    from asrfair.audio.resample import resample
    from asrfair.manifest.corpora.espeak import Request, speak_all

    folder = tmp_path_factory.mktemp("spoken")
    requests = [
        Request(path=str(folder / f"{accent}-{n}.wav"), text=text, voice=f"{accent}+{voice}", rate_wpm=150, pitch=50)
        for accent in ("en-us", "en-gb-x-gbcwmd")
        for n, (text, voice) in enumerate((text, voice) for text in SENTENCES for voice in ("m4", "f3", "m6"))
    ]
    speak_all(requests)
    found = {}
    for request in requests:
        with wave.open(request["path"]) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / np.float32(32768)
            clip = resample(Waveform(samples, file.getframerate()), 16_000)
        found.setdefault(request["voice"].partition("+")[0], []).append((request["text"], clip))
    return found


def wer(pairs, heard):
    counts = count_errors([text for text, _ in pairs], heard).to_pydict()
    errors = sum(sum(counts[name]) for name in ("substitutions", "deletions", "insertions"))
    return errors / sum(len(text.split()) for text, _ in pairs)


def test_the_trained_model_hears_american_digits_and_worse_those_of_an_accent_it_never_heard(spoken):
    heard = engine(str(TRAINED))
    rates = {}
    for accent, pairs in spoken.items():
        together = heard.transcribe_batch([clip for _, clip in pairs])
        same(together, one_by_one(heard, [clip for _, clip in pairs]))
        rates[accent] = wer(pairs, [t.text for t in together])
    assert rates["en-us"] < 0.15
    assert rates["en-gb-x-gbcwmd"] > rates["en-us"] + 0.1


def test_the_trained_models_words_lie_where_they_are_spoken(spoken):
    """Silence put before the speech moves every word by as much."""
    heard = engine(str(TRAINED))
    _, clip = spoken["en-us"][0]
    later = Waveform(np.concatenate([np.zeros(16_000, np.float32), clip.samples]), 16_000)
    first, second = heard.transcribe_batch([clip])[0], heard.transcribe_batch([later])[0]
    assert [w.text for w in first.words] == [w.text for w in second.words] == SENTENCES[0].split()
    for a, b in zip(first.words, second.words, strict=True):
        assert b.start_s - a.start_s == pytest.approx(1.0, abs=0.1)
        assert 0.5 < a.confidence <= 1
