"""Recorded noise: a room or a machine from audio files, heard by every speaker and group alike.

The files (any format, rate and number of channels) are resampled to the engine's rate, freed of a constant offset,
brought to the same level (root mean square) and joined with equal-power cross-fades into one loop. Levels of different
recordings rarely mean anything, and the SNR is set anew for every utterance: without that, the loudest file would be
the only one heard.

Which stretch an utterance hears is not left to chance alone, because a recording has easy and hard places. The loop is
cut into `K` pieces of about `PIECE_S` seconds; utterance number `turn` of a speaker hears piece

    (hash(seed, speaker, recording) + turn) mod K

so that each speaker, and so each group, goes through all pieces in turn (METHODS section 6: balanced over groups); the
place within the piece is drawn. A piece that is silent as a whole is left out, and so are silent places of the others.
audiomentations' `AddBackgroundNoise`, in contrast, draws file and place from a global generator, and sets the SNR over
the whole file, pauses included.

The optional high-pass takes the rumble out of a recording that no loudspeaker or telephone would carry: a Butterworth
magnitude of order 4 without phase, applied to the loop as the periodic sound that it is, so that there is no seam.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from asrfair.audio import file_sha256, read_audio, resample, rms_dbfs
from asrfair.errors import AudioError
from asrfair.seeds import stable_hash
from asrfair.stress._base import OFFSET_ONLY_DBFS, Noise
from asrfair.stress.join import joined
from asrfair.stress.pool import FADE_S, PIECE_S, QUIET_DB, looped, taken_from
from asrfair.stress.scene import NOMINAL_SPEECH_DBFS, Scene

HIGHEST_HZ = 20_000.0
ORDER = 4


class Recorded(Noise, frozen=True):
    """Noise from audio files, mixed at an SNR over active speech.

    Attributes:
        snr_db: active speech level minus the level of the noise, dB.
        files: audio files, relative to the environment's own file.
        highpass_hz: what is below is taken out of the noise; None to leave it.
    """

    FILES: ClassVar[tuple[str, ...]] = ("files",)
    IN_TURN: ClassVar[bool] = True

    files: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    highpass_hz: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        cut = self.highpass_hz
        self.refuse(
            {f"highpass_hz must be above 0 and at most {HIGHEST_HZ:g} Hz": cut is None or 0 < cut <= HIGHEST_HZ}
        )

    def sound(self, n: int, rate_hz: int, rng: np.random.Generator, scene: Scene) -> NDArray[np.float32]:
        """The noise from a drawn place in the piece whose turn it is; sets `scene.piece`."""
        digests = [file_sha256(Path(file)) for file in self.files]
        key = f"Recorded {digests} highpass {self.highpass_hz} {rate_hz} Hz"
        loop = scene.banks.get(key, lambda: self._loop(rate_hz))
        audible = scene.banks.get(f"{key} pieces", lambda: audible_pieces(loop, rate_hz))
        turn = stable_hash(scene.seed, scene.speaker_id or scene.utterance_id, key) + scene.turn
        piece = int(audible[turn % len(audible)])
        scene.piece = piece
        begin, end = piece_bounds(len(loop), rate_hz)[piece : piece + 2]
        return taken_from(loop, n, rng, scene, (begin, end))

    def _loop(self, rate_hz: int) -> NDArray[np.float32]:
        """The files as one loop."""
        parts = [_levelled(Path(file), rate_hz) for file in self.files]
        loop = looped(joined(parts, rate_hz, FADE_S), rate_hz)
        return loop if self.highpass_hz is None else _without_rumble(loop, rate_hz, self.highpass_hz)


def piece_bounds(n: int, rate_hz: int) -> list[int]:
    """Where the pieces of a loop begin; the last entry is where the last of them ends.

    Args:
        n: samples of the loop.
        rate_hz: samples a second.

    >>> piece_bounds(300_000, 10_000)
    [0, 100000, 200000, 300000]
    """
    count = max(1, round(n / (PIECE_S * rate_hz)))
    return [number * n // count for number in range(count + 1)]


def audible_pieces(loop: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """The numbers of the pieces in which there is sound: within `QUIET_DB` of the whole, as `taken_from` asks.

    Raises:
        AudioError: the loop is silent.
    """
    bounds = piece_bounds(len(loop), rate_hz)
    levels = [rms_dbfs(loop[begin:end]) for begin, end in itertools.pairwise(bounds)]
    whole = rms_dbfs(loop)
    if whole is None:
        raise AudioError("the noise is silent: it has no level to set")
    heard = [number for number, level in enumerate(levels) if level is not None and level > whole - QUIET_DB]
    return np.array(heard, dtype=np.float32)


def _levelled(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """One file at the engine's rate, without its mean, at the nominal level."""
    samples = resample(read_audio(path)[0], rate_hz).samples
    samples = samples - np.float32(samples.mean(dtype=np.float64)) if len(samples) else samples
    level = rms_dbfs(samples)
    if level is None or level < OFFSET_ONLY_DBFS:
        raise AudioError(f"{path.name} is silent: it has no level to set")
    return (samples * 10 ** ((NOMINAL_SPEECH_DBFS - level) / 20)).astype(np.float32)


def _without_rumble(loop: NDArray[np.float32], rate_hz: int, cut_hz: float) -> NDArray[np.float32]:
    """The loop without what is below a frequency, -3 dB there.

    Raises:
        AudioError: nothing is above it at this rate.
    """
    from scipy import fft

    if cut_hz >= rate_hz / 2:
        raise AudioError(f"highpass_hz: nothing is above {cut_hz:g} Hz in audio of {rate_hz} Hz")
    spectrum = fft.rfft(loop)
    ratio = fft.rfftfreq(len(loop), 1 / rate_hz) / cut_hz
    spectrum *= (ratio**ORDER / np.sqrt(1 + ratio ** (2 * ORDER))).astype(np.float32)
    filtered: NDArray[np.float32] = fft.irfft(spectrum, len(loop))
    return filtered
