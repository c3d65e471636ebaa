"""Batches of utterances of similar length: cut by seconds of audio, padding included, not by their number.

A batch costs what its longest waveform costs, so many times as it has waveforms. Sorted by length, hardly anything is
padding; and a bound on seconds, not on waveforms, keeps the memory of the device the same for short and long ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asrfair.transcribe.jobs import Job

WINDOW_BATCHES = 64
LONGEST_WINDOW = 8192
"""Batches are cut from so many batches' worth of utterances, sorted by length, but from no more than this."""


@dataclass(frozen=True, slots=True)
class Likes:
    """How an engine likes to be asked.

    Attributes:
        batch_size: the most waveforms at once.
        batch_audio_s: the most seconds at once, padding included; None for no bound.
        concurrency: how many calls it may have at once, per process.
        most_padding: the largest share of a batch that may be padding; None for any.
    """

    batch_size: int = 1
    batch_audio_s: float | None = None
    concurrency: int = 1
    most_padding: float | None = None

    @property
    def window(self) -> int:
        """From how many utterances batches are cut."""
        return 1 if self.batch_size == 1 else min(WINDOW_BATCHES * self.batch_size, LONGEST_WINDOW)


def cut(utterances: Sequence[Sequence[Job]], likes: Likes) -> Iterator[list[Sequence[Job]]]:
    """Cut a window into batches.

    Args:
        utterances: each with its jobs, one a condition, at least one.
        likes: of the engine.

    Yields:
        Utterances that fit into one batch, longest first.
    """
    batch: list[Sequence[Job]] = []
    for jobs in sorted(utterances, key=_length_s, reverse=True):
        if batch and not _has_room(batch, jobs, likes):
            yield batch
            batch = []
        batch.append(jobs)
    if batch:
        yield batch


def _has_room(batch: Sequence[Sequence[Job]], jobs: Sequence[Job], likes: Likes) -> bool:
    """Whether a batch, longest first, may have one more utterance that is no longer than the others."""
    padded_s = (len(batch) + 1) * _length_s(batch[0])
    if len(batch) >= likes.batch_size or (likes.batch_audio_s is not None and padded_s > likes.batch_audio_s):
        return False
    if likes.most_padding is None or not padded_s:
        return True
    return sum(map(_length_s, batch)) + _length_s(jobs) >= (1.0 - likes.most_padding) * padded_s


def _length_s(jobs: Sequence[Job]) -> float:
    return jobs[0].length_s or 0.0
