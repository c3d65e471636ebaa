"""What one system is asked for: batches as it likes them, until it is stopped or the money is spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from asrfair.records import Condition, SystemInfo
from asrfair.transcribe.batches import Likes, cut
from asrfair.transcribe.caller import Answer
from asrfair.transcribe.cell import Cell, Kind, Ledger
from asrfair.transcribe.jobs import Job, plan_jobs, probe_jobs
from asrfair.transcribe.limits import Breaker, Purse
from asrfair.transcribe.meter import Meter
from asrfair.transcribe.plan import Plan, SystemUnderTest


class Asking:
    """What one system is asked for.

    Args:
        ledger: where rows go.
        meter: what the run has used.
        plan: what and how.
        system: which.
        likes: how its engine likes to be asked.
        info: all that the engine says of itself.
    """

    def __init__(
        self, ledger: Ledger, meter: Meter, plan: Plan, system: SystemUnderTest, likes: Likes, info: SystemInfo
    ) -> None:
        self._plan, self._info, self._likes = plan, info, likes
        self._summary, self._system_id = ledger.summary, system.system_id
        conditions = [(system.system_id, condition.condition_id) for condition in plan.surroundings.conditions]
        cells = [Cell(ledger, place, "row") for place in conditions]
        cells += [Cell(ledger, place, "probe") for place in conditions]
        cells += [Cell(ledger, place, "repeat", n) for place in conditions for n in range(2, plan.repeats + 1)]
        self._cells = {(cell.place[1], cell.kind, cell.repeat): cell for cell in cells}
        self._breaker = Breaker(plan.breaker)
        self._usage = meter.of(system.system_id)
        price = None if plan.prices is None else plan.prices.find(system.engine, system.options)
        if price is not None and plan.prices is not None:
            self._usage.currency, self._usage.priced_as_of = plan.prices.currency, str(plan.prices.as_of)
        self._purse = Purse(price, meter, self._usage, plan.budget)

    def sheaves(self) -> Iterator[list[Sequence[Job]]]:
        """Batches of similar length, cut from a bounded window: some utterances under each condition in turn."""
        for planned in self._planned():
            while window := list(islice(planned, self._likes.window)):
                asked = [[job for job in jobs if self._cell(job).asks(job)] for jobs in window]
                for batch in cut([jobs for jobs in asked if jobs], self._likes):
                    if wanted := [jobs for jobs in batch if not self._is_refused(jobs)]:
                        yield _by_condition(wanted, self._plan.surroundings.conditions)

    def answered(self, pairs: Sequence[tuple[Job, Answer]]) -> None:
        """Take answers."""
        summary, name = self._summary, self._system_id
        for job, answer in pairs:
            self._breaker.note(answer)
            self._purse.pay(job, answer)
            summary.requests[name] += answer.requests
            summary.retries[name] += answer.retries
            if answer.transcript is not None:
                summary.audio_s[name] += answer.audio_s
                summary.engine_s[name] += answer.latency_s or 0.0
            self._cell(job).answered(job, answer)
        if self._breaker.reason is not None:
            summary.stopped[name] = self._breaker.reason
        usage = self._usage
        if usage.cost is not None:
            summary.cost[name] = (usage.cost, usage.currency or "", usage.priced_as_of or "")

    def _planned(self) -> Iterator[Iterator[list[Job]]]:
        """The jobs of each utterance: of the manifest, of the probes, and of the manifest once more."""
        plan, info = self._plan, self._info
        measured = self._likes.batch_size > 1 or plan.prices is not None
        for repeat in range(1, plan.repeats + 1):
            yield plan_jobs(plan.utterances, plan.folder, plan.surroundings, info, measured=measured, repeat=repeat)
            if repeat == 1:
                yield probe_jobs(plan.probes, plan.surroundings, info)

    def _cell(self, job: Job) -> Cell:
        """Where the rows of a job go."""
        kind: Kind = "probe" if job.is_probe else "row" if job.repeat == 1 else "repeat"
        return self._cells[job.condition.condition_id, kind, job.repeat]

    def _is_refused(self, jobs: Sequence[Job]) -> bool:
        """Whether the jobs of an utterance end here, unasked, because the system is stopped or the money is spent."""
        why = self._breaker.reason or self._purse.refuses(jobs)
        if why is None:
            return False
        self._summary.stopped.setdefault(self._system_id, why)
        for job in jobs:
            self._cell(job).not_asked(job, why)
        return True


def _by_condition(utterances: Sequence[Sequence[Job]], conditions: Sequence[Condition]) -> list[Sequence[Job]]:
    """One batch a condition, of those utterances that are still to be heard under it."""
    batches = [[job for jobs in utterances for job in jobs if job.condition == c] for c in conditions]
    return [batch for batch in batches if batch]
