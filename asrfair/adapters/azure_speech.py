"""Azure Speech, fast transcription: one call a waveform, the answer is the transcript.

The service masks swear words unless it is told not to; it is. It gives confidences of phrases and times of words: each
word gets the confidence of its phrase. The call knows no jobs and no idempotency keys: an answer that was lost on the
way has been paid for. Source: Azure Speech, fast transcription API, version 2025-10-15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from asrfair.adapters._azure import AzureAdapter, split_phrases
from asrfair.adapters._cloud import as_wav, check_endpoint, failure_of_status
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

if TYPE_CHECKING:
    from azure.ai.transcription.models import TranscribedPhrase, TranscriptionResult

API_VERSION = "2025-10-15"
UNFILTERED = "None"


class AzureSpeech(AzureAdapter):
    """Azure Speech fast transcription.

    Args:
        language: BCP 47 tag; `auto` has the service find out.
        phrases: words and phrases to expect, separated by `;`.
        endpoint: URL of the resource, or of another server; None for the environment's.

    Raises:
        MissingExtraError: azure-ai-transcription is not installed.
        InputError: no credentials.
    """

    EXTRA: ClassVar[str] = "azure"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("azure.ai.transcription",)
    longest_s: float | None = 7000.0

    def __init__(self, language: str = "en-US", phrases: str | None = None, endpoint: str | None = None) -> None:
        try:
            from azure.ai.transcription import TranscriptionClient
            from azure.ai.transcription.models import TranscriptionContent
            from azure.core.credentials import AzureKeyCredential
        except ImportError as error:
            raise MissingExtraError("the engine azure-speech", "azure") from error
        self._endpoint = check_endpoint("azure-speech", endpoint)
        key, url, region = self._place("azure-speech", self._endpoint)
        self._language, self._phrases = language, split_phrases(phrases)
        self._content = TranscriptionContent
        try:
            self._client = TranscriptionClient(
                url or f"https://{region}.api.cognitive.microsoft.com",
                AzureKeyCredential(key),
                api_version=API_VERSION,
                retry_total=0,
                permit_redirects=False,  # the library would carry the key along to another host
            )
        except (ValueError, TypeError):
            raise InputError("the engine azure-speech: the key or the endpoint is not one") from None

    def describe(self) -> SystemInfo:
        """API version and all that a request is told."""
        options = {
            "language": self._language,
            "phrases": ";".join(self._phrases) or None,
            "profanity_filter": UNFILTERED,
            "endpoint": self._endpoint,
        }
        return SystemInfo("azure-speech", API_VERSION, options, deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """One `transcribe` call; the library's own retries are off."""
        definition: dict[str, object] = {"profanityFilterMode": UNFILTERED}
        definition |= {} if self._language == "auto" else {"locales": [self._language]}
        definition |= {"phraseList": {"phrases": list(self._phrases)}} if self._phrases else {}
        content = self._content({"definition": definition, "audio": ("audio.wav", as_wav(waveform), "audio/wav")})
        answer = self._client.transcribe(content, connection_timeout=self.timeout_s, read_timeout=self.timeout_s)
        try:
            return _transcript(answer)
        except (TypeError, AttributeError, ValueError, LookupError) as error:
            raise AdapterError(f"an answer that cannot be read ({type(error).__name__})", kind="malformed") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def failure(self, error: Exception) -> EngineError | None:
        """What an exception of azure-core means."""
        from azure.core import exceptions as azure

        name = type(error).__name__
        if isinstance(error, azure.ServiceRequestTimeoutError | azure.ServiceResponseTimeoutError):
            return TransientError(f"no answer in time ({name})", kind="timeout")
        if isinstance(error, azure.ServiceRequestError | azure.ServiceResponseError | azure.IncompleteReadError):
            return TransientError(f"the connection failed ({name})", kind="connection")
        if isinstance(error, azure.HttpResponseError) and (error.status_code or 0) >= 300:
            return failure_of_status(
                error.status_code or 0, str(error.message), getattr(error.response, "headers", None)
            )
        if isinstance(error, azure.DecodeError | azure.DeserializationError | ValueError):
            return AdapterError(f"an answer that cannot be read ({name})", kind="malformed")
        return None


def _transcript(answer: TranscriptionResult) -> Transcript:
    """Text and words of all phrases."""
    text = " ".join(part.text for part in answer.combined_phrases)
    words = tuple(word for phrase in answer.phrases for word in _words(phrase))
    return Transcript(text, words or None)


def _words(phrase: TranscribedPhrase) -> list[Word]:
    """The words of a phrase, with its confidence."""
    return [
        Word(
            word.text,
            word.offset_milliseconds / 1000,
            (word.offset_milliseconds + word.duration_milliseconds) / 1000,
            phrase.confidence,
        )
        for word in phrase.words or ()
    ]
