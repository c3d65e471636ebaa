"""How busy the engine transformers keeps a graphics card, with random models of real sizes.

    python benchmarks/gpu_engines.py [--device cuda] [--only whisper|ctc] [--conditions]
    python benchmarks/gpu_engines.py --device cpu --small        the same with tiny models in a minute

A Whisper of large-v3's size (1.5 G parameters) and a Parakeet-CTC of 600 M, bfloat16, over clips of 1 to 30 s:

- bare: features made before, on the device; batches as the runner cuts them; the model or, for Whisper, `generate`.
  Nothing else: the most that could be had.
- engine: `transcribe_batch` over the same batches, from float32 samples to words.
- pipeline: the library's, in manifest order, batch 16, same precision and tokens.
- `--conditions`: the whole runner, clean and nine levels of a machine's hum, from WAV files to the store.

Goals: engine / bare 0.95, engine / pipeline 2, runner / bare 0.90. Random models do not end their texts: every clip
gets 40 tokens, whichever way. Wall seconds to the end of the device's work, median of rounds. `--json FILE` writes what
is printed. Needs asrfair[torch], and librosa for Parakeet's features.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import soundfile
from bench_ctc import batches_of, mixed_lengths, padding

from asrfair.adapters import load_engine
from asrfair.records import Waveform

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "adapters"))

RATE_HZ = 16_000
LARGE_V3 = {
    "d_model": 1280,
    "encoder_layers": 32,
    "decoder_layers": 32,
    "encoder_attention_heads": 20,
    "decoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "decoder_ffn_dim": 5120,
    "max_target_positions": 448,
    "num_mel_bins": 128,
}
PARAKEET_600M = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 8,
    "intermediate_size": 4096,
    "num_mel_bins": 80,
}
NEW_TOKENS, NEW_TOKENS_SMALL = 40, 8
PIPELINE_BATCH = 16


def main() -> None:
    """Measure and print."""
    import torch

    asked = _arguments(torch.cuda.is_available())
    is_cuda = asked.device == "cuda"
    told: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if is_cuda else platform.processor() or "CPU",
        "torch": torch.__version__,
        "clips": asked.clips,
        "goals": {"engine / bare": 0.95, "engine / pipeline": 2.0, "runner / bare": 0.9},
    }
    for family in ("whisper", "ctc"):
        if asked.only in (None, family):
            with tempfile.TemporaryDirectory() as name:
                told[family] = _measured(Path(name), family, asked)
            print(json.dumps({family: told[family]}, indent=1), flush=True)
    print(json.dumps(told, indent=1))
    if asked.json:
        Path(asked.json).write_text(json.dumps(told) + "\n")


def _arguments(has_cuda: bool) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if has_cuda else "cpu", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true", help="tiny models")
    parser.add_argument("--only", choices=("whisper", "ctc"))
    parser.add_argument("--clips", type=int, default=512 if has_cuda else 12)
    parser.add_argument("--rounds", type=int, default=3 if has_cuda else 1)
    parser.add_argument("--conditions", action="store_true", help="the whole runner too")
    parser.add_argument("--json")
    return parser.parse_args()


def _measured(folder: Path, family: str, asked: argparse.Namespace) -> dict[str, Any]:
    """All ways over one model."""
    import torch
    from tiny_models import noise

    clips = [noise(seconds, number) for number, seconds in enumerate(mixed_lengths(asked.clips))]
    model, options = _made(folder / "model", family, asked.small)
    engine = load_engine("transformers", {"model": str(model), "device": asked.device, **options})
    batches = batches_of(engine, clips)
    bare = _bare_whisper if family == "whisper" else _bare_ctc
    ways: dict[str, Callable[[], object]] = {
        "engine": lambda: [engine.transcribe_batch([clips[place] for place in batch]) for batch in batches],
        "bare": bare(engine, clips, batches),
        "pipeline": _pipeline(engine, clips, family),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(asked.rounds + 1):
        for way, work in ways.items():
            began = time.perf_counter()
            work()
            if asked.device == "cuda":
                torch.cuda.synchronize()
            if number:  # The first round loads kernels.
                seconds[way].append(time.perf_counter() - began)
    audio_s = sum(clip.duration_s for clip in clips)
    found = {
        "parameters": engine._model.model.num_parameters(),
        "dtype": engine.describe().options["dtype"],
        "audio_s": audio_s,
        "batches": len(batches),
        "padding": 0.0 if family == "whisper" else padding(clips, batches),
        "rtfx": {way: audio_s / median(taken) for way, taken in seconds.items()},
        "engine / bare": median(seconds["bare"]) / median(seconds["engine"]),
        "engine / pipeline": median(seconds["pipeline"]) / median(seconds["engine"]),
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if asked.device == "cuda" else None,
    }
    if asked.conditions:
        engine.close()
        rtfx = _runner(folder, clips, model, {**options, "device": asked.device})
        found["rtfx"]["runner"] = rtfx
        found["runner / bare"] = rtfx / found["rtfx"]["bare"]
    return found


def _made(folder: Path, family: str, small: bool) -> tuple[Path, dict[str, Any]]:
    """A random model in a folder, and the engine's options for it."""
    import torch
    from tiny_models import make_parakeet, make_whisper

    dtype = torch.float32 if small else torch.bfloat16
    if family == "ctc":
        return make_parakeet(folder, None if small else PARAKEET_600M, 26 if small else 1025, dtype), {}
    size = {} if small else {"n_text": 50_257, **LARGE_V3}
    tokens = NEW_TOKENS_SMALL if small else NEW_TOKENS
    return make_whisper(folder, endless=True, dtype=dtype, **size), {"language": "en", "max_new_tokens": tokens}


