"""Some worker processes and what each is doing: fed, timed, killed when they hang, replaced when they die."""

from __future__ import annotations

import multiprocessing
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType

from asrfair.errors import InputError
from asrfair.records import SystemInfo
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.worker import Answer, WorkerTask, work

BATCHES_PER_WORKER = 2
"""One with the engine, one prepared: memory is bounded whatever the size of the manifest."""

FAST_S = 0.25
FAST_BATCHES = 6
"""An engine that needs less than this for a batch gets more ahead, so that it never waits for a commit to the disk."""

POLL_S = 0.5
MOST_DEATHS = 5
"""So many workers dying one after another, with nothing done in between, stop the run."""


@dataclass(slots=True)
class _Worker:
    """One process and the batches that it has."""

    process: BaseProcess
    connection: Connection
    batches: dict[int, Sequence[Job]] = field(default_factory=dict)
    sheaf: deque[Sequence[Job]] = field(default_factory=deque)
    ready: bool = False
    running: int | None = None
    since: float | None = None
    is_fast: bool = False

    @property
    def may_have_more(self) -> bool:
        """Whether it is ready for a further batch."""
        return self.ready and len(self.batches) < (FAST_BATCHES if self.is_fast else BATCHES_PER_WORKER)


class WorkerPool:
    """Worker processes with one engine each; use it as a context.

    Args:
        task: what the workers need to begin.
        size: how many.
        timeout_s: how long the engine may take for one utterance, seconds.
    """

    def __init__(self, task: WorkerTask, size: int, timeout_s: float) -> None:
        self._task, self._size, self._timeout_s = task, size, timeout_s
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._again: deque[Sequence[Job]] = deque()
        self._numbers = 0
        self._deaths = 0
        self.info: SystemInfo | None = None
        self.batch_size = 1

    def __enter__(self) -> WorkerPool:
        """Start the workers and wait until one has its engine.

        Raises:
            InputError: the engine cannot be loaded.
        """
        try:
            for _ in range(self._size):
                self._start()
            while self.info is None:
                for _ in self._receive():
                    pass
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.connection.close()
        self._workers = []

    def run(self, sheaves: Iterator[Sequence[Sequence[Job]]]) -> Iterator[list[tuple[Job, Answer]]]:
        """Have all batches answered.

        Args:
            sheaves: batches that share their audio, which one worker answers one after the other, as long as there is
                enough for all.

        Yields:
            Answers as they come, and an empty list now and then while it waits.
        """
        while True:
            while (worker := self._free()) and (batch := self._next(worker, sheaves)):
                self._send(worker, batch)
            if not any(w.batches for w in self._workers) and not self._again and not any(self._sheaves()):
                return
            yield [pair for pairs in self._receive() for pair in pairs]

    def _next(self, worker: _Worker, sheaves: Iterator[Sequence[Sequence[Job]]]) -> Sequence[Job] | None:
        """What a worker is to do next: what another left, its own sheaf, a new one, or a part of another's."""
        if self._again:
            return self._again.popleft()
        if not worker.sheaf:
            worker.sheaf.extend(next(sheaves, ()))
        if worker.sheaf:
            return worker.sheaf.popleft()
        most = max(self._sheaves(), key=len)
        return most.pop() if most else None

    def _sheaves(self) -> list[deque[Sequence[Job]]]:
        """What the workers still have before them."""
        return [worker.sheaf for worker in self._workers]

    def drain(self) -> list[tuple[Job, Answer]]:
        """Answers that have come already; does not wait."""
        return [pair for pairs in self._receive(timeout_s=0.0) for pair in pairs]

    def _start(self) -> None:
        """Start one more worker."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(self._task, theirs), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def _free(self) -> _Worker | None:
        """The worker with the least to do, if it may have more."""
        ready = [worker for worker in self._workers if worker.may_have_more]
        return min(ready, key=lambda worker: len(worker.batches), default=None)

    def _send(self, worker: _Worker, batch: Sequence[Job]) -> None:
        """Give a worker a batch."""
        self._numbers += 1
        worker.batches[self._numbers] = batch
        try:
            worker.connection.send((self._numbers, batch))
        except OSError:
            return  # It has died; `_receive` finds its sentinel and gives the batch to another.

    def _receive(self, timeout_s: float = POLL_S) -> Iterator[list[tuple[Job, Answer]]]:
        """Wait for messages and deaths; yields the answers."""
        handles = {worker.connection: worker for worker in self._workers}
        for handle in wait(list(handles), timeout_s):
            worker = handles[handle]  # type: ignore[index]  # wait() is typed to return more than it was given
            try:
                yield from self._take(worker, worker.connection.recv())
            except (EOFError, OSError):
                yield self._bury(worker, "crash: the engine's process died")
        now = time.monotonic()
        for worker in list(self._workers):
            batch = worker.batches.get(worker.running) if worker.running is not None else None
            if batch is not None and worker.since is not None and now - worker.since > self._timeout_s * len(batch):
                yield self._bury(worker, f"timeout: no transcript within {self._timeout_s:g} s")

    def _take(self, worker: _Worker, message: tuple[object, ...]) -> Iterator[list[tuple[Job, Answer]]]:
        """Take one message."""
        match message:
            case ("ready", SystemInfo() as info, int(batch_size)):
                worker.ready, self.info, self.batch_size = True, info, batch_size
            case ("broken", Exception() as error):
                raise error
            case ("start", int(number)):
                worker.running, worker.since = number, time.monotonic()
            case ("pause", int()):
                worker.since = None
            case ("done", int(number), list(answers)):
                worker.is_fast = worker.since is not None and time.monotonic() - worker.since < FAST_S
                worker.running = worker.since = None
                self._deaths = 0
                yield list(zip(worker.batches.pop(number), answers, strict=True))

    def _bury(self, worker: _Worker, why: str) -> list[tuple[Job, Answer]]:
        """Replace a worker that died or hangs; the utterance that it was at fails, the others are given to others.

        Raises:
            InputError: workers only die.
        """
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        self._again.extend(worker.sheaf)
        self._deaths += 1
        if self._deaths > MOST_DEATHS + self._size or not worker.ready:
            raise InputError(
                f"the engine {self._task.engine} {'does not start' if not worker.ready else 'only dies'}: {why} "
                f"(exit code {worker.process.exitcode}); what was finished is kept"
            )
        self._start()
        culprit = worker.running if worker.running is not None else min(worker.batches, default=None)
        failed = []
        for number, batch in worker.batches.items():
            if number == culprit and len(batch) == 1:
                failed = [(batch[0], Answer(None, why))]
            elif number == culprit:
                self._again.extend([job] for job in batch)
            else:
                self._again.append(batch)
        return failed
