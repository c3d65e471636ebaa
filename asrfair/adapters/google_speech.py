"""Google Cloud Speech-to-Text v2, one synchronous `Recognize` call a waveform, over gRPC or REST.

The call takes at most a minute of audio, so the runner cuts longer recordings (`longest_s`) and joins what was said.
It knows no jobs and no idempotency keys: an answer that was lost on the way has been paid for. Credentials are the
application default credentials; a server on this machine, named by an http:// endpoint, gets none.

The default model is `chirp_3` in the multi-region `us` (it is in `eu` too; `global` has the older `long` and `short`).
Word confidences are asked of every model but the Chirp ones, whose numbers are, by their own documentation, none.
Source: the reference of google.cloud.speech.v2 and the pages of its models.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from asrfair.adapters._cloud import SHORTEST_SECRET, CloudAdapter, as_wav, check_endpoint, failure_of_status
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

if TYPE_CHECKING:
    from google.cloud.speech_v2.types import RecognizeResponse, WordInfo

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SOURCES = "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run: gcloud auth application-default login"
DROPPED = ("failed to connect", "socket closed", "connection reset", "broken pipe", "stream removed", "goaway")
"""gRPC says UNAVAILABLE both of a busy service and of a lost connection; these words are of the second."""


class GoogleSpeech(CloudAdapter):
    """Google Cloud Speech-to-Text v2.

    Args:
        project: None for GOOGLE_CLOUD_PROJECT or the one of the credentials.
        location: where the model runs, such as us, eu, global or europe-west4.
        model: such as chirp_3, chirp_2, long or short.
        language: BCP 47 tag; `auto` for the models that find out.
        phrases: words and phrases to expect, separated by `;`.
        endpoint: URL of another server.
        transport: grpc or rest.

    Raises:
        MissingExtraError: google-cloud-speech is not installed.
        InputError: no credentials, no project, or an option out of range.
    """

    EXTRA: ClassVar[str] = "google"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("google.cloud.speech_v2",)
    longest_s: float | None = 55.0

    def __init__(
        self,
        project: str | None = None,
        location: str = "us",
        model: str = "chirp_3",
        language: str = "en-US",
        phrases: str | None = None,
        endpoint: str | None = None,
        transport: str = "grpc",
    ) -> None:
        try:
            from google.cloud import speech_v2
        except ImportError as error:
            raise MissingExtraError("the engine google-speech", "google") from error
        if transport not in ("grpc", "rest"):
            raise InputError(f"the engine google-speech: transport={transport!r} is neither grpc nor rest")
        self._library = speech_v2
        self._endpoint = check_endpoint("google-speech", endpoint)
        self._credentials, found = _credentials(self._endpoint)
        project = project or os.environ.get("GOOGLE_CLOUD_PROJECT") or found
        if not project:
            raise InputError("the engine google-speech needs a project: set GOOGLE_CLOUD_PROJECT or give project=")
        self._recognizer = f"projects/{project}/locations/{location}/recognizers/_"
        self._location, self._model, self._language = location, model, language
        self._phrases = tuple(filter(None, map(str.strip, (phrases or "").split(";"))))
        self._transport = transport
        self._clients: dict[int, Any] = {}
        self._lock = threading.Lock()

    def describe(self) -> SystemInfo:
        """API version, model and all that a request is told; project and transport do not change what is said."""
        options = {
            "location": self._location,
            "model": self._model,
            "language": self._language,
            "phrases": ";".join(self._phrases) or None,
            "endpoint": self._endpoint,
        }
        return SystemInfo("google-speech", f"v2 {self._model}", options, deterministic=False)

    @classmethod
    def missing(cls) -> list[str]:
        """The library and credentials that are not there; the network is not asked for a machine's account."""
        found = super().missing()
        usual = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config" / "gcloud")
        key = Path(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or usual / "application_default_credentials.json")
        return found if key.is_file() else [*found, SOURCES]

    def ask(self, waveform: Waveform) -> Transcript:
        """One `Recognize` call; the library's own retries are off."""
        request = {"recognizer": self._recognizer, "config": self._config(), "content": as_wav(waveform)}
        return _transcript(self._client().recognize(request=request, retry=None, timeout=self.timeout_s))

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.transport.close()
            self._clients.clear()

    def redacted(self, text: str) -> str:
        """A text without the token that was used."""
        token = getattr(self._credentials, "token", None) or ""
        return text.replace(token, "***") if len(token) >= SHORTEST_SECRET else text

    def _config(self) -> dict[str, Any]:
        """What a request is told beside the audio."""
        features = {"enable_word_time_offsets": True, "enable_word_confidence": not self._model.startswith("chirp")}
        config: dict[str, Any] = {
            "auto_decoding_config": {},
            "model": self._model,
            "language_codes": [self._language],
            "features": features,
        }
        if self._phrases:
            inline = {"phrases": [{"value": phrase} for phrase in self._phrases]}
            config["adaptation"] = {"phrase_sets": [{"inline_phrase_set": inline}]}
        return config

    def _client(self) -> Any:
        """One client of gRPC for all threads, one of REST for each: requests' sessions are not for sharing."""
        thread = 0 if self._transport == "grpc" else threading.get_ident()
        with self._lock:
            if thread not in self._clients:
                self._clients[thread] = self._made()
            return self._clients[thread]

    def _made(self) -> Any:
        place = "" if self._location == "global" else f"{self._location}-"
        url = urlsplit(self._endpoint or f"https://{place}speech.googleapis.com")
        options: dict[str, Any] = {"host": url.netloc, "credentials": self._credentials}
        if self._transport == "rest":
            options["url_scheme"] = url.scheme
        elif url.scheme == "http":
            import grpc

            options = {"host": url.netloc, "channel": grpc.insecure_channel(url.netloc)}
        transport = self._library.SpeechClient.get_transport_class(self._transport)
        return self._library.SpeechClient(transport=transport(**options))

    def failure(self, error: Exception) -> EngineError | None:
        """What an exception of google-api-core, google-auth or requests means."""
        import google.auth.exceptions as auth
        import requests.exceptions as http
        from google.api_core.exceptions import GoogleAPICallError
        from google.protobuf.json_format import ParseError

        name = type(error).__name__
        if isinstance(error, GoogleAPICallError):
            return _failure_of_call(error)
        if isinstance(error, http.Timeout):
            return TransientError(f"no answer in time ({name})", kind="timeout")
        if isinstance(error, ParseError | http.InvalidJSONError | http.ContentDecodingError):
            return AdapterError(f"an answer that cannot be read ({name})", kind="malformed")
        if isinstance(error, auth.TransportError | http.RequestException):
            return TransientError(f"the connection failed ({name})", kind="connection")
        return AdapterError(f"{name}: {error}", kind="denied") if isinstance(error, auth.GoogleAuthError) else None


