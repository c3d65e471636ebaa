"""Services that make a job of every request: make it once, wait for it as often as it takes.

A job is paid for when it is made, so it is remembered by its audio and what was asked (`request_key`) until its
transcript is here or it failed. A retry goes on with the job that there is. Where the answer to the making was lost (a
connection cut, a timeout, a server fault, garbage), the service is asked for the job before another is made. So here
garbage is a server fault that may be asked for again, and is not paid for twice.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from asrfair.adapters._cloud import CloudAdapter, check_endpoint, request_key
from asrfair.adapters._http import body_of, decoded, http_client
from asrfair.errors import AdapterError, EngineError, InputError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform

T = TypeVar("T")
GROWTH = 1.5
LONGEST_PAUSE_S = 5.0
MAY_HAVE_MADE = ("connection", "timeout", "server")
"""Failures after which a job may be there although nothing was heard of it."""


@dataclass
class Job:
    """What is known of one request.

    Attributes:
        number: as the service calls it; None if none is known to have been made.
        place: where the audio was put, where that is a step of its own.
        lost: whether a job may have been made whose number never came.
        lock: held while it is made.
    """

    number: str | None = None
    place: str | None = None
    lost: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class JobFailed(TransientError):  # noqa: N818 - beside its parents' names
    """The service gave a job up by its own fault: another one may do better."""


class JobAdapter(CloudAdapter):
    """An engine whose requests are jobs.

    Class attributes:
        NAME: of the engine.
        ENDPOINT: the service's own.
        VERSION: of its API.
    """

    NAME: str
    ENDPOINT: str
    VERSION: str

    def _open(
        self, endpoint: str | None, poll_s: float, headers: Callable[[str], dict[str, str]], options: Mapping[str, Any]
    ) -> None:
        """Make the client; nothing is asked yet."""
        if not poll_s > 0:
            raise InputError(f"the engine {self.NAME}: poll_s={poll_s} is not above 0 seconds")
        base_url = check_endpoint(self.NAME, endpoint) or self.ENDPOINT
        (key,) = self.require_credentials().values()
        self._http = http_client(self.NAME, self.EXTRA or self.NAME, base_url, headers(key))
        self._poll_s = poll_s
        self._options = {**options, "endpoint": base_url}
        self._jobs: dict[str, Job] = {}
        self._jobs_lock = threading.Lock()

    def describe(self) -> SystemInfo:
        """Model, language, biasing, formatting and where it is asked."""
        version = f"{self.VERSION} {self._options['model']}"
        return SystemInfo(self.NAME, version, dict(self._options), deterministic=False)

    @abstractmethod
    def make(self, waveform: Waveform, key: str, job: Job) -> str:
        """Make a job and give its number."""

    @abstractmethod
    def find(self, key: str, job: Job) -> str | None:
        """The number of a job that was made, if the service has one."""

    @abstractmethod
    def look(self, number: str, left_s: float) -> Transcript | None:
        """What a job gave; None as long as it is under way.

        Raises:
            JobFailed: by the service's fault.
            AdapterError: by the audio's.
        """

    def ask(self, waveform: Waveform) -> Transcript:
        """Make the job if there is none, and wait for it."""
        deadline = time.monotonic() + self.timeout_s
        key = request_key(waveform, self.NAME, sorted(self._options.items(), key=str))
        with self._jobs_lock:
            job = self._jobs.setdefault(key, Job())
        number = self._number(waveform, key, job)
        try:
            found = wait(lambda left_s: self.look(number, left_s), self._poll_s, deadline)
        except JobFailed as error:
            self._forget(key)
            raise TransientError(error.message, kind="server") from None
        except AdapterError:
            self._forget(key)
            raise
        self._forget(key)
        return found

    def _number(self, waveform: Waveform, key: str, job: Job) -> str:
        with job.lock:
            if job.number is None and job.lost:
                job.number = self.find(key, job)
            if job.number is None:
                try:
                    job.number = self.make(waveform, key, job)
                except EngineError as error:
                    job.lost = error.kind in MAY_HAVE_MADE
                    raise
            return job.number

    def _forget(self, key: str) -> None:
        with self._jobs_lock:
            self._jobs.pop(key, None)

    def send(self, kind: type[T], method: str, path: str, timeout_s: float | None = None, **given: Any) -> T:
        """One request.

        Args:
            kind: what the answer is.
            method: of HTTP.
            path: of the endpoint.
            timeout_s: longest silence; None for the engine's.
            **given: what httpx is to send.

        Raises:
            EngineError: no success, or no answer of the protocol (a server fault: asking again is free).
        """
        import httpx

        try:
            body = body_of(self._http.request(method, path, timeout=timeout_s or self.timeout_s, **given))
            return decoded(body, kind)
        except httpx.HTTPError as error:
            raise self.failure(error) or error from None
        except AdapterError as error:
            if error.kind != "malformed":
                raise
            raise TransientError(error.message, kind="server") from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def wait(ask: Callable[[float], T | None], first_pause_s: float, deadline: float) -> T:
    """Ask until there is an answer, with pauses that grow by half up to 5 s.

    Args:
        ask: gets the seconds left and gives None as long as there is nothing.
        first_pause_s: between the first two times.
        deadline: when to give up, on the monotonic clock.

    Raises:
        TransientError: the time is over; `timeout`.
    """
    pause_s = first_pause_s
    while (left_s := deadline - time.monotonic()) > 0:
        found = ask(left_s)
        if found is not None:
            return found
        time.sleep(max(0.0, min(pause_s, deadline - time.monotonic())))
        pause_s = min(pause_s * GROWTH, max(first_pause_s, LONGEST_PAUSE_S))
    raise TransientError("the job is not done in time; a retry goes on waiting for it", kind="timeout")
