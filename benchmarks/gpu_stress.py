"""How fast the batched stress path with log-mel features is on a graphics card (goal: RTFx 3,000 and above).

    python benchmarks/gpu_stress.py [--device cuda] [--clips 32] [--seconds 10] [--rounds 10] [--padded-s 30]
    python benchmarks/gpu_stress.py --device cpu --clips 2 --rounds 1      a smoke test in a few seconds

Clean and nine conditions (`stress_work.NINE`) of each clip, one batch a round: levels by P.56 on the CPU (once a clip),
draws, clips sent to the device, noises, filters, achieved SNRs, then 80 log-mel bands (Whisper's 30 s windows unless
`--padded-s 0`), left on the device where the model is. Decoding is not in it (it is told beside it). Wall seconds to
the end of the device's work; RTFx is seconds of condition-audio a wall second. The first rows are held to the CPU path:
samples within 2e-6, SNRs within 0.001 dB. `--json FILE`
writes what is printed. Needs asrfair[torch].
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from stress_work import NINE, RATE_HZ, ROOMS, filled_banks, speech_like, written

from asrfair.audio import active_speech_level, read_audio
from asrfair.records import Condition, Waveform
from asrfair.stress import Banks, Scene
from asrfair.stress.batch import Asked
from asrfair.stress.batched import Batched
from asrfair.stress.log_mel import log_mel

GOAL = 3000.0
CONDITIONS = [Condition(), *map(Condition, NINE)]


def main() -> None:
    """Measure and print."""
    import torch

    asked = _arguments(torch.cuda.is_available())
    clips = [Waveform(speech_like(asked.seconds, number), RATE_HZ) for number in range(asked.clips)]
    banks, path = filled_banks(), Batched(ROOMS, asked.device)
    difference, snr = _held_to_the_cpu(path, clips[0], banks)

    def wait() -> None:
        if asked.device.startswith("cuda"):
            torch.cuda.synchronize()

    padded_s = asked.padded_s or None
    rounds = []
    for number in range(asked.rounds + 1):
        began = time.perf_counter()
        batch = path.apply(_asked(clips, banks, number))
        wait()
        mixed = time.perf_counter()
        features = log_mel(batch, padded_s=padded_s)
        wait()
        rounds.append((mixed - began, time.perf_counter() - mixed))
    audio_s = sum(batch.lengths) / RATE_HZ
    stress_s, mel_s = (statistics.median(column) for column in zip(*rounds[1:], strict=True))
    told = {
        "device": torch.cuda.get_device_name() if asked.device.startswith("cuda") else platform.processor() or "CPU",
        "torch": torch.__version__,
        "rows": len(batch.lengths),
        "audio_s": audio_s,
        "features": list(features.shape),
        "rtfx": audio_s / (stress_s + mel_s),
        "rtfx_stress": audio_s / stress_s,
        "rtfx_log_mel": audio_s / mel_s,
        "first_round_s": sum(rounds[0]),
        "decode_ms_per_clip": _decoding_ms(asked.seconds),
        "level_ms_per_clip": _level_ms(clips[0]),
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if asked.device.startswith("cuda") else None,
        "largest_difference": difference,
        "largest_snr_difference_db": snr,
        "goal_rtfx": GOAL,
    }
    print(json.dumps(told, indent=1))
    if asked.json:
        Path(asked.json).write_text(json.dumps(told) + "\n")


def _arguments(has_cuda: bool) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if has_cuda else "cpu")
    parser.add_argument("--clips", type=int, default=32 if has_cuda else 2)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=10 if has_cuda else 1)
    parser.add_argument("--padded-s", type=float, default=30.0)
    parser.add_argument("--json")
    return parser.parse_args()


def _asked(clips: list[Waveform], banks: Banks, number: int) -> list[Asked]:
    """All clips in all conditions, each clip's level measured once; other draws each round."""
    rows = []
    for place, clip in enumerate(clips):
        name, level = f"u{number}-{place}", active_speech_level(clip)
        rows += [Asked(clip, c, name, Scene(name, banks=banks, clip=clip, clip_level=level)) for c in CONDITIONS]
    return rows


def _held_to_the_cpu(path: Batched, clip: Waveform, banks: Banks) -> tuple[float, float]:
    """The largest differences of samples and of SNRs; refuses to go on if they are too large."""
    rows = _asked([clip], banks, 0)
    differences, snrs = [0.0], [0.0]
    for row, heard in zip(rows, path.apply(rows).waveforms(), strict=True):
        if row.condition.environment is None:
            continue
        scene = Scene(row.utterance_id, banks=banks)
        alone = ROOMS[row.condition.environment].apply(clip, row.condition, row.utterance_id, scene)
        differences.append(float(np.abs(heard.samples - alone.samples).max()))
        snrs += [abs(a.snr_db - b.snr_db) for a, b in zip(row.scene.mixed, scene.mixed, strict=True)]
    if max(differences) > 2e-6 or max(snrs) > 1e-3:
        raise SystemExit(f"not what the CPU gives: {max(differences):.1e} of full scale, {max(snrs):.1e} dB")
    return max(differences), max(snrs)


def _decoding_ms(seconds: float) -> float:
    """Wall milliseconds to decode one FLAC clip on one core."""
    with tempfile.TemporaryDirectory() as name:
        paths = written(Path(name), 5, seconds)
        began = time.perf_counter()
        for path in paths:
            read_audio(path)
        return 1000 * (time.perf_counter() - began) / len(paths)


def _level_ms(clip: Waveform) -> float:
    """Wall milliseconds to measure the level of one clip on one core."""
    began = time.perf_counter()
    for _ in range(5):
        active_speech_level(clip)
    return 1000 * (time.perf_counter() - began) / 5


if __name__ == "__main__":
    main()
