"""What keeps a run from asking on: a system that only fails, and money that would be overspent.

What is not asked ends as a failed row that says why (`stopped: ...`, `budget: ...`), and is asked by the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from asrfair.transcribe.caller import Answer
from asrfair.transcribe.jobs import Job
from asrfair.transcribe.meter import Meter, Usage
from asrfair.transcribe.prices import Price

NOT_THE_SYSTEM = frozenset({"audio", "missing", "budget"})
"""Failures that say nothing of the system."""

AT_ONCE = frozenset({"denied"})
"""Failures that no further request can mend: credentials."""

UNBILLED = frozenset(
    {"audio", "missing", "refused", "denied", "rate_limit", "server", "connection", "stopped", "budget"}
)
"""Failures that no service bills. Malformed and empty answers and timeouts may be billed, and are counted."""


class Breaker:
    """Stops a system that only fails (a circuit breaker: Nygard, Release It!, 2007).

    Args:
        most: failures in a row, without a transcript between them, that stop it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_a_row: Counter[str] = Counter()
        self.reason: str | None = None

    def note(self, answer: Answer) -> None:
        """Note what came of a request."""
        if answer.transcript is not None:
            self._in_a_row.clear()
            return
        kind = (answer.error or "").partition(":")[0]
        if kind in NOT_THE_SYSTEM:
            return
        self._in_a_row[kind] += 1
        total = self._in_a_row.total()
        if self.reason is None and (kind in AT_ONCE or total >= self._most):
            kinds = ", ".join(f"{count} {name}" for name, count in sorted(self._in_a_row.items()))
            self.reason = f"stopped: not asked, after {total} failures in a row ({kinds}); the last: {answer.error}"


class Purse:
    """What one system may still cost.

    Args:
        price: of the system; None if it costs nothing.
        meter: what the whole run has cost so far.
        usage: of the system.
        budget: for the whole run, in the currency of the prices; None for no bound.
    """

    def __init__(self, price: Price | None, meter: Meter, usage: Usage, budget: float | None) -> None:
        self._price, self._meter, self._usage, self._budget = price, meter, usage, budget
        self._reserved = 0.0
        self._reason: str | None = None

    def refuses(self, jobs: Sequence[Job]) -> str | None:
        """Why these may not be asked for; if they may, what they cost is set aside.

        After the first refusal nothing more is asked for: else only the short ones would still be.
        """
        if self._price is None or self._reason is not None:
            return self._reason
        cost = sum(self._price.cost(job.length_s or 0.0) for job in jobs)
        spent = self._meter.cost + self._reserved
        if self._budget is not None and spent + cost > self._budget + 1e-9:
            self._reason = f"budget: not asked, because it would cost more than the budget of {self._budget:g} allows"
            return self._reason
        self._reserved += cost
        return None

    def pay(self, job: Job, answer: Answer) -> None:
        """Note what was answered, and what it cost."""
        cost = None
        if self._price is not None:
            cost = self._price.cost(job.length_s or 0.0)
            self._reserved -= cost
            kind = "" if answer.error is None else answer.error.partition(":")[0]
            cost = 0.0 if kind in UNBILLED else cost
        self._usage.add(answer, cost)
