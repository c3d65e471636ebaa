"""The loop over systems, utterances and conditions.

Utterances that the store has are left alone; the rest are cut into batches of similar length, answered by worker
processes, and committed as they come. An utterance comes under all its conditions in a row, so that its audio is read
once. Timing excludes start-up and retries. Nothing here depends on the order in which answers come, on the batch size
or on the number of workers, but the order of rows in the store.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

from asrfair.errors import InputError, RunFolderError
from asrfair.records import Hypothesis, Mix, SystemInfo
from asrfair.store import HypothesisStore
from asrfair.transcribe.asking import Asking
from asrfair.transcribe.cell import Kind, Known
from asrfair.transcribe.executors import Executor, executor, session
from asrfair.transcribe.jobs import Job, is_done, n_probes
from asrfair.transcribe.meter import Meter
from asrfair.transcribe.plan import Plan, Progress, SystemUnderTest, TranscribeSummary

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
        A summary; after Ctrl-C or SIGTERM what was finished is in the store and `interrupted` is true. A system whose
        engine cannot be loaded or only dies does not keep the others from being heard: it is in `broken`.

    Raises:
        RunFolderError: a store that cannot be written, or that has another system of that name.
        InputError: no system could be used; what the first one said.
    """
    loop = _Loop(plan, store, progress, len(systems))
    before = _on_sigterm(_interrupt)
    try:
        with session(plan):
            for system in systems:
                try:
                    loop.run(system, on_system)
                except RunFolderError:
                    raise
                except InputError as error:
                    loop.summary.broken[system.system_id] = error
    except KeyboardInterrupt:
        loop.summary.interrupted = True
    finally:
        loop.commit()
        _on_sigterm(before)
    store.compact()
    broken = loop.summary.broken
    if systems and len(broken) == len(systems):
        raise broken[systems[0].system_id]
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
        around = plan.surroundings
        n_rows = len(plan.utterances) * len(around.conditions) * plan.repeats
        self._total = (n_rows + n_probes(plan.probes, around)) * n_systems
        self._ended = self._failures = 0
        self._waiting: dict[Kind, list[Hypothesis]] = {"row": [], "probe": [], "repeat": []}
        self._mixes: list[Mix] = []
        self._committed, self._commit_cost = time.monotonic(), 0.0
        self._rows: dict[tuple[str, str], Mapping[str, Hypothesis]] = {}
        self.meter = Meter(store.run_folder)
        self.summary = TranscribeSummary()

    def run(self, system: SystemUnderTest, on_system: Callable[[SystemUnderTest, SystemInfo], None] | None) -> None:
        """Transcribe under all conditions by one system."""
        with executor(self._plan, system) as pool:
            info = pool.info
            if info is None:
                return
            self.summary.systems[system.system_id] = info
            if on_system is not None:
                on_system(system, info)
            self._transcribe(system, pool, info)

    def _transcribe(self, system: SystemUnderTest, pool: Executor, info: SystemInfo) -> None:
        """Everything that one system is to hear."""
        asking = Asking(self, self.meter, self._plan, system, pool.likes, info)
        usage = self.meter.of(system.system_id)
        before_s, began = usage.wall_s, time.monotonic()
        try:
            for pairs in pool.run(asking.sheaves()):
                asking.answered(pairs)
                usage.wall_s = before_s + time.monotonic() - began
                self._maybe_commit()
        except KeyboardInterrupt:
            asking.answered(pool.drain())
            raise
        finally:
            usage.wall_s = before_s + time.monotonic() - began
            self.summary.wall_s[system.system_id] += usage.wall_s - before_s
            self.commit()

    def is_done(self, job: Job, row: Known | None) -> bool:
        """Whether what the store has of a job stands."""
        return is_done(job.key, row, retry_failed=self._plan.retry_failed)

    def end(self, row: Hypothesis, mix: Mix | None = None, kind: Kind = "row") -> None:
        """Take a row that has ended, and what was heard for it."""
        self._waiting[kind].append(row)
        if kind == "row" and mix is not None:
            self._mixes.append(mix)
        if kind == "row" and row.error is not None:
            place = (row.system_id, row.condition_id)
            self._failures += 1
            self.summary.failed.setdefault(place, Counter())[row.error.partition(":")[0]] += 1
        self._count(1)

    def keep(self, place: tuple[str, str], status: str, kind: Kind) -> None:
        """Note a row that the store has."""
        if kind == "row":
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
        n_waiting = sum(map(len, self._waiting.values()))
        due = since >= min(COMMIT_EVERY_S, self._commit_cost / COMMIT_SHARE) or n_waiting >= COMMIT_ROWS
        if n_waiting and due:
            self.commit()

    def commit(self) -> None:
        """Commit what waits; what it cost first, so that a budget errs on the safe side."""
        began = time.monotonic()
        self.meter.write()
        waiting = self._waiting
        self._store.append(waiting["row"], self._mixes, waiting["probe"], waiting["repeat"])
        self._waiting, self._mixes = {"row": [], "probe": [], "repeat": []}, []
        if self._store.n_parts() > COMPACT_PARTS:
            self._store.compact()
        self._committed = time.monotonic()
        self._commit_cost = self._committed - began

    def known(self, place: tuple[str, str], kind: Kind) -> dict[str, Known]:
        """What the store has for a system and condition."""
        store = self._store
        found = {"row": store.known, "probe": store.known_probes, "repeat": store.known_repeats}
        return found[kind](*place)

    def stored(self, place: tuple[str, str], utterance_id: str, kind: Kind) -> Hypothesis:
        """The stored row of an utterance."""
        if utterance_id not in self._rows.get(place, {}):
            self.commit()
            self._rows = {place: (self._store.repeat_rows if kind == "repeat" else self._store.rows)(*place)}
        return self._rows[place][utterance_id]
