"""The engine contract, whole. An engine is one file in this folder, or a package's entry point `asrfair.adapters`.

There are two kinds of engine. An `Adapter` hears audio and nothing else: no reference, no speaker, no group, not even
the utterance's id (ids often name the speaker). A `TranscriptSource` hears nothing: it looks up transcripts that
somebody else made, by utterance id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from asrfair.records import SystemInfo, Transcript, Waveform

if TYPE_CHECKING:
    import pyarrow as pa


class Adapter(ABC):
    """One ASR engine. It sees audio and nothing else: no reference, speaker or group.

    The options of a system are the keyword arguments of the constructor, each annotated with `str`, `int`, `float`,
    `bool` or one of these `| None`, each with a default. The engine's library is imported in the constructor; if it is
    missing, raise `MissingExtraError` naming the extra to install.

    Attributes:
        sample_rate_hz: the rate that `transcribe_batch` wants; the runner resamples.
        holds_gil: true if a call keeps Python's lock, so that only processes, not threads, run in parallel.
        batch_size: how many waveforms the engine likes to get at once.
    """

    sample_rate_hz: int = 16_000
    holds_gil: ClassVar[bool] = False
    batch_size: int = 1

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
