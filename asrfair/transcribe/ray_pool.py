"""The workers of a run on the machines of a Ray cluster: what `WorkerPool` is to one machine.

There is an actor for each GPU of the cluster where the engine takes one, else one for each processor. Each machine
needs asrfair with the engine's extra installed, in the same version, and sees the audio under the same path. Rows are
written by the process that started the run alone, so the store is the same as ever, and so is the result.

An actor that dies, with its process or its machine, is replaced, and what it had is asked again (`Suspects`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import asrfair
from asrfair.errors import AsrfairError, InputError
from asrfair.records import SystemInfo
from asrfair.transcribe.batches import Likes
from asrfair.transcribe.caller import Answer
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.ray_actor import Ready
from asrfair.transcribe.ray_session import connected, ended, room_for
from asrfair.transcribe.ray_worker import RayWorker, last_line, let_go
from asrfair.transcribe.sheaves import Sheaves
from asrfair.transcribe.suspects import MOST_CRASHES, Suspects
from asrfair.transcribe.worker import WorkerTask

POLL_S = 0.5
CLOCK_S = 5.0
SLACK_S = 10.0
"""An actor that does not even tell the time gets so much more than the engine's own time."""

MOST_DEATHS = 5
"""So many actors dying one after another, with nothing done in between, stop the run."""

Pairs = list[tuple[Job, Answer]]


