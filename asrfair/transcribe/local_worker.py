"""One worker process as the pool sees it: what it was given, since when, and whether it may have more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from asrfair.transcribe.jobs import Job
from asrfair.transcribe.worker import WorkerTask

CLOSE_S = 10.0
"""So long engines get at the end to give back what they took."""

BATCHES_PER_WORKER = 2
"""One with the engine, one prepared: memory is bounded whatever the size of the manifest."""

FAST_S = 0.25
FAST_BATCHES = 6
"""An engine that needs less than this for a batch gets more ahead, so that it never waits for a commit to the disk."""


@dataclass(slots=True)
class LocalWorker:
    """One process and the batches that it has.

    Attributes:
        process, connection: of the worker.
        task: what it was begun with.
        batches: number -> jobs that it was given and has not answered.
        ready: whether its engine is loaded.
        running: number -> when the engine was given the batch, or None while a retry is waited for.
        stuck: calls that were given up and still hold a thread.
        concurrency: calls that it can have under way.
        is_fast: whether the engine needs so little time that a commit could make it wait.
    """

    process: BaseProcess
    connection: Connection
    task: WorkerTask
    batches: dict[int, Sequence[Job]] = field(default_factory=dict)
    ready: bool = False
    running: dict[int, float | None] = field(default_factory=dict)
    stuck: int = 0
    concurrency: int = 1
    is_fast: bool = False

    @property
    def may_have_more(self) -> bool:
        """Whether it is ready for a further batch."""
        ahead = FAST_BATCHES if self.is_fast else BATCHES_PER_WORKER
        return self.ready and len(self.batches) < max(ahead, BATCHES_PER_WORKER * self.concurrency)
