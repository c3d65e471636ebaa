"""What goes into a batch, what comes out of it, and its state on the way (see `batched`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from asrfair.audio import ActiveLevel, active_speech_level
from asrfair.errors import AudioError
from asrfair.records import Condition, Waveform
from asrfair.stress import tensors
from asrfair.stress._base import Stressor
from asrfair.stress.scene import Scene
from asrfair.stress.tensors import Tensor


@dataclass(frozen=True, slots=True)
class Asked:
    """One row of a batch.

    Attributes:
        waveform: the speech.
        condition: what it goes through; clean is left as it is.
        utterance_id: whose noise is drawn.
        scene: what the steps may draw from, and what is told of the mix; rows of one run share their banks.
    """

    waveform: Waveform
    condition: Condition
    utterance_id: str
    scene: Scene


@dataclass(frozen=True, slots=True)
class Batch:
    """What is heard.

    Attributes:
        samples: torch.Tensor on the device, float32, shape (rows, longest), zero beyond each length and where a row
            failed.
        lengths: samples of each row; 0 where it failed.
        sample_rate_hz: of all rows.
        errors: why a row failed; None where it did not.
        on_cpu: the families that were applied on the CPU, row by row.
    """

    samples: Tensor
    lengths: tuple[int, ...]
    sample_rate_hz: int
    errors: tuple[AudioError | None, ...]
    on_cpu: tuple[str, ...] = ()

    def waveforms(self) -> list[Waveform | AudioError]:
        """The rows on the CPU: what `Environment.apply` returns or raises."""
        samples = self.samples.cpu().numpy()
        rows = zip(samples, self.lengths, self.errors, strict=True)
        return [error or Waveform(row[:n].copy(), self.sample_rate_hz) for row, n, error in rows]


@dataclass(slots=True)
class Row:
    """A row under way.

    Attributes:
        asked: as it was asked for.
        steps: its chain.
        rng: the only source of its draws.
        n: samples that it has by now.
        heard: the same samples on the CPU, where they are there: before the first step, and after one on the CPU.
        error: why it failed, if so.
        is_mix: whether the last step was a noise; the level of the speech in it is known.
    """

    asked: Asked
    steps: Sequence[Stressor]
    rng: np.random.Generator
    n: int
    heard: Waveform | None
    error: AudioError | None = None
    is_mix: bool = False


@dataclass(slots=True)
class Work:
    """A batch under way.

    Attributes:
        rows: of the batch.
        samples: torch.Tensor, float32, shape (rows, longest), zero beyond the length of each.
        rate_hz: of all rows.
        on_cpu: families that were applied on the CPU.
        measured: levels that were measured on the CPU, by the identity of the waveform (which is kept for that).
    """

    rows: list[Row]
    samples: Tensor
    rate_hz: int
    on_cpu: set[str] = field(default_factory=set)
    measured: dict[int, tuple[Waveform, ActiveLevel | None]] = field(default_factory=dict)

    def lengths(self, places: Sequence[int]) -> list[int]:
        """Samples of some rows."""
        return [self.rows[place].n for place in places]

    def levels(self, places: Sequence[int]) -> dict[int, ActiveLevel | None]:
        """The active speech levels of some rows, by their places; those on which nobody speaks are left out."""
        places = [place for place in places if self.rows[place].asked.scene.is_speech]
        mixes = [place for place in places if self.rows[place].is_mix]
        levels = {place: self.rows[place].asked.scene.mix_level for place in mixes}
        levels |= {place: self._level(self.rows[place]) for place in places if self.rows[place].heard is not None}
        others = [place for place in places if place not in levels]
        if others:
            found = tensors.active_levels(self.samples[others], self.lengths(others), self.rate_hz)
            levels.update(zip(others, found, strict=True))
        return levels

    def _level(self, row: Row) -> ActiveLevel | None:
        """The level of a row that is on the CPU: known already, or measured once."""
        heard, scene = row.heard, row.asked.scene
        if heard is None or (heard is scene.clip and scene.clip_level is not None):
            return scene.clip_level
        if id(heard) not in self.measured:
            self.measured[id(heard)] = heard, active_speech_level(heard)
        return self.measured[id(heard)][1]

    def put(self, place: int, heard: Waveform) -> None:
        """Take a row from the CPU."""
        torch = tensors.torch_for("the batched stress path")
        row, n = self.rows[place], len(heard.samples)
        if n > self.samples.shape[1]:
            self.samples = torch.nn.functional.pad(self.samples, (0, n - self.samples.shape[1]))
        self.samples[place] = 0.0
        self.samples[place, :n] = torch.tensor(heard.samples, device=self.samples.device)
        row.n, row.heard, row.is_mix = n, heard, False
