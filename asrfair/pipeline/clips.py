"""The audio of a page: what was heard, in a small lossy form, so that a person can listen to an error.

Where the run kept what its engines heard (`transcribe --save-audio`), that is what is played; else clean audio is read
from the files of the manifest, and noisy audio is not to be had.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from asrfair.audio import read_audio, resample
from asrfair.errors import AudioError, InputError
from asrfair.manifest import Manifest
from asrfair.records import CLEAN, Waveform
from asrfair.report.explorer import escaped
from asrfair.transcribe.hearing import file_name

MOST_BYTES = 24_000_000
"""Audio that a page may hold, in bytes as encoded; base64 makes it a third more."""

RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
"""What Opus takes; other rates are resampled to the next higher of these."""


def clips_json(
    folder: Path, manifest: Manifest, rows: pa.Table, ids: Sequence[str], cells: Sequence[tuple[str, str]]
) -> str:
    """The clips of the utterances, as JSON for the page.

    Args:
        folder: the run folder.
        manifest: of the run.
        rows: its rows, in the order of the page.
        ids: what each is called on the page.
        cells: system and condition of what there is to hear.

    Returns:
        Utterance -> condition -> a data URI (Ogg Opus).

    Raises:
        InputError: there is no audio, a file cannot be read, or there is more than a page may hold.
    """
    conditions = {condition: system for system, condition in reversed(cells)}
    found: dict[str, dict[str, str]] = {}
    size = 0
    for at, (name, audio) in enumerate(_sources(rows)):
        for condition, system in conditions.items():
            path = folder.joinpath("audio", file_name(system, safe="@"), file_name(condition, safe="@"))
            waveform = read_source(path / f"{file_name(name)}.flac", manifest, audio if condition == CLEAN else None)
            if waveform is None:
                continue
            clip = opus(waveform)
            size += len(clip)
            if size > MOST_BYTES:
                raise InputError(
                    f"--include-audio: {at:,} of {len(ids):,} utterances already make {MOST_BYTES / 1e6:.0f} MB, all "
                    "that a page may hold: report a run of fewer (transcribe --limit N), or without audio"
                )
            found.setdefault(ids[at], {})[condition] = "data:audio/ogg;base64," + base64.b64encode(clip).decode()
    if not found:
        raise InputError(
            "--include-audio: the manifest names no audio files and the run kept none (transcribe --save-audio)"
        )
    return escaped(msgspec.json.encode(found).decode())


Source = tuple[str | None, float | None, float | None]


def _sources(rows: pa.Table) -> Iterator[tuple[str, Source]]:
    """Id and place of the audio of each row."""
    columns = [rows[name].to_pylist() for name in ("utterance_id", "audio", "offset_s", "duration_s")]
    for name, audio, offset_s, duration_s in zip(*columns, strict=True):
        yield name, (audio, offset_s, duration_s)


def read_source(kept: Path, manifest: Manifest, source: Source | None) -> Waveform | None:
    """What the run kept, or what the manifest has; None where there is neither."""
    try:
        if kept.exists():
            return read_audio(kept)[0]
        if source is None or source[0] is None:
            return None
        cut = source[2] if source[1] is not None else None
        return read_audio(manifest.audio_path(source[0]), offset_s=source[1], duration_s=cut)[0]
    except AudioError as error:
        raise InputError(f"--include-audio: {error}") from error


def opus(waveform: Waveform) -> bytes:
    """A clip as Ogg Opus."""
    import soundfile

    rate = next((rate for rate in RATES_HZ if rate >= waveform.sample_rate_hz), RATES_HZ[-1])
    samples = resample(waveform, rate).samples
    data = io.BytesIO()
    soundfile.write(data, samples, rate, format="OGG", subtype="OPUS", compression_level=0.9)
    return data.getvalue()
