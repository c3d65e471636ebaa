"""Level: speech that is louder or quieter. What goes beyond full scale is clipped, as in a recorder; the scene says so.

0 dB is the same audio once more, to the bit: what changes in the transcripts is the recogniser's own doing.
"""

from __future__ import annotations

import numpy as np

from asrfair.records import Waveform
from asrfair.stress._base import LARGEST_DB, Stressor
from asrfair.stress.scene import Scene


class Gain(Stressor, frozen=True):
    """A change of level.

    Attributes:
        gain_db: dB; negative for quieter.
    """

    gain_db: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({f"gain_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": abs(self.gain_db) <= LARGEST_DB})

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The louder or quieter speech, clipped at full scale."""
        if self.gain_db == 0:
            return waveform
        samples = waveform.samples * np.float32(10 ** (self.gain_db / 20))
        if np.abs(samples).max(initial=0.0) > 1.0:
            scene.note("the gain clips the speech")
        return Waveform(np.clip(samples, -1.0, 1.0), waveform.sample_rate_hz)
