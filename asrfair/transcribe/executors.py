"""Who does the work: processes of this machine, or workers on several. An executor has no say in what comes out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Protocol, Self

from asrfair.adapters import Adapter, engine_class
from asrfair.errors import InputError
from asrfair.records import SystemInfo
from asrfair.stress import Banks
from asrfair.transcribe.batches import Likes
from asrfair.transcribe.caller import Answer
from asrfair.transcribe.gpus import chosen_gpus
from asrfair.transcribe.hearing import Kit
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.plan import Plan, SystemUnderTest
from asrfair.transcribe.pool import WorkerPool
from asrfair.transcribe.worker import WorkerTask

MOST_READERS = 8


class Executor(Protocol):
    """Workers with one engine each; a context.

    Attributes:
        info: what the engine says of itself, once it is loaded.
        likes: how it likes to be asked.
    """

    info: SystemInfo | None
    likes: Likes

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, sheaves: Iterator[Sequence[Sequence[Job]]]) -> Iterator[list[tuple[Job, Answer]]]:
        """Have all batches answered; see `pool.WorkerPool.run`."""
        ...

    def drain(self) -> list[tuple[Job, Answer]]:
        """Answers that have come already; does not wait."""
        ...


def executor(plan: Plan, system: SystemUnderTest) -> Executor:
    """The executor of a plan, for one system.

    Raises:
        InputError: an executor that is not known, or fewer GPUs than asked for.
    """
    if plan.executor == "ray":
        from asrfair.transcribe.ray_pool import RayPool

        return RayPool(_task(plan, system, readers=1), plan.workers, plan.address)
    if plan.executor != "local":
        raise InputError(f"executor {plan.executor!r} is not known; write local or ray")
    cls, cores = engine_class(system.engine), len(os.sched_getaffinity(0))
    gpus = chosen_gpus(plan.gpus) if issubclass(cls, Adapter) and cls.on_gpu else []
    size = plan.workers or len(gpus) or (cores if issubclass(cls, Adapter) and cls.holds_gil else 1)
    readers = min(MOST_READERS, max(1, cores // size - 1)) if gpus else 1
    seats = [gpus[number % len(gpus)] for number in range(size)] if gpus else []
    return WorkerPool(_task(plan, system, readers), size, seats)


def session(plan: Plan) -> AbstractContextManager[None]:
    """What the executors of all systems share: one connection to Ray."""
    if plan.executor != "ray":
        return nullcontext()
    from asrfair.transcribe.ray_session import connected

    return connected(plan.address, plan.workers or 1)


def _task(plan: Plan, system: SystemUnderTest, readers: int) -> WorkerTask:
    """What a worker needs."""
    around = plan.surroundings
    kit = Kit(
        system.system_id, around.conditions, around.environments, Banks(plan.banks), around.voices, plan.listening
    )
    return WorkerTask(
        system.engine,
        system.options,
        kit,
        plan.retries,
        plan.timeout_s,
        concurrency=system.concurrency,
        requests_per_s=system.requests_per_s,
        readers=readers,
    )
