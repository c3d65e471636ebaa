"""A real HTTP server on loopback that speaks the protocols of cloud recognisers, and fails as it is told.

What it says and how it fails belong to the audio: a waveform's digest (`asrfair.adapters.scripted.waveform_digest`)
names its answer and its plan, a list of faults that are given, one a request, before the answer. A fault is

    "429", "500", ...  that status, with an error body that holds the Authorization header (a careless server)
    "slow"             `slow_s` of waiting, then the answer
    "drop"             the connection is closed without a byte
    "cut"              the connection is closed in the middle of the body, "cut-headers" in the middle of the headers
    "garbage"          200 with bytes that are no JSON; "html": a proxy's page
    "empty"            200 with {}; "wrong": with JSON of other types

Services with jobs give the faults when the job is made; `poll:500`, `upload:cut`, `fetch:garbage` and the like give
them at another step. A cut there happens after the job was made: that is what makes it hard.

Counted, by digest: requests, faults given, and what was paid for: complete 200 answers of services without jobs
(garbage included), and jobs made. A server can hold every request for `latency_s`, and refuse with 429 what comes
faster than `rate_per_s` (a bucket of `burst` tokens).
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fault_protocol import Request, Said, Service, Step, request_of

BODIES = {
    "garbage": (b"\x80\x02}q\x00(X\x04\x00\x00\x00text", "application/json"),
    "html": (b"<html><body>It works!</body></html>", "text/html"),
    "empty": (b"{}", "application/json"),
    "wrong": (b'["what"]', "application/json"),
}
DROPS = ("drop", "cut", "cut-headers")


class FaultServer:
    """The server; a context manager.

    Args:
        service: the protocol that it speaks.
        answers: digest -> what is said; others get an empty text.
        plan: digest -> faults, in order, before the answer.
        latency_s: how long every request takes.
        rate_per_s: most requests per second; None for any.
        burst: how many may come at once after a pause.
        slow_s: how long "slow" waits.
        retry_after_s: what 429 and 503 ask for.
        jobs_run: how often a job is asked for before it is done.
    """

    def __init__(
        self,
        service: type[Service],
        answers: Mapping[str, Said] | None = None,
        plan: Mapping[str, Sequence[str]] | None = None,
        *,
        latency_s: float = 0.0,
        rate_per_s: float | None = None,
        burst: int = 1,
        slow_s: float = 1.0,
        retry_after_s: float = 0.05,
        jobs_run: int = 1,
    ) -> None:
        self.answers = dict(answers or {})
        self.plan = {digest: list(faults) for digest, faults in (plan or {}).items()}
        self.latency_s, self.rate_per_s, self.burst = latency_s, rate_per_s, burst
        self.slow_s, self.retry_after_s, self.jobs_run = slow_s, retry_after_s, jobs_run
        self.requests: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.seen: list[Request] = []
        self.limited = self.in_flight = self.most_in_flight = 0
        self.lock = threading.RLock()
        self._tokens, self._filled = float(burst), time.monotonic()
        self.service = service(self)
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> FaultServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def said(self, digest: str) -> Said:
        return self.answers.get(digest, Said())

    def next_fault(self, step: Step) -> str | None:
        """Take the next fault of the plan if it belongs to this step."""
        with self.lock:
            self.requests[step.digest] += 1
            faults = self.plan.get(step.digest)
            where, _, what = faults[0].rpartition(":") if faults else ("", "", "")
            if not faults or (where != step.name and (where or not step.main)):
                return None
            self.faults[faults.pop(0)] += 1
            return what

    def may_come(self) -> bool:
        """Whether the rate limit lets a request in."""
        if self.rate_per_s is None:
            return True
        with self.lock:
            now = time.monotonic()
            self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.rate_per_s)
            self._filled = now
            if self._tokens < 1:
                self.limited += 1
                return False
            self._tokens -= 1
            return True


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    owner: FaultServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        owner = self.server.owner
        request = self._request()
        with owner.lock:
            owner.seen.append(request)
            owner.in_flight += 1
            owner.most_in_flight = max(owner.most_in_flight, owner.in_flight)
        try:
            if not owner.may_come():
                return self._status(429, request)
            time.sleep(owner.latency_s)
            step = owner.service.step(request)
        finally:
            with owner.lock:
                owner.in_flight -= 1
        return self._status(404, request) if step is None else self._take(step, request)

    do_GET = do_POST  # noqa: N815 - http.server's name

    def _take(self, step: Step, request: Request) -> None:
        owner = self.server.owner
        fault = owner.next_fault(step)
        if fault == "slow":
            time.sleep(owner.slow_s)
        elif fault is not None and fault.isdigit():
            return self._status(int(fault), request)
        body = json.dumps(step.answer()).encode()
        kind = "application/json"
        if fault in DROPS:
            return self._cut(fault, body)
        if fault in BODIES:
            body, kind = BODIES[fault]
        if step.paid:
            with owner.lock:
                owner.paid[step.digest] += 1
        return self._send(200, body, kind)

    def _request(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return request_of(self.command, self.path, dict(self.headers.items()), body)

    def _status(self, status: int, request: Request) -> None:
        said = f"no ({status}); your key was {request.headers.get('authorization')}"
        self._send(status, json.dumps({"error": {"message": said}}).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status in (429, 503):
            self.send_header("Retry-After", f"{self.server.owner.retry_after_s:g}")
        self.end_headers()
        self.wfile.write(body)

    def _cut(self, fault: str, body: bytes) -> None:
        start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        self.wfile.write({"drop": b"", "cut-headers": start, "cut": start + length + body[: len(body) // 2]}[fault])
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""
