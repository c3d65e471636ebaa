"""What engines behind a server have in common: credentials, failures told apart, nothing secret in what is said.

One waveform is one request, sent as 16-bit WAV; the runner has several under way at once (`concurrency`), and it alone
retries: a vendor's SDK has its own retries switched off, so that every attempt is counted once. Credentials come from
the environment or from the SDK's own chain, never from an option, and are cut out of every message.

A request that a server may have answered and been paid for is not simply sent again. Where the protocol has jobs, the
job that was made is remembered by its audio (`request_key`), and a retry goes on waiting for it; where it knows
idempotency keys, `request_key` is sent as one.
"""

from __future__ import annotations

import email.utils
import hashlib
import io
import os
import sys
import time
import wave
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import ClassVar
from urllib.parse import urlsplit

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.errors import AdapterError, EngineError, InputError, TransientError
from asrfair.records import Transcript, Waveform

LONGEST_MESSAGE = 300
HTTP_LIBRARIES = ("httpx", "httpx2")
"""The second is the first by another name, with exceptions of its own; OpenAI's SDK uses it."""

LONGEST_URL = 2000
SHORTEST_SECRET = 6
"""Credentials shorter than this are not cut out: no real one is, and letters would go."""


class CloudAdapter(Adapter):
    """An engine that asks a server.

    A subclass makes its client in the constructor, after `self.require_credentials()`, and has `ask`.

    Class attributes:
        CREDENTIALS: alternatives, each a set of environment variables of which all must be there, such as
            `(("OPENAI_API_KEY",),)`; empty where the SDK has a chain of its own.
    """

    CREDENTIALS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    concurrency: int = 8

    @abstractmethod
    def ask(self, waveform: Waveform) -> Transcript:
        """Have one waveform transcribed; may raise what the SDK raises, `failure` tells what it was."""

    def failure(self, error: Exception) -> EngineError | None:
        """What an exception of the SDK means; None if this engine does not know it.

        The base knows the exceptions of httpx and httpx2, which most SDKs let through or wrap as `__cause__`.
        """
        return _http_failure(error)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """One request a waveform, one after the other."""
        return [self._answered(waveform) for waveform in batch]

    def _answered(self, waveform: Waveform) -> Transcript:
        check_waveform(waveform, self.sample_rate_hz)
        began = time.perf_counter()
        try:
            said = self.ask(waveform)
        except Exception as error:  # noqa: BLE001 - an SDK may raise anything; what it says may hold the key
            found = error if isinstance(error, EngineError) else self.failure(error)
            raise self._safe(found or AdapterError(f"{type(error).__name__}: {error}")) from None
        return Transcript(said.text, said.words, time.perf_counter() - began)

    def _safe(self, error: EngineError) -> EngineError:
        """The same error without secrets, in one line of bearable length."""
        text = " ".join(self.redacted(str(error)).split())
        text = text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 3] + "..."
        if isinstance(error, TransientError):
            return TransientError(text, error.retry_after_s, kind=error.kind)
        return AdapterError(text, kind=error.kind)

    def redacted(self, text: str) -> str:
        """A text without the values of credentials."""
        for name in {name for names in self.CREDENTIALS for name in names}:
            value = os.environ.get(name, "")
            if len(value) >= SHORTEST_SECRET:
                text = text.replace(value, "***")
        return text

    @classmethod
    def missing(cls) -> list[str]:
        """Libraries and credentials that are not there."""
        found = super().missing()
        if cls.CREDENTIALS and not any(all(map(os.environ.get, names)) for names in cls.CREDENTIALS):
            found.append("set " + " or ".join(" and ".join(names) for names in cls.CREDENTIALS))
        return found

    @classmethod
    def require_credentials(cls) -> dict[str, str]:
        """The environment variables of the first alternative that is there.

        Raises:
            InputError: none is, or it cannot be one.
        """
        for names in cls.CREDENTIALS:
            if all(map(os.environ.get, names)):
                return {name: credential(name) for name in names}
        wanted = " or ".join(" and ".join(names) for names in cls.CREDENTIALS)
        engine = cls.__module__.rpartition(".")[2].replace("_", "-")
        raise InputError(f"the engine {engine} needs credentials: set {wanted} in the environment; never in a config")


