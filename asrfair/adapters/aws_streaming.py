"""Amazon Transcribe, streaming: the audio goes over a WebSocket as it would come from a microphone.

The address is signed (Signature Version 4, in the query, good for five minutes); audio and results are event stream
messages; an empty chunk ends the audio. The service wants audio no faster than it was spoken, so a minute takes a
minute: that time is added to `timeout_s`. The protocol has no jobs and no idempotency keys: a stream that was cut has
been paid for as far as it went, and a retry is a new one.

The identity needs `transcribe:StartStreamTranscriptionWebSocket`. Source: Amazon Transcribe Developer Guide,
"Using Amazon Transcribe streaming with WebSockets".
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

import numpy as np

from asrfair.adapters._aws import API_VERSION, AwsAdapter, failure_of_code, joined
from asrfair.adapters._cloud import check_endpoint, failure_of_status
from asrfair.adapters._event_stream import decode, encode
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

CHUNK_S = 0.1
"""The guide advises 50 to 200 ms."""

SIGNED_FOR_S = 300
FASTEST_PACE = 100.0
AUDIO = {":content-type": "application/octet-stream", ":event-type": "AudioEvent", ":message-type": "event"}
STATUS = {"InternalFailureException": 500, "ServiceUnavailableException": 503, "ConflictException": 409}


class AwsStreaming(AwsAdapter):
    """Amazon Transcribe over a WebSocket.

    Args:
        region: None for the one of boto3's chain.
        language: BCP 47 tag.
        vocabulary: name of a custom vocabulary.
        endpoint: URL (ws or wss) of another server.
        pace: seconds of audio sent per second; the service wants at most 1. 0 for no limit.

    Raises:
        MissingExtraError: boto3 or websockets is not installed.
        InputError: no credentials, no region, or an option out of range.
    """

    LIBRARIES: ClassVar[tuple[str, ...]] = ("boto3", "websockets")
    concurrency: int = 16
    longest_s: float | None = 4 * 3600.0

    def __init__(
        self,
        region: str | None = None,
        language: str = "en-US",
        vocabulary: str | None = None,
        endpoint: str | None = None,
        pace: float = 1.0,
    ) -> None:
        try:
            import websockets.sync.client
        except ImportError as error:
            raise MissingExtraError("the engine aws-streaming", "aws") from error
        if not 0 <= pace <= FASTEST_PACE:
            raise InputError(f"the engine aws-streaming: pace={pace} is not 0 to {FASTEST_PACE:g}")
        self._connect = websockets.sync.client.connect
        self._endpoint = check_endpoint("aws-streaming", endpoint)
        _, self._region = self._sign_in("aws-streaming", region)
        self._language, self._vocabulary, self._pace = language, vocabulary, pace
        # The log of websockets has the signed address in it.
        self._log = logging.Logger("asrfair.aws_streaming", logging.CRITICAL + 1)

    def describe(self) -> SystemInfo:
        """API version and all that the stream is told."""
        options = {
            "region": self._region,
            "language": self._language,
            "vocabulary": self._vocabulary,
            "endpoint": self._endpoint,
        }
        return SystemInfo("aws-streaming", f"{API_VERSION} streaming", options, deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """Send the audio, then read all results."""
        allowed_s = self.timeout_s + (waveform.duration_s / self._pace if self._pace else 0.0)
        deadline = time.monotonic() + allowed_s
        connection = self._connect(
            self._signed(waveform.sample_rate_hz),
            open_timeout=self.timeout_s,
            close_timeout=1.0,
            max_queue=None,
            compression=None,
            logger=self._log,
        )
        with connection:
            sent = self._send(connection, waveform, deadline)
            return _results(connection, sent, deadline)

    def _signed(self, sample_rate_hz: int) -> str:
        """The address with everything in it that opens the stream."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest

        server = self._endpoint or f"wss://transcribestreaming.{self._region}.amazonaws.com:8443"
        query = {"language-code": self._language, "media-encoding": "pcm", "sample-rate": str(sample_rate_hz)}
        query |= {"vocabulary-name": self._vocabulary} if self._vocabulary else {}
        request = AWSRequest("GET", f"{server}/stream-transcription-websocket?{urlencode(query)}")
        keys = self._credentials.get_frozen_credentials()
        SigV4QueryAuth(keys, "transcribe", self._region, expires=SIGNED_FOR_S).add_auth(request)
        return str(request.url)

    def _send(self, connection: ClientConnection, waveform: Waveform, deadline: float) -> bool:
        """Send the audio and its end; false if the service closed before that."""
        from websockets.exceptions import ConnectionClosed

        data = np.round(np.clip(waveform.samples, -1, 1) * 32767).astype("<i2").tobytes()
        size = 2 * round(CHUNK_S * waveform.sample_rate_hz)
        began = time.monotonic()
        try:
            for number, start in enumerate(range(0, len(data), size)):
                if self._pace:
                    time.sleep(max(0.0, began + number * CHUNK_S / self._pace - time.monotonic()))
                if time.monotonic() > deadline:
                    raise TimeoutError
                connection.send(encode(AUDIO, data[start : start + size]))
            connection.send(encode(AUDIO, b""))
        except ConnectionClosed:
            return False
        return True

    def failure(self, error: Exception) -> EngineError | None:
        """What an exception of websockets means, or of botocore."""
        from websockets import exceptions as ws

        if isinstance(error, TimeoutError):
            return TransientError("no answer in time", kind="timeout")
        if isinstance(error, ws.InvalidStatus):
            answer = error.response
            said = (answer.body or b"").decode("utf-8", "replace")
            return failure_of_status(answer.status_code, said, dict(answer.headers.raw_items()))
        if isinstance(error, ws.ConnectionClosed | OSError) or isinstance(error.__cause__, EOFError | OSError):
            return TransientError(f"the connection failed ({type(error).__name__})", kind="connection")
        if isinstance(error, ws.WebSocketException):
            return AdapterError(f"the server does not speak WebSocket ({type(error).__name__})", kind="malformed")
        return super().failure(error)