class RayPool:
    """Actors with one engine each; use it as a context. It has the interface of `WorkerPool`.

    Args:
        task: what the actors need to begin.
        size: how many; None for one a GPU, or processor, of the cluster.
        address: of the cluster; None for one on this machine.
    """

    def __init__(self, task: WorkerTask, size: int | None, address: str | None = None) -> None:
        self._task, self._size, self._timeout_s, self._address = task, size, task.timeout_s, address
        self._takes: dict[str, float] = {}
        self._session = ExitStack()
        self._workers: list[RayWorker] = []
        self._sheaves = Sheaves()
        self._suspects = Suspects()
        self._numbers = self._deaths = 0
        self.info: SystemInfo | None = None
        self.likes = Likes()

    def __enter__(self) -> Self:
        """Start the actors and wait until one has its engine.

        Raises:
            InputError: no cluster, no room in it, or an engine that cannot be loaded.
        """
        try:
            self._session.enter_context(connected(self._address, self._size or 1))
            self._takes, self._size = room_for(self._task.engine, self._size)
            if self._task.requests_per_s is not None:
                self._task = replace(self._task, requests_per_s=self._task.requests_per_s / self._size)
            for _ in range(self._size):
                self._start()
            while self.info is None:
                self._receive(POLL_S)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            let_go(self._workers)
        self.close()

    def close(self) -> None:
        """End all actors, and Ray if it was started for them."""
        for worker in self._workers:
            worker.kill()
        self._workers = []
        self._session.close()

    def processes(self) -> list[tuple[str, int]]:
        """Machine and process id of each actor that has its engine."""
        return [(worker.ready.host, worker.ready.pid) for worker in self._workers if worker.ready is not None]

    def run(self, sheaves: Iterator[Sequence[Sequence[Job]]]) -> Iterator[Pairs]:
        """Have all batches answered.

        Args:
            sheaves: batches that share their audio, which one actor answers one after the other, as long as there is
                enough for all.

        Yields:
            Answers as they come, and an empty list now and then while it waits.
        """
        self._sheaves = Sheaves(sheaves)
        while True:
            while (worker := self._free()) and (batch := self._next(worker)):
                self._send(worker, batch)
            if not any(w.batches for w in self._workers) and not self._sheaves and not self._suspects:
                return
            yield self._receive(POLL_S)

    def drain(self) -> Pairs:
        """Answers that have come already; does not wait."""
        return self._receive(0.0)

    def _start(self) -> None:
        """Start one more actor, wherever there is room, and have it load its engine."""
        self._workers.append(RayWorker(self._task, self._takes))

    def _free(self) -> RayWorker | None:
        """The actor with the least to do, if it may have more; while there are suspects, only one with nothing."""
        most = 0 if self._suspects else max(2, self.likes.concurrency + 1) - 1
        ready = [w for w in self._workers if w.ready is not None and len(w.batches) <= most and not w.is_alone]
        return min(ready, key=lambda worker: len(worker.batches), default=None)

    def _next(self, worker: RayWorker) -> Sequence[Job] | None:
        """What an actor is to do next; a suspect is asked by itself."""
        if self._suspects:
            worker.is_alone = True
            return self._suspects.next()
        return self._sheaves.next(worker)

    def _send(self, worker: RayWorker, batch: Sequence[Job]) -> None:
        """Give an actor a batch."""
        self._numbers += 1
        worker.send(self._numbers, batch)

    def _receive(self, timeout_s: float) -> Pairs:
        """Wait for answers and deaths; returns the answers."""
        import ray

        waited = {ref: worker for worker in self._workers for ref in worker.waited()}
        pairs: Pairs = []
        for ref in ended(list(waited), timeout_s):
            worker = waited[ref]
            if worker not in self._workers:
                continue  # It was buried a moment ago, and this with it.
            try:
                pairs += self._take(worker, ref, ray.get(ref))
            except ray.exceptions.RayError as error:
                pairs += self._died(worker, error)
        return pairs + self._late()

    def _take(self, worker: RayWorker, ref: Any, said: object) -> Pairs:
        """Take what an actor said."""
        if ref == worker.loading:
            worker.loading = None
            self._welcome(worker, said)
        elif ref == worker.asked:
            return self._clocks(worker, said)
        elif isinstance(said, list):
            number = worker.calls.pop(ref)
            worker.heard_at, worker.is_alone, self._deaths = time.monotonic(), False, 0
            return list(zip(worker.batches.pop(number), said, strict=True))
        return []

    def _welcome(self, worker: RayWorker, said: object) -> None:
        """Take in an actor that has its engine, and hold it to what the others have.

        Raises:
            InputError: the engine cannot be loaded there, or is another there.
        """
        if not isinstance(said, Ready):
            raise said if isinstance(said, AsrfairError) else InputError(f"an actor said {said!r}")
        if said.version != asrfair.__version__:
            raise InputError(f"{said.host} has asrfair {said.version}, this machine {asrfair.__version__}: install one")
        if self.info is not None and said.info != self.info:
            raise InputError(
                f"{said.host} has another {self._task.engine} than the other machines: {said.info}, not {self.info}"
            )
        worker.ready, self.info, self.likes = said, said.info, said.likes

    def _late(self) -> Pairs:
        """Ask actors that were silent for a while for the time, and end those that do not tell it."""
        pairs: Pairs = []
        now = time.monotonic()
        for worker in list(self._workers):
            if not worker.batches:
                continue
            if worker.asked is None:
                if now - worker.heard_at > min(CLOCK_S, self._timeout_s):
                    worker.ask()
            elif now - worker.asked_at > self._timeout_s * len(worker.batches[min(worker.batches)]) + SLACK_S:
                pairs += self._hangs(worker, min(worker.batches))
        return pairs

    def _clocks(self, worker: RayWorker, said: object) -> Pairs:
        """Take an actor's clocks; one whose engine has had a batch for too long is ended."""
        worker.asked, worker.heard_at = None, time.monotonic()
        slack_s = (
            SLACK_S if self.likes.concurrency > 1 else 0.0
        )  # Such an engine ends its call by itself, if only just.
        for number, seconds in said.items() if isinstance(said, dict) else ():
            batch = worker.batches.get(number)
            if batch is not None and seconds is not None and seconds > self._timeout_s * len(batch) + slack_s:
                return self._hangs(worker, number)
        return []

    def _hangs(self, worker: RayWorker, number: int) -> Pairs:
        """Replace an actor whose engine does not come back; the utterance fails, a batch is asked one by one."""
        self._replace(worker)
        culprit = worker.batches.pop(number)
        self._sheaves.again(worker.batches.values())
        if len(culprit) > 1:
            self._sheaves.again([job] for job in culprit)
            return []
        return [(culprit[0], Answer(None, f"timeout: no transcript within {self._timeout_s:g} s"))]

    def _died(self, worker: RayWorker, why: Exception) -> Pairs:
        """Replace an actor that died, with its process or its machine; what it had is asked again, by itself.

        Raises:
            InputError: actors only die.
        """
        self._deaths += 1
        if self._deaths > MOST_DEATHS + (self._size or 1) or self.info is None:
            is_new = worker.ready is None
            raise InputError(
                f"the engine {self._task.engine} {'does not start' if is_new else 'only dies'} on the Ray cluster: "
                f"{last_line(why)}; all machines need asrfair and the engine's extra; what was finished is kept"
            )
        self._replace(worker)
        culprit = self._suspects.died(worker.batches[number] for number in sorted(worker.batches))
        if culprit is None:
            return []
        return [(culprit, Answer(None, f"crash: the engine's process died {MOST_CRASHES} times at this utterance"))]

    def _replace(self, worker: RayWorker) -> None:
        """End an actor and start another."""
        worker.kill()
        self._workers.remove(worker)
        self._sheaves.leave(worker)
        self._start()
