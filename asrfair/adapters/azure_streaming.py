"""Azure Speech, streaming, through Microsoft's Speech SDK: the audio goes over a WebSocket as from a microphone.

The SDK sends the first seconds at once and the rest at twice the speed of speech, so the length of the audio is added
to `timeout_s`; a connection lasts ten minutes at most, so longer recordings are cut (`longest_s`). The SDK's own
retries and its telemetry are off. Swear words are not masked. Words are in their lexical form, each with its own
confidence; the text is the display form. Source: Speech SDK 1.53, and its messages as a local server sees them.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from asrfair.adapters._azure import AzureAdapter, split_phrases
from asrfair.adapters._cloud import check_endpoint
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

if TYPE_CHECKING:
    import azure.cognitiveservices.speech as sdk

TICKS_PER_S = 10_000_000
PROPERTIES = {
    "SPEECH-Error-MaxRetryCount": "0",
    "SPEECH-TelemetryDataEnabled": "false",
    "SPEECH-StopRecognitionTimeoutInSeconds": "1",
}
TRANSIENT = {
    "TooManyRequests": "rate_limit",
    "ConnectionFailure": "connection",
    "ServiceTimeout": "timeout",
    "ServiceError": "server",
    "ServiceUnavailable": "server",
    "ServiceRedirectTemporary": "server",
}
PERMANENT = {"AuthenticationFailure": "denied", "Forbidden": "denied", "BadRequest": "refused"}


class AzureStreaming(AzureAdapter):
    """Azure Speech over a WebSocket.

    Args:
        language: BCP 47 tag.
        phrases: words and phrases to expect, separated by `;`.
        endpoint: URL of the resource (https), or of another server (ws, wss); None for the environment's.

    Raises:
        MissingExtraError: azure-cognitiveservices-speech is not installed.
        InputError: no credentials, or something that the SDK does not accept.
    """

    EXTRA: ClassVar[str] = "azure-sdk"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("azure.cognitiveservices.speech",)
    longest_s: float | None = 540.0

    def __init__(self, language: str = "en-US", phrases: str | None = None, endpoint: str | None = None) -> None:
        try:
            import azure.cognitiveservices.speech as sdk
        except ImportError as error:
            raise MissingExtraError("the engine azure-streaming", "azure-sdk") from error
        self._sdk: Any = sdk
        self._endpoint = check_endpoint("azure-streaming", endpoint)
        key, url, region = self._place("azure-streaming", self._endpoint)
        place = {"region": region} if url is None else {"host" if url.startswith("ws") else "endpoint": url}
        try:
            self._config = self._sdk.SpeechConfig(subscription=key, **place)
        except (ValueError, RuntimeError):
            raise InputError("the engine azure-streaming: the key or the endpoint is not one") from None
        self._config.speech_recognition_language = language
        self._config.output_format = sdk.OutputFormat.Detailed
        self._config.request_word_level_timestamps()
        self._config.set_profanity(sdk.ProfanityOption.Raw)
        for name, value in PROPERTIES.items():
            self._config.set_property_by_name(name, value)
        self._language, self._phrases = language, split_phrases(phrases)

    def describe(self) -> SystemInfo:
        """The protocol's version and all that a session is told."""
        options = {
            "language": self._language,
            "phrases": ";".join(self._phrases) or None,
            "profanity_filter": "raw",
            "endpoint": self._endpoint,
        }
        return SystemInfo("azure-streaming", "v1 conversation", options, deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """One session: send the audio, collect what was recognised until the service is done."""
        stream = self._sdk.audio.PushAudioInputStream(self._sdk.audio.AudioStreamFormat(waveform.sample_rate_hz, 16, 1))
        recognizer = self._sdk.SpeechRecognizer(self._config, self._sdk.audio.AudioConfig(stream=stream))
        grammar = self._sdk.PhraseListGrammar.from_recognizer(recognizer)
        for phrase in self._phrases:
            grammar.addPhrase(phrase)
        session = _Session(self._sdk, recognizer)
        started = recognizer.start_continuous_recognition_async()
        stream.write(np.round(np.clip(waveform.samples, -1, 1) * 32767).astype("<i2").tobytes())
        stream.close()
        over = session.over.wait(self.timeout_s + waveform.duration_s)
        found, failed = list(session.found), session.failed
        # Waited for even after a failure (a second): sessions left half stopped keep later ones from being heard.
        recognizer.stop_continuous_recognition_async().get()
        del started
        if failed is not None:
            raise failed
        if not over:
            raise TransientError("no answer in time", kind="timeout")
        return _transcript(found)


class _Session:
    """What the SDK says, from its own threads, until a session is over."""

    def __init__(self, sdk: Any, recognizer: sdk.SpeechRecognizer) -> None:
        self.over = threading.Event()
        self.found: list[str] = []
        self.failed: EngineError | None = None
        self._sdk = sdk
        recognizer.recognized.connect(self._recognized)
        recognizer.canceled.connect(self._canceled)
        recognizer.session_stopped.connect(lambda _: self.over.set())
        self._connection = sdk.Connection.from_recognizer(recognizer)
        self._connection.disconnected.connect(self._disconnected)

    def _recognized(self, event: Any) -> None:
        if event.result.reason == self._sdk.ResultReason.RecognizedSpeech:
            self.found.append(event.result.json)

    def _canceled(self, event: Any) -> None:
        details = event.cancellation_details
        if details.reason == self._sdk.CancellationReason.Error and not self.over.is_set():
            self.failed = _failure_of_code(details.code.name, str(details.error_details))
        self.over.set()

    def _disconnected(self, _: Any) -> None:
        """The service left before it was done; if it said why, that comes at once."""
        time.sleep(0.2)
        if not self.over.is_set():
            self.failed = TransientError("the service closed the connection early", kind="connection")
            self.over.set()


def _failure_of_code(code: str, message: str) -> EngineError:
    """What a cancelled session means."""
    said = f"{code}: {message}"
    if "Invalid response" in message:
        return AdapterError(said, kind="malformed")
    if code in TRANSIENT:
        return TransientError(said, kind=TRANSIENT[code])
    return AdapterError(said, kind=PERMANENT.get(code, "engine"))


def _transcript(found: list[str]) -> Transcript:
    """Text and words of all phrases, the best alternative of each."""
    texts: list[str] = []
    words: list[Word] = []
    try:
        for said in found:
            best = json.loads(said)["NBest"][0]
            texts.append(best["Display"])
            words.extend(_word(word) for word in best.get("Words", ()))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AdapterError(f"an answer that cannot be read ({type(error).__name__})", kind="malformed") from error
    return Transcript(" ".join(filter(None, texts)), tuple(words) or None)


def _word(word: dict[str, Any]) -> Word:
    start, end = word["Offset"], word["Offset"] + word["Duration"]
    return Word(word["Word"], start / TICKS_PER_S, end / TICKS_PER_S, word.get("Confidence"))