def credential(name: str) -> str:
    """A credential from the environment.

    Raises:
        InputError: no header can hold it; a library would refuse it with a message that quotes it.
    """
    value = os.environ[name]
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise InputError(
            f"the environment variable {name} holds a blank, a line break or a letter that no credential has; set it "
            "again without (a value read from a file may end in a line break)"
        )
    return value


def check_endpoint(engine: str, url: str | None) -> str | None:
    """An endpoint given as an option, if it is one.

    Raises:
        InputError: it is not http(s) or ws(s), names no host, or holds a user name, password, query or fragment, which
            would be published.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_place = parts.scheme in ("http", "https", "ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_place = False
    if not is_place or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        raise InputError(f"the engine {engine}: the endpoint is no http(s) or ws(s) URL such as https://HOST:PORT/PATH")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InputError(f"the engine {engine}: the endpoint holds credentials or a query; options are published")
    return url.rstrip("/")


def as_wav(waveform: Waveform) -> bytes:
    """The waveform as a 16-bit mono WAV file."""
    data = np.round(np.clip(waveform.samples, -1, 1) * 32767).astype("<i2").tobytes()
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(waveform.sample_rate_hz)
        file.writeframes(data)
    return stream.getvalue()


def request_key(waveform: Waveform, *said: object) -> str:
    """A name for a request that is the same whenever the same is asked: for idempotency keys and names of jobs.

    Args:
        waveform: what is to be transcribed.
        *said: everything else that changes the answer.

    Returns:
        32 hex digits.
    """
    digest = hashlib.blake2b(np.ascontiguousarray(waveform.samples, "<f4").data, digest_size=16)
    digest.update(repr((waveform.sample_rate_hz, *said)).encode())
    return digest.hexdigest()


def failure_of_status(status: int, message: str, headers: Mapping[str, str] | None = None) -> EngineError:
    """What an HTTP status means.

    429 is a rate limit, 408 and 504 a timeout, other 5xx a server fault, 401 and 403 denied, any other a refusal.

    Args:
        status: of the answer, 300 or more.
        message: what the server says of it.
        headers: of the answer; `Retry-After` is read in both its forms.
    """
    said = f"{status} {message}".strip()
    wait_s = retry_after_s(headers)
    if status == 429:
        return TransientError(said, wait_s, kind="rate_limit")
    if status in (408, 504):
        return TransientError(said, wait_s, kind="timeout")
    if status >= 500 or status in (409, 425):
        return TransientError(said, wait_s, kind="server")
    return AdapterError(said, kind="denied" if status in (401, 403) else "refused")


def retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    """How long a server asks to wait (RFC 9110, 10.2.3: seconds or a date); None if it does not say."""
    value = next((text for name, text in (headers or {}).items() if name.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _http_failure(error: BaseException | None) -> EngineError | None:
    """What an exception of httpx or httpx2 means, or of what was caused by one."""
    loaded = [library for library in map(sys.modules.get, HTTP_LIBRARIES) if library is not None]
    while error is not None:
        for library in loaded:
            found = _failure_of_httpx(library, error)
            if found is not None:
                return found
        error = error.__cause__ or error.__context__
    return None


def _failure_of_httpx(httpx: ModuleType, error: BaseException) -> EngineError | None:
    """What an exception of a library with httpx's names means."""
    if isinstance(error, httpx.HTTPStatusError):
        answer = error.response
        return failure_of_status(answer.status_code, answer.text, answer.headers)
    if isinstance(error, httpx.TimeoutException):
        return TransientError(f"no answer in time ({type(error).__name__})", kind="timeout")
    if isinstance(error, httpx.TransportError):
        return TransientError(f"the connection failed ({type(error).__name__}: {error})", kind="connection")
    if isinstance(error, httpx.DecodingError):
        return AdapterError(f"an answer that cannot be decoded: {error}", kind="malformed")
    return None
