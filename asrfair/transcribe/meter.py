"""What a run has used so far, system by system: requests, audio, time and money, over all calls and resumptions.

`meter.json` in the run folder is written aside and renamed with every commit, so that a budget holds over resumptions.
What was under way when a run was killed may have been paid for and is not in it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from asrfair.errors import RunFolderError
from asrfair.files import write_aside
from asrfair.transcribe.caller import Answer

METER_FILE = "meter.json"


class Usage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What one system has used.

    Attributes:
        rows: answers, failures included.
        requests: calls to the engine, retries included; in a batch each waveform counts.
        retries: those that followed a failure.
        audio_s: seconds of audio of the answers that are transcripts.
        engine_s: seconds that the engine needed for them, without start-up and retries, summed over calls at once.
        wall_s: seconds from the first batch to the last answer, summed over calls of the verb.
        cost: list price of what was answered, in `currency`; None without a price.
        currency: of the cost.
        priced_as_of: date of the price table.
    """

    rows: int = 0
    requests: int = 0
    retries: int = 0
    audio_s: float = 0.0
    engine_s: float = 0.0
    wall_s: float = 0.0
    cost: float | None = None
    currency: str | None = None
    priced_as_of: str | None = None

    def add(self, answer: Answer, cost: float | None) -> None:
        """Note an answer and its price."""
        self.rows += 1
        self.requests += answer.requests
        self.retries += answer.retries
        if answer.transcript is not None:
            self.audio_s += answer.audio_s
            self.engine_s += answer.latency_s or 0.0
        if cost is not None:
            self.cost = (self.cost or 0.0) + cost

    @property
    def rtfx(self) -> float | None:
        """Seconds of audio per second of transcription, as the Open ASR Leaderboard defines it; None without any."""
        return self.audio_s / self.engine_s if self.engine_s else None

    def as_dict(self) -> dict[str, object]:
        """For `run.json`."""
        return {**msgspec.to_builtins(self), "rtfx": self.rtfx}


class Meter:
    """The meter of a run folder.

    Args:
        run_folder: which.

    Raises:
        RunFolderError: the file is damaged.
    """

    def __init__(self, run_folder: Path) -> None:
        self._path = run_folder / METER_FILE
        self.systems: dict[str, Usage] = {}
        if self._path.exists():
            try:
                self.systems = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Usage])
            except (OSError, msgspec.MsgspecError) as error:
                raise RunFolderError(f"{self._path}: damaged: {error}; take it away to begin counting anew") from error
            if any((usage.cost or 0.0) < 0.0 for usage in self.systems.values()):
                raise RunFolderError(f"{self._path}: damaged: a cost below 0; take it away to begin counting anew")

    def of(self, system_id: str) -> Usage:
        """The usage of one system, to be added to."""
        return self.systems.setdefault(system_id, Usage())

    @property
    def cost(self) -> float:
        """What all systems have cost."""
        return sum(usage.cost or 0.0 for usage in self.systems.values())

    def write(self) -> None:
        """Keep it.

        Raises:
            RunFolderError: the disk is full or cannot be written.
        """
        if self.systems:
            write_aside(self._path, msgspec.json.format(msgspec.json.encode(self.systems)))
