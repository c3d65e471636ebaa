"""Whose fault a death is: batches that an actor had when it died, asked again by themselves until it is known.

A death may be the machine's or an utterance's. What the actor had is asked again, one batch at a time on an actor that
has nothing else, so that the next death tells whose it is. A batch that was being heard at two deaths is asked one by
one, and an utterance that was at `MOST_CRASHES` fails.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from asrfair.transcribe.jobs import Job

MOST_CRASHES = 3


class Suspects:
    """Batches that are to be asked by themselves."""

    def __init__(self) -> None:
        self._waiting: deque[Sequence[Job]] = deque()
        self._crashes: Counter[tuple[str, str, bool]] = Counter()

    def __bool__(self) -> bool:
        """Whether some wait."""
        return bool(self._waiting)

    def next(self) -> Sequence[Job]:
        """The next one to ask."""
        return self._waiting.popleft()

    def died(self, batches: Iterable[Sequence[Job]]) -> Job | None:
        """An actor died.

        Args:
            batches: what it had, that which it was most likely at first.

        Returns:
            The job that fails for it; None as long as that is not sure.
        """
        remaining = iter(batches)
        culprit = next(remaining, ())
        self._waiting.extend(remaining)
        self._crashes.update(map(_place, culprit))
        most = max((self._crashes[_place(job)] for job in culprit), default=0)
        if len(culprit) == 1 and most >= MOST_CRASHES:
            return culprit[0]
        if len(culprit) > 1 and most >= MOST_CRASHES - 1:
            self._waiting.extend([job] for job in culprit)
        elif culprit:
            self._waiting.append(culprit)
        return None


def _place(job: Job) -> tuple[str, str, bool]:
    """What a job is known by."""
    return job.utterance_id, job.condition.condition_id, job.is_probe
