"""What runs on the machines of a Ray cluster: an actor with an engine of its own that answers batches.

One thread reads and mixes audio, one (or as many as the engine's `concurrency`) calls the engine, both in the order of
the calls; so with two calls under way, one batch is prepared while the engine has the other.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import asrfair
from asrfair.adapters import Adapter, load_engine
from asrfair.errors import AsrfairError, InputError
from asrfair.records import SystemInfo
from asrfair.stress import Banks
from asrfair.transcribe.caller import Caller
from asrfair.transcribe.hearing import Heard, Hearing
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.worker import Answer, WorkerTask


@dataclass(frozen=True, slots=True)
class Ready:
    """What an actor says of itself when it has its engine.

    Attributes:
        info: what the engine says of itself.
        batch_size: of the engine, as the next three.
        batch_audio_s: seconds.
        longest_s: seconds.
        concurrency: calls under way at once.
        host: name of its machine.
        pid: of its process there.
        version: of asrfair there.
    """

    info: SystemInfo
    batch_size: int
    batch_audio_s: float | None
    longest_s: float | None
    concurrency: int
    host: str
    pid: int
    version: str


class RayActor:
    """An engine on some machine.

    Args:
        task: what it needs to begin.
        timeout_s: how long the engine may take for one utterance, seconds.
        home: name of the machine of the run: there the run's banks are shared, elsewhere each actor has its own.
    """

    def __init__(self, task: WorkerTask, timeout_s: float, home: str) -> None:
        away = socket.gethostname() != home
        self._task = replace(task, kit=replace(task.kit, banks=Banks())) if away else task
        self._timeout_s = timeout_s
        self._preparing = ThreadPoolExecutor(1, "prepare")
        self._calling = ThreadPoolExecutor(1, "engine")
        self._running: dict[int, float | None] = {}

    async def load(self) -> Ready | AsrfairError:
        """Load the engine, in the thread that calls it; an error is returned, whole, and not raised through Ray."""
        return await asyncio.get_running_loop().run_in_executor(self._calling, self._loaded)

    async def answer(self, number: int, jobs: Sequence[Job]) -> list[Answer]:
        """One answer per job."""
        loop = asyncio.get_running_loop()
        heard = await loop.run_in_executor(self._preparing, self._heard, jobs)
        return await loop.run_in_executor(self._calling, self._answered, number, heard)

    async def clocks(self) -> dict[int, float | None]:
        """Seconds since the engine was given each batch that it has; None while one waits before a retry."""
        now = time.monotonic()
        return {number: None if since is None else now - since for number, since in self._running.copy().items()}

    def _loaded(self) -> Ready | AsrfairError:
        task = self._task
        try:
            engine = load_engine(task.engine, task.options)
            if not isinstance(engine, Adapter):
                raise InputError(f"the engine {task.engine} does not hear audio")
            engine.timeout_s = self._timeout_s
            self._hearing = Hearing(task.kit, engine.sample_rate_hz, engine.batch_size)
            self._hearing.get_ready()
            info = engine.describe()
        except (AsrfairError, OSError, ImportError, ValueError, RuntimeError) as error:
            return error if isinstance(error, AsrfairError) else InputError(f"{task.engine}: {error}")
        self._engine = engine
        if engine.concurrency > 1:
            self._calling = ThreadPoolExecutor(engine.concurrency, "engine")
        limits = (engine.batch_size, engine.batch_audio_s, engine.longest_s, engine.concurrency)
        return Ready(info, *limits, socket.gethostname(), os.getpid(), asrfair.__version__)

    def _heard(self, jobs: Sequence[Job]) -> list[Heard | str]:
        """What the engine is to hear; a file that this machine does not see is a fault of the cluster, not the file."""
        heard = [self._hearing.hear(job) for job in jobs]
        return [
            f"missing: the machine {socket.gethostname()} does not see {job.path}: audio has to be on storage that all "
            "machines share"
            if isinstance(h, str) and job.path is not None and not job.path.exists()
            else h
            for job, h in zip(jobs, heard, strict=True)
        ]

    def _answered(self, number: int, heard: Sequence[Heard | str]) -> list[Answer]:
        """Call the engine, with the clock running."""
        try:
            return Caller(self._engine, self._task.retries, partial(self._note, number)).answer(heard)
        finally:
            self._running.pop(number, None)

    def _note(self, number: int, event: str) -> None:
        """Start or stop the clock of a batch."""
        self._running[number] = time.monotonic() if event == "start" else None
