"""Deepgram's pre-recorded speech to text (`POST /v1/listen`) through the official SDK, its retries off.

The text is asked for as it was heard: `smart_format` (numbers and dates as digits, punctuation) is off, so that a
normaliser meets words. Every word has its times and a confidence. Field names are those of the SDK 7.17.
"""

from __future__ import annotations

import warnings
from json import JSONDecodeError
from typing import Any

import msgspec

from asrfair.adapters._cloud import CloudAdapter, as_wav, check_endpoint, failure_of_status
from asrfair.adapters._http import converted, http_client, listed, message_in
from asrfair.errors import AdapterError, EngineError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

ENDPOINT = "https://api.deepgram.com"


class _Word(msgspec.Struct):
    word: str | None = None
    punctuated_word: str | None = None
    start: float | None = None
    end: float | None = None
    confidence: float | None = None


class _Alternative(msgspec.Struct):
    transcript: str | None = None
    words: list[_Word] | None = None


class _Channel(msgspec.Struct):
    alternatives: list[_Alternative] | None = None


class _Results(msgspec.Struct):
    channels: list[_Channel] | None = None


class _Answer(msgspec.Struct):
    results: _Results | None = None


class Deepgram(CloudAdapter):
    """Deepgram's models.

    Args:
        model: as Deepgram names it.
        language: BCP 47 tag, or `multi`.
        keyterms: terms that may occur, with `;` between them (`nova-3`).
        smart_format: write numbers, dates and punctuation as in print.
        endpoint: another server of the same protocol (a region, one's own); None for Deepgram's.
    """

    EXTRA = "deepgram"
    LIBRARIES = ("deepgram",)
    CREDENTIALS = (("DEEPGRAM_API_KEY",),)

    def __init__(
        self,
        model: str = "nova-3",
        language: str = "en",
        keyterms: str | None = None,
        smart_format: bool = False,
        endpoint: str | None = None,
    ) -> None:
        base_url = check_endpoint("deepgram", endpoint) or ENDPOINT
        terms = listed("deepgram", "keyterms", keyterms)
        key = self.require_credentials()["DEEPGRAM_API_KEY"]
        try:
            import deepgram
            from deepgram.core.api_error import ApiError
        except ImportError as error:
            raise MissingExtraError("the engine deepgram", "deepgram") from error
        self._status_error = ApiError
        self._http = http_client("deepgram", "deepgram", base_url, {})
        places = dict.fromkeys(("base", "production", "agent", "agent_rest"), base_url)
        environment = deepgram.DeepgramClientEnvironment(**places)
        client = deepgram.DeepgramClient(api_key=key, environment=environment, httpx_client=self._http, max_retries=0)
        with warnings.catch_warnings():
            # The SDK imports names that websockets has deprecated, here and not at its own import.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._media = client.listen.v1.media.with_raw_response
        self._asked: dict[str, Any] = {"model": model, "language": language, "smart_format": smart_format}
        if terms:
            self._asked["keyterm"] = terms
        self._options = {
            "model": model,
            "language": language,
            "keyterms": keyterms,
            "smart_format": smart_format,
            "endpoint": base_url,
        }

    def describe(self) -> SystemInfo:
        """Model, language, biasing, formatting and where it is asked."""
        return SystemInfo("deepgram", f"v1 {self._options['model']}", dict(self._options), deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """One request."""
        answer = self._media.transcribe_file(
            request=as_wav(waveform),
            request_options={"timeout": self.timeout_s, "max_retries": 0},
            **self._asked,
        )
        results = converted(answer.data, _Answer).results
        channels = results.channels if results else None
        best = channels[0].alternatives[0] if channels and channels[0].alternatives else None
        if best is None or best.transcript is None:
            raise AdapterError("a success without a transcript in it", kind="empty")
        words = None if best.words is None else tuple(_word(word) for word in best.words)
        return Transcript(best.transcript.strip(), words)

    def failure(self, error: Exception) -> EngineError | None:
        """What the SDK's exceptions mean; a success that it cannot read is malformed."""
        if isinstance(error, self._status_error):
            status = error.status_code or 0
            body = error.body if isinstance(error.body, str) else msgspec.json.encode(error.body).decode()
            if status >= 300:
                return failure_of_status(status, message_in(body), error.headers)
            return AdapterError(f"the answer is no JSON; it begins {body[:60]!r}", kind="malformed")
        if isinstance(error, JSONDecodeError | UnicodeDecodeError):
            return AdapterError(f"the answer is no JSON: {error}", kind="malformed")
        return super().failure(error)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _word(word: _Word) -> Word:
    """A word as it stands in the text."""
    return Word(word.punctuated_word or word.word or "", word.start, word.end, word.confidence)
