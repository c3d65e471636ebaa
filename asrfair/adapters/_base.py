"""The engine contract, whole. An engine is one file in this folder, or a package's entry point `asrfair.adapters`.

There are two kinds of engine. An `Adapter` hears audio and nothing else: no reference, no speaker, no group, not even
the utterance's id (ids often name the speaker). A `TranscriptSource` hears nothing: it looks up transcripts that
somebody else made, by utterance id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from asrfair.errors import AdapterError
from asrfair.records import SystemInfo, Transcript, Waveform

if TYPE_CHECKING:
    import pyarrow as pa


class Adapter(ABC):
    """One ASR engine. It sees audio and nothing else: no reference, speaker or group.

    The options of a system are the keyword arguments of the constructor, each annotated with `str`, `int`, `float`,
    `bool` or one of these `| None`, each with a default. The engine's library is imported in the constructor; if it is
    missing, raise `MissingExtraError` naming the extra to install.

    Class attributes say what it is:

        EXTRA: the extra of asrfair that installs its libraries; None if it needs none.
        LIBRARIES: the modules that the constructor imports.
        holds_gil: true if a call keeps Python's lock, so that only processes, not threads, run in parallel.
        on_gpu: true if an instance takes a GPU where there is one: the runner gives each process one of its own.

    What an instance sets:

    Attributes:
        sample_rate_hz: the rate that `transcribe_batch` wants; the runner resamples.
        batch_size: the most waveforms that it likes to get at once.
        batch_audio_s: the most seconds of audio in a batch, padding included (waveforms times the longest); None for
            no limit.
        most_padding: the largest share of a batch that may be padding, where the engine is no faster for being given
            more at once; None where a full batch is worth its padding.
        longest_s: the longest waveform that it takes, seconds; the runner cuts longer ones into pieces that overlap
            and joins what was said of them. None if it takes any length.
        concurrency: how many calls the runner may have under way at once, from threads of one process; above 1 only
            if `transcribe_batch` may be called so.
        timeout_s: how long one call may take, seconds; set by the runner. An engine that asks a server ends its call
            by itself then; any other is killed.
    """

    EXTRA: ClassVar[str | None] = None
    LIBRARIES: ClassVar[tuple[str, ...]] = ()
    holds_gil: ClassVar[bool] = False
    on_gpu: ClassVar[bool] = False

    sample_rate_hz: int = 16_000
    batch_size: int = 1
    batch_audio_s: float | None = None
    most_padding: float | None = None
    longest_s: float | None = None
    concurrency: int = 1
    timeout_s: float = 300.0

    @classmethod
    def missing(cls) -> list[str]:
        """What is to be done before the engine can be used, a sentence each; nothing is imported or asked for."""
        absent = absent_of(cls.LIBRARIES)
        if not absent:
            return []
        return [f"install {', '.join(absent)}: pip install 'asrfair[{cls.EXTRA}]'"]

    @abstractmethod
    def describe(self) -> SystemInfo:
        """Everything that changes the output: the cache key."""

    @abstractmethod
    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Transcribe some waveforms at `sample_rate_hz`, each as if it were alone.

        Returns:
            One transcript per waveform, in order.

        Raises:
            TransientError: a retry may help.
            AdapterError: a retry cannot help. Never an empty text for a failure.
            TooLargeError: the batch does not fit the device's memory.
        """

    def close(self) -> None:
        """Give back what the constructor took (processes, connections, memory)."""
        return None


class TranscriptSource(ABC):
    """Transcripts that somebody else made, found by utterance id; needs no audio."""

    @abstractmethod
    def describe(self) -> SystemInfo:
        """What the card says was tested; the options hold the digest of the file."""

    @abstractmethod
    def table(self) -> pa.Table:
        """All transcripts: columns `utterance_id`, `text` and `words` (as in `tables.HYPOTHESES`), ids unique."""

    def close(self) -> None:
        """Give back what the constructor took."""
        return None


Engine = Adapter | TranscriptSource


def absent_of(libraries: Iterable[str]) -> list[str]:
    """The modules that are not installed, of some that may be inside packages.

    >>> absent_of(["json", "json.decoder", "no_such_package", "no_such_package.inside"])
    ['no_such_package', 'no_such_package.inside']
    """
    return [name for name in libraries if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # A package around it is absent.
        return False


def check_waveform(waveform: Waveform, sample_rate_hz: int) -> None:
    """Refuse what no engine can transcribe.

    Args:
        waveform: what is to be transcribed.
        sample_rate_hz: that the engine wants.

    Raises:
        AdapterError: another rate, no samples, or samples that are not finite.
    """
    if waveform.sample_rate_hz != sample_rate_hz:
        raise AdapterError(f"the waveform has {waveform.sample_rate_hz} Hz, not {sample_rate_hz} Hz")
    if not len(waveform.samples) or not np.isfinite(waveform.samples).all():
        raise AdapterError("the waveform is empty or not finite")