def _credentials(endpoint: str | None) -> tuple[Any, str | None]:
    """Application default credentials and their project; none for a server on this machine.

    Raises:
        InputError: there are none, or they would go unencrypted to another machine.
    """
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import GoogleAuthError

    url = urlsplit(endpoint or "https:")
    if url.scheme == "http" and url.hostname in LOOPBACK:
        nobody: Any = AnonymousCredentials
        return nobody(), None
    if url.scheme != "https":
        raise InputError("the engine google-speech: an endpoint on another machine begins with https://")
    try:
        found, project = google.auth.default(scopes=[SCOPE])
    except (GoogleAuthError, OSError, ValueError):
        raise InputError(f"the engine google-speech needs credentials: {SOURCES}; never in a config") from None
    return found, project


def _failure_of_call(error: Any) -> EngineError:
    """What the service, or gRPC in its place, says."""
    message = str(error.message or "")
    if "deserializing" in message.lower():
        return AdapterError(f"an answer that cannot be read: {message}", kind="malformed")
    if error.code == 503 and any(words in message.lower() for words in DROPPED):
        return TransientError(f"the connection failed: {message}", kind="connection")
    if error.code is None or error.code == 499:
        return TransientError(f"cancelled: {message}", kind="server")
    found = failure_of_status(int(error.code), message, getattr(error.response, "headers", None))
    for detail in error.details or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None and isinstance(found, TransientError):
            found.retry_after_s = delay.seconds + delay.nanos / 1e9
    return found


def _transcript(answer: RecognizeResponse) -> Transcript:
    """The best alternative of every result, in order."""
    best = [result.alternatives[0] for result in answer.results if result.alternatives]
    words = tuple(_word(info) for each in best for info in each.words)
    return Transcript(" ".join(filter(None, (each.transcript.strip() for each in best))), words or None)


def _word(info: WordInfo) -> Word:
    """A word; the protocol leaves out what is 0."""
    end_s = info.end_offset.total_seconds() if info.end_offset else None
    start_s = None if end_s is None else info.start_offset.total_seconds() if info.start_offset else 0.0
    return Word(info.word, start_s, end_s, info.confidence or None)
