"""Some worker processes and what each is doing: fed, timed, killed when they hang, replaced when they die."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from types import TracebackType
from typing import Self

from asrfair.errors import InputError
from asrfair.records import SystemInfo
from asrfair.transcribe.batches import Likes
from asrfair.transcribe.caller import Answer
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.local_worker import CLOSE_S, FAST_S, LocalWorker
from asrfair.transcribe.sheaves import Sheaves
from asrfair.transcribe.worker import WorkerTask, work

POLL_S = 0.5
LEAVING_S = 1.0
MOST_DEATHS = 5
"""So many workers dying one after another, with nothing done in between, stop the run."""

MOST_CRASHES = 3
"""An utterance that was under way, beside others, each time when so many workers died is taken for the cause."""

GRACE = 1.5
"""An engine that asks a server ends its calls by itself; it is given up only this many times later."""


class WorkerPool:
    """Worker processes with one engine each; use it as a context.

    Args:
        task: what the workers need to begin; its `timeout_s` is for one utterance.
        size: how many.
        gpus: one for each of the first workers; the others see all.
    """

    def __init__(self, task: WorkerTask, size: int, gpus: Sequence[str] = ()) -> None:
        rate = None if task.requests_per_s is None else task.requests_per_s / size
        tasks = [replace(task, requests_per_s=rate, gpu=gpu) for gpu in [*gpus, *[None] * size][:size]]
        self._task, self._tasks, self._timeout_s = task, tasks, task.timeout_s
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[LocalWorker] = []
        self._sheaves = Sheaves()
        self._numbers = 0
        self._deaths = 0
        self._crashes: Counter[tuple[str, str]] = Counter()
        self.info: SystemInfo | None = None
        self.likes = Likes()

    def __enter__(self) -> Self:
        """Start the workers and wait until one has its engine.

        Raises:
            InputError: the engine cannot be loaded.
        """
        try:
            for task in self._tasks:
                self._start(task)
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
        if kind is None:
            self._let_go()
        self.close()

    def _let_go(self) -> None:
        """Have the engines give back what they took, such as what they left with a service."""
        ready = [worker for worker in self._workers if worker.ready]
        for worker in ready:
            with suppress(OSError):
                worker.connection.send(None)
        until = time.monotonic() + CLOSE_S
        for worker in ready:
            worker.process.join(max(0.0, until - time.monotonic()))

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
        self._sheaves = Sheaves(sheaves)
        while True:
            while (worker := self._free()) and (batch := self._sheaves.next(id(worker))):
                self._send(worker, batch)
            if not any(w.batches for w in self._workers) and not self._sheaves:
                return
            yield [pair for pairs in self._receive() for pair in pairs]

    def drain(self) -> list[tuple[Job, Answer]]:
        """Answers that have come already; does not wait."""
        pairs: list[tuple[Job, Answer]] = []
        while wait([worker.connection for worker in self._workers], 0.0):
            pairs += [pair for found in self._receive(timeout_s=0.0) for pair in found]
        return pairs

    def _start(self, task: WorkerTask) -> None:
        """Start one more worker."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=work, args=(task, theirs), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(LocalWorker(process, ours, task))

    def _free(self) -> LocalWorker | None:
        """The worker with the least to do, if it may have more."""
        ready = [worker for worker in self._workers if worker.may_have_more]
        return min(ready, key=lambda worker: len(worker.batches), default=None)

    def _send(self, worker: LocalWorker, batch: Sequence[Job]) -> None:
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
        for worker in list(self._workers):
            yield from self._overdue(worker)

    def _overdue(self, worker: LocalWorker) -> Iterator[list[tuple[Job, Answer]]]:
        """Give up what takes too long: the worker, or the call alone where it has others under way."""
        now = time.monotonic()
        for number, since in list(worker.running.items()):
            allowed_s = self._timeout_s * len(worker.batches[number])
            if since is None or now - since <= (allowed_s if worker.concurrency == 1 else GRACE * allowed_s):
                continue
            why = f"timeout: no transcript within {self._timeout_s:g} s"
            worker.stuck += 1
            if worker.stuck >= worker.concurrency:
                yield self._bury(worker, why, culprit=number)
                return
            del worker.running[number]
            yield [(job, Answer(None, why)) for job in worker.batches.pop(number)]

    def _take(self, worker: LocalWorker, message: tuple[object, ...]) -> Iterator[list[tuple[Job, Answer]]]:
        """Take one message; what comes of a call that was given up is not used."""
        match message:
            case ("ready", SystemInfo() as info, Likes() as likes):
                worker.ready, worker.concurrency = True, likes.concurrency
                self.info, self.likes = info, likes
            case ("broken", Exception() as error):
                raise error
            case ("start", int(number)) if number in worker.batches:
                worker.running[number] = time.monotonic()
            case ("pause", int(number)) if number in worker.batches:
                worker.running[number] = None
            case ("done", int(number), list(answers)):
                since = worker.running.pop(number, None)
                worker.is_fast = since is not None and time.monotonic() - since < FAST_S
                self._deaths = 0
                if number in worker.batches:
                    yield list(zip(worker.batches.pop(number), answers, strict=True))
                else:
                    worker.stuck -= 1

    def _bury(self, worker: LocalWorker, why: str, culprit: int | None = None) -> list[tuple[Job, Answer]]:
        """Replace a worker that died or hangs; the utterance that it was at fails, the others are given to others.

        Raises:
            InputError: workers only die.
        """
        if culprit is None:
            worker.process.join(LEAVING_S)  # It is leaving by itself: how, is told.
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
        self._workers.remove(worker)
        self._sheaves.leave(id(worker))
        self._deaths += 1
        if self._deaths > MOST_DEATHS + len(self._tasks) or self.info is None:
            raise InputError(
                f"the engine {self._task.engine} {'does not start' if self.info is None else 'only dies'}: {why} "
                f"(exit code {worker.process.exitcode}); what was finished is kept"
            )
        self._start(worker.task)
        if culprit is None and worker.concurrency == 1:
            culprit = next(iter(worker.running), min(worker.batches, default=None))
        failed = []
        for number, batch in worker.batches.items():
            suspects = [job for job in batch if self._is_to_blame(job, number, worker, culprit)]
            if len(batch) == 1 and suspects:
                failed.append((batch[0], Answer(None, why)))
            elif number == culprit:
                self._sheaves.again([job] for job in batch)
            else:
                self._sheaves.again([batch])
        return failed

    def _is_to_blame(self, job: Job, number: int, worker: LocalWorker, culprit: int | None) -> bool:
        """Whether a worker died of a job: it was the one under way, or was under way at several deaths."""
        if culprit is not None:
            return number == culprit
        if number not in worker.running:
            return False
        place = (job.utterance_id, job.condition.condition_id)
        self._crashes[place] += 1
        return self._crashes[place] >= MOST_CRASHES
