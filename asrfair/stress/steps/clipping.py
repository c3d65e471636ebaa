"""Clipping: a microphone or an amplifier that is overdriven. Samples beyond a limit are held at it; none is turned up.

The limit is where the stated share of the samples lies beyond it, or so many dB above the active speech level (ITU-T
P.56), which is the same for a quiet and a loud speaker. The peaks of clean speech are about 15 to 20 dB above it.
"""

from __future__ import annotations

import numpy as np

from asrfair.audio import active_speech_level
from asrfair.errors import AudioError
from asrfair.records import Waveform
from asrfair.stress._base import LARGEST_DB, Stressor
from asrfair.stress.scene import NOMINAL_SPEECH_DBFS, Scene


class Clipping(Stressor, frozen=True):
    """An overdriven microphone. One of its keys must be given, and not both.

    Attributes:
        share_percent: of the samples that are clipped, per cent.
        over_active_db: limit above the active speech level, dB.
    """

    share_percent: float | None = None
    over_active_db: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        share, over_db = self.share_percent, self.over_active_db
        rules = {
            "share_percent or over_active_db must be given, and not both": (share is None) != (over_db is None),
            "share_percent must be 0 to 90 %": share is None or 0 <= share <= 90,
            f"over_active_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": over_db is None
            or abs(over_db) <= LARGEST_DB,
        }
        self.refuse(rules)

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The speech with its peaks held at the limit."""
        limit = np.float32(self._limit(waveform, scene))
        return Waveform(np.clip(waveform.samples, -limit, limit), waveform.sample_rate_hz)

    def _limit(self, waveform: Waveform, scene: Scene) -> float:
        """The largest sample that passes."""
        if self.over_active_db is None:
            return float(np.quantile(np.abs(waveform.samples), 1 - (self.share_percent or 0.0) / 100))
        level_dbfs = NOMINAL_SPEECH_DBFS
        if scene.is_speech:
            level = active_speech_level(waveform)
            if level is None:
                raise AudioError("the speech is silent (every sample is 0), so it has no level to clip above")
            level_dbfs = level.level_dbfs
        return min(1.0, float(10 ** ((level_dbfs + self.over_active_db) / 20)))
