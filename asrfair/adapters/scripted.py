"""The engine that says what it is told: for testing a runner, a pipeline or a page without a recogniser.

Without a script it says the option `text` to everything. A script is a JSONL file; each line has the digest of a
waveform (`waveform_digest`) and what to do with it:

    {"waveform": "9f2c...", "text": "hello world"}
    {"waveform": "07aa...", "error": "permanent"}
    {"waveform": "51d0...", "error": "transient", "times": 2, "text": "third time lucky"}
    {"waveform": "e3b1...", "error": "crash", "times": 1, "text": "after a crash"}

An error is `crash`, `hang`, `transient` or a kind of `errors.TransientError` (rate_limit, server, timeout, connection),
`permanent` or a kind of `errors.AdapterError` (refused, denied, malformed, empty). `times` counts over all processes
when the option `log` names a file: every call appends one line to it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.errors import AdapterError, InputError, TooLargeError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform


def waveform_digest(waveform: Waveform) -> str:
    """Hex digest of the samples as 16-bit integers, with their rate: what a script names a waveform by.

    >>> len(waveform_digest(Waveform(np.zeros(16, dtype=np.float32), 16_000)))
    32
    """
    samples = np.round(np.clip(waveform.samples, -1, 1) * 32767).astype("<i2")
    return hashlib.blake2b(samples.tobytes() + str(waveform.sample_rate_hz).encode(), digest_size=16).hexdigest()


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a script."""

    waveform: str
    text: str | None = None
    error: str | None = None
    times: int | None = None


class Scripted(Adapter):
    """Says what it is told.

    Args:
        text: what to say to a waveform that the script does not name.
        script: JSONL file, see the module.
        delay_s: how long to think about each waveform, in seconds.
        log: file to which every call appends the digest of each waveform; counts `times` over processes.
        batch_size: how many waveforms to ask for at once.
        batch_audio_s: how many seconds of audio to ask for at once, padding included.
        fits_s: a batch of more seconds, padding included, does not fit the device; None for any.
        longest_s: the longest waveform that it takes, seconds.
    """

    def __init__(
        self,
        text: str = "",
        script: str | None = None,
        delay_s: float = 0.0,
        log: str | None = None,
        batch_size: int = 1,
        batch_audio_s: float | None = None,
        fits_s: float | None = None,
        longest_s: float | None = None,
    ) -> None:
        self._text, self._delay_s, self._log, self._fits_s = text, delay_s, log, fits_s
        self.batch_size, self.batch_audio_s, self.longest_s = batch_size, batch_audio_s, longest_s
        self._seen: Counter[str] = Counter()
        self._script: dict[str, _Line] = {}
        self._digest = None
        if script is not None:
            try:
                data = Path(script).read_bytes()
                self._script = {line.waveform: line for line in msgspec.json.Decoder(_Line).decode_lines(data)}
            except OSError as error:
                raise InputError(f"{script}: the script cannot be read: {error.strerror}") from error
            except msgspec.MsgspecError as error:
                raise InputError(f"{script}: not a script: {error}; see asrfair.adapters.scripted") from error
            self._digest = hashlib.sha256(data).hexdigest()

    def describe(self) -> SystemInfo:
        """The text and the digest of the script; delay, log and batch size do not change what is said."""
        return SystemInfo("scripted", "1", {"text": self._text, "script_sha256": self._digest})

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Say what the script says to each waveform."""
        padded_s = len(batch) * max((waveform.duration_s for waveform in batch), default=0.0)
        if self._fits_s is not None and padded_s > self._fits_s:
            raise TooLargeError(f"{padded_s:g} s do not fit into {self._fits_s:g} s")
        return [self._say(waveform) for waveform in batch]

    def _say(self, waveform: Waveform) -> Transcript:
        check_waveform(waveform, waveform.sample_rate_hz)
        if self._delay_s:
            time.sleep(self._delay_s)
        if not self._script and self._log is None:
            return Transcript(self._text)
        digest = waveform_digest(waveform)
        calls = self._count(digest)
        line = self._script.get(digest)
        if line is None:
            return Transcript(self._text)
        if line.error is not None and (line.times is None or calls <= line.times):
            self._fail(line.error)
        return Transcript(line.text or "")

    def _count(self, digest: str) -> int:
        """How often this waveform was asked for, this call included."""
        self._seen[digest] += 1
        if self._log is None:
            return self._seen[digest]
        with open(self._log, "a+", encoding="ascii") as file:
            file.write(f"{digest}\n")
            file.flush()
            file.seek(0)
            return file.read().split().count(digest)

    @staticmethod
    def _fail(kind: str) -> None:
        """Fail as told."""
        if kind == "crash":
            os._exit(70)
        if kind == "hang":
            time.sleep(3600)
        if kind in ("transient", "rate_limit", "server", "timeout", "connection"):
            raise TransientError("the script says: busy", kind=kind)
        raise AdapterError("the script says: refused", kind="engine" if kind == "permanent" else kind)
