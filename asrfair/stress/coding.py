"""Speech codecs as they are: encode, decode, and put the speech back where it was.

| codec | rate | bit rates, kbit/s | standard | by |
|---|---|---|---|---|
| `g711-mulaw`, `g711-alaw` | 8 kHz | 64 | ITU-T G.711 | libsndfile |
| `gsm` | 8 kHz | 13 | ETSI GSM 06.10 full rate | libsndfile |
| `g726` | 8 kHz | 16, 24, 32, 40 | ITU-T G.726 | PyAV |
| `amr-nb` | 8 kHz | 4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2 | 3GPP TS 26.071 | PyAV (OpenCORE) |
| `g722` | 16 kHz | 64 | ITU-T G.722 | PyAV |
| `opus` | 16 kHz | 6 to 64 | RFC 6716, `voip`, constant bit rate | PyAV (libopus) |
| `mp3` | 16 kHz | 8 to 160, of MPEG-2 layer III | ISO 13818-3 | PyAV (LAME) |

Speech is resampled to the codec's rate and back (soxr), and clipped and rounded to 16 bits first: libsndfile wraps
what is beyond full scale. A codec's delay is measured once, by cross-correlation over a made-up voice, and taken out,
to a sample of the codec's rate. PyAV is the extra `stress`.

G.711 rounds to 16 steps a doubling, so that its signal-to-noise ratio hardly depends on level: about 38 dB in theory;
37.4 (mu-law) and 37.6 dB (A-law) are measured for Gaussian noise at -13 dBFS, 34 dB at -42 dBFS.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import soundfile
from numpy.typing import NDArray

from asrfair.audio import resample
from asrfair.errors import MissingExtraError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

PCM = NDArray[np.int16]
FULL_SCALE = 32768.0
FRAME_MS = 20
FLUSH_S = 0.15
"""Silence after the speech, so that a codec with a delay gives all of it back."""

LONGEST_DELAY_S = 0.12
PROBE_S = 2.0


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec can do.

    Attributes:
        rate_hz: its own sample rate.
        bitrates_kbps: that it has, rising.
        subtype: of libsndfile; None where PyAV does it.
        encoder, decoder: of PyAV.
        sample_format: that the encoder takes.
        options: of the encoder.
        between: whether any bit rate between the first and the last will do.
    """

    rate_hz: int
    bitrates_kbps: tuple[float, ...]
    subtype: str | None = None
    encoder: str = ""
    decoder: str = ""
    sample_format: str = "s16"
    options: dict[str, str] = field(default_factory=dict)
    between: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:
        """Modules of the extra `stress` that it needs."""
        return () if self.subtype is not None else ("av",)

    def allows(self, bitrate_kbps: float) -> bool:
        """Whether it has this bit rate."""
        inside = self.bitrates_kbps[0] <= bitrate_kbps <= self.bitrates_kbps[-1]
        return bitrate_kbps in self.bitrates_kbps or (self.between and inside)

    def allowed(self) -> str:
        """Its bit rates, for a refusal."""
        numbers = [f"{rate:g}" for rate in self.bitrates_kbps]
        return " to ".join(numbers) if self.between else ", ".join(numbers)


AMR_KBPS = (4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2)
MP3_KBPS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
VOIP = {"application": "voip", "vbr": "off"}
CODECS = {
    "amr-nb": Codec(8_000, AMR_KBPS, encoder="libopencore_amrnb", decoder="amrnb"),
    "g711-alaw": Codec(8_000, (64,), "ALAW"),
    "g711-mulaw": Codec(8_000, (64,), "ULAW"),
    "g722": Codec(16_000, (64,), encoder="g722", decoder="g722"),
    "g726": Codec(8_000, (16, 24, 32, 40), encoder="g726"),
    "gsm": Codec(8_000, (13,), "GSM610"),
    "mp3": Codec(16_000, MP3_KBPS, encoder="libmp3lame", decoder="mp3float", sample_format="s16p"),
    "opus": Codec(16_000, (6, 64), encoder="libopus", decoder="libopus", options=VOIP, between=True),
}


