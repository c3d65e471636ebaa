"""A customer's own room, synthesised from the profile of a recording (`asrfair profile`): as much of it as is needed.

The numbers of the profile stand in the environment file itself (`[steps.profile]`); the recording is not needed.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from asrfair.seeds import rng_for
from asrfair.stress._base import Noise, step_digest
from asrfair.stress.lab.profile import Profile
from asrfair.stress.lab.synthesis import synthesise
from asrfair.stress.pool import FADE_S, POOL_S, looped, taken_from
from asrfair.stress.scene import Scene


class Profiled(Noise, frozen=True, dict=True):
    """The noise of a profiled room, mixed at an SNR over active speech.

    Attributes:
        snr_db: active speech level minus the room's level, dB.
        profile: what was measured.
    """

    profile: Profile

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """The room from a moment that the utterance draws."""
        key = f"{self._said} {rate_hz} Hz seed {scene.seed}"
        return taken_from(scene.banks.get(key, lambda: self._pool(rate_hz, key)), n, rng, scene)

    @functools.cached_property
    def _said(self) -> str:
        """What the pool depends on; a profile is long, and is written out once."""
        return step_digest(self, "snr_db")

    def _pool(self, rate_hz: int, key: str) -> NDArray[np.float32]:
        """A minute of the room, as a loop."""
        return looped(synthesise(self.profile, POOL_S + FADE_S, rate_hz, rng_for(0, key, "pool")), rate_hz)
