"""The loop over systems, utterances and conditions.

Utterances that the store has are left alone; the rest are cut into batches of similar length, answered by worker
processes, and committed as they come. An utterance comes under all its conditions in a row, so that its audio is read
once. Timing excludes start-up and retries. Nothing here depends on the order in which answers come, on the batch size
or on the number of workers, but the order of rows in the store.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING

from asrfair.adapters import Adapter, engine_class
from asrfair.records import Condition, Hypothesis, Mix, SystemInfo
from asrfair.store import HypothesisStore
from asrfair.stress import Banks
from asrfair.transcribe.cell import Cell, Known
from asrfair.transcribe.hearing import Kit
from asrfair.transcribe.jobs import Job, is_done, n_probes, plan_jobs, probe_jobs
from asrfair.transcribe.plan import Plan, Progress, SystemUnderTest, TranscribeSummary
from asrfair.transcribe.pool import WorkerPool
from asrfair.transcribe.worker import Answer, WorkerTask

if TYPE_CHECKING:
    from asrfair.transcribe.ray_pool import RayPool

BUCKET_BATCHES = 16
"""Batches are cut from so many batches' worth of utterances, sorted by length."""

COMMIT_SHARE = 0.05
"""Commits may take about this share of the time; where one batch takes longer than that, each is committed."""

COMMIT_EVERY_S = 1.0
COMMIT_ROWS = 10_000
COMPACT_PARTS = 200
"""Parts are merged when there are more than this, and at the end."""


def transcribe(
    plan: Plan,
    systems: Sequence[SystemUnderTest],
    store: HypothesisStore,
    progress: Progress | None = None,
    on_system: Callable[[SystemUnderTest, SystemInfo], None] | None = None,
) -> TranscribeSummary:
    """Transcribe what the store does not have.

    Args:
        plan: what and how.
        systems: which; their ids are unique.
        store: where rows go, open.
        progress: called with (rows ended, rows in all, rows failed).
        on_system: called when a system's engine is loaded, before its first row; may refuse it with an InputError.

    Returns:
        A summary; after Ctrl-C or SIGTERM what was finished is in the store and `interrupted` is true.

    Raises:
        InputError: an engine that cannot be loaded or only dies, a store that cannot be written.
    """
    loop = _Loop(plan, store, progress, len(systems))
    before = _on_sigterm(_interrupt)
    try:
        with _executor(plan):
            for system in systems:
                loop.run(system, on_system)
    except KeyboardInterrupt:
        loop.summary.interrupted = True
    finally:
        loop.commit()
        _on_sigterm(before)
    store.compact()
    return loop.summary


def _executor(plan: Plan) -> AbstractContextManager[None]:
    """What the pools of all systems share: one connection to Ray."""
    if plan.executor != "ray":
        return nullcontext()
    from asrfair.transcribe.ray_session import connected

    return connected(plan.ray_address, plan.workers or 1)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """SIGTERM stops a run as Ctrl-C does."""
    raise KeyboardInterrupt


def _on_sigterm(
    handler: Callable[[int, FrameType | None], None] | int | None,
) -> Callable[[int, FrameType | None], None] | int | None:
    """Set the handler of SIGTERM, where that is allowed (the main thread); returns the one before."""
    try:
        return signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
    except ValueError:
        return None


