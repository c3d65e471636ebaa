"""The stressor contract. A stressor family is one file in this folder, found by its name: the `type` of a step.

Its fields are the keys of the step, with their units in their names. A step may write `"level"` in place of a number:
the level of the condition (`5` of `machine-hum@5dB`) is put there. A family refuses values that it cannot work with in
its `__post_init__` (`ValueError`), so that an environment fails when it is loaded and never in the middle of a run.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING

import msgspec

from asrfair.records import Waveform

if TYPE_CHECKING:
    import numpy as np


class Stressor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of an environment. Numbers that are not finite are refused for every family."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number")

    @abstractmethod
    def apply(self, waveform: Waveform, rng: np.random.Generator) -> Waveform:
        """What the microphone hears.

        Args:
            waveform: the speech, after the steps before this one.
            rng: the only source of randomness; belongs to this utterance under this condition.

        Returns:
            A waveform of the same rate.
        """
        raise NotImplementedError