def _results(connection: ClientConnection, sent: bool, deadline: float) -> Transcript:
    """What was recognised: all final results until the service closes."""
    from websockets.exceptions import ConnectionClosedOK

    texts: list[str] = []
    words: list[Word] = []
    while True:
        try:
            message = connection.recv(timeout=max(0.0, deadline - time.monotonic()))
        except ConnectionClosedOK:
            break
        headers, payload = decode(message)
        try:
            said = json.loads(payload)
            if headers.get(":message-type") != "event":
                raise _failure_of_event(headers, str(said.get("Message", "")))
            if headers.get(":event-type") == "TranscriptEvent":
                for text, found in _finals(said):
                    texts.append(text)
                    words.extend(found)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise AdapterError(f"a result that cannot be read: {type(error).__name__}", kind="malformed") from error
    if not sent:
        raise TransientError("the service closed before the audio had been sent", kind="connection")
    return Transcript(" ".join(filter(None, texts)), tuple(words))


def _finals(said: dict[str, Any]) -> list[tuple[str, tuple[Word, ...]]]:
    """Text and words of each result that will not change any more."""
    best = [part["Alternatives"][0] for part in said["Transcript"]["Results"] if not part["IsPartial"]]
    return [(each["Transcript"], joined(_item(item) for item in each["Items"])) for each in best]


def _item(item: dict[str, Any]) -> tuple[str, str, Any, Any, Any]:
    return item["Type"], item["Content"], item.get("StartTime"), item.get("EndTime"), item.get("Confidence")


def _failure_of_event(headers: dict[str, str], message: str) -> EngineError:
    """What an exception in the stream means."""
    code = headers.get(":exception-type") or headers.get(":error-code") or "unknown"
    if "timed out" in message.lower():
        return TransientError(f"{code}: {message}", kind="timeout")
    return failure_of_code(code, message, STATUS.get(code, 400))
