"""Whole batches of clips into their rooms with torch, on a graphics card or on the CPU.

A batch has any mixture of utterances, lengths and conditions of one sample rate. The draws are made on the CPU, row by
row, from the same generators in the same order as `Environment.apply`: which stretch of which pool, which response.
What is done to samples is done on the device, for all rows at once: `Noise` steps take their stretches from pools that
live there, `Filter` steps are convolutions by FFT. Every other step (a codec, a lost packet) is applied on the CPU, row
by row, and so is every step before it: a codec answers to the last bit of what it is given. They are named in
`Batch.on_cpu`.

The level that an SNR is set by is that of the clip, measured once on the CPU (or known by its scene), as long as no
step has changed the row; after that it is measured on the device by the same definition (`tensors.active_levels`).
Scenes are filled as on the CPU. Results differ from those of the CPU by the rounding of float32 only: by less than
2e-6 of full scale, and 0.001 dB in levels and SNRs; a row does not depend on the rows beside it beyond that.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import ActiveLevel
from asrfair.errors import AudioError, InputError
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress import tensors
from asrfair.stress._base import Filter, Noise, Stressor
from asrfair.stress.batch import Asked, Batch, Row, Work
from asrfair.stress.mix import gain_between, mixed_in
from asrfair.stress.scene import NOMINAL_SPEECH_DBFS
from asrfair.stress.tensors import Tensor

MOST_HELD = 256
"""So many pools and spectra live on the device; those that were not used for the longest time go first."""

Samples = NDArray[np.float32]
Drawn = TypeVar("Drawn")


class Room(Protocol):
    """What an `Environment` is asked for here."""

    def stressors(self, level: str | None) -> Sequence[Stressor]:
        """The steps at a level."""


class Batched:
    """Environments on a device; keeps their pools and spectra there.

    Args:
        environments: by name.
        device: as torch names it, e.g. `cuda`.

    Raises:
        MissingExtraError: torch is not installed.
    """

    def __init__(self, environments: Mapping[str, Room], device: str = "cpu") -> None:
        self._torch = tensors.torch_for("the batched stress path")
        self._environments = environments
        self.device = self._torch.device(device)
        self._held: OrderedDict[tuple[object, ...], tuple[Samples, Tensor]] = OrderedDict()

    def apply(self, asked: Sequence[Asked]) -> Batch:
        """All rows as they are heard.

        Raises:
            InputError: the batch is empty, or its rows have several sample rates.
        """
        rates = {one.waveform.sample_rate_hz for one in asked}
        if len(rates) != 1:
            raise InputError(f"a batch has one sample rate, not {sorted(rates)}: resample, or make several batches")
        work = Work([self._row(one) for one in asked], self._uploaded(asked), rates.pop())
        for number in range(max(len(row.steps) for row in work.rows)):
            for way in (self._add_noises, self._filter, self._apply_alone):
                places = [place for place, row in enumerate(work.rows) if self._way(row, number) == way]
                if places:
                    way(work, places, number)
        return _finished(work)

    def _row(self, asked: Asked) -> Row:
        """A row before its first step."""
        condition = asked.condition
        steps = self._environments[condition.environment].stressors(condition.level) if condition.environment else ()
        rng = rng_for(condition.seed, asked.utterance_id, condition.condition_id)
        return Row(asked, steps, rng, len(asked.waveform.samples), asked.waveform)

    def _way(self, row: Row, number: int) -> Callable[[Work, list[int], int], None] | None:
        """How a step is worked on."""
        if row.error is not None or number >= len(row.steps):
            return None
        if not all(_is_noise(step) or _is_filter(step) for step in row.steps[number:]):
            return self._apply_alone
        return self._add_noises if _is_noise(row.steps[number]) else self._filter

    def _uploaded(self, asked: Sequence[Asked]) -> Tensor:
        """The clips on the device, each sent once however many rows it has."""
        clips = list({id(one.waveform): one.waveform for one in asked}.values())
        places = {id(clip): place for place, clip in enumerate(clips)}
        together = np.zeros((len(clips), max(len(clip.samples) for clip in clips)), dtype=np.float32)
        for row, clip in zip(together, clips, strict=True):
            row[: len(clip.samples)] = clip.samples
        sent = self._torch.from_numpy(together).to(self.device)
        return sent[[places[id(one.waveform)] for one in asked]]

    def _add_noises(self, work: Work, places: list[int], number: int) -> None:
        """One noise step of some rows."""
        levels = work.levels(places)
        drawn = _drawn(work, places, lambda place, row: _draw_noise(row, number, work.rate_hz, levels.get(place)))
        if not drawn:
            return
        places, speech = list(drawn), work.samples[list(drawn)]
        noise = self._torch.zeros_like(speech)
        for into, place in zip(noise, places, strict=True):
            into[: work.rows[place].n] = self._noise(work.rows[place], drawn[place].samples)
        made, kept, energies = tensors.mixed(speech, noise, [one.gain for one in drawn.values()])
        work.samples[places] = made
        for place, factor, energy in zip(places, kept, energies, strict=True):
            row, one = work.rows[place], drawn[place]
            row.heard, row.is_mix = None, True
            row.asked.scene.gain_db += 20 * math.log10(factor)
            noise_dbfs = 10 * math.log10(energy / row.n) if energy > 0 else None
            mixed_in(row.asked.scene, one.snr_db, one.speech_dbfs, factor, noise_dbfs)

    def _noise(self, row: Row, noise: Samples) -> Tensor:
        """The noise of a row on the device: cut there, where it is a stretch of a pool; else sent."""
        taken = row.asked.scene.taken
        if taken is None or taken.samples is not noise:
            return self._sent(noise)
        pool = self._on_device(taken.pool, "pool", lambda: self._sent(taken.pool))
        if taken.start + row.n <= len(pool):
            return pool[taken.start : taken.start + row.n]
        return pool[(taken.start + self._torch.arange(row.n, device=self.device)) % len(pool)]

    def _sent(self, samples: Samples) -> Tensor:
        """An array on the device."""
        return self._torch.tensor(samples, dtype=self._torch.float32, device=self.device)

    def _filter(self, work: Work, places: list[int], number: int) -> None:
        """One filter step of some rows."""
        drawn = _drawn(work, places, lambda _, row: _draw_response(row, number, work.rate_hz))
        if not drawn:
            return
        from scipy.fft import next_fast_len

        places, lengths = list(drawn), work.lengths(list(drawn))
        size = next_fast_len(max(lengths) + max(len(taps) for taps, _ in drawn.values()) - 1, real=True)
        spectra = self._torch.stack([self._spectrum(taps, size) for taps, _ in drawn.values()])
        samples = work.samples[places][:, : max(lengths)]
        heard = tensors.convolved(samples, spectra, size, [delay for _, delay in drawn.values()])
        heard *= tensors.within(heard, lengths)
        factors = tensors.turned_down(heard).double().cpu().tolist()
        work.samples[places, : max(lengths)] = heard
        for place, factor in zip(places, factors, strict=True):
            row = work.rows[place]
            row.heard, row.is_mix = None, False
            row.asked.scene.gain_db += 20 * math.log10(factor)

    def _spectrum(self, taps: Samples, size: int) -> Tensor:
        """The spectrum of a filter on the device."""
        return self._on_device(taps, f"spectrum {size}", lambda: self._torch.fft.rfft(self._sent(taps), size))

    def _apply_alone(self, work: Work, places: list[int], number: int) -> None:
        """A step that only the CPU knows, row by row."""
        for place in places:
            row = work.rows[place]
            heard = row.heard or Waveform(work.samples[place, : row.n].cpu().numpy().copy(), work.rate_hz)
            work.on_cpu.add(type(row.steps[number]).__name__)
            try:
                work.put(place, row.steps[number].apply(heard, row.rng, row.asked.scene))
            except AudioError as error:
                row.error = error

    def _on_device(self, source: Samples, what: str, make: Callable[[], Tensor]) -> Tensor:
        """Something made of a bank's array, held on the device; of other arrays it is made each time."""
        if source.flags.writeable:
            return make()
        key = (source.__array_interface__["data"][0], source.shape, source.strides, what)
        if key not in self._held:
            self._held[key] = (source, make())
            if len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key][1]


