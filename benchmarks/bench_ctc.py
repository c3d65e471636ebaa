"""CTC transcription of mixed lengths on a CPU (PERFORMANCE P7): the engine transformers against the library's pipeline.

    python benchmarks/bench_ctc.py

The same random Wav2Vec2ForCTC (3.9 M parameters, layer norm, attention mask) and the same 200 clips of 1 to 30 s for
all, one thread, CPU seconds of the process, in turns, the least of the rounds (others may be using the machine). Ours
gets batches as the runner cuts them (`asrfair.transcribe.batches.cut`, by what the engine likes). Peers: `pipeline` at
batch 8 in the order of the manifest, and one clip at a time (features, model, best path, text). The overhead is what
the engine adds to a bare loop over the same batches. Texts must be those of one by one: all of ours; of the pipeline's
it is told how many are not.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from asrfair.adapters import Adapter, load_engine
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.transcribe.batches import Likes, cut
from asrfair.transcribe.jobs import Job

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "adapters"))

CLIPS, ROUNDS = 200, 2
SIZE = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 1024,
    "conv_dim": (96,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "num_feat_extract_layers": 7,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}


def mixed_lengths(count: int, seed: int = 7) -> list[float]:
    """Lengths of 1 to 30 s with a long tail, mean about 6.5 s."""
    rng = rng_for(seed, "lengths", "benchmark")
    return [float(min(30.0, max(1.0, length))) for length in rng.lognormal(1.55, 0.8, count)]


def batches_of(engine: Adapter, clips: Sequence[Waveform]) -> list[list[int]]:
    """Places of clips in the batches that the runner makes for an engine, from all of them."""
    likes = Likes(engine.batch_size, engine.batch_audio_s)
    jobs = [
        Job(str(place), None, None, None, None, Condition(), length_s=clip.duration_s)
        for place, clip in enumerate(clips)
    ]
    return [[int(job.utterance_id) for (job,) in batch] for batch in cut([(job,) for job in jobs], likes)]


def padding(clips: Sequence[Waveform], batches: Sequence[Sequence[int]]) -> float:
    """Padded samples as a share of real ones."""
    lengths = [[len(clips[place].samples) for place in batch] for batch in batches]
    return sum(len(row) * max(row) for row in lengths) / sum(map(sum, lengths)) - 1


def run() -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    import torch
    from tiny_models import make_ctc, noise

    torch.set_num_threads(1)
    clips = [noise(seconds, number) for number, seconds in enumerate(mixed_lengths(CLIPS))]
    with tempfile.TemporaryDirectory() as name:
        folder = str(make_ctc(Path(name) / "model", **SIZE))
        engine = load_engine("transformers", {"model": folder, "device": "cpu"})
        batches = batches_of(engine, clips)
        pipeline, bare = _pipeline(folder), _bare(engine)

        def ours() -> list[str]:
            return _placed(batches, [engine.transcribe_batch([clips[p] for p in batch]) for batch in batches])

        ways: dict[str, Callable[[], list[str]]] = {
            "ours": ours,
            "bare": lambda: _placed(batches, [bare([clips[p] for p in batch]) for batch in batches]),
            "alone": lambda: [bare([clip])[0].text for clip in clips],
            "pipeline": lambda: [found["text"] for found in pipeline([clip.samples for clip in clips], batch_size=8)],
        }
        seconds, texts = _in_turns(ways)
    audio_s = sum(clip.duration_s for clip in clips)
    least = {way: min(taken) for way, taken in seconds.items()}
    speed = {way: audio_s / taken for way, taken in least.items()}
    overhead = least["ours"] / least["bare"] - 1
    differ = {way: sum(a != b for a, b in zip(said, texts["alone"], strict=True)) for way, said in texts.items()}
    if differ["ours"]:
        raise SystemExit(f"{differ['ours']} texts depend on what else is in the batch")
    detail = (
        f"{CLIPS} clips, {audio_s:.0f} s; RTFx of CPU {speed['ours']:.0f}, pipeline {speed['pipeline']:.0f}, one by "
        f"one {speed['alone']:.0f}; texts that differ from one by one: ours 0, pipeline {differ['pipeline']}"
    )
    waste = padding(clips, batches)
    manifest_order = padding(clips, [range(at, min(at + 8, CLIPS)) for at in range(0, CLIPS, 8)])
    return [
        {
            "goal": "P7 / pipeline at batch 8",
            "ratio": least["pipeline"] / least["ours"],
            "target": 2.2,
            "detail": detail,
        },
        {"goal": "P7 / one by one", "ratio": least["alone"] / least["ours"], "target": 0.97, "detail": detail},
        {
            "goal": "P7 padding, % (smaller is better)",
            "ratio": 100 * waste,
            "target": 3.0,
            "detail": f"{len(batches)} batches of at most 32 s; in manifest order by 8: {100 * manifest_order:.0f} %",
        },
        {
            "goal": "P7 overhead, % (smaller is better)",
            "ratio": 100 * overhead,
            "target": 3.0,
            "detail": "word times, confidences and checks, against features, model, best path and text alone",
        },
    ]


def _in_turns(ways: dict[str, Callable[[], list[str]]]) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    """CPU seconds of every way in every round, and what it said, spaces made one."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    texts: dict[str, list[str]] = {}
    for _ in range(ROUNDS):
        for way, work in ways.items():
            began = time.process_time()
            said = work()
            seconds[way].append(time.process_time() - began)
            texts[way] = [" ".join(text.split()) for text in said]
    return seconds, texts


def _placed(batches: Sequence[Sequence[int]], found: Sequence[Sequence[Any]]) -> list[str]:
    """Texts in the order of the clips."""
    by_place = {p: t.text for batch, said in zip(batches, found, strict=True) for p, t in zip(batch, said, strict=True)}
    return [by_place[place] for place in sorted(by_place)]


def _pipeline(folder: str) -> Any:
    """The library's own way."""
    import transformers

    return transformers.pipeline(
        "automatic-speech-recognition",
        model=transformers.AutoModelForCTC.from_pretrained(folder),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
        feature_extractor=transformers.AutoFeatureExtractor.from_pretrained(folder),
        device="cpu",
    )


def _bare(engine: Any) -> Callable[[Sequence[Waveform]], list[Any]]:
    """Features, model, best path and text, and nothing else, with the engine's own parts."""
    import torch

    from asrfair.records import Transcript

    own = engine._model
    network, extractor, tokenizer = own.model, own._extractor, own._tokenizer

    def work(batch: Sequence[Waveform]) -> list[Any]:
        samples = [waveform.samples for waveform in batch]
        features = extractor(samples, sampling_rate=16_000, padding=True, return_tensors="pt")
        with torch.inference_mode():
            numbers = network(**features).logits.argmax(-1)
            frames = network._get_feat_extract_output_lengths(features["attention_mask"].sum(-1))
        rows = zip(numbers.tolist(), frames.tolist(), strict=True)
        return [Transcript(tokenizer.decode(row[:length])) for row, length in rows]

    return work


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
