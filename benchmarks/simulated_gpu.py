"""An engine that takes as long as a fast model on a graphics card, and no CPU: RTFX seconds of audio a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from asrfair.adapters import Adapter
from asrfair.records import SystemInfo, Transcript, Waveform


class SimulatedGpu(Adapter):
    """Waits, and keeps a log of when it was busy: a line `began ended audio_s` a batch (monotonic seconds).

    Args:
        rtfx: seconds of audio that the model takes in a second.
        log: file that lines are appended to.
        batch_size: waveforms a batch.
    """

    def __init__(self, rtfx: float = 3400.0, log: str | None = None, batch_size: int = 16) -> None:
        self.rtfx, self.log, self.batch_size = rtfx, log, batch_size
        self.lines: list[tuple[float, float, float]] = []

    def describe(self) -> SystemInfo:
        """What it is."""
        return SystemInfo("simulated-gpu", "1", {"rtfx": self.rtfx})

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Be busy for as long as the batch would take."""
        began, audio_s = time.monotonic(), sum(waveform.duration_s for waveform in batch)
        time.sleep(max(0.0, audio_s / self.rtfx - 6e-5))  # A sleep lasts about that much longer.
        self.lines.append((began, time.monotonic(), audio_s))
        if self.log is not None:
            with Path(self.log).open("a", encoding="ascii") as file:
                file.write(" ".join(map(str, self.lines[-1])) + "\n")
        return [Transcript("") for _ in batch]
