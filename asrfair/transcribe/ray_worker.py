"""One actor as the run sees it: its calls under way, and when it was last heard of."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asrfair.transcribe.jobs import Job
from asrfair.transcribe.local_worker import CLOSE_S
from asrfair.transcribe.ray_actor import RayActor, Ready
from asrfair.transcribe.worker import WorkerTask


class RayWorker:
    """An actor, started wherever there is room, which loads its engine.

    Args:
        task: what it needs to begin.
        takes: what it takes of its machine, as Ray names it.

    Attributes:
        loading: what Ray waits for until the engine is loaded; None from then on.
        ready: what it said then.
        batches: number -> what it has.
        calls: what Ray waits for -> number.
        asked: what Ray waits for where it was asked for the time; else None.
        asked_at: when, monotonic seconds.
        heard_at: when it last said something, or got something to do after nothing, monotonic seconds.
        is_alone: it has a suspect and may have nothing else.
    """

    def __init__(self, task: WorkerTask, takes: Mapping[str, float]) -> None:
        import ray

        made: Any = ray.remote(RayActor)
        options = made.options(**takes, max_restarts=0, max_task_retries=0)
        self._actor: Any = options.remote(task, socket.gethostname())
        self.loading: Any = self._actor.load.remote()
        self.ready: Ready | None = None
        self.batches: dict[int, Sequence[Job]] = {}
        self.calls: dict[Any, int] = {}
        self.asked: Any = None
        self.asked_at = self.heard_at = 0.0
        self.is_alone = False

    def waited(self) -> list[Any]:
        """All that Ray waits for."""
        return [ref for ref in (self.loading, self.asked, *self.calls) if ref is not None]

    def send(self, number: int, batch: Sequence[Job]) -> None:
        """Give it a batch."""
        if not self.batches:
            self.heard_at = time.monotonic()
        self.batches[number] = batch
        self.calls[self._actor.answer.remote(number, list(batch))] = number

    def ask(self) -> None:
        """Ask for its clocks."""
        self.asked, self.asked_at = self._actor.clocks.remote(), time.monotonic()

    def closing(self) -> Any:
        """Have its engine give back what it took; returns what Ray waits for."""
        return self._actor.close.remote()

    def kill(self) -> None:
        """End it, if it is still there."""
        import ray

        try:
            ray.kill(self._actor)
        except (ray.exceptions.RayError, ValueError, ConnectionError):
            return


def let_go(workers: Iterable[RayWorker]) -> None:
    """Have engines give back what they took, such as what they left with a service; not longer than `CLOSE_S`."""
    import ray

    if asked := [worker.closing() for worker in workers if worker.ready is not None]:
        ray.wait(asked, num_returns=len(asked), timeout=CLOSE_S)


def last_line(error: Exception) -> str:
    """What an error of Ray says, without the traceback of another machine."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
