"""A worker process: it has an engine of its own, prepares audio in a thread ahead of it, and answers over a pipe.

Messages from the parent: `(number, jobs)`, one batch; end of file means that the parent is gone, and the worker leaves.
Messages to the parent:

    ("ready", SystemInfo, batch_size)   the engine is loaded
    ("broken", exception)               it could not be loaded
    ("start", number)                   the engine was given the batch: the clock of the timeout starts
    ("pause", number)                   waiting before a retry: the clock stops
    ("done", number, answers)           one answer per job
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from asrfair.adapters import Adapter, load_engine
from asrfair.errors import AsrfairError, EngineError, InputError, TransientError
from asrfair.records import Mix, Transcript, Waveform
from asrfair.transcribe.hearing import Heard, Hearing, Kit

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
PREPARED_AHEAD = 4

OptionValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker needs to begin: the engine with its options, what mixes are made of, and the number of retries."""

    engine: str
    options: Mapping[str, OptionValue]
    kit: Kit
    retries: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one job.

    Attributes:
        transcript: what the engine said; None if it failed.
        error: `KIND: what happened`; None if it did not fail.
        latency_s: engine seconds, without retries.
        audio_s: seconds of audio that the engine heard.
        mix: what is told of it; None for clean audio, and where there is none.
    """

    transcript: Transcript | None
    error: str | None = None
    latency_s: float | None = None
    audio_s: float = 0.0
    mix: Mix | None = None


Prepared = tuple[int, Sequence[Heard | str]]


def work(task: WorkerTask, connection: Connection) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        engine = load_engine(task.engine, task.options)
        if not isinstance(engine, Adapter):
            raise InputError(f"the engine {task.engine} does not hear audio")
        hearing = Hearing(task.kit, engine.sample_rate_hz, engine.batch_size)
        hearing.get_ready()
        connection.send(("ready", engine.describe(), engine.batch_size))
    except (AsrfairError, OSError, ImportError, ValueError, RuntimeError) as error:
        connection.send(("broken", error if isinstance(error, AsrfairError) else InputError(f"{task.engine}: {error}")))
        return
    prepared: queue.Queue[Prepared] = queue.Queue(PREPARED_AHEAD)
    threading.Thread(target=_prepare, args=(hearing, connection, prepared), daemon=True).start()
    caller = _Caller(engine, task.retries, connection)
    while True:
        number, heard = prepared.get()
        answers = caller.answer(number, heard)
        connection.send(("done", number, answers))


def _prepare(hearing: Hearing, connection: Connection, prepared: queue.Queue[Prepared]) -> None:
    """Read, resample and stress the audio of the batches that come, ahead of the engine."""
    while True:
        try:
            number, jobs = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        prepared.put((number, [hearing.hear(job) for job in jobs]))


class _Caller:
    """Calls the engine: the whole batch first, each alone if the batch is refused; retries what may pass."""

    def __init__(self, engine: Adapter, retries: int, connection: Connection) -> None:
        self._engine = engine
        self._retries = retries
        self._connection = connection

    def answer(self, number: int, prepared: Sequence[Heard | str]) -> list[Answer]:
        """One answer per waveform; a failed preparation is its own answer and never reaches the engine."""
        waveforms = [heard.waveform for heard in prepared if isinstance(heard, Heard)]
        answers = iter(self._call(number, waveforms) if waveforms else [])
        return [Answer(None, h) if isinstance(h, str) else replace(next(answers), mix=h.mix) for h in prepared]

    def _call(self, number: int, batch: Sequence[Waveform]) -> list[Answer]:
        """Answers of the engine to some waveforms."""
        try:
            transcripts, seconds = self._retried(number, batch)
        except EngineError as error:
            if len(batch) > 1:
                return [answer for waveform in batch for answer in self._call(number, [waveform])]
            return [Answer(None, f"{error.kind}: {error}", audio_s=batch[0].duration_s)]
        return [
            Answer(t, None, seconds if t.latency_s is None else t.latency_s, waveform.duration_s)
            for t, waveform in zip(transcripts, batch, strict=True)
        ]

    def _retried(self, number: int, batch: Sequence[Waveform]) -> tuple[list[Transcript], float]:
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
                return self._attempt(number, batch)
        raise TransientError("no attempt was made")

    def _attempt(self, number: int, batch: Sequence[Waveform]) -> tuple[list[Transcript], float]:
        """One attempt, timed."""
        self._connection.send(("start", number))
        began = time.perf_counter()
        try:
            transcripts = self._engine.transcribe_batch(batch)
        except TransientError:
            self._connection.send(("pause", number))
            raise
        except AsrfairError:
            raise
        except Exception as error:  # An engine's library may raise anything; it is that utterance's failure.
            raise EngineError(f"{type(error).__name__}: {error}") from error
        if len(transcripts) != len(batch):
            raise EngineError(f"gave {len(transcripts)} transcripts for {len(batch)} waveforms")
        return transcripts, (time.perf_counter() - began) / len(batch)
