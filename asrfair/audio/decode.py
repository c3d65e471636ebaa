"""Reading audio files: WAV, FLAC, MP3, Ogg Vorbis and Opus, any rate and number of channels, to mono float32.

Channels are averaged. Samples beyond [-1, 1] (float files, lossy decoders) are clipped. A file that is missing, empty,
broken, truncated or not finite raises `AudioError`: it is that utterance's failure. libsndfile reads a truncated WAV or
Ogg file without a word, so the length that the container promises is checked first (`promise`); other formats are held
to the number of samples that they announce, and every segment to the manifest's own `offset_s` and `duration_s`.
An MP3 without a Xing header announces nothing: only `duration_s` tells that it was cut.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
import soundfile

from asrfair.audio.promise import check_length_promised
from asrfair.errors import AudioError
from asrfair.records import Waveform

LONGEST_S = 6 * 3600.0
"""A longer segment is a mistake, or has to be cut."""

TOLERANCE_S = 0.05
TOLERANCE = 0.01
"""A segment may be short of the manifest's duration by this much: rounding, encoder delay."""

RATES_HZ = (1_000, 1_000_000)
"""A sample rate outside this is a damaged header, not a recording."""


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes; cached while the file does not change, for many segments of one file.

    Raises:
        AudioError: missing, empty or unreadable.
    """
    try:
        status = path.stat()
        if status.st_size == 0:
            raise AudioError(f"{path.name} is empty (0 bytes)")
        return _digest(path, status.st_mtime_ns, status.st_size)
    except FileNotFoundError as error:
        raise AudioError(f"{path.name} is missing") from error
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise AudioError(f"{path.name!r} cannot be the name of a file: {error}") from error


@functools.lru_cache(maxsize=4096)
def _digest(path: Path, mtime_ns: int, size: int) -> str:
    """The digest of a file in a certain state."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_duration_s(path: Path) -> float:
    """How long a file says it is, seconds.

    Raises:
        AudioError: it is broken or not audio.
    """
    _check_has_header(path)
    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path.name} is broken or not audio: {error.error_string}") from error


def read_audio(
    path: Path, *, offset_s: float | None = None, duration_s: float | None = None, expected_sha256: str | None = None
) -> tuple[Waveform, str]:
    """A file, or a segment of it.

    Args:
        path: the file.
        offset_s: where the segment begins, seconds.
        duration_s: how long it is, seconds; None for the rest of the file.
        expected_sha256: digest that the file must have.

    Returns:
        The samples at the file's own rate, and the digest of the file.

    Raises:
        AudioError: missing, empty, broken, truncated, not finite, or not the file that was promised.
    """
    digest = file_sha256(path)
    if expected_sha256 is not None and expected_sha256.lower() != digest:
        raise AudioError(f"{path.name} has changed: its digest is not the one that was promised")
    _check_has_header(path)
    check_length_promised(path)
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            start = round((offset_s or 0.0) * rate)
            wanted = file.frames - start if duration_s is None else round(duration_s * rate)
            _check_segment(path, file, start, wanted, is_cut=duration_s is not None)
            file.seek(start)
            samples = file.read(min(wanted, file.frames - start), dtype="float32", always_2d=True)
            promised = min(wanted, file.frames - start)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path.name} is broken or not audio: {error.error_string}") from error
    if len(samples) < promised - _slack(promised / rate) * rate:
        raise AudioError(
            f"{path.name} is truncated: {len(samples) / rate:.2f} s of {promised / rate:.2f} s can be read"
        )
    return Waveform(_mono(path, samples), rate), digest


def _check_has_header(path: Path) -> None:
    """Refuse bare samples.

    Raises:
        AudioError: the file does not say what its sample rate is.
    """
    if path.suffix.lower() == ".raw":
        raise AudioError(f"{path.name} holds bare samples without their rate: convert it to WAV or FLAC")


def _mono(path: Path, samples: np.ndarray) -> np.ndarray:
    """Average the channels; refuse what is not a number."""
    if not len(samples):
        raise AudioError(f"{path.name} has no samples")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path.name} has samples that are not numbers (NaN or infinite)")
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float64)
    return np.asarray(np.clip(mono, -1.0, 1.0), dtype=np.float32)


def _slack(seconds: float) -> float:
    """How many seconds a segment may be short."""
    return max(TOLERANCE_S, TOLERANCE * seconds)


def _check_segment(path: Path, file: soundfile.SoundFile, start: int, wanted: int, *, is_cut: bool) -> None:
    """Hold the segment to the file.

    Raises:
        AudioError: it lies outside, or is absurdly long.
    """
    rate, length_s = file.samplerate, file.frames / file.samplerate
    if file.frames <= 0:
        raise AudioError(f"{path.name} has no samples")
    if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise AudioError(f"{path.name} is broken: its header says {rate} samples a second")
    if start >= file.frames:
        raise AudioError(f"{path.name} ends at {length_s:.2f} s, before the segment begins at {start / rate:.2f} s")
    short_s = (start + wanted - file.frames) / rate
    if is_cut and short_s > _slack(wanted / rate):
        raise AudioError(
            f"{path.name} ends at {length_s:.2f} s, {short_s:.2f} s before the segment does that the manifest names: "
            "truncated, or another file"
        )
    if min(wanted, file.frames - start) / rate > LONGEST_S:
        raise AudioError(f"{path.name}: a segment of {wanted / rate / 3600:.1f} h is too long; cut it")
