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
from asrfair.errors import AsrfairError, InputError
from asrfair.records import SystemInfo
from asrfair.stress import Banks
from asrfair.transcribe.batches import Likes
from asrfair.transcribe.caller import Answer, Caller
from asrfair.transcribe.gate import Gate
from asrfair.transcribe.hearing import Heard
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.worker import Seat, WorkerTask


@dataclass(frozen=True, slots=True)
class Ready:
    """What an actor says of itself when it has its engine.

    Attributes:
        info: what the engine says of itself.
        likes: how it likes to be asked.
        host: name of its machine.
        pid: of its process there.
        version: of asrfair there.
    """

    info: SystemInfo
    likes: Likes
    host: str
    pid: int
    version: str


class RayActor:
    """An engine on some machine.

    Args:
        task: what it needs to begin.
        home: name of the machine of the run: there the run's banks are shared, elsewhere each actor has its own.
    """

    def __init__(self, task: WorkerTask, home: str) -> None:
        away = socket.gethostname() != home
        self._task = replace(task, kit=replace(task.kit, banks=Banks())) if away else task
        self._gate = Gate(task.requests_per_s)
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

    async def close(self) -> None:
        """Have the engine give back what it took."""
        await asyncio.get_running_loop().run_in_executor(self._calling, self._seat.engine.close)

    def _loaded(self) -> Ready | AsrfairError:
        try:
            self._seat = Seat(self._task)
        except (AsrfairError, OSError, ImportError, ValueError, RuntimeError) as error:
            return error if isinstance(error, AsrfairError) else InputError(f"{self._task.engine}: {error}")
        likes = self._seat.likes
        if likes.concurrency > 1:
            self._calling = ThreadPoolExecutor(likes.concurrency, "engine")
        return Ready(self._seat.info, likes, socket.gethostname(), os.getpid(), asrfair.__version__)

    def _heard(self, jobs: Sequence[Job]) -> list[Heard | str]:
        """What the engine is to hear; a file that this machine does not see is a fault of the cluster, not the file."""
        heard = self._seat.hear(jobs)
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
            notify = partial(self._note, number)
            return Caller(self._seat.engine, self._task.retries, notify, self._gate).answer(heard)
        finally:
            self._running.pop(number, None)

    def _note(self, number: int, event: str) -> None:
        """Start or stop the clock of a batch."""
        self._running[number] = time.monotonic() if event == "start" else None
