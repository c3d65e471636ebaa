"""One system under one condition: what the store has of it, what is still to be asked for, and what came back."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol

from asrfair.records import Hypothesis, Mix
from asrfair.store import repeat_id
from asrfair.transcribe.caller import Answer
from asrfair.transcribe.ended import Ended
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.plan import TranscribeSummary

Known = tuple[str, str, str | None]
"""Key, status and error of a stored row."""


Kind = Literal["row", "probe", "repeat"]
"""What a row is: a hypothesis, what was said to silence, or what was said when asked once more."""


class Ledger(Protocol):
    """Where rows go, and what there was before."""

    summary: TranscribeSummary

    def known(self, place: tuple[str, str], kind: Kind) -> dict[str, Known]:
        """utterance_id -> what the store has."""
        ...

    def stored(self, place: tuple[str, str], utterance_id: str) -> Hypothesis:
        """The stored row of an utterance."""
        ...

    def is_done(self, job: Job, row: Known | None) -> bool:
        """Whether what the store has of a job stands."""
        ...

    def keep(self, place: tuple[str, str], status: str, kind: Kind) -> None:
        """Note a row that stands."""
        ...

    def end(self, row: Hypothesis, mix: Mix | None = None, kind: Kind = "row") -> None:
        """Take a row that has ended."""
        ...


class Cell:
    """One system under one condition; of the manifest's utterances, or of the probes, or the same once more.

    Args:
        ledger: where rows go.
        place: system and condition.
        kind: of its rows.
        repeat: which time its utterances are asked for, from 1.
    """

    def __init__(self, ledger: Ledger, place: tuple[str, str], kind: Kind = "row", repeat: int = 1) -> None:
        self.place, self.kind, self.repeat = place, kind, repeat
        self._rows_place = place if repeat == 1 else (repeat_id(place[0], repeat), place[1])
        self._ledger = ledger
        self._known = ledger.known(self._rows_place, kind)
        self._same: dict[str, list[Job]] = {}  # key that the engine has -> further utterances with that key
        self._ended = Ended((key, name) for name, (key, status, _) in self._known.items() if status == "ok")

    def asks(self, job: Job) -> bool:
        """Whether the engine is to be asked; if not, the job ends here, now or with another that is the same."""
        ledger, row = self._ledger, self._known.get(job.utterance_id)
        if ledger.is_done(job, row):
            ledger.keep(self.place, row[1] if row else "ok", self.kind)
        elif job.error is not None:
            ledger.end(self._row(job, Answer(None, job.error)), kind=self.kind)
        elif job.key in self._same:
            self._same[job.key].append(job)
        elif job.key in self._ended and self.kind == "row":
            self._end_copy(job, ledger.stored(self.place, self._ended[job.key]))
        else:
            self._same[job.key] = []
            return True
        return False

    def answered(self, job: Job, answer: Answer) -> None:
        """Take an answer, for the job and for those that are the same."""
        summary, row = self._ledger.summary, self._row(job, answer)
        counts = {"row": summary.transcribed, "probe": summary.probed, "repeat": summary.repeated}[self.kind]
        counts[self.place] += 1
        self._end(job, row, answer.mix)

    def not_asked(self, job: Job, why: str) -> None:
        """End a job that the engine is not asked for, and those that are the same; `why` begins with its kind."""
        self._end(job, self._row(job, Answer(None, why)), None)

    def _end(self, job: Job, row: Hypothesis, mix: Mix | None) -> None:
        """End a job and those that are the same."""
        if row.status == "ok":
            self._ended[job.key] = job.utterance_id
        self._ledger.end(row, mix, self.kind)
        for other in self._same.pop(job.key):
            self._end_copy(other, row)

    def _end_copy(self, job: Job, said: Hypothesis) -> None:
        """End a job with another's row."""
        if self.kind == "row":
            self._ledger.summary.kept[self.place] += 1
        copied = replace(said, utterance_id=job.utterance_id, key=job.key, audio_sha256=job.audio_sha256)
        self._ledger.end(copied, kind=self.kind)

    def _row(self, job: Job, answer: Answer) -> Hypothesis:
        """The row of an answer."""
        said = answer.transcript
        return Hypothesis(
            *self._rows_place,
            job.utterance_id,
            job.key,
            "failed" if said is None else "ok",
            None if said is None else said.text,
            answer.error,
            None if said is None else said.words,
            answer.latency_s,
            job.audio_sha256,
        )
