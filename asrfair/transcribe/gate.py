"""The door to a server: calls go through at a rate, and none while the server has asked to wait.

A rate that was given is kept as it is. Where none was given and the server says "too many" (429), calls are spaced: at
0.8 of the rate that got through lately, and 4 % closer with every answer (multiplicative increase and decrease). Calls
that were under way at a decrease bring no further one. Six answers make up for a decrease, so that a server that
refuses a tenth of all calls for other reasons is not asked ever more slowly; but the rate does not grow beyond 1.5
times what got through lately, or what a server lets through at once after a pause would drive it up. A server that
refuses before it has answered says nothing of what it can do: then the rate begins at one call a second and grows by
one with every answer until the next refusal, as TCP's slow start does. All threads of an engine go through one door:
one 429 slows all.
"""

from __future__ import annotations

import threading
import time
from collections import deque

REMEMBERED = 64
DECREASE = 0.8
INCREASE = 1.04
SLOWEST_PER_S = 1.0
SEARCH_PER_S = 1.0
HEADROOM = 1.5
HOLD_S = 0.5


class Gate:
    """One engine's door.

    Args:
        requests_per_s: highest rate; None for none until the server complains.
    """

    def __init__(self, requests_per_s: float | None = None) -> None:
        self._lock, self._door = threading.Lock(), threading.Lock()
        self._most = requests_per_s
        self._rate = requests_per_s
        self._is_searching = False
        self._next = self._closed_until = self._slowed = 0.0
        self._passed: deque[float] = deque(maxlen=REMEMBERED)

    def wait(self) -> float:
        """Wait for one's turn; returns when it came, for `too_many`.

        One thread at a time waits at the door, and the next turn counts from when it went through: threads that a busy
        machine wakes late come no closer together for it.
        """
        with self._door:
            while (turn := self._turn()) > (now := time.monotonic()):
                time.sleep(turn - now)
            with self._lock:
                if self._rate is not None:
                    self._next = now + 1.0 / self._rate
            return now

    def _turn(self) -> float:
        """When the next call may go through, as far as is known now."""
        with self._lock:
            return max(self._next, self._closed_until)

    def went_well(self) -> None:
        """An answer came."""
        with self._lock:
            now = time.monotonic()
            self._passed.append(now)
            if self._most is not None or self._rate is None:
                return
            if self._is_searching:
                self._rate += SEARCH_PER_S
            else:
                self._rate = min(self._rate * INCREASE, max(self._rate, HEADROOM * self._lately(now)))

    def too_many(self, given: float, wait_s: float | None) -> None:
        """The server said "too many".

        Args:
            given: when the call's turn came.
            wait_s: how long it asks to wait; None if it does not say.
        """
        with self._lock:
            now = time.monotonic()
            self._closed_until = max(self._closed_until, now + (HOLD_S if wait_s is None else wait_s))
            if self._most is None and given >= self._slowed:
                self._is_searching = self._rate is None and len(self._passed) < 2
                rate = self._lately(now) if self._rate is None else self._rate
                self._rate = max(SLOWEST_PER_S, DECREASE * rate)
                self._slowed = now

    def _lately(self, now: float) -> float:
        """Answers a second, of the last ones; the slowest rate if hardly any came."""
        if len(self._passed) < 2:
            return SLOWEST_PER_S
        return len(self._passed) / max(now - self._passed[0], 0.001)
