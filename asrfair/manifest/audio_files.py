"""Whether the audio that a manifest names is there and can be opened, and whether its segments lie inside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from asrfair.manifest.checks import is_uri
from asrfair.manifest.faults import FaultList, WarningList, show

AudioCheck = Literal["ignore", "exists", "readable"]

SLACK_S = 0.1
"""How far a segment may reach beyond the end that a file's header gives (rounded durations, padded codecs)."""


def _state(path: Path) -> str | None:
    """Why a path is no file, or None."""
    if path.is_file():
        return None
    if path.is_dir():
        return "is a folder: name the file"
    return "does not exist: copy it there, or mend the path (it counts from the manifest's folder)"


def _length_s(path: Path) -> float | str:
    """Seconds of audio that the header promises, or why it cannot be read."""
    import soundfile

    try:
        header = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError, TypeError, ValueError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        return f"is not audio that can be read ({reason}): convert it to WAV or FLAC"
    if header.frames <= 0 or header.samplerate <= 0:
        return "holds no audio: record it again, or drop the row"
    return float(header.frames / header.samplerate)


class _Files:
    """What is known of each file, looked at once."""

    def __init__(self, folder: Path, *, open_them: bool) -> None:
        self._folder = folder
        self._open = open_them
        self._known: dict[str, float | str | None] = {}

    def look(self, audio: str) -> float | str | None:
        """Its length in seconds (None if it was not opened), or what is wrong."""
        if audio not in self._known:
            path = self._folder / audio
            self._known[audio] = _state(path) or (_length_s(path) if self._open else None)
        return self._known[audio]


def _segment_fault(audio: str, offset_s: float | None, duration_s: float | None, length_s: float) -> str | None:
    start = offset_s or 0.0
    if start >= length_s:
        return f"the segment starts at {start:g} s, but {show(audio)} is {length_s:.3f} s long: mend offset_s"
    if duration_s is not None and start + duration_s > length_s + max(SLACK_S, 0.01 * length_s):
        return f"the segment ends at {start + duration_s:g} s, but {show(audio)} is {length_s:.3f} s long: mend it"
    return None


def _without_audio(rows: Iterable[int], lines: NDArray[np.int64], faults: FaultList) -> None:
    known = set(faults.lines_with("audio").tolist())
    for row in rows:
        if int(lines[row]) not in known:
            faults.add(int(lines[row]), "audio", "is missing: name the file, relative to the manifest's folder")


def _transcripts_only(n_rows: int, wanted: AudioCheck, faults: FaultList, warnings: WarningList) -> None:
    """A manifest in which no row names audio."""
    if wanted == "readable":
        warnings.add(0, "audio", "no row names audio: transcripts can be scored, but nothing can be transcribed")
    elif n_rows:
        faults.add(0, "audio", "is missing in every row: name the files, relative to the manifest's folder")


def check_audio(
    table: pa.Table,
    lines: NDArray[np.int64],
    folder: Path,
    wanted: AudioCheck,
    faults: FaultList,
    warnings: WarningList,
) -> None:
    """Hold the rows to their audio files.

    Args:
        table: all rows.
        lines: where each begins in the file.
        folder: what paths are relative to.
        wanted: `exists` needs a local file for every row; `readable` also opens each file's header, but lets pass a
            manifest without any audio (transcripts only) and audio named by URI, with a warning.
        faults: takes what is wrong.
        warnings: takes what is worth saying.
    """
    if wanted == "ignore" or faults.column_is_faulty("audio"):
        return
    audio = table["audio"]
    if audio.null_count == len(audio) and not len(faults.lines_with("audio")):
        _transcripts_only(len(audio), wanted, faults, warnings)
        return
    files = _Files(folder, open_them=wanted == "readable")
    missing, uris = [], 0
    known = set(faults.lines_with("audio").tolist())
    cells = zip(lines.tolist(), *(table[name].to_pylist() for name in ("audio", "offset_s", "duration_s")), strict=True)
    for row, (line, path, offset_s, duration_s) in enumerate(cells):
        if line in known:
            continue
        if path is None:
            missing.append(row)
        elif is_uri(path):
            uris += 1
            if wanted == "exists":
                faults.add(line, "audio", f"{show(path)} is a URI; this version reads local files: download it first")
        else:
            _check_row(files.look(path), line, path, offset_s, duration_s, faults)
    _without_audio(missing, lines, faults)
    if uris and wanted == "readable":
        message = f"{uris:,} rows name audio by URI; this version reads local files, so they cannot be transcribed"
        warnings.add(0, "audio", message)


def _check_row(
    found: float | str | None, line: int, path: str, offset_s: float | None, duration_s: float | None, faults: FaultList
) -> None:
    if isinstance(found, str):
        faults.add(line, "audio", f"{show(path)} {found}")
    elif found is not None and (message := _segment_fault(path, offset_s, duration_s, found)):
        faults.add(line, "offset_s" if (offset_s or 0.0) >= found else "duration_s", message)