def through_codec(
    waveform: Waveform, name: str, bitrate_kbps: float, lost: Collection[int] = (), frame_ms: int = FRAME_MS
) -> Waveform:
    """Speech as it is after a codec, where it was and as long as it was.

    Args:
        waveform: float32, shape (n,), any rate.
        name: of `CODECS`.
        bitrate_kbps: that the codec has.
        lost: numbers of the packets that do not arrive, which the decoder conceals; Opus only.
        frame_ms: length of a packet; Opus only (10, 20, 40 or 60).

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    codec = CODECS[name]
    pcm = _pcm(resample(waveform, codec.rate_hz).samples)
    delay = codec_delay(name, bitrate_kbps, frame_ms)
    decoded = _coded(pcm, name, bitrate_kbps, lost, frame_ms)[delay : delay + len(pcm)]
    decoded = np.pad(decoded, (0, len(pcm) - len(decoded)))
    heard = resample(Waveform(np.clip(decoded, -1.0, 1.0), codec.rate_hz), waveform.sample_rate_hz).samples
    n = len(waveform.samples)
    return Waveform(np.pad(heard[:n], (0, max(0, n - len(heard)))), waveform.sample_rate_hz)


@functools.lru_cache(maxsize=256)
def codec_delay(name: str, bitrate_kbps: float, frame_ms: int = FRAME_MS) -> int:
    """By how many samples of its own rate a codec is late: where a made-up voice correlates best with itself."""
    rate = CODECS[name].rate_hz
    said = made_up_voice(rate)
    heard = _coded(_pcm(said), name, bitrate_kbps, (), frame_ms)
    size = 2 ** math.ceil(math.log2(len(said) + len(heard)))
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    return int(np.argmax(match[: round(LONGEST_DELAY_S * rate)]))


def made_up_voice(rate_hz: int) -> NDArray[np.float32]:
    """Two seconds of pulses of a gliding pitch through three formants, in syllables, with some breath.

    Codecs for speech follow the waveform of a voice, and not that of noise.
    """
    from scipy.signal import lfilter

    n = round(PROBE_S * rate_hz)
    time = np.arange(n) / rate_hz
    turns = np.cumsum(130 + 30 * np.sin(2 * np.pi * 0.7 * time)) / rate_hz
    sound = np.diff(np.floor(turns), prepend=0.0) + 0.02 * rng_for(0, "made-up voice", "codec").standard_normal(n)
    for formant_hz, width_hz in ((600.0, 80.0), (1200.0, 100.0), (2500.0, 150.0)):
        radius = math.exp(-math.pi * width_hz / rate_hz)
        poles = [1.0, -2 * radius * math.cos(2 * math.pi * formant_hz / rate_hz), radius**2]
        sound = lfilter([sum(poles)], poles, sound)
    sound = np.asarray(sound) * (0.55 - 0.45 * np.cos(2 * np.pi * 4 * time))
    return np.asarray(0.5 * sound / np.abs(sound).max(), dtype=np.float32)


def _pcm(samples: NDArray[np.float32]) -> PCM:
    """16-bit samples; what is beyond full scale is clipped."""
    return np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _coded(pcm: PCM, name: str, bitrate_kbps: float, lost: Collection[int], frame_ms: int) -> NDArray[np.float32]:
    """What comes out, late by the codec's delay, at the codec's rate."""
    codec = CODECS[name]
    padded = np.concatenate([pcm, np.zeros(round(FLUSH_S * codec.rate_hz), dtype=np.int16)])
    if codec.subtype is not None:
        return _by_libsndfile(padded, codec.subtype, codec.rate_hz)
    packets = encoded(padded, name, bitrate_kbps, frame_ms)
    if name == "g726":
        return _decoded_g726(packets, bitrate_kbps)
    # An Opus packet without a frame (RFC 6716, 3.2.1: table of contents, code 0, no bytes) is one that was lost.
    received = [bytes([packet[0] & 0xFC]) if number in lost else packet for number, packet in enumerate(packets)]
    return _decoded(received, codec)


def _by_libsndfile(pcm: PCM, subtype: str, rate_hz: int) -> NDArray[np.float32]:
    """Through a codec of libsndfile, in memory."""
    memory = io.BytesIO()
    soundfile.write(memory, pcm, rate_hz, format="RAW", subtype=subtype)
    memory.seek(0)
    decoded, _ = soundfile.read(memory, dtype="float32", samplerate=rate_hz, channels=1, format="RAW", subtype=subtype)
    return np.asarray(decoded, dtype=np.float32)


def _av() -> ModuleType:
    """PyAV.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingExtraError("this codec (amr-nb, g722, g726, mp3 or opus)", "stress") from error
    return av


def encoded(pcm: PCM, name: str, bitrate_kbps: float, frame_ms: int = FRAME_MS) -> list[bytes]:
    """The packets that an encoder of PyAV makes.

    Args:
        pcm: int16, shape (n,), at the codec's rate; its last frame is filled up with silence.
        name: of a codec that PyAV does.
        bitrate_kbps: that the codec has.
        frame_ms: length of a packet; Opus only.

    Raises:
        MissingExtraError: PyAV is not installed.
    """
    av, codec = _av(), CODECS[name]
    encoder = av.CodecContext.create(codec.encoder, "w")
    encoder.sample_rate, encoder.layout, encoder.format = codec.rate_hz, "mono", codec.sample_format
    encoder.bit_rate, encoder.thread_count = round(1000 * bitrate_kbps), 1
    encoder.options = codec.options | ({"frame_duration": str(frame_ms)} if name == "opus" else {})
    encoder.open()
    size = encoder.frame_size or round(FRAME_MS / 1000 * codec.rate_hz)
    padded = np.pad(pcm, (0, -len(pcm) % size))
    packets = []
    for start in range(0, len(padded), size):
        frame = av.AudioFrame.from_ndarray(
            padded[np.newaxis, start : start + size], format=codec.sample_format, layout="mono"
        )
        frame.sample_rate, frame.pts = codec.rate_hz, start
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets + encoder.encode(None)]


def _decoded(packets: Sequence[bytes], codec: Codec) -> NDArray[np.float32]:
    """What a decoder of PyAV makes of packets, at the codec's rate."""
    av = _av()
    decoder = av.CodecContext.create(codec.decoder, "r")
    decoder.sample_rate, decoder.layout, decoder.thread_count = codec.rate_hz, "mono", 1
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))] + decoder.decode(None)
    return resample(Waveform(_joined(frames), decoder.sample_rate), codec.rate_hz).samples


def _decoded_g726(packets: Sequence[bytes], bitrate_kbps: float) -> NDArray[np.float32]:
    """G.726 by its demuxer: its decoder cannot be told the bits of a sample in another way."""
    options = {"code_size": f"{bitrate_kbps / 8:g}", "sample_rate": "8000"}
    with _av().open(io.BytesIO(b"".join(packets)), format="g726", options=options) as file:
        return _joined(list(file.decode(audio=0)))


def _joined(frames: Sequence[object]) -> NDArray[np.float32]:
    """Frames of one channel as samples."""
    samples = np.concatenate([np.asarray(frame.to_ndarray()).reshape(-1) for frame in frames])  # type: ignore[attr-defined]
    scale = FULL_SCALE if np.issubdtype(samples.dtype, np.integer) else 1.0
    return np.asarray(samples / scale, dtype=np.float32)
