"""The work that the benchmarks of the stress room share: a clip like speech, and nine rooms to put it into.

The steps are families of this folder, made on the contract of `asrfair.stress` (pools, filters, scenes), so that what
is measured stays the same while the families that come with asrfair grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Filter, Noise, Scene, Stressor
from asrfair.stress.pool import POOL_S, looped, taken_from

RATE_HZ = 16_000
BAND_HZ, BAND_TAPS = (300.0, 3400.0), 513
ROOM_S, RT60_S = 0.6, 0.5


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    """Syllables of a buzz with three resonances and some breath, four a second, with pauses between phrases."""
    rng = rng_for(seed, "speech", "benchmark")
    n = round(seconds * RATE_HZ)
    time_s = np.arange(n) / RATE_HZ
    turns = np.arange(0, seconds + 1, 0.5)
    pitch = 120 * np.exp2(np.interp(time_s, turns, rng.normal(0, 0.2, len(turns))))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    formants = np.array([500.0, 1500.0, 2500.0])
    buzz = np.zeros(n)
    for number in range(1, 30):
        weight = sum(1 / (1 + ((number * 120 - f) / 120) ** 2) for f in formants)
        buzz += weight * np.sin(number * phase)
    loud = np.clip(np.sin(2 * np.pi * 4 * time_s + rng.uniform(0, 6)), 0, 1) * (np.sin(2 * np.pi * 0.3 * time_s) > -0.6)
    sound = (buzz + 0.2 * rng.standard_normal(n)) * loud + 1e-4 * rng.standard_normal(n)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


def coloured(n: int, slope_db: float, seed: int) -> np.ndarray:
    """Noise whose spectrum falls by so many dB an octave, at -20 dBFS."""
    rng = rng_for(seed, "colour", str(slope_db))
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** (-slope_db / 6.02)
    sound = np.fft.irfft(spectrum, n)
    return (0.1 * sound / np.sqrt(np.mean(sound**2))).astype(np.float32)


def machine(n: int) -> np.ndarray:
    """A pulsed hum: what the recorded background is, for both sides."""
    time_s = np.arange(n) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * 118 * k * time_s) / k for k in range(1, 16))
    return (0.05 * hum * (np.sin(2 * np.pi * 6 * time_s) > 0) + 0.02 * coloured(n, 3, 1)).astype(np.float32)


def room() -> np.ndarray:
    """The impulse response of a room: a direct sound and a tail that falls by 60 dB within RT60_S."""
    n = round(ROOM_S * RATE_HZ)
    tail = 0.05 * rng_for(0, "room", "benchmark").standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE_HZ / RT60_S)
    tail[0] = 1.0
    return (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)


class Pooled(Noise, frozen=True):
    """A noise of a pool: `white`, `pink` or `machine`."""

    kind: str

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> np.ndarray:
        """A stretch of it."""
        size = round(POOL_S * rate_hz)
        make = {"white": lambda: coloured(size, 0, 2), "pink": lambda: coloured(size, 3, 3), "machine": _machine(size)}
        return taken_from(scene.banks.get(self.kind, lambda: looped(make[self.kind](), rate_hz)), n, rng, scene)


def _machine(size: int) -> Callable[[], np.ndarray]:
    return lambda: machine(size)


class Band(Filter, frozen=True):
    """A telephone's band: a linear-phase filter."""

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, int]:
        """Its taps."""
        from scipy.signal import firwin

        return scene.banks.get("band", lambda: firwin(BAND_TAPS, BAND_HZ, pass_zero=False, fs=rate_hz)), BAND_TAPS // 2


class Room(Filter, frozen=True):
    """The room."""

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[np.ndarray, int]:
        """Its impulse response."""
        return scene.banks.get("room", room), 0


NINE: dict[str, tuple[Stressor, ...]] = {
    **{f"white@{snr}dB": (Pooled(snr_db=snr, kind="white"),) for snr in (15.0, 5.0)},
    **{f"pink@{snr}dB": (Pooled(snr_db=snr, kind="pink"),) for snr in (15.0, 5.0)},
    **{f"machine@{snr}dB": (Pooled(snr_db=snr, kind="machine"),) for snr in (15.0, 10.0, 5.0)},
    "band": (Band(),),
    "room": (Room(),),
}
"""Nine conditions, each with its chain of steps."""


class Rooms:
    """One of the nine as an environment: what the runner and the batched path apply."""

    def __init__(self, name: str) -> None:
        self.name = name

    def stressors(self, level: str | None) -> tuple[Stressor, ...]:
        """Its steps."""
        return NINE[self.name]

    def apply(self, waveform: Waveform, condition: Condition, utterance_id: str, scene: Scene) -> Waveform:
        """As `Environment.apply`."""
        rng = rng_for(condition.seed, utterance_id, condition.condition_id)
        for stressor in self.stressors(condition.level):
            waveform = stressor.apply(waveform, rng, scene)
        return waveform


ROOMS = {name: Rooms(name) for name in NINE}


def filled_banks(folder: Path | None = None) -> Banks:
    """The banks of the nine, made already: a run makes them once, so no clip pays for them."""
    banks = Banks(folder)
    silence = Waveform(speech_like(0.5), RATE_HZ)
    for name, where in ROOMS.items():
        where.apply(silence, Condition(name), "u", Scene("u", banks=banks))
    return banks


def written(folder: Path, n_clips: int, seconds: float = 10.0, form: str = "flac") -> list[Path]:
    """Clips as files."""
    paths = [folder / f"clip{number}.{form}" for number in range(n_clips)]
    for number, path in enumerate(paths):
        soundfile.write(path, speech_like(seconds, number), RATE_HZ)
    return paths


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of the process."""
    start = time.process_time()
    work()
    return time.process_time() - start
