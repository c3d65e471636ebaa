"""One clip into clean and nine conditions (PERFORMANCE P5), against audiomentations.

    python benchmarks/bench_stress.py

A clip of 10 s at 16 kHz, FLAC. The same ten things are made by both sides:

    | condition       | asrfair                                       | audiomentations                           |
    |-----------------|-----------------------------------------------|-------------------------------------------|
    | clean           | decoded samples                               | decoded samples                           |
    | white 15, 5 dB  | stretch of a minute's pool, SNR by P.56       | AddGaussianSNR: fresh noise, SNR by RMS   |
    | pink 15, 5 dB   | the same                                      | AddColorNoise, -3.01 dB an octave         |
    | hum 15, 10, 5   | the same, a recording of a minute             | AddBackgroundNoise, the same recording    |
    | band, 0.3-3.4 k | linear-phase filter of 513 taps               | BandPassFilter, 12 dB an octave           |
    | room, RT60 .5 s | impulse response of 0.6 s                     | ApplyImpulseResponse, the same            |

Beyond this, asrfair digests the file, measures the active speech level (once a clip), measures the SNR that was
achieved on the samples of each mix, and turns down what would clip; with a digest, the SHA-256 of the samples of each
mix that the runner stores is made as well (the peer has none). What is made is handed on at once, as to an engine, not
kept. The peer is timed with the file opened per condition (as a data loader does) and with one decode shared. CPU
seconds of the process, in turns clip by clip, median of the rounds' ratios; both sides' SNRs are checked.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
from stress_work import NINE, RATE_HZ, ROOMS, cpu_s, filled_banks, machine, room, written

from asrfair.audio import active_speech_level, read_audio, rms_dbfs
from asrfair.records import Condition, Waveform
from asrfair.stress import Banks, Scene

ROUNDS, CLIPS = 9, 8


def run() -> list[dict[str, object]]:
    """Measure; returns one dict a goal: goal, ratio, target, detail."""
    with tempfile.TemporaryDirectory() as name:
        paths = written(Path(name), CLIPS)
        peer = peer_transforms(Path(name))
        banks = filled_banks()
        _check(paths[0], banks, peer)
        ways = {
            "ours": lambda path: _hand_on(ours(path, banks)),
            "digest": lambda path: _hand_on(digest(samples) for samples in islice(ours(path, banks), 1, None)),
            "opened": lambda path: _hand_on(opened(path, peer)),
            "shared": lambda path: _hand_on(shared(path, peer)),
        }
        rounds = [_round(ways, paths) for _ in range(ROUNDS + 1)][1:]
    lines = []
    for key, with_digest in (("ours", "no digest"), ("digest", "with a digest of each mix")):
        for peers, what, target in (("opened", "file opened per condition", 4.0), ("shared", "decode shared", 2.5)):
            seconds = [float(np.median([one[way] for one in rounds])) for way in (key, peers)]
            rates = " against ".join(f"{len(NINE) / s:,.0f}" for s in seconds)
            lines.append(
                {
                    "goal": f"P5 clean + 9 conditions, {with_digest} / audiomentations, {what}",
                    "ratio": float(np.median([one[peers] / one[key] for one in rounds])),
                    "target": target,
                    "detail": f"{rates} condition-clips/s of CPU; {CLIPS} clips of 10 s, {ROUNDS} rounds",
                }
            )
    return lines


def _round(ways: dict[str, Callable[[Path], None]], paths: list[Path]) -> dict[str, float]:
    """CPU seconds a clip of each way, in turns clip by clip."""
    spent = dict.fromkeys(ways, 0.0)
    for path in paths:
        for key, work in ways.items():
            spent[key] += cpu_s(lambda work=work, path=path: work(path)) / len(paths)
    return spent


def _hand_on(made: Iterable[object]) -> None:
    """Take each and let it go."""
    for _ in made:
        pass


def ours(path: Path, banks: Banks) -> Iterator[np.ndarray]:
    """The ten, from one decode, one level and one spectrum a block size."""
    clip, _ = read_audio(path)
    level, spectra = active_speech_level(clip), {}
    yield clip.samples
    for name, where in ROOMS.items():
        scene = Scene(path.stem, banks=banks, clip=clip, clip_level=level, spectra=spectra)
        yield where.apply(clip, Condition(name), path.stem, scene).samples


def digest(samples: np.ndarray) -> str:
    """A digest of a mix, as the runner stores it."""
    return hashlib.sha256(np.ascontiguousarray(samples, dtype="<f4").data).hexdigest()


def peer_transforms(folder: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Audiomentations' transforms for the nine, each with the one parameter that the condition has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import audiomentations as am
    (folder / "noise").mkdir()
    soundfile.write(folder / "noise" / "machine.wav", machine(60 * RATE_HZ), RATE_HZ)
    soundfile.write(folder / "room.wav", room(), RATE_HZ, subtype="FLOAT")

    def at(snr: float) -> dict[str, float]:
        return {"min_snr_db": snr, "max_snr_db": snr, "p": 1.0}

    made = {f"white@{snr}dB": am.AddGaussianSNR(**at(snr)) for snr in (15.0, 5.0)}
    pink = {"min_f_decay": -3.01, "max_f_decay": -3.01}
    made |= {f"pink@{snr}dB": am.AddColorNoise(**at(snr), **pink) for snr in (15.0, 5.0)}
    made |= {f"machine@{snr}dB": am.AddBackgroundNoise(folder / "noise", **at(snr)) for snr in (15.0, 10.0, 5.0)}
    centre, width = (300 + 3400) / 2, (3400 - 300) / ((300 + 3400) / 2)
    made["band"] = am.BandPassFilter(centre, centre, width, width, 12, 12, p=1.0)
    made["room"] = am.ApplyImpulseResponse(folder / "room.wav", p=1.0)
    return {name: (lambda x, t=made[name]: t(samples=x, sample_rate=RATE_HZ)) for name in NINE}


def opened(path: Path, peer: dict[str, Callable[[np.ndarray], np.ndarray]]) -> Iterator[np.ndarray]:
    """The ten, the file opened for each."""
    yield _read(path)
    for transform in peer.values():
        yield transform(_read(path))


def shared(path: Path, peer: dict[str, Callable[[np.ndarray], np.ndarray]]) -> Iterator[np.ndarray]:
    """The ten, the file opened once."""
    samples = _read(path)
    yield samples
    for transform in peer.values():
        yield transform(samples)


def _read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


def _check(path: Path, banks: Banks, peer: dict[str, Callable[[np.ndarray], np.ndarray]]) -> None:
    """Refuse to compare speeds of different work."""
    clip, theirs = _read(path), list(shared(path, peer))
    for number, (name, where) in enumerate(ROOMS.items(), 1):
        scene = Scene(path.stem, banks=banks)
        heard = where.apply(Waveform(clip, RATE_HZ), Condition(name), path.stem, scene).samples
        if heard.shape != theirs[number].shape:
            raise SystemExit(f"{name}: {heard.shape} samples against {theirs[number].shape}")
        if "@" not in name:
            continue
        asked = float(name.partition("@")[2].removesuffix("dB"))
        by_rms = rms_dbfs(clip) - rms_dbfs(theirs[number] - clip)
        if abs(scene.mixed[0].snr_db - asked) > 0.001 or abs(by_rms - asked) > 0.1:
            raise SystemExit(f"{name}: ours at {scene.mixed[0].snr_db:.3f} dB, theirs at {by_rms:.2f} dB (by RMS)")


if __name__ == "__main__":
    for line in run():
        print(f"{line['goal']}: {line['ratio']:.2f} (goal {line['target']}); {line['detail']}")
