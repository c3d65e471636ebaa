"""Recordings of one room: read, held against what a profile needs, joined.

A profile is refused where it would describe nothing: silence, numbers that are not finite, less than 2 s. A recording
that is clipped (three samples or more in a row at its own peak) is measured with a warning that says its share: it
flattens crests and adds harmonics that the room does not have. Recordings of different rates are joined at the lowest.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asrfair.audio import read_audio, resample, rms_dbfs
from asrfair.errors import AudioError, InputError
from asrfair.records import Waveform
from asrfair.stress.join import joined as cross_faded

SHORTEST_S = 2.0
SHORT_S = 10.0
LONGEST_S = 1800.0
RUN = 3
"""So many samples in a row at the peak are a clipped crest."""

CLIPPED_SHARE = 1e-5
SEAM_S = 0.05


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a room.

    Attributes:
        path: where it was read from.
        sha256: digest of the file.
        waveform: mono, at its own rate.
        clipped_share: share of the samples in clipped crests.
        recorded: date, `YYYY-MM-DD`, and where it is known from.
    """

    path: Path
    sha256: str
    waveform: Waveform
    clipped_share: float
    recorded: str


def read_recordings(paths: Sequence[str | Path]) -> list[Recording]:
    """Recordings of one room.

    Raises:
        InputError: none, or one that cannot be used; names the file.
    """
    if not paths:
        raise InputError("profile: no recording; give one audio file of the room or several")
    recordings = [_read(Path(path)) for path in paths]
    digests = [recording.sha256 for recording in recordings]
    for recording in recordings:
        if digests.count(recording.sha256) > 1:
            raise InputError(f"{recording.path}: the same recording twice; name each file once")
    return recordings


def joined(recordings: Sequence[Recording]) -> Waveform:
    """All recordings one after the other, cross-faded, at the lowest of their rates."""
    rate = min(recording.waveform.sample_rate_hz for recording in recordings)
    parts = [resample(recording.waveform, rate).samples for recording in recordings]
    return Waveform(cross_faded(parts, rate, SEAM_S), rate)


def warnings_of(recordings: Sequence[Recording]) -> list[str]:
    """What a reader of the profile must know about its recordings."""
    told = []
    for recording in recordings:
        name = recording.path.name
        if recording.clipped_share > CLIPPED_SHARE:
            told.append(
                f"{name}: {recording.clipped_share:.3%} of the samples are clipped: crests are flattened and tones "
                "are added that the room does not have; record it again with less gain"
            )
        if recording.waveform.duration_s < SHORT_S:
            told.append(
                f"{name}: {recording.waveform.duration_s:.1f} s is short: slow changes, rare impulses and low "
                f"frequencies are uncertain; {SHORT_S:g} s or more are better, a minute is good"
            )
    rates = sorted({recording.waveform.sample_rate_hz for recording in recordings})
    if len(rates) > 1:
        told.append(f"recordings of {rates} samples a second: joined at {rates[0]}; nothing above {rates[0] // 2} Hz")
    return told


def _read(path: Path) -> Recording:
    """One file."""
    try:
        waveform, digest = read_audio(path)
    except AudioError as error:
        raise InputError(f"{path}: {error}") from error
    seconds = waveform.duration_s
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise InputError(f"{path}: {seconds:.2f} s; a profile needs {SHORTEST_S:g} s to {LONGEST_S / 60:g} min")
    if rms_dbfs(waveform.samples - waveform.samples.mean()) is None:
        raise InputError(f"{path}: silent (every sample is the same); record the room again")
    return Recording(path, digest, waveform, clipped_share(waveform.samples), _date(path))


def clipped_share(samples: NDArray[np.float32]) -> float:
    """Share of the samples that stand in a row of three or more at the peak of either sign.

    >>> clipped_share(np.array([0, 0.5, 0.5, 0.5, 0, -0.2], dtype=np.float32))
    0.5
    """
    n_clipped = 0
    for peak in (samples.max(), samples.min()):
        at_peak = np.concatenate([[0], samples == peak, [0]]).astype(np.int8)
        edges = np.flatnonzero(np.diff(at_peak))
        lengths = edges[1::2] - edges[::2]
        n_clipped += int(lengths[lengths >= RUN].sum())
    return n_clipped / len(samples)


def _date(path: Path) -> str:
    """When it was recorded: as the file says, else when it was last changed."""
    with soundfile.SoundFile(path) as file:
        said = file.copy_metadata().get("date", "").strip()
    if said:
        return f"{said} (as the file says)"
    day = datetime.datetime.fromtimestamp(path.stat().st_mtime, tz=datetime.UTC).date()
    return f"{day.isoformat()} (last change of the file)"
