"""The door to a server: calls go through at a rate, and none while the server has asked to wait.

A rate that was given is kept as it is. Where none was given and the server says "too many" (429), calls are spaced:
first at the rate that got through lately, halved; then a little closer with every answer (additive increase and
multiplicative decrease, Chiu & Jain 1989). All threads of an engine go through one door, so that one 429 slows all.
"""

from __future__ import annotations

import threading
import time
from collections import deque

REMEMBERED = 64
DECREASE = 0.5
INCREASE_PER_S = 0.05
"""Share of the last good rate that comes back with every second's worth of answers."""

SHORTEST_HOLD_S = 0.5


class Gate:
    """One engine's door.

    Args:
        requests_per_s: highest rate; None for none until the server complains.
    """

    def __init__(self, requests_per_s: float | None = None) -> None:
        self._lock = threading.Lock()
        self._most = requests_per_s
        self._rate = requests_per_s
        self._next = 0.0
        self._passed: deque[float] = deque(maxlen=REMEMBERED)
        self._slowed = 0.0

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            if self._rate is not None:
                self._next = turn + 1.0 / self._rate
        if turn > now:
            time.sleep(turn - now)

    def went_well(self) -> None:
        """An answer came."""
        with self._lock:
            self._passed.append(time.monotonic())
            if self._most is None and self._rate is not None:
                self._rate += INCREASE_PER_S

    def too_many(self, wait_s: float | None) -> None:
        """The server said "too many".

        Args:
            wait_s: how long it asks to wait; None if it does not say.
        """
        with self._lock:
            now = time.monotonic()
            self._next = max(self._next, now + max(wait_s or 0.0, SHORTEST_HOLD_S))
            if self._most is None and now >= self._slowed:
                self._rate = max(0.2, DECREASE * self._lately(now))
                self._slowed = self._next + 1.0
        return None

    def _lately(self, now: float) -> float:
        """Answers a second, of the last ones; one if none came."""
        if len(self._passed) < 2:
            return self._rate or 2.0
        return len(self._passed) / max(now - self._passed[0], 0.001)
