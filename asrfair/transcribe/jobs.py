"""What is to be transcribed: jobs with their keys, without those that the store has already.

The key of a hypothesis is a digest of the audio's content, the segment, the condition and everything that the engine
says of itself. Where it is known, nothing is transcribed twice, whatever the utterance or the file is called; where
audio, options or noise change, it is another key.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from asrfair.audio import file_duration_s, file_sha256
from asrfair.errors import AudioError
from asrfair.records import PROBE_S, Condition, SystemInfo, Utterance
from asrfair.stress import Environment, Voices

RETRIED_KINDS = frozenset(
    {"transient", "rate_limit", "server", "connection", "timeout", "crash", "missing", "denied", "memory", "stopped"}
    | {"budget"}
)
"""Failures that a later run tries again: they may pass. The others depend on the key alone, or were paid for."""

LOOK_AHEAD = 64
"""How many files are digested ahead of the engine."""

MIXING = 2
"""Changes whenever the same environment, seed and utterance give other samples than before: part of every key."""


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
        speaker_id: who speaks, for what may not be mixed with it; the engine never sees it.
        turn: how many utterances of this speaker the manifest has before this one.
        is_speech: false where nobody is to speak (every reference is empty, or a probe).
        is_probe: silence of `PROBE_S` in place of a file.
        length_s: how much audio it is, seconds; None where it was not looked for, or cannot be told.
        repeat: which time it is asked for, from 1.
    """

    utterance_id: str
    path: Path | None
    offset_s: float | None
    duration_s: float | None
    audio_sha256: str | None
    condition: Condition
    key: str = ""
    error: str | None = None
    speaker_id: str | None = None
    turn: int = 0
    is_speech: bool = True
    is_probe: bool = False
    length_s: float | None = None
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What utterances are heard in.

    Attributes:
        conditions: in order.
        environments: name -> environment, of the conditions that have one.
        voices: what babble is made of; None where no environment needs it.
        turns: utterance_id -> how many utterances of its speaker the manifest has before it; empty where no
            environment goes through pieces of noise in turn.
    """

    conditions: Sequence[Condition]
    environments: Mapping[str, Environment] = field(default_factory=dict)
    voices: Voices | None = None
    turns: Mapping[str, int] = field(default_factory=dict)

    def heard(self, condition: Condition, utterance: Utterance, *, is_speech: bool) -> tuple[object, ...]:
        """All that the samples under a condition depend on besides the audio; empty for clean.

        A run that is resumed after an upgrade of a library makes its mixes again, rather than mixing old and new.
        """
        if condition.environment is None:
            return ()
        environment = self.environments[condition.environment]
        said: list[object] = [MIXING, *environment.versions, condition.condition_id, environment.digest]
        said.append(condition.seed)
        said.append(utterance.utterance_id)
        if environment.goes_in_turn:
            said += [utterance.speaker_id, self.turns.get(utterance.utterance_id, 0)]
        if environment.needs_voices and self.voices is not None:
            said += [utterance.speaker_id, self.voices.digest]
        return (*said, *(() if is_speech else ("nobody speaks",)))


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
    surroundings: Surroundings,
    system: SystemInfo,
    *,
    measured: bool = False,
    repeat: int = 1,
) -> Iterator[list[Job]]:
    """The jobs of each utterance, one a condition, in manifest order; files are digested some way ahead, in threads.

    Args:
        utterances: in manifest order.
        folder: that the audio paths count from.
        surroundings: what they are heard in.
        system: all that the engine says of itself.
        measured: look into the files for lengths that the manifest does not give.
        repeat: which time they are asked for; the same key is asked once each time.
    """
    with ThreadPoolExecutor(2) as threads:
        waiting: deque[Future[list[Job]]] = deque()
        for utterance in utterances:
            jobs = threads.submit(_jobs, utterance, folder, surroundings, system, measured=measured, repeat=repeat)
            waiting.append(jobs)
            if len(waiting) >= LOOK_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def length_s(utterance: Utterance, folder: Path) -> float | None:
    """How much audio an utterance is, seconds: what the manifest says, else what its file has.

    Raises:
        AudioError: the file cannot be read.
    """
    if utterance.duration_s is not None or utterance.audio is None:
        return utterance.duration_s
    return max(0.0, file_duration_s(folder / utterance.audio) - (utterance.offset_s or 0.0))


def _jobs(
    utterance: Utterance,
    folder: Path,
    surroundings: Surroundings,
    system: SystemInfo,
    *,
    measured: bool,
    repeat: int,
) -> list[Job]:
    """One utterance under all conditions."""
    path = None if utterance.audio is None else folder / utterance.audio
    segment = (utterance.offset_s, utterance.duration_s)
    digest, error, length = None, None, utterance.duration_s
    try:
        if path is None:
            raise AudioError("the manifest names no audio for this utterance")
        digest = file_sha256(path)
        if utterance.audio_sha256 is not None and utterance.audio_sha256.lower() != digest:
            raise AudioError(f"{utterance.audio} is not the file that audio_sha256 of the manifest names")
        if measured:
            length = length_s(utterance, folder)
    except AudioError as found:
        digest, error = None, f"audio: {found}"
    is_speech = any(reference.strip() for reference in utterance.references)
    speaker_id, turn = utterance.speaker_id, surroundings.turns.get(utterance.utterance_id, 0)
    jobs = []
    for condition in surroundings.conditions:
        heard = surroundings.heard(condition, utterance, is_speech=is_speech)
        key = hypothesis_key(system, digest, segment, heard) if digest is not None else ""
        key = f"{key}#{repeat}" if key and repeat > 1 else key
        job = Job(utterance.utterance_id, path, *segment, digest, condition, key, error, repeat=repeat)
        jobs.append(replace(job, speaker_id=speaker_id, turn=turn, is_speech=is_speech, length_s=length))
    return jobs


def probe_jobs(count: int, surroundings: Surroundings, system: SystemInfo) -> Iterator[list[Job]]:
    """Silence under all conditions, so many times: noise is another draw each time, silence itself is heard once.

    Args:
        count: how many probes a condition.
        surroundings: what they are heard in.
        system: all that the engine says of itself.
    """
    for number in range(count):
        nobody = Utterance(f"probe-{number:03d}", None, None, PROBE_S, ("",), None, None, {})
        jobs = []
        for condition in surroundings.conditions:
            if condition.environment is None and number:
                continue
            heard = surroundings.heard(condition, nobody, is_speech=False)
            key = hypothesis_key(system, "silence", (None, PROBE_S), heard)
            name = nobody.utterance_id
            job = Job(name, None, None, PROBE_S, None, condition, key, is_speech=False, is_probe=True)
            jobs.append(replace(job, length_s=PROBE_S))
        yield jobs


def n_probes(count: int, surroundings: Surroundings) -> int:
    """How many jobs `probe_jobs` has."""
    return sum(count if condition.environment is not None else min(count, 1) for condition in surroundings.conditions)


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