class _Loop:
    """The state of one call to `transcribe`."""

    def __init__(self, plan: Plan, store: HypothesisStore, progress: Progress | None, n_systems: int) -> None:
        self._plan, self._store, self._progress = plan, store, progress
        around = plan.surroundings
        self._total = (len(plan.utterances) * len(around.conditions) + n_probes(plan.probes, around)) * n_systems
        self._ended = self._failures = 0
        self._waiting: list[Hypothesis] = []
        self._mixes: list[Mix] = []
        self._probes: list[Hypothesis] = []
        self._committed, self._commit_cost = time.monotonic(), 0.0
        self._rows: dict[tuple[str, str], Mapping[str, Hypothesis]] = {}
        self.summary = TranscribeSummary()

    def run(self, system: SystemUnderTest, on_system: Callable[[SystemUnderTest, SystemInfo], None] | None) -> None:
        """Transcribe under all conditions by one system."""
        plan = self._plan
        around = plan.surroundings
        kit = Kit(
            system.system_id, around.conditions, around.environments, Banks(plan.banks), around.voices, plan.listening
        )
        task = WorkerTask(system.engine, system.options, kit, plan.retries)
        with self._pool(task) as pool:
            info = pool.info
            if info is None:
                return
            self.summary.systems[system.system_id] = info
            if on_system is not None:
                on_system(system, info)
            self._transcribe(system.system_id, pool, info)

    def _transcribe(self, system_id: str, pool: WorkerPool | RayPool, info: SystemInfo) -> None:
        """Everything that one system is to hear."""
        conditions = self._plan.surroundings.conditions
        cells = [Cell(self, (system_id, c.condition_id), is_probe=probe) for probe in (False, True) for c in conditions]
        by_place = {(cell.place[1], cell.is_probe): cell for cell in cells}
        began = time.monotonic()

        def end(pairs: Iterable[tuple[Job, Answer]]) -> None:
            for job, answer in pairs:
                by_place[job.condition.condition_id, job.is_probe].answered(job, answer)
            self._maybe_commit()

        try:
            for pairs in pool.run(self._sheaves(by_place, pool.batch_size, info)):
                end(pairs)
        except KeyboardInterrupt:
            end(pool.drain())
            raise
        finally:
            self.commit()
            self.summary.wall_s[system_id] += time.monotonic() - began

    def _sheaves(
        self, cells: Mapping[tuple[str, bool], Cell], size: int, info: SystemInfo
    ) -> Iterator[list[Sequence[Job]]]:
        """Batches of similar length, cut from a bounded window: some utterances under each condition in turn."""
        plan = self._plan
        for planned in (
            plan_jobs(plan.utterances, plan.folder, plan.surroundings, info),
            probe_jobs(plan.probes, plan.surroundings, info),
        ):
            while window := list(islice(planned, size * BUCKET_BATCHES if size > 1 else 1)):
                asked = [
                    [job for job in jobs if cells[job.condition.condition_id, job.is_probe].asks(job)]
                    for jobs in window
                ]
                bucket = sorted(filter(None, asked), key=lambda jobs: -(jobs[0].duration_s or 0.0))
                for start in range(0, len(bucket), size):
                    yield _by_condition(bucket[start : start + size], plan.surroundings.conditions)

    def _pool(self, task: WorkerTask) -> WorkerPool | RayPool:
        """The workers of one system."""
        plan = self._plan
        if plan.executor == "ray":
            from asrfair.transcribe.ray_pool import RayPool

            return RayPool(task, plan.workers, plan.timeout_s, plan.ray_address)
        return WorkerPool(task, self._workers(task.engine), plan.timeout_s)

    def _workers(self, engine: str) -> int:
        """How many processes an engine gets."""
        if self._plan.workers is not None:
            return self._plan.workers
        cls = engine_class(engine)
        return len(os.sched_getaffinity(0)) if issubclass(cls, Adapter) and cls.holds_gil else 1

    def is_done(self, job: Job, row: Known | None) -> bool:
        """Whether what the store has of a job stands."""
        return is_done(job.key, row, retry_failed=self._plan.retry_failed)

    def end(self, row: Hypothesis, mix: Mix | None = None, *, is_probe: bool = False) -> None:
        """Take a row that has ended, and what was heard for it."""
        place = (row.system_id, row.condition_id)
        if mix is not None and not is_probe:
            self._mixes.append(mix)
        if is_probe:
            self._probes.append(row)
        else:
            self._waiting.append(row)
            if row.error is not None:
                self._failures += 1
                self.summary.failed.setdefault(place, Counter())[row.error.partition(":")[0]] += 1
        self._count(1)

    def keep(self, place: tuple[str, str], status: str, *, is_probe: bool = False) -> None:
        """Note a row that the store has."""
        if not is_probe:
            self.summary.kept[place] += 1
            self._failures += status != "ok"
        self._count(1)

    def _count(self, rows: int) -> None:
        self._ended += rows
        if self._progress is not None:
            self._progress(self._ended, self._total, self._failures)

    def _maybe_commit(self) -> None:
        """Commit what waits, unless commits would take more than their share of the time."""
        since = time.monotonic() - self._committed
        n_waiting = len(self._waiting) + len(self._probes)
        due = since >= min(COMMIT_EVERY_S, self._commit_cost / COMMIT_SHARE) or n_waiting >= COMMIT_ROWS
        if n_waiting and due:
            self.commit()

    def commit(self) -> None:
        """Commit what waits."""
        began = time.monotonic()
        self._store.append(self._waiting, self._mixes, self._probes)
        self._waiting, self._mixes, self._probes = [], [], []
        if self._store.n_parts() > COMPACT_PARTS:
            self._store.compact()
        self._committed = time.monotonic()
        self._commit_cost = self._committed - began

    def known(self, place: tuple[str, str], *, is_probe: bool) -> dict[str, Known]:
        """What the store has for a system and condition."""
        return self._store.known_probes(*place) if is_probe else self._store.known(*place)

    def stored(self, place: tuple[str, str], utterance_id: str) -> Hypothesis:
        """The stored row of an utterance."""
        if utterance_id not in self._rows.get(place, {}):
            self.commit()
            self._rows = {place: self._store.rows(*place)}
        return self._rows[place][utterance_id]


def _by_condition(utterances: Sequence[Sequence[Job]], conditions: Sequence[Condition]) -> list[Sequence[Job]]:
    """One batch a condition, of those utterances that are still to be heard under it."""
    batches = [[job for jobs in utterances for job in jobs if job.condition == c] for c in conditions]
    return [batch for batch in batches if batch]
