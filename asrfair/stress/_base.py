"""The stressor contract. A stressor family is one file in `steps/`, found by its name: the `type` of a step.

Its fields are the keys of the step, with their units in their names. A step may write `"level"` in place of a number:
the level of the condition (`5` of `machine-hum@5dB`) is put there. A family refuses values that it cannot work with in
its `__post_init__` (`ValueError` that names the key and the allowed range), so that an environment fails when it is
loaded and never in the middle of a run.

Two kinds of step have a form of their own, because whole batches of them can be worked on at once: `Noise`, which is
added at an SNR, and `Filter`, which is a convolution.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from asrfair.records import Waveform
from asrfair.stress.mix import mix_at_snr
from asrfair.stress.scene import Scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_DB = 100.0
"""Beyond this there is no room, only overflow."""

OFFSET_ONLY_DBFS = -140.0
"""What is left of a recording without its constant offset must be above this: 16-bit noise is at -98 dBFS."""


class Stressor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of an environment. Numbers that are not finite are refused for every family.

    Attributes:
        FILES: keys that name audio files (a text, or a list of texts), relative to the environment's own file.
        IN_TURN: whether it uses `scene.turn`.
        NEEDS_VOICES: whether it uses `scene.voices`.
    """

    FILES: ClassVar[tuple[str, ...]] = ()
    IN_TURN: ClassVar[bool] = False
    NEEDS_VOICES: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number")

    def refuse(self, rules: Mapping[str, bool]) -> None:
        """Refuse a step whose rules (`KEY must be ...` -> whether it is) do not all hold.

        Raises:
            ValueError: naming the first.
        """
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(rule)

    def libraries(self) -> tuple[str, ...]:
        """Modules of the extra `stress` that this step needs with these values."""
        return ()

    @abstractmethod
    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """What the microphone hears.

        Args:
            waveform: the speech, after the steps before this one.
            rng: the only source of randomness; belongs to this utterance under this condition.
            scene: what there is to draw from; takes notes.

        Returns:
            A waveform of the same rate, float32 in [-1, 1].

        Raises:
            AudioError: this audio cannot be put there; it fails, with the reason.
        """
        raise NotImplementedError


class Noise(Stressor, frozen=True):
    """A step that adds noise at an SNR over active speech (ITU-T P.56).

    Attributes:
        snr_db: active speech level minus noise level, dB.
    """

    snr_db: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({f"snr_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": abs(self.snr_db) <= LARGEST_DB})

    @abstractmethod
    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """The noise at any level, float32, shape (n,): usually `taken_from` a pool of `scene.banks`."""
        raise NotImplementedError

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """Speech with the noise."""
        noise = self.sound(len(waveform.samples), waveform.sample_rate_hz, rng, scene)
        return mix_at_snr(waveform, noise, self.snr_db, scene)


class Filter(Stressor, frozen=True):
    """A step that is a convolution: a room, a microphone, a band limit."""

    @abstractmethod
    def response(self, rate_hz: int, rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.float32], int]:
        """The impulse response, float32, shape (taps,), and the tap that is no delay (the direct sound).

        Heard sample `t` is `sum_k response[k] * said[t - k + delay]`: the speech stays where it is.
        """
        raise NotImplementedError

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """Speech through the filter, as long as before, turned down as a whole if it would clip."""
        from asrfair.stress.convolve import convolved

        taps, delay = self.response(waveform.sample_rate_hz, rng, scene)
        return convolved(waveform, taps, delay, scene)


def step_digest(step: Stressor, *without: str) -> str:
    """A text that tells a step from others, for the key of a bank; some fields may not matter to it.

    Args:
        step: any step.
        without: fields that the bank does not depend on, such as `snr_db`.
    """
    said: dict[str, Any] = {name: getattr(step, name) for name in step.__struct_fields__ if name not in without}
    return f"{type(step).__name__}{sorted(said.items())}"
