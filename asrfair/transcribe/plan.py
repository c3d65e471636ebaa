"""What is to be transcribed and how, and what came of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from asrfair.errors import InputError
from asrfair.records import SystemInfo, Utterance
from asrfair.transcribe.jobs import Surroundings
from asrfair.transcribe.prices import PriceTable

OptionValue = str | int | float | bool
Progress = Callable[[int, int, int], None]


class Utterances(Protocol):
    """What can be gone through several times and has a length."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Utterance]: ...


@dataclass(frozen=True, slots=True)
class SystemUnderTest:
    """An engine with its options, and the name that the run gives it.

    Attributes:
        system_id: its name.
        engine: which.
        options: of the engine.
        concurrency: calls at once, of an engine that allows several; None for what the engine says.
        requests_per_s: highest rate of calls; None for none.
    """

    system_id: str
    engine: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    concurrency: int | None = None
    requests_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to transcribe, and how.

    Attributes:
        utterances: of the manifest, or a sample of it.
        folder: that their audio paths count from.
        surroundings: what they are heard in.
        workers: processes; None for one a GPU where the engine uses one, one a core where it keeps Python's lock, else
            one.
        retries: for faults that may pass.
        timeout_s: for one utterance, seconds of the engine.
        retry_failed: try again what failed for good.
        probes: how many times silence is heard under each condition.
        banks: folder for sounds that the workers share; it can go when the run ends.
        listening: folder for copies of what was heard; None for none.
        repeats: how many times each utterance is asked for, to see what differs.
        gpus: how many GPUs are used; None for all there are.
        prices: what systems cost.
        budget: what the whole run may cost, in the currency of the prices; None for no bound.
        breaker: failures in a row that stop a system.
        executor: `local`, or `ray` for workers on several machines.
        address: of the Ray cluster; None for one that is begun on this machine.
    """

    utterances: Utterances
    folder: Path
    surroundings: Surroundings
    workers: int | None = None
    retries: int = 4
    timeout_s: float = 300.0
    retry_failed: bool = False
    probes: int = 0
    banks: Path | None = None
    listening: Path | None = None
    repeats: int = 1
    gpus: int | None = None
    prices: PriceTable | None = None
    budget: float | None = None
    breaker: int = 25
    executor: str = "local"
    address: str | None = None


@dataclass(slots=True)
class TranscribeSummary:
    """What a call to `transcribe` did.

    Attributes:
        systems: system_id -> what the engine says of itself.
        transcribed: (system_id, condition_id) -> rows that an engine was asked for.
        kept: (system_id, condition_id) -> rows that the store had, or that another utterance's key answered.
        failed: (system_id, condition_id) -> kind of failure -> rows.
        probed: (system_id, condition_id) -> probes that an engine was asked for.
        repeated: (system_id, condition_id) -> rows that an engine was asked for once more.
        requests: system_id -> calls to the engine, retries included.
        retries: system_id -> those of them that followed a failure.
        stopped: system_id -> why it was not asked any more.
        cost: system_id -> list price of what was answered, with the currency and the date of the price table.
        audio_s: system_id -> seconds of audio heard.
        engine_s: system_id -> engine seconds, without start-up and retries, summed over workers.
        wall_s: system_id -> seconds from the first batch to the last answer.
        broken: system_id -> why its engine could not be used, or not to the end.
        interrupted: stopped by Ctrl-C or SIGTERM; what was finished is kept.
    """

    systems: dict[str, SystemInfo] = field(default_factory=dict)
    transcribed: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    probed: Counter[tuple[str, str]] = field(default_factory=Counter)
    repeated: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    stopped: dict[str, str] = field(default_factory=dict)
    cost: dict[str, tuple[float, str, str]] = field(default_factory=dict)
    audio_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    engine_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    wall_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    broken: dict[str, InputError] = field(default_factory=dict)
    interrupted: bool = False

    def facts(self) -> dict[str, object]:
        """What `run.json` keeps: rows, and seconds of audio, engine and wall clock by system."""
        return {
            "transcribed": sum(self.transcribed.values()),
            "kept": sum(self.kept.values()),
            "probed": sum(self.probed.values()),
            "repeated": sum(self.repeated.values()),
            "requests": dict(self.requests),
            "retries": dict(self.retries),
            "stopped": dict(self.stopped),
            "broken": {name: str(error) for name, error in self.broken.items()},
            "failed": sum(kinds.total() for kinds in self.failed.values()),
            "interrupted": self.interrupted,
            "audio_s": {name: round(seconds, 3) for name, seconds in self.audio_s.items()},
            "engine_s": {name: round(seconds, 3) for name, seconds in self.engine_s.items()},
            "wall_s": {name: round(seconds, 3) for name, seconds in self.wall_s.items()},
        }

    def as_text(self) -> str:
        """A line per system and condition, and the speed of each system."""
        lines = []
        for place in sorted(self.transcribed.keys() | self.kept.keys() | self.failed.keys()):
            failed = self.failed.get(place, Counter())
            kinds = "".join(f", {count} {kind}" for kind, count in sorted(failed.items()))
            lines.append(
                f"{place[0]} | {place[1]}: {self.transcribed[place]} transcribed, {self.kept[place]} kept from before, "
                f"{failed.total()} failed{kinds}"
                + (f"; {self.probed[place]} times silence" if self.probed[place] else "")
                + (f"; {self.repeated[place]} once more" if self.repeated[place] else "")
            )
        lines += [self._speed(name) for name in self.audio_s]
        lines += [f"{name}: {why}" for name, why in self.stopped.items()]
        return "\n".join(lines)

    def _speed(self, name: str) -> str:
        """How fast a system was, and what it cost."""
        audio_s, engine_s, wall_s = self.audio_s[name], self.engine_s[name], self.wall_s[name]
        said = [f"{name}: {audio_s:.0f} s of audio"]
        if engine_s:
            said.append(f"RTFx {audio_s / engine_s:.1f} (seconds of audio per second of transcription)")
        if wall_s:
            said.append(f"{audio_s / wall_s:.1f} times real time over all")
        if self.retries[name]:
            said.append(f"{self.retries[name]} retries")
        if name in self.cost:
            said.append("{:.4f} {} at the list prices of {}".format(*self.cost[name]))
        return ", ".join(said)
