"""A worker process: it has an engine of its own, prepares audio in threads ahead of it, and answers over a pipe.

Messages from the parent: `(number, jobs)`, one batch; None means that there is nothing more, and the engine gives back
what it took; end of file means that the parent is gone, and the worker leaves.
Messages to the parent:

    ("ready", SystemInfo, Likes)        the engine is loaded
    ("broken", exception)               it could not be loaded
    ("start", number)                   the engine was given the batch: the clock of the timeout starts
    ("pause", number)                   waiting before a retry: the clock stops
    ("done", number, answers)           one answer per job

An engine that allows several calls at once is called from as many threads; they share one connection and one gate.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import msgspec

from asrfair.adapters import Adapter, load_engine
from asrfair.errors import AsrfairError, InputError
from asrfair.records import SystemInfo
from asrfair.transcribe.batches import Likes
from asrfair.transcribe.caller import Caller
from asrfair.transcribe.gate import Gate
from asrfair.transcribe.gpus import VISIBLE
from asrfair.transcribe.hearing import Heard, Hearing, Kit
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.long_audio import overlap_s

PREPARED_AHEAD = 4
SHORTEST_PIECE_S = 0.1
"""Audio is not cut into less."""

OptionValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a worker needs to begin.

    Attributes:
        engine: its name.
        options: of the engine.
        kit: what mixes are made of.
        retries: for faults that may pass.
        timeout_s: for one call, seconds.
        concurrency: calls at once, where the engine allows several; None for what it says itself.
        requests_per_s: highest rate of this worker; None for none.
        readers: threads that prepare audio.
        gpu: the one that this worker may see; None for all.
    """

    engine: str
    options: Mapping[str, OptionValue]
    kit: Kit
    retries: int
    timeout_s: float = 300.0
    concurrency: int | None = None
    requests_per_s: float | None = None
    readers: int = 1
    gpu: str | None = None


Prepared = tuple[int, Sequence[Heard | str]]


class Seat:
    """An engine at its place: loaded, with what it hears through; what a worker of any kind sits on.

    Args:
        task: what it needs.

    Raises:
        AsrfairError: the engine cannot be loaded.
    """

    def __init__(self, task: WorkerTask) -> None:
        if task.gpu is not None:
            os.environ[VISIBLE] = task.gpu
        self.engine = _loaded(task)
        self.engine.timeout_s = task.timeout_s
        made = self.engine
        self.likes = Likes(made.batch_size, made.batch_audio_s, made.concurrency, made.most_padding)
        if task.concurrency is not None and self.engine.concurrency > 1:
            self.likes = replace(self.likes, concurrency=task.concurrency)
        self.info = _signed(self.engine)
        self.hearing = Hearing(task.kit, self.engine.sample_rate_hz, self.engine.batch_size)
        self.hearing.get_ready()
        self._readers = ThreadPoolExecutor(task.readers) if task.readers > 1 else None

    def hear(self, jobs: Sequence[Job]) -> list[Heard | str]:
        """What the engine is to hear."""
        return list(self._readers.map(self.hearing.hear, jobs) if self._readers else map(self.hearing.hear, jobs))


def _loaded(task: WorkerTask) -> Adapter:
    """The engine.

    Raises:
        AsrfairError: it cannot be loaded.
    """
    try:
        engine = load_engine(task.engine, task.options)
    except AsrfairError:
        raise
    except (Exception, SystemExit) as error:  # An engine's library may raise anything, or mean to leave.
        raise InputError(f"the engine {task.engine} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(engine, Adapter):
        raise InputError(f"the engine {task.engine} does not hear audio")
    for name in ("batch_size", "concurrency", "sample_rate_hz", "batch_audio_s", "longest_s"):
        if (value := getattr(engine, name)) is not None and not value > 0:
            raise InputError(f"the engine {task.engine}: {name}={value} is not above 0")
    if engine.longest_s is not None and engine.longest_s < SHORTEST_PIECE_S:
        raise InputError(f"the engine {task.engine}: longest_s={engine.longest_s} is not {SHORTEST_PIECE_S} or more")
    return engine


def _signed(engine: Adapter) -> SystemInfo:
    """What the engine says of itself, and how the runner cuts what is too long for it."""
    info = engine.describe()
    try:
        msgspec.json.encode(info)
    except (TypeError, ValueError) as error:
        raise InputError(f"the engine {type(engine).__name__}: what it says of itself is no JSON: {error}") from error
    if engine.longest_s is None:
        return info
    cut = {"longest_s": engine.longest_s, "overlap_s": overlap_s(engine.longest_s)}
    return replace(info, options={**info.options, **cut})


def work(task: WorkerTask, connection: Connection) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):  # no stderr to write to
        os.dup2(2, 1)  # What an engine's library prints is talk; results alone go to stdout.
    try:
        seat = Seat(task)
    except (AsrfairError, OSError, ImportError, ValueError, RuntimeError) as error:
        connection.send(("broken", error if isinstance(error, AsrfairError) else InputError(f"{task.engine}: {error}")))
        return
    line = _Line(connection)
    line.send("ready", seat.info, seat.likes)
    prepared: queue.Queue[Prepared] = queue.Queue(max(PREPARED_AHEAD, seat.likes.concurrency))
    threading.Thread(target=_prepare, args=(seat, connection, prepared), daemon=True).start()
    gate = Gate(task.requests_per_s)
    for _ in range(seat.likes.concurrency - 1):
        threading.Thread(target=_answer_or_die, args=(seat, task.retries, gate, line, prepared), daemon=True).start()
    _answer(seat, task.retries, gate, line, prepared)


class _Line:
    """The connection to the parent, for several threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, *message: object) -> None:
        """Send, or leave with the parent that is gone."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(0)


def _prepare(seat: Seat, connection: Connection, prepared: queue.Queue[Prepared]) -> None:
    """Read, resample and stress the audio of the batches that come, ahead of the engine."""
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        if message is None:
            _leave(seat)
        number, jobs = message
        prepared.put((number, seat.hear(jobs)))


def _leave(seat: Seat) -> NoReturn:
    """End the process, with what the engine took given back."""
    try:
        seat.engine.close()
    except Exception as error:  # noqa: BLE001 - an engine's library may raise anything, and everything is done
        logging.getLogger(__name__).debug("%s while closing", type(error).__name__)
    os._exit(0)


def _answer_or_die(*args: Any) -> None:
    """The same in a thread beside the main one, whose end would be noticed by nobody."""
    try:
        _answer(*args)
    except BaseException:  # noqa: BLE001 - whatever it is, the parent begins another process
        traceback.print_exc()
        os._exit(1)


def _answer(seat: Seat, retries: int, gate: Gate, line: _Line, prepared: queue.Queue[Prepared]) -> None:
    """Answer batches, one after the other."""
    number = 0

    def notify(event: str) -> None:
        line.send(event, number)

    caller = Caller(seat.engine, retries, notify, gate)
    while True:
        number, heard = prepared.get()
        line.send("done", number, caller.answer(heard))
