"""A real HTTP server on loopback that answers as it is told, and fails when it is told."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUT, HALF, SLOW = "cut", "half", "slow"
"""Close without an answer; close within the body; answer only when the test is over."""


@dataclass
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class FaultServer:
    """`answer(asked) -> (status, headers, body)`, but first what is in `faults`, one a request that `guilty` takes."""

    def __init__(self, answer, guilty=lambda asked: True):
        self.answer, self.guilty = answer, guilty
        self.faults, self.asked = [], []
        self._over, self._lock = threading.Event(), threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.serve(self, Asked(self.command, self.path, self.headers, body))

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_one  # noqa: N815 - http.server wants these

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, handler, asked):
        with self._lock:
            self.asked.append(asked)
            fault = self.faults.pop(0) if self.faults and self.guilty(asked) else None
        if fault == SLOW:
            self._over.wait(20)
        if fault in (CUT, SLOW):
            handler.close_connection = True
            return
        status, headers, body = self.answer(asked) if fault in (None, HALF) else fault
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if asked.method != "HEAD":
            handler.wfile.write(body[: len(body) // 2] if fault == HALF else body)
        handler.close_connection = handler.close_connection or fault == HALF

    def close(self):
        self._over.set()
        self.server.shutdown()
        self.server.server_close()
