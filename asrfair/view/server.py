"""The server of one page and its data: this machine alone, this page alone.

It listens on the loopback address. Its address has a token that is drawn at the start, so that no other user and no
other page can guess it; a name other than the loopback's in `Host` is refused, so that a foreign name that was made to
point here (DNS rebinding) reads nothing; no other origin is allowed anything. Everything is read, nothing is written:
GET and no other method. Errors are `{"error": what and what to do}` with a status of 400 or more.
"""

from __future__ import annotations

import hmac
import secrets
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol

import msgspec

from asrfair.errors import AsrfairError, InputError
from asrfair.view.answers import Answers
from asrfair.view.parameters import fields_of, page_of

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
API = "api/"
"""Where the data is, relative to the page."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE, JSON, SOUND = "text/html; charset=utf-8", "application/json; charset=utf-8", "audio/ogg"
Answer = tuple[str, bytes]


class Sounds(Protocol):
    """What can be heard; `source` is a row of the index's `utterances`."""

    def has(self, source: dict[str, Any], system: str, condition: str) -> bool:
        """Whether there is anything to hear."""

    def read(self, source: dict[str, Any], system: str, condition: str) -> bytes | None:
        """Ogg Opus; None where there is nothing."""


class _Refused(Exception):  # noqa: N818
    """A request that gets no answer."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server:
    """Serves until it is closed; use it as a context.

    Args:
        page: the page, in UTF-8, whose utterances are at `API`.
        answers: what it asks for; closed with the server.
        sounds: what can be heard; None for nothing.
        port: 0 for one that is free.

    Raises:
        InputError: the port cannot be had.
    """

    def __init__(self, page: bytes, answers: Answers, sounds: Sounds | None = None, *, port: int = 0) -> None:
        self._answers = answers
        self._http = _listening(port)
        self._http.site = _Site(page, answers, sounds, self._http.server_port)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        return f"http://{HOST}:{self._http.server_port}/{self._http.site.token}/"

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._answers.close()

    def wait(self) -> None:
        """Return when Ctrl-C is pressed."""
        try:
            while self._thread.is_alive():
                self._thread.join(0.5)
        except KeyboardInterrupt:
            return


class _Site:
    """What is served, by path."""

    def __init__(self, page: bytes, answers: Answers, sounds: Sounds | None, port: int) -> None:
        self._page, self._answers, self._sounds = page, answers, sounds
        self.token = secrets.token_urlsafe(24)
        self._hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
        self._paths = {"about": self._about, "rows": self._rows, "utterance": self._utterance, "audio": self._audio}

    def answer(self, host: str, target: str) -> Answer:
        """The media type and the bytes for a path.

        Raises:
            _Refused: a foreign host or token, or no such path.
            InputError: parameters that the contract does not have.
        """
        if host.lower() not in self._hosts:
            raise _Refused(
                HTTPStatus.FORBIDDEN, "this address is not the server's own: use the one that asrfair view printed"
            )
        path, _, query = target.partition("?")
        token, slash, name = path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            raise _Refused(
                HTTPStatus.FORBIDDEN, "the token is not the server's: use the address that asrfair view printed"
            )
        if slash and not name:
            return PAGE, self._page
        found = self._paths.get(name.removeprefix(API)) if name.startswith(API) else None
        if found is None:
            raise _Refused(HTTPStatus.NOT_FOUND, f"nothing is here; there are: {', '.join(self._paths)}")
        return found(query)

    def _about(self, query: str) -> Answer:
        fields_of(query, ())
        return JSON, msgspec.json.encode(self._answers.about(audio=self._sounds is not None))

    def _rows(self, query: str) -> Answer:
        return JSON, msgspec.json.encode(self._answers.rows(page_of(query)))

    def _utterance(self, query: str) -> Answer:
        name = fields_of(query, ("id",)).get("id", "")
        found = self._answers.utterance(name)
        if found is not None:
            source = self._answers.source(name)
            for result in found["results"]:
                place = result["system"], result["condition"]
                result["audio"] = bool(self._sounds and source and self._sounds.has(source, *place))
        return JSON, msgspec.json.encode(found)

    def _audio(self, query: str) -> Answer:
        given = fields_of(query, ("id", "system", "condition"))
        if self._sounds is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing to hear: start with asrfair view --include-audio")
        source = self._answers.source(given.get("id", ""))
        place = given.get("system", ""), given.get("condition", "")
        known = source is not None and place in self._answers.facts.cells
        sound = self._sounds.read(source, *place) if source is not None and known else None
        if sound is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "there is nothing to hear of it")
        return SOUND, sound


class _Http(ThreadingHTTPServer):
    """The listener."""

    site: _Site

    def server_bind(self) -> None:
        """Bind without asking any name server what this machine is called, as the base class does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: _Http

    def do_GET(self) -> None:
        """Answer."""
        try:
            kind, data = self.server.site.answer(self.headers.get("Host", ""), self.path)
        except _Refused as error:
            self._fail(error.status, str(error))
        except AsrfairError as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
        except Exception:
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, "this failed; the terminal of asrfair view says how")
            raise
        else:
            self._send(HTTPStatus.OK, kind, data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: other methods, and what is no request."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._fail(HTTPStatus.METHOD_NOT_ALLOWED, "everything here is read: use GET")
        else:
            self._fail(HTTPStatus(code), message or HTTPStatus(code).phrase)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def version_string(self) -> str:
        """What the server calls itself."""
        return "asrfair"

    def _fail(self, status: HTTPStatus, text: str) -> None:
        """An error, after which the connection is closed: there may be a body that nobody read."""
        self.close_connection = True
        self._send(status, JSON, msgspec.json.encode({"error": text}))

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        """Status, headers and body."""
        self.send_response(status)
        headers = HEADERS | {"Content-Type": kind, "Content-Length": str(len(data))}
        headers |= {"Connection": "close"} if self.close_connection else {}
        headers |= {"Allow": "GET"} if status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _listening(port: int) -> _Http:
    """A listener on the loopback address."""
    try:
        return _Http((HOST, port), _Handler)
    except OSError as error:
        raise InputError(f"--port {port}: {error.strerror}; give another, or none for one that is free") from error
