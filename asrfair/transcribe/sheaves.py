"""Which worker does what next: each has a sheaf of batches that share their audio, and the idle take from the busiest.

A batch that a worker could not end is given to the next one that asks, before anything new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence

from asrfair.transcribe.jobs import Job

Batch = Sequence[Job]


class Sheaves:
    """The batches that nobody has begun.

    Args:
        source: sheaves, made as they are asked for.

    >>> sheaves = Sheaves([["a1", "a2", "a3"], ["b1"]])
    >>> [sheaves.next(worker) for worker in ("x", "y", "y", "x", "y")]
    ['a1', 'b1', 'a3', 'a2', None]
    """

    def __init__(self, source: Iterable[Sequence[Batch]] = ()) -> None:
        self._source = iter(source)
        self._held: dict[Hashable, deque[Batch]] = {}
        self._again: deque[Batch] = deque()

    def next(self, worker: Hashable) -> Batch | None:
        """What a worker is to do next: what another left, its own sheaf, a new one, or the end of the longest other.

        Args:
            worker: any name for it.

        Returns:
            A batch; None if there is nothing left.
        """
        if self._again:
            return self._again.popleft()
        own = self._held.setdefault(worker, deque())
        if not own:
            own.extend(next(self._source, ()))
        if own:
            return own.popleft()
        most = max(self._held.values(), key=len)
        return most.pop() if most else None

    def again(self, batches: Iterable[Batch]) -> None:
        """Give back what was begun and not ended."""
        self._again.extend(batches)

    def leave(self, worker: Hashable) -> None:
        """A worker is gone: others have its sheaf."""
        self.again(self._held.pop(worker, ()))

    def __bool__(self) -> bool:
        """Whether something waits that was taken from the source."""
        return bool(self._again) or any(self._held.values())