def _bare_whisper(engine: Any, clips: Sequence[Waveform], batches: Sequence[Sequence[int]]) -> Callable[[], object]:
    """`generate` over features that are on the device already."""
    import torch

    own = engine._model
    asked = {**own._asked, "return_timestamps": False}

    def work() -> None:
        with torch.inference_mode():
            for features, mask in made:
                own.model.generate(features, attention_mask=mask, **asked).cpu()

    with torch.inference_mode():
        made = [own._features([clips[place] for place in batch], is_long=False) for batch in batches]
    return work


def _bare_ctc(engine: Any, clips: Sequence[Waveform], batches: Sequence[Sequence[int]]) -> Callable[[], object]:
    """The model and its best path over features that are on the device already."""
    import torch

    own = engine._model

    def work() -> None:
        with torch.inference_mode():
            for inputs in made:
                own.model(**inputs).logits.argmax(-1).cpu()

    with torch.inference_mode():
        made = [own._features([clips[place] for place in batch]) for batch in batches]
    return work


def _pipeline(engine: Any, clips: Sequence[Waveform], family: str) -> Callable[[], object]:
    """The library's own way, with the engine's weights."""
    import transformers

    own = engine._model
    parts = transformers.pipeline(
        "automatic-speech-recognition",
        model=own.model,
        tokenizer=own._tokenizer,
        feature_extractor=own._extractor,
        device=engine._device,
        dtype=own.model.dtype,
    )
    more: dict[str, Any] = {}
    if family == "whisper":
        more["generate_kwargs"] = {key: value for key, value in own._asked.items() if key != "temperature"}
    samples = [clip.samples for clip in clips]
    return lambda: parts(list(samples), batch_size=PIPELINE_BATCH, **more)


def _runner(folder: Path, clips: Sequence[Waveform], model: Path, options: dict[str, Any]) -> float:
    """RTFx of the whole runner with ten conditions on, without its start-up."""
    from asrfair import pipeline

    rows = []
    for number, clip in enumerate(clips):
        soundfile.write(folder / f"{number}.wav", clip.samples, RATE_HZ, subtype="PCM_16")
        rows.append(
            {"utterance_id": f"u{number}", "audio": f"{number}.wav", "reference": "a", "duration_s": clip.duration_s}
        )
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    about = ("name", "version", "licence", "language", "collection", "consent")
    (folder / "dataset.toml").write_text("schema_version = 1\n" + "".join(f'{key} = "en"\n' for key in about))
    conditions = ["clean", *(f"machine-hum@{level}dB" for level in range(0, 27, 3))]
    system = ",".join(["transformers", "id=gpu", f"model={model}", *(f"{k}={v}" for k, v in options.items())])
    done = pipeline.transcribe(folder, folder / "run", systems=[system], conditions=conditions, workers=1)
    return len(conditions) * sum(clip.duration_s for clip in clips) / float(done.run["verbs"][-1]["wall_s"]["gpu"])


if __name__ == "__main__":
    main()
