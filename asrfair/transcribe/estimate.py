"""What a run would ask for, before it asks: requests, minutes of audio, and what they cost at list prices.

No engine is loaded and no server is asked, so what the store has is taken to stand; a changed option or file would be
asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asrfair.errors import AudioError
from asrfair.records import PROBE_S
from asrfair.transcribe.jobs import length_s
from asrfair.transcribe.meter import Usage
from asrfair.transcribe.plan import Plan, SystemUnderTest


@dataclass(frozen=True, slots=True)
class SystemEstimate:
    """What one system would be asked for.

    Attributes:
        system_id: which.
        requests: calls without retries, a waveform each.
        kept: rows that the store has.
        audio_s: seconds of audio.
        unknown: requests whose length cannot be told; they are in no other figure but `requests`.
        cost: at list prices; None where the table has none.
        currency: of the cost.
        priced_as_of: day of the price table.
        hours: that it takes at the speed of its last run; None if it has not run.
        spent: what it has cost so far, in the same currency.
    """

    system_id: str
    requests: int
    kept: int
    audio_s: float
    unknown: int
    cost: float | None
    currency: str
    priced_as_of: str
    hours: float | None
    spent: float

    def as_text(self) -> str:
        """One line."""
        said = [
            f"{self.system_id}: {self.requests} requests ({self.kept} rows are there), {self.audio_s / 60:.1f} minutes"
        ]
        if self.unknown:
            said.append(f"{self.unknown} of unknown length")
        if self.cost is not None:
            said.append(f"{self.cost:.4g} {self.currency} at the list prices of {self.priced_as_of}")
            said.append(f"{self.spent:.4g} {self.currency} spent before")
        else:
            said.append("no price in the table")
        if self.hours is not None:
            said.append(f"{self.hours:.1f} h at the speed of its last run")
        return ", ".join(said)


def estimate(
    plan: Plan,
    systems: Sequence[SystemUnderTest],
    kept: Mapping[tuple[str, str], set[str]],
    used: Mapping[str, Usage],
) -> list[SystemEstimate]:
    """What a plan would ask for.

    Args:
        plan: what and how.
        systems: which.
        kept: (system_id, condition_id) -> utterances that the store has a transcript of; repeats as `NAME#2`.
        used: system_id -> what it has used so far.
    """
    lengths: dict[str, float | None] = {}
    for utterance in plan.utterances:
        try:
            lengths[utterance.utterance_id] = length_s(utterance, plan.folder)
        except AudioError:
            continue  # It ends as a failed row, unasked.
    return [_of(plan, system, lengths, kept, used.get(system.system_id)) for system in systems]


def _of(
    plan: Plan,
    system: SystemUnderTest,
    lengths: Mapping[str, float | None],
    kept: Mapping[tuple[str, str], set[str]],
    used: Usage | None,
) -> SystemEstimate:
    """Of one system."""
    asked: list[float | None] = []
    n_kept = 0
    for condition in plan.surroundings.conditions:
        for repeat in range(1, plan.repeats + 1):
            name = system.system_id if repeat == 1 else f"{system.system_id}#{repeat}"
            there = kept.get((name, condition.condition_id), set())
            n_kept += len(there & lengths.keys())
            asked += [seconds for utterance_id, seconds in lengths.items() if utterance_id not in there]
        asked += [PROBE_S] * (plan.probes if condition.environment is not None else min(plan.probes, 1))
    known = [seconds for seconds in asked if seconds is not None]
    price = None if plan.prices is None else plan.prices.find(system.engine, system.options)
    table = plan.prices
    speed = None if used is None or not used.wall_s else used.audio_s / used.wall_s
    return SystemEstimate(
        system.system_id,
        len(asked),
        n_kept,
        sum(known),
        len(asked) - len(known),
        None if price is None else sum(price.cost(seconds) for seconds in known),
        "" if table is None else table.currency,
        "" if table is None else str(table.as_of),
        None if not speed else sum(known) / speed / 3600,
        0.0 if used is None else used.cost or 0.0,
    )
