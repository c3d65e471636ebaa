"""Measured rooms, lines and microphones: convolution with recorded impulse responses.

A recording is resampled to the engine's rate, cut `LEAD_S` before its direct sound (its largest sample) and brought to
unit energy, so that a loud response is no gain: speech with a flat spectrum keeps its level. The direct sound is no
delay: the speech stays where it is and keeps its length; reverberation after its end is not heard. With several
recordings each speaker goes through them in turn, from one that the speaker draws, so that all groups hear all of them.
Give recordings of one channel within full scale: as with all audio here, channels are averaged and peaks clipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import direct_tap, file_sha256, read_audio, resample
from asrfair.seeds import stable_hash
from asrfair.stress._base import Filter
from asrfair.stress.scene import Scene

LEAD_S = 0.0025
"""Kept before the direct sound, s: room for what resampling and measuring smear ahead of it."""


class ImpulseResponse(Filter, frozen=True):
    """A measured room.

    Attributes:
        file: the recorded impulse response; relative to the environment's own file.
        files: several of them, in place of one.
    """

    FILES: ClassVar[tuple[str, ...]] = ("file", "files")
    IN_TURN: ClassVar[bool] = True

    file: str | None = None
    files: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({"file or files must be given, and not both": bool(self.file) != bool(self.files)})

    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.float32], int]:
        """The recording whose turn it is."""
        paths = [Path(name) for name in self.files or [self.file or ""]]
        digests = [file_sha256(path) for path in paths]
        speaker = scene.speaker_id or scene.utterance_id
        number = (stable_hash(scene.seed, speaker, f"impulse_response {digests}") + scene.turn) % len(paths)
        key = f"impulse_response {digests[number]} {rate_hz} Hz"
        taps = scene.banks.get(key, lambda: recorded(paths[number], rate_hz))
        return taps, direct_tap(taps)


def recorded(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """A recorded impulse response, from shortly before its direct sound on.

    Args:
        path: the recording.
        rate_hz: wanted.

    Returns:
        float32, shape (taps,), unit energy.

    Raises:
        AudioError: it cannot be read.
    """
    waveform, _ = read_audio(path)
    samples = resample(waveform, rate_hz).samples.astype(np.float64)
    taps = samples[max(0, direct_tap(samples) - round(LEAD_S * rate_hz)) :]
    return (taps / np.linalg.norm(taps)).astype(np.float32)
