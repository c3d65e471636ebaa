"""Calls an engine: a whole batch, halves of what does not fit, each alone if it is refused; retries what may pass."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from asrfair.adapters import Adapter
from asrfair.errors import AsrfairError, EngineError, TooLargeError, TransientError
from asrfair.records import Mix, Transcript, Waveform
from asrfair.transcribe.gate import Gate
from asrfair.transcribe.hearing import Heard
from asrfair.transcribe.long_audio import Piece, joined, pieces
from asrfair.transcribe.said import checked

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LONGEST_MESSAGE = 500
LONGEST_RETRY_AFTER_S = 600.0
"""A server that asks to wait longer than this has refused for today; the next run asks again."""

PATIENCE = 5
"""A rate limit is waited out so many times as often as other faults are retried: nothing is wrong then."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one job.

    Attributes:
        transcript: what the engine said; None if it failed.
        error: `KIND: what happened`; None if it did not fail.
        latency_s: engine seconds, without retries.
        audio_s: seconds of audio that the engine heard.
        mix: what is told of it; None for clean audio, and where there is none.
        requests: how often the engine was asked for it, retries and pieces included.
        retries: those of them that followed a failure: of the call, or of the batch that it was in.
    """

    transcript: Transcript | None
    error: str | None = None
    latency_s: float | None = None
    audio_s: float = 0.0
    mix: Mix | None = None
    requests: int = 0
    retries: int = 0


Notify = Callable[[str], None]


class Caller:
    """Has waveforms transcribed.

    Args:
        engine: by whom; called from one thread, or from several if it allows it.
        retries: for faults that may pass.
        notify: told "start" when the engine gets a batch and "pause" when a retry is waited for.
        gate: shared by all callers of one engine.
    """

    def __init__(self, engine: Adapter, retries: int, notify: Notify, gate: Gate | None = None) -> None:
        self._engine, self._retries, self._notify = engine, retries, notify
        self._gate = gate or Gate()
        self._fits_s = engine.batch_audio_s
        logging.getLogger("stamina").addHandler(logging.NullHandler())

    def answer(self, prepared: Sequence[Heard | str]) -> list[Answer]:
        """One answer per waveform; a failed preparation is its own answer and never reaches the engine."""
        heard = [h for h in prepared if isinstance(h, Heard)]
        cuts = [pieces(h.waveform, self._engine.longest_s) for h in heard]
        parts = iter(self._all(cuts))
        answers = iter([_whole(cut, list(islice(parts, len(cut)))) for cut in cuts])
        return [Answer(None, h) if isinstance(h, str) else replace(next(answers), mix=h.mix) for h in prepared]

    def _all(self, cuts: Sequence[Sequence[Piece]]) -> list[Answer]:
        """Answers to all pieces, in batches that fit."""
        waveforms = [piece.waveform for cut in cuts for piece in cut]
        return [answer for batch in self._fitting(waveforms) for answer in self._call(batch)]

    def _fitting(self, waveforms: Sequence[Waveform]) -> Iterator[Sequence[Waveform]]:
        """Batches of what fits the device, as far as that is known by now."""
        batch: list[Waveform] = []
        longest_s = 0.0
        for waveform in waveforms:
            longest_s = max(longest_s, waveform.duration_s)
            is_full = len(batch) >= max(self._engine.batch_size, 1)
            if batch and (is_full or (self._fits_s is not None and (len(batch) + 1) * longest_s > self._fits_s)):
                yield batch
                batch, longest_s = [], waveform.duration_s
            batch.append(waveform)
        if batch:
            yield batch

    def _call(self, batch: Sequence[Waveform], before: int = 0) -> list[Answer]:
        """Answers of the engine to some waveforms, for which it was asked so many times before, in larger batches."""
        asked = before

        def count() -> None:
            nonlocal asked
            asked += 1

        try:
            transcripts, seconds = self._retried(batch, count)
        except EngineError as error:
            if len(batch) == 1:
                return [Answer(None, _told(error), audio_s=batch[0].duration_s, requests=asked, retries=asked - 1)]
            size = self._half(batch) if isinstance(error, TooLargeError) else 1
            parts = [batch[start : start + size] for start in range(0, len(batch), size)]
            return [answer for part in parts for answer in self._call(part, asked)]
        return [
            Answer(
                t,
                None,
                seconds if t.latency_s is None else t.latency_s,
                waveform.duration_s,
                requests=asked,
                retries=asked - 1,
            )
            for t, waveform in zip(transcripts, batch, strict=True)
        ]

    def _half(self, batch: Sequence[Waveform]) -> int:
        """Half the size of a batch that did not fit; later ones are cut smaller from the start."""
        half = (len(batch) + 1) // 2
        fits_s = half * max(waveform.duration_s for waveform in batch)
        self._fits_s = fits_s if self._fits_s is None else min(self._fits_s, fits_s)
        return half

    def _retried(self, batch: Sequence[Waveform], count: Callable[[], None]) -> tuple[list[Transcript], float]:
        """Transcripts and engine seconds per waveform of the attempt that went well."""
        import stamina

        left = {"rate_limit": self._retries * PATIENCE}
        others = self._retries

        def should_wait(error: Exception) -> bool | float:
            nonlocal others
            if not isinstance(error, TransientError):
                return False
            if error.kind in left:
                left[error.kind] -= 1
                is_over = left[error.kind] < 0
            else:
                others -= 1
                is_over = others < 0
            if is_over or (error.retry_after_s or 0.0) > LONGEST_RETRY_AFTER_S:
                return False
            return True if error.retry_after_s is None else error.retry_after_s

        attempts = stamina.retry_context(
            on=should_wait, attempts=None, timeout=None, wait_initial=FIRST_WAIT_S, wait_max=LONGEST_WAIT_S
        )
        for attempt in attempts:
            with attempt:
                given = self._gate.wait()
                count()
                return self._attempt(batch, given)
        raise TransientError("no attempt was made")

    def _attempt(self, batch: Sequence[Waveform], given: float) -> tuple[list[Transcript], float]:
        """One attempt, timed."""
        self._notify("start")
        began = time.perf_counter()
        try:
            transcripts = [checked(said) for said in self._engine.transcribe_batch(batch)]
        except TransientError as error:
            self._notify("pause")
            if error.kind == "rate_limit":
                is_bearable = (error.retry_after_s or 0.0) <= LONGEST_RETRY_AFTER_S
                self._gate.too_many(given, error.retry_after_s if is_bearable else None)
            raise
        except AsrfairError:
            raise
        except Exception as error:  # An engine's library may raise anything; it is that utterance's failure.
            raise EngineError(f"{type(error).__name__}: {error}") from error
        seconds = time.perf_counter() - began
        if len(transcripts) != len(batch):
            raise EngineError(f"gave {len(transcripts)} transcripts for {len(batch)} waveforms")
        self._gate.went_well()
        return transcripts, seconds / len(batch)


def _told(error: EngineError) -> str:
    """What a failed row says: one line of bearable length that can be written down and shown in a terminal."""
    text = " ".join(f"{error.kind}: {error}".split())
    text = text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 3] + "..."
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _whole(cut: Sequence[Piece], answers: Sequence[Answer]) -> Answer:
    """The answer to a waveform, from those to its pieces; one that failed fails all."""
    if len(answers) == 1:
        return answers[0]
    requests, retries = sum(answer.requests for answer in answers), sum(answer.retries for answer in answers)
    seconds = cut[-1].start_s + cut[-1].waveform.duration_s
    failed = next((answer for answer in answers if answer.transcript is None), None)
    if failed is not None:
        return replace(failed, audio_s=seconds, requests=requests, retries=retries)
    latencies = [answer.latency_s for answer in answers]
    said = [answer.transcript for answer in answers if answer.transcript is not None]
    latency_s = None if None in latencies else sum(latency or 0.0 for latency in latencies)
    return Answer(joined(said, cut), None, latency_s, seconds, requests=requests, retries=retries)
