"""What can be heard of a run that is looked at: made when somebody listens, and kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asrfair.errors import AudioError, InputError
from asrfair.manifest import Manifest
from asrfair.pipeline.clips import opus, read_source
from asrfair.records import CLEAN
from asrfair.transcribe.hearing import file_name


class RunSounds:
    """The audio of a run: what its engines heard where it was kept, else, for clean audio, the manifest's files.

    Args:
        folder: the run folder.
        manifest: of the run.

    Raises:
        InputError: there is no audio at all.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._kept, self._manifest = folder / "audio", manifest
        audio = manifest.table["audio"]
        if audio.null_count == len(audio) and not self._kept.is_dir():
            raise InputError(
                "--include-audio: the manifest names no audio files and the run kept none (transcribe --save-audio)"
            )

    def has(self, source: dict[str, Any], system: str, condition: str) -> bool:
        """Whether a file is there."""
        if self._path(source, system, condition).exists():
            return True
        if condition != CLEAN or source["audio"] is None:
            return False
        try:
            return self._manifest.audio_path(source["audio"]).exists()
        except AudioError:
            return False

    def read(self, source: dict[str, Any], system: str, condition: str) -> bytes | None:
        """The clip as Ogg Opus; None where there is nothing.

        Raises:
            InputError: the file cannot be read.
        """
        place = (source["audio"], source["offset_s"], source["duration_s"]) if condition == CLEAN else None
        waveform = read_source(self._path(source, system, condition), self._manifest, place)
        return None if waveform is None else opus(waveform)

    def _path(self, source: dict[str, Any], system: str, condition: str) -> Path:
        """Where the run keeps it."""
        cell = self._kept.joinpath(file_name(system, safe="@"), file_name(condition, safe="@"))
        return cell / f"{file_name(source['name'])}.flac"
