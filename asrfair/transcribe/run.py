"""The loop over systems, conditions and utterances.

Utterances that the store has are left alone; the rest are cut into batches of similar length, answered by worker
processes, and committed as they come. Timing excludes start-up and retries. Nothing here depends on the order in which
answers come, on the batch size or on the number of workers, but the order of rows in the store.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Protocol

from asrfair.adapters import Adapter, engine_class
from asrfair.records import Condition, Hypothesis, SystemInfo, Utterance
from asrfair.store import HypothesisStore
from asrfair.stress import Environment
from asrfair.transcribe.jobs import Job, is_done, plan_jobs
from asrfair.transcribe.pool import WorkerPool
from asrfair.transcribe.worker import Answer, WorkerTask

BUCKET_BATCHES = 16
"""Batches are cut from so many batches' worth of utterances, sorted by length."""

COMMIT_SHARE = 0.05
"""Commits may take about this share of the time; where one batch takes longer than that, each is committed."""

COMMIT_EVERY_S = 1.0
COMMIT_ROWS = 10_000
COMPACT_PARTS = 200
"""Parts are merged when there are more than this, and at the end."""

OptionValue = str | int | float | bool
Progress = Callable[[int, int, int], None]


class Utterances(Protocol):
    """What can be gone through several times and has a length."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Utterance]: ...


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """An engine with its options, and the name that the run gives it."""

    system_id: str
    engine: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to transcribe, and how.

    Attributes:
        utterances: of the manifest, or a sample of it.
        folder: that their audio paths count from.
        conditions: what the engine hears.
        environments: name -> environment, for the conditions that have one.
        workers: processes; None for one a core where the engine keeps Python's lock, else one.
        retries: for faults that may pass.
        timeout_s: for one utterance, seconds of the engine.
        retry_failed: try again what failed for good.
    """

    utterances: Utterances
    folder: Path
    conditions: Sequence[Condition]
    environments: Mapping[str, Environment] = field(default_factory=dict)
    workers: int | None = None
    retries: int = 4
    timeout_s: float = 300.0
    retry_failed: bool = False


@dataclass(slots=True)
class TranscribeSummary:
    """What a call to `transcribe` did.

    Attributes:
        systems: system_id -> what the engine says of itself.
        transcribed: (system_id, condition_id) -> rows that an engine was asked for.
        kept: (system_id, condition_id) -> rows that the store had, or that another utterance's key answered.
        failed: (system_id, condition_id) -> kind of failure -> rows.
        audio_s: system_id -> seconds of audio heard.
        engine_s: system_id -> engine seconds, without start-up and retries, summed over workers.
        wall_s: system_id -> seconds from the first batch to the last answer.
        interrupted: stopped by Ctrl-C or SIGTERM; what was finished is kept.
    """

    systems: dict[str, SystemInfo] = field(default_factory=dict)
    transcribed: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    audio_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    engine_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wall_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    interrupted: bool = False

    def facts(self) -> dict[str, object]:
        """What `run.json` keeps: rows, and seconds of audio, engine and wall clock by system."""
        return {
            "transcribed": sum(self.transcribed.values()),
            "kept": sum(self.kept.values()),
            "failed": sum(kinds.total() for kinds in self.failed.values()),
            "interrupted": self.interrupted,
            "audio_s": {name: round(seconds, 3) for name, seconds in self.audio_s.items()},
            "engine_s": {name: round(seconds, 3) for name, seconds in self.engine_s.items()},
            "wall_s": {name: round(seconds, 3) for name, seconds in self.wall_s.items()},
        }

    def as_text(self) -> str:
        """A line per system and condition, and the speed of each system."""
        lines = []
        for place in sorted(self.transcribed.keys() | self.kept.keys() | self.failed.keys()):
            failed = self.failed.get(place, Counter())
            kinds = "".join(f", {count} {kind}" for kind, count in sorted(failed.items()))
            lines.append(
                f"{place[0]} | {place[1]}: {self.transcribed[place]} transcribed, {self.kept[place]} kept from before, "
                f"{failed.total()} failed{kinds}"
            )
        for name, seconds in self.audio_s.items():
            rtfx = seconds / self.wall_s[name] if self.wall_s[name] else 0.0
            lines.append(f"{name}: {seconds:.0f} s of audio, {rtfx:.1f} times real time")
        return "\n".join(lines)


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
        for system in systems:
            loop.run(system, on_system)
    except KeyboardInterrupt:
        loop.summary.interrupted = True
    finally:
        loop.commit()
        _on_sigterm(before)
    store.compact()
    return loop.summary


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
        self._total = len(plan.utterances) * len(plan.conditions) * n_systems
        self._ended = self._failures = 0
        self._waiting: list[Hypothesis] = []
        self._committed, self._commit_cost = time.monotonic(), 0.0
        self._rows: dict[tuple[str, str], Mapping[str, Hypothesis]] = {}
        self.summary = TranscribeSummary()

    def run(self, system: SystemUnderTest, on_system: Callable[[SystemUnderTest, SystemInfo], None] | None) -> None:
        """Transcribe under all conditions by one system."""
        plan = self._plan
        task = WorkerTask(system.engine, system.options, plan.environments, plan.retries)
        with WorkerPool(task, self._workers(system.engine), plan.timeout_s) as pool:
            info = pool.info
            if info is None:
                return
            self.summary.systems[system.system_id] = info
            if on_system is not None:
                on_system(system, info)
            for condition in plan.conditions:
                _Cell(self, system.system_id, condition, pool, info).run()

    def _workers(self, engine: str) -> int:
        """How many processes an engine gets."""
        if self._plan.workers is not None:
            return self._plan.workers
        cls = engine_class(engine)
        return len(os.sched_getaffinity(0)) if issubclass(cls, Adapter) and cls.holds_gil else 1

    def end(self, row: Hypothesis) -> None:
        """Take a row that has ended."""
        self._waiting.append(row)
        place = (row.system_id, row.condition_id)
        if row.error is not None:
            self._failures += 1
            self.summary.failed.setdefault(place, Counter())[row.error.partition(":")[0]] += 1
        self._count(1)

    def keep(self, place: tuple[str, str], status: str) -> None:
        """Note a row that the store has."""
        self.summary.kept[place] += 1
        self._failures += status != "ok"
        self._count(1)

    def _count(self, rows: int) -> None:
        self._ended += rows
        if self._progress is not None:
            self._progress(self._ended, self._total, self._failures)

    def maybe_commit(self) -> None:
        """Commit what waits, unless commits would take more than their share of the time."""
        since = time.monotonic() - self._committed
        due = since >= min(COMMIT_EVERY_S, self._commit_cost / COMMIT_SHARE) or len(self._waiting) >= COMMIT_ROWS
        if self._waiting and due:
            self.commit()

    def commit(self) -> None:
        """Commit what waits."""
        began = time.monotonic()
        self._store.append(self._waiting)
        self._waiting = []
        if self._store.n_parts() > COMPACT_PARTS:
            self._store.compact()
        self._committed = time.monotonic()
        self._commit_cost = self._committed - began

    def known(self, place: tuple[str, str]) -> dict[str, tuple[str, str, str | None]]:
        """What the store has for a system and condition."""
        return self._store.known(*place)

    def stored(self, place: tuple[str, str], utterance_id: str) -> Hypothesis:
        """The stored row of an utterance."""
        if utterance_id not in self._rows.get(place, {}):
            self.commit()
            self._rows = {place: self._store.rows(*place)}
        return self._rows[place][utterance_id]

    @property
    def plan(self) -> Plan:
        """What to transcribe, and how."""
        return self._plan


