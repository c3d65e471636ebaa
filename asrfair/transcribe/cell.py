"""One system under one condition: what the store has of it, what is still to be asked for, and what came back."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from asrfair.records import Hypothesis, Mix
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.plan import TranscribeSummary
from asrfair.transcribe.worker import Answer

Known = tuple[str, str, str | None]
"""Key, status and error of a stored row."""


class Ledger(Protocol):
    """Where rows go, and what there was before."""

    summary: TranscribeSummary

    def known(self, place: tuple[str, str], *, is_probe: bool) -> dict[str, Known]:
        """utterance_id -> what the store has."""
        ...

    def stored(self, place: tuple[str, str], utterance_id: str) -> Hypothesis:
        """The stored row of an utterance."""
        ...

    def is_done(self, job: Job, row: Known | None) -> bool:
        """Whether what the store has of a job stands."""
        ...

    def keep(self, place: tuple[str, str], status: str, *, is_probe: bool) -> None:
        """Note a row that stands."""
        ...

    def end(self, row: Hypothesis, mix: Mix | None = None, *, is_probe: bool = False) -> None:
        """Take a row that has ended."""
        ...


class Cell:
    """One system under one condition; of the manifest's utterances, or of the probes.

    Args:
        ledger: where rows go.
        place: system and condition.
        is_probe: whether its jobs are probes.
    """

    def __init__(self, ledger: Ledger, place: tuple[str, str], *, is_probe: bool = False) -> None:
        self.place, self.is_probe = place, is_probe
        self._ledger = ledger
        self._known = ledger.known(place, is_probe=is_probe)
        self._same: dict[str, list[Job]] = {}  # key that the engine has -> further utterances with that key
        self._ended = {key: utterance_id for utterance_id, (key, status, _) in self._known.items() if status == "ok"}

    def asks(self, job: Job) -> bool:
        """Whether the engine is to be asked; if not, the job ends here, now or with another that is the same."""
        ledger, row = self._ledger, self._known.get(job.utterance_id)
        if ledger.is_done(job, row):
            ledger.keep(self.place, row[1] if row else "ok", is_probe=self.is_probe)
        elif job.error is not None:
            ledger.end(self._row(job, Answer(None, job.error)))
        elif job.key in self._same:
            self._same[job.key].append(job)
        elif job.key in self._ended and not self.is_probe:
            self._end_copy(job, ledger.stored(self.place, self._ended[job.key]))
        else:
            self._same[job.key] = []
            return True
        return False

    def answered(self, job: Job, answer: Answer) -> None:
        """Take an answer, for the job and for those that are the same."""
        summary, row = self._ledger.summary, self._row(job, answer)
        (summary.probed if self.is_probe else summary.transcribed)[self.place] += 1
        summary.audio_s[self.place[0]] += answer.audio_s
        summary.engine_s[self.place[0]] += answer.latency_s or 0.0
        self._ended[job.key] = job.utterance_id
        self._ledger.end(row, answer.mix, is_probe=self.is_probe)
        for other in self._same.pop(job.key):
            self._end_copy(other, row)

    def _end_copy(self, job: Job, said: Hypothesis) -> None:
        """End a job with another's row."""
        if not self.is_probe:
            self._ledger.summary.kept[self.place] += 1
        copied = replace(said, utterance_id=job.utterance_id, key=job.key, audio_sha256=job.audio_sha256)
        self._ledger.end(copied, is_probe=self.is_probe)

    def _row(self, job: Job, answer: Answer) -> Hypothesis:
        """The row of an answer."""
        said = answer.transcript
        return Hypothesis(
            *self.place,
            job.utterance_id,
            job.key,
            "failed" if said is None else "ok",
            None if said is None else said.text,
            answer.error,
            None if said is None else said.words,
            answer.latency_s,
            job.audio_sha256,
        )
