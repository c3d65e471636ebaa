"""Calling an engine: the whole batch first, its parts if the batch is refused; what may pass is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from asrfair.adapters import Adapter
from asrfair.errors import AsrfairError, EngineError, TransientError
from asrfair.records import Transcript, Waveform
from asrfair.transcribe.hearing import Heard
from asrfair.transcribe.worker import FIRST_WAIT_S, LONGEST_WAIT_S, Answer


class Caller:
    """Calls one engine.

    Args:
        engine: which.
        retries: for faults that may pass.
        notify: called with "start" when the engine is given something, with "pause" when it is left alone for a while.
    """

    def __init__(self, engine: Adapter, retries: int, notify: Callable[[str], None]) -> None:
        self._engine, self._retries, self._notify = engine, retries, notify

    def answer(self, prepared: Sequence[Heard | str]) -> list[Answer]:
        """One answer per waveform; a failed preparation is its own answer and never reaches the engine."""
        waveforms = [heard.waveform for heard in prepared if isinstance(heard, Heard)]
        answers = iter(self._call(waveforms) if waveforms else [])
        return [Answer(None, h) if isinstance(h, str) else replace(next(answers), mix=h.mix) for h in prepared]

    def _call(self, batch: Sequence[Waveform]) -> list[Answer]:
        """Answers of the engine to some waveforms."""
        try:
            transcripts, seconds = self._retried(batch)
        except EngineError as error:
            if len(batch) > 1:
                return [answer for waveform in batch for answer in self._call([waveform])]
            return [Answer(None, f"{error.kind}: {error}", audio_s=batch[0].duration_s)]
        return [
            Answer(t, None, seconds if t.latency_s is None else t.latency_s, waveform.duration_s)
            for t, waveform in zip(transcripts, batch, strict=True)
        ]

    def _retried(self, batch: Sequence[Waveform]) -> tuple[list[Transcript], float]:
        """Transcripts and engine seconds per waveform of the attempt that went well."""
        import stamina

        def should_wait(error: Exception) -> bool | float:
            if not isinstance(error, TransientError):
                return False
            return True if error.retry_after_s is None else error.retry_after_s

        attempts = stamina.retry_context(
            on=should_wait,
            attempts=self._retries + 1,
            timeout=None,
            wait_initial=FIRST_WAIT_S,
            wait_max=LONGEST_WAIT_S,
        )
        for attempt in attempts:
            with attempt:
                return self._attempt(batch)
        raise TransientError("no attempt was made")

    def _attempt(self, batch: Sequence[Waveform]) -> tuple[list[Transcript], float]:
        """One attempt, timed."""
        self._notify("start")
        began = time.perf_counter()
        try:
            transcripts = self._engine.transcribe_batch(batch)
        except TransientError:
            self._notify("pause")
            raise
        except AsrfairError:
            raise
        except Exception as error:  # An engine's library may raise anything; it is that utterance's failure.
            raise EngineError(f"{type(error).__name__}: {error}") from error
        if len(transcripts) != len(batch):
            raise EngineError(f"gave {len(transcripts)} transcripts for {len(batch)} waveforms")
        return transcripts, (time.perf_counter() - began) / len(batch)