def _is_noise(step: Stressor) -> bool:
    """Whether a step is a noise and nothing else."""
    return isinstance(step, Noise) and type(step).apply is Noise.apply


def _is_filter(step: Stressor) -> bool:
    """Whether a step is a filter and nothing else."""
    return isinstance(step, Filter) and type(step).apply is Filter.apply


@dataclass(frozen=True, slots=True)
class _Noise:
    """What a noise step draws for one row: the noise, the SNR asked for, the level that it is set by, and its gain."""

    samples: Samples
    snr_db: float
    speech_dbfs: float
    gain: float


def _drawn(work: Work, places: Sequence[int], draw: Callable[[int, Row], Drawn]) -> dict[int, Drawn]:
    """What a step draws for each row, by its place; a row that cannot be put there fails."""
    drawn = {}
    for place in places:
        try:
            drawn[place] = draw(place, work.rows[place])
        except AudioError as error:
            work.rows[place].error = error
    return drawn


def _draw_noise(row: Row, number: int, rate_hz: int, level: ActiveLevel | None) -> _Noise:
    """A noise for one row; `level` is that of its speech."""
    step, scene = cast(Noise, row.steps[number]), row.asked.scene
    noise = step.sound(row.n, rate_hz, row.rng, scene)
    speech_dbfs = scene.speaks_at(level) if scene.is_speech else NOMINAL_SPEECH_DBFS
    gain = gain_between(speech_dbfs, scene.noise_level_dbfs(noise), step.snr_db)
    return _Noise(noise, step.snr_db, speech_dbfs, gain)


def _draw_response(row: Row, number: int, rate_hz: int) -> tuple[Samples, int]:
    """The response that one row goes through, and its delay."""
    return cast(Filter, row.steps[number]).response(rate_hz, row.rng, row.asked.scene)


def _finished(work: Work) -> Batch:
    """The result; rows that failed are silent."""
    for row in work.rows:
        if row.error is None and not row.n:
            name = row.asked.condition.environment
            row.error = AudioError(f"nothing is left of the audio in the environment {name}")
    failed = [place for place, row in enumerate(work.rows) if row.error is not None]
    if failed:
        work.samples[failed] = 0.0
    lengths = tuple(0 if row.error is not None else row.n for row in work.rows)
    samples = work.samples[:, : max(lengths)].contiguous()
    errors = tuple(row.error for row in work.rows)
    return Batch(samples, lengths, work.rate_hz, errors, tuple(sorted(work.on_cpu)))
