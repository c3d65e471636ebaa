"""The exceptions of asrfair.

    AsrfairError
    |-- InputError            what the user gave cannot be used: exit code 2
    |   |-- ManifestError     rows or dataset.toml; carries every fault found
    |   |-- ConfigError       run configuration, environment files
    |   |-- MissingExtraError an optional library is not installed; names the extra
    |   +-- RunFolderError    a run folder that is locked, foreign, incomplete or damaged
    |-- AudioError            this utterance's audio cannot be used: the utterance's failure, never the run's
    +-- EngineError           an engine did not give a transcript: the utterance's failure, never the run's
        |-- TransientError    a retry may help (rate limit, server fault, timeout, dropped connection)
        |-- AdapterError      a retry cannot help (refused, denied, malformed, empty, unsupported)
        +-- TooLargeError     the batch does not fit the device: a smaller one may

Deeper code raises these and nothing else for bad input; the command line turns `InputError` into exit code 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with a file, with its place and its remedy.

    Attributes:
        file: the file as the user named it.
        line: 1-based line (JSONL, CSV) or row (Parquet); 0 where the fault is about the whole file.
        field: the column or key; empty where the fault is about the whole line.
        message: what is wrong and what to do.
        warning: true if the file can be used all the same.
    """

    file: str
    line: int
    field: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        field = f"{self.field}: " if self.field else ""
        return f"{place}: {field}{self.message}"


class AsrfairError(Exception):
    """Everything that asrfair raises on purpose."""


class InputError(AsrfairError):
    """What the user gave cannot be used; the message names the place and the remedy. Exit code 2."""


class ManifestError(InputError):
    """A manifest that cannot be used, with every fault found in it.

    Args:
        faults: all of them, in file order.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type[ManifestError], tuple[Sequence[Fault]]]:
        return type(self), (self.faults,)


class ConfigError(InputError):
    """A run configuration or an environment file that cannot be used."""


class MissingExtraError(InputError):
    """An optional library is not installed.

    Args:
        what: what needs it, e.g. "the pocketsphinx engine".
        extra: the extra of asrfair that installs it, e.g. "demo".
    """

    def __init__(self, what: str, extra: str) -> None:
        self.what = what
        self.extra = extra
        super().__init__(f"{what} needs an optional part that is not installed: pip install 'asrfair[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), (self.what, self.extra)


class RunFolderError(InputError):
    """A run folder that is locked by another process, foreign, incomplete or damaged."""


class AudioError(AsrfairError):
    """The audio of one utterance cannot be used: missing, broken, empty, truncated, not finite."""


class EngineError(AsrfairError):
    """An engine did not give a transcript.

    Attributes:
        kind: what a failed row's error begins with.
    """

    kind: str = "engine"


class TransientError(EngineError):
    """A retry may help: a rate limit, a dropped connection, a busy server.

    Args:
        message: what happened.
        retry_after_s: how long the engine asks to wait, in seconds, if it said so.
        kind: `rate_limit` (429), `server` (5xx), `timeout`, `connection` (refused, dropped, cut), or `transient`.
    """

    def __init__(self, message: str, retry_after_s: float | None = None, *, kind: str = "transient") -> None:
        self.message = message
        self.retry_after_s = retry_after_s
        self.kind = kind
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return _raised, (type(self), (self.message, self.retry_after_s), self.kind)


class AdapterError(EngineError):
    """A retry cannot help.

    Args:
        message: what happened.
        kind: `refused` (4xx: the service will not transcribe this), `denied` (credentials: 401, 403), `malformed` (an
            answer that is not the protocol's), `empty` (success without a transcript in it), or `engine`.
    """

    def __init__(self, message: str, *, kind: str = "engine") -> None:
        self.message = message
        self.kind = kind
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return _raised, (type(self), (self.message,), self.kind)


class TooLargeError(EngineError):
    """The batch does not fit the memory of the device; one of half the size may."""

    kind = "memory"


def _raised(cls: type[EngineError], arguments: tuple[object, ...], kind: str) -> EngineError:
    """An error from another process, as it was."""
    return cls(*arguments, kind=kind)  # type: ignore[call-arg]
