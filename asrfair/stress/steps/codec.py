"""Codecs of telephones, voice calls and recorders: real encoders and decoders (`asrfair.stress.coding`).

The speech stays where it is, to within a sample of the codec's rate, and keeps its length. A codec of 8 kHz takes away
what is above 4 kHz. `g711-mulaw`, `g711-alaw` and `gsm` need nothing more; the others need the extra `stress` (PyAV).
"""

from __future__ import annotations

import numpy as np

from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.coding import CODECS, through_codec
from asrfair.stress.scene import Scene


class Codec(Stressor, frozen=True):
    """A codec.

    Attributes:
        codec: which.
        bitrate_kbps: one that the codec has, kbit/s; may be left out where it has only one.
    """

    codec: str
    bitrate_kbps: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({f"codec must be one of {', '.join(sorted(CODECS))}": self.codec in CODECS})
        rule = f"bitrate_kbps must be {CODECS[self.codec].allowed()} for {self.codec}"
        self.refuse({rule: self._bitrate_kbps is not None and CODECS[self.codec].allows(self._bitrate_kbps)})

    @property
    def _bitrate_kbps(self) -> float | None:
        """As given, or the codec's only one."""
        rates = CODECS[self.codec].bitrates_kbps
        return rates[0] if self.bitrate_kbps is None and len(rates) == 1 else self.bitrate_kbps

    def libraries(self) -> tuple[str, ...]:
        """PyAV, where libsndfile does not have the codec."""
        return CODECS[self.codec].libraries

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The speech after the codec."""
        return through_codec(waveform, self.codec, self._bitrate_kbps or 0.0)
