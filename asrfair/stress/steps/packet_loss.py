"""Packet loss in bursts: the two-state model of Gilbert (1960) and Elliott (1963).

A line is good (every packet arrives) or bad (none does). From packet to packet it turns bad with probability `p` and
good again with probability `r`, so that

    mean burst length   burst_packets = 1 / r
    loss rate           loss = p / (p + r),  so  p = r loss / (1 - loss)

The first packet is lost with probability `loss`. Independent losses have `burst_packets = 1 / (1 - loss)`. Elliott's
model has two more numbers, the loss rates within the states; here they are 0 and 1.

Lost packets are concealed by

- `zeros`: silence;
- `repeat`: the last packet that arrived, again and again, fading to nothing within `FADE_MS` (as ITU-T G.711 Appendix I
  fades; it repeats pitch periods instead, so that it sounds smoother than this);
- `opus`: the speech goes through Opus at `bitrate_kbps`, and the decoder of libopus, told which packets did not arrive,
  does what it does in a call (extra `stress`).

The speech stays where it is: a late packet is a lost one.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asrfair.records import Waveform
from asrfair.stress._base import Stressor
from asrfair.stress.coding import CODECS, FLUSH_S, through_codec
from asrfair.stress.scene import Scene

FADE_MS = 60.0
MOST_PERCENT = 90.0
MOST_PACKETS = 1000.0
SHORTEST_MS, LONGEST_MS = 2.5, 200.0
OPUS_MS = (10, 20, 40, 60)


class PacketLoss(Stressor, frozen=True):
    """A line that loses packets.

    Attributes:
        loss_percent: of the packets, per cent.
        burst_packets: how many are lost in a row, on average.
        packet_ms: length of a packet.
        conceal: what is heard in place of a lost packet.
        bitrate_kbps: of Opus, kbit/s; for `conceal = "opus"` only.
    """

    loss_percent: float
    burst_packets: float
    packet_ms: float = 20.0
    conceal: Literal["zeros", "repeat", "opus"] = "repeat"
    bitrate_kbps: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse({f"loss_percent must be 0 to {MOST_PERCENT:g} %": 0 <= self.loss_percent <= MOST_PERCENT})
        loss = self.loss_percent / 100
        fewest = max(1.0, loss / (1 - loss))
        opus, is_opus, rate = CODECS["opus"], self.conceal == "opus", self.bitrate_kbps
        rules = {
            f"burst_packets must be {fewest:.4g} to {MOST_PACKETS:g} at a loss of {self.loss_percent:g} %": fewest
            <= self.burst_packets
            <= MOST_PACKETS,
            f"packet_ms must be {SHORTEST_MS:g} to {LONGEST_MS:g} ms": SHORTEST_MS <= self.packet_ms <= LONGEST_MS,
            f"packet_ms must be one of {', '.join(map(str, OPUS_MS))} for opus": not is_opus
            or self.packet_ms in OPUS_MS,
            f"bitrate_kbps must be {opus.allowed()} for opus": not is_opus or (rate is not None and opus.allows(rate)),
            'bitrate_kbps is for conceal = "opus" only': is_opus or rate is None,
        }
        self.refuse(rules)

    def lost(self, n_packets: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which packets do not arrive, shape (n_packets,)."""
        loss = self.loss_percent / 100
        turns_good = 1 / self.burst_packets
        turns_bad = turns_good * loss / (1 - loss)
        lost = np.zeros(n_packets, dtype=np.bool_)
        draws = rng.random(n_packets)
        bad = False
        for number, draw in enumerate(draws):
            chance = loss if number == 0 else (1 - turns_good if bad else turns_bad)
            lost[number] = bad = bool(draw < chance)
        return lost

    def libraries(self) -> tuple[str, ...]:
        """PyAV, where Opus itself conceals."""
        return CODECS["opus"].libraries if self.conceal == "opus" else ()

    def apply(self, waveform: Waveform, rng: np.random.Generator, scene: Scene) -> Waveform:
        """The speech without what was lost."""
        n, rate = len(waveform.samples), waveform.sample_rate_hz
        if self.bitrate_kbps is not None:
            lost = self.lost(math.ceil((n / rate + FLUSH_S) * 1000 / self.packet_ms) + 2, rng)
            gone = set(np.flatnonzero(lost).tolist())
            return through_codec(waveform, "opus", self.bitrate_kbps, gone, int(self.packet_ms))
        size = round(self.packet_ms / 1000 * rate)
        packets = np.pad(waveform.samples, (0, -n % size)).reshape(-1, size)
        heard = self._concealed(packets, self.lost(len(packets), rng))
        return Waveform(heard.reshape(-1)[:n], rate)

    def _concealed(self, packets: NDArray[np.float32], lost: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Packets with something in place of those that are lost, shape (packets, samples of one)."""
        if self.conceal == "zeros":
            return np.where(lost[:, np.newaxis], np.float32(0), packets)
        number = np.arange(len(packets))
        latest = np.maximum.accumulate(np.where(lost, -1, number))
        since_ms = self.packet_ms * (
            (number - latest - 1)[:, np.newaxis] + (np.arange(packets.shape[1]) + 0.5) / packets.shape[1]
        )
        fade = np.clip(1 - since_ms / FADE_MS, 0.0, 1.0).astype(np.float32)
        fade[latest < 0] = 0.0
        return np.where(lost[:, np.newaxis], packets[latest] * fade, packets)
