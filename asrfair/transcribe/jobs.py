"""What is to be transcribed: jobs with their keys, without those that the store has already.

The key of a hypothesis is a digest of the audio's content, the segment, the condition and everything that the engine
says of itself. Where it is known, nothing is transcribed twice, whatever the utterance or the file is called; where
audio, options or noise change, it is another key.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from asrfair.audio import file_sha256
from asrfair.errors import AudioError
from asrfair.records import Condition, SystemInfo, Utterance

RETRIED_KINDS = frozenset({"transient", "timeout", "crash", "missing"})
"""Failures that a later run tries again: they may pass. Audio and engine failures depend on the key alone."""

LOOK_AHEAD = 64
"""How many files are digested ahead of the engine."""


@dataclass(frozen=True, slots=True)
class Job:
    """One utterance under one condition, for one system.

    Attributes:
        utterance_id: which utterance; the engine never sees it.
        path: the audio file; None if the manifest names none.
        offset_s: start of the segment, seconds; None for the start of the file.
        duration_s: length of the segment, seconds; None for all of it.
        audio_sha256: digest that the file must have; None if it could not be read.
        condition: what the audio goes through.
        key: see the module; empty if the audio could not be read.
        error: why there is nothing to transcribe, if so.
    """

    utterance_id: str
    path: Path | None
    offset_s: float | None
    duration_s: float | None
    audio_sha256: str | None
    condition: Condition
    key: str = ""
    error: str | None = None


def hypothesis_key(
    system: SystemInfo, audio_sha256: str, segment: tuple[float | None, float | None], heard: tuple[object, ...]
) -> str:
    """The key of a hypothesis.

    Args:
        system: all that the engine says of itself.
        audio_sha256: digest of the audio file.
        segment: offset and duration in seconds.
        heard: what the condition depends on; empty for clean.

    Returns:
        A hex digest.
    """
    said = {"audio": audio_sha256, "segment": segment, "heard": heard, "system": msgspec.to_builtins(system)}
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def plan_jobs(
    utterances: Iterable[Utterance],
    folder: Path,
    condition: Condition,
    environment_digest: str | None,
    system: SystemInfo,
) -> Iterator[Job]:
    """Jobs in manifest order, each with its key; files are digested some way ahead, in threads.

    Args:
        utterances: in manifest order.
        folder: that the audio paths count from.
        condition: what the audio goes through.
        environment_digest: of the condition's environment; None for clean.
        system: all that the engine says of itself.
    """
    with ThreadPoolExecutor(2) as threads:
        waiting: deque[Future[Job]] = deque()
        for utterance in utterances:
            waiting.append(threads.submit(_job, utterance, folder, condition, environment_digest, system))
            if len(waiting) >= LOOK_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _job(
    utterance: Utterance, folder: Path, condition: Condition, environment_digest: str | None, system: SystemInfo
) -> Job:
    """One job."""
    segment = (utterance.offset_s, utterance.duration_s)
    path = None if utterance.audio is None else folder / utterance.audio
    try:
        if path is None:
            raise AudioError("the manifest names no audio for this utterance")
        digest = file_sha256(path)
        if utterance.audio_sha256 is not None and utterance.audio_sha256.lower() != digest:
            raise AudioError(f"{utterance.audio} is not the file that audio_sha256 of the manifest names")
    except AudioError as error:
        return Job(utterance.utterance_id, path, *segment, None, condition, error=f"audio: {error}")
    heard: tuple[object, ...] = ()
    if condition.environment is not None:
        heard = (condition.condition_id, environment_digest, condition.seed, utterance.utterance_id)
    return Job(
        utterance.utterance_id, path, *segment, digest, condition, hypothesis_key(system, digest, segment, heard)
    )


def is_done(key: str, known: tuple[str, str, str | None] | None, *, retry_failed: bool) -> bool:
    """Whether the store's latest row of an utterance stands.

    Args:
        key: of the job.
        known: key, status and error of the row; None if there is none.
        retry_failed: try failures again whatever they were.
    """
    if known is None or known[0] != key or not key:
        return False
    if known[1] == "ok":
        return True
    return not retry_failed and (known[2] or "").partition(":")[0] not in RETRIED_KINDS