class _Cell:
    """One system under one condition."""

    def __init__(self, loop: _Loop, system_id: str, condition: Condition, pool: WorkerPool, info: SystemInfo) -> None:
        self._loop, self._condition, self._pool, self._info = loop, condition, pool, info
        self._place = (system_id, condition.condition_id)
        self._same: dict[str, list[Job]] = {}  # key that the engine has -> further utterances with that key
        self._ended: dict[str, str] = {}  # key -> utterance that it was answered for

    def run(self) -> None:
        """Transcribe what is not there."""
        loop, summary = self._loop, self._loop.summary
        began = time.monotonic()
        answered = self._pool.run(self._batches(self._jobs()))
        try:
            for pairs in answered:
                self._end_all(pairs)
        except KeyboardInterrupt:
            self._end_all(self._pool.drain())
            raise
        finally:
            loop.commit()
            summary.wall_s[self._place[0]] += time.monotonic() - began

    def _jobs(self) -> Iterator[Job]:
        """The jobs that an engine is to be asked for; the others end here."""
        plan = self._loop.plan
        known = self._loop.known(self._place)
        self._ended = {key: utterance_id for utterance_id, (key, status, _) in known.items() if status == "ok"}
        environment = plan.environments.get(self._condition.environment or "")
        digest = environment.digest if environment is not None else None
        for job in plan_jobs(plan.utterances, plan.folder, self._condition, digest, self._info):
            row = known.get(job.utterance_id)
            if is_done(job.key, row, retry_failed=plan.retry_failed):
                self._loop.keep(self._place, row[1] if row else "ok")
            elif job.error is not None:
                self._loop.end(self._row(job, Answer(None, job.error)))
            elif job.key in self._same:
                self._same[job.key].append(job)
            elif job.key in self._ended:
                self._end_copy(job, self._loop.stored(self._place, self._ended[job.key]))
            else:
                self._same[job.key] = []
                yield job

    def _end_copy(self, job: Job, said: Hypothesis) -> None:
        """End a job with another's row."""
        self._loop.summary.kept[self._place] += 1
        answer = Hypothesis(
            *self._place,
            job.utterance_id,
            job.key,
            said.status,
            said.text,
            said.error,
            said.words,
            said.latency_s,
            job.audio_sha256,
        )
        self._loop.end(answer)

    def _batches(self, jobs: Iterable[Job]) -> Iterator[Sequence[Job]]:
        """Batches of similar length, cut from a bounded window."""
        size = self._pool.batch_size
        jobs = iter(jobs)
        while window := list(islice(jobs, size * BUCKET_BATCHES if size > 1 else 1)):
            bucket = sorted(window, key=lambda job: -(job.duration_s or 0.0))
            yield from (bucket[start : start + size] for start in range(0, len(bucket), size))

    def _end_all(self, pairs: Iterable[tuple[Job, Answer]]) -> None:
        """Take answers."""
        summary = self._loop.summary
        for job, answer in pairs:
            row = self._row(job, answer)
            summary.transcribed[self._place] += 1
            summary.audio_s[self._place[0]] += answer.audio_s
            summary.engine_s[self._place[0]] += answer.latency_s or 0.0
            self._ended[job.key] = job.utterance_id
            self._loop.end(row)
            for other in self._same.pop(job.key):
                self._end_copy(other, row)
        self._loop.maybe_commit()

    def _row(self, job: Job, answer: Answer) -> Hypothesis:
        """The row of an answer."""
        said = answer.transcript
        return Hypothesis(
            *self._place,
            job.utterance_id,
            job.key,
            "failed" if said is None else "ok",
            None if said is None else said.text,
            answer.error,
            None if said is None else said.words,
            answer.latency_s,
            job.audio_sha256,
        )
