"""OpenAI's speech to text, and every server that speaks its protocol (`POST /v1/audio/transcriptions`).

The endpoint is an option: vLLM, `transformers serve`, LiteLLM and others answer the same request; there a key may be
absent. What comes with the text depends on the model (API reference, "Create transcription", and the SDK 3.52):
`whisper-1` gives words with times (`verbose_json`); `gpt-4o-transcribe` and `gpt-4o-mini-transcribe` give the log
probability of every token, from which a word's confidence is the product over its tokens, punctuation left out; any
other model is asked for the text alone (`json`), unless `response_format` says `verbose_json`.

At temperature 0 the service may still raise it by itself, and promises no determinism.
"""

from __future__ import annotations

import math
import os
import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from asrfair.adapters._cloud import CloudAdapter, as_wav, check_endpoint, failure_of_status, request_key
from asrfair.adapters._http import decoded, listed, message_in
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TransientError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

FORMATS = ("json", "verbose_json")
PLACEHOLDER = "none"
"""Sent as the key to an endpoint of one's own where there is none: the SDK wants one."""


class _Timed(msgspec.Struct):
    word: str
    start: float | None = None
    end: float | None = None


class _Token(msgspec.Struct):
    token: str = ""
    logprob: float | None = None
    bytes: list[float] | None = None


class _Answer(msgspec.Struct):
    text: str | None = None
    words: list[_Timed] | None = None
    logprobs: list[_Token] | None = None


class OpenAI(CloudAdapter):
    """Speech to text behind OpenAI's protocol.

    Args:
        model: as the server names it.
        language: ISO 639-1 code; None lets the model find it.
        prompt: text that guides the model's style and spelling.
        keywords: terms that may occur, with `;` between them (`gpt-transcribe`).
        temperature: of sampling, 0 to 1.
        response_format: `json` or `verbose_json`; None for what gives most with the model.
        endpoint: base URL of another server, such as `http://127.0.0.1:8000/v1`; None for OpenAI's, or what
            the SDK's variable OPENAI_BASE_URL says.
    """

    EXTRA = "openai"
    LIBRARIES = ("openai",)
    CREDENTIALS = (("OPENAI_API_KEY",),)

    def __init__(
        self,
        model: str = "gpt-transcribe",
        language: str | None = None,
        prompt: str | None = None,
        keywords: str | None = None,
        temperature: float = 0.0,
        response_format: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        if not 0 <= temperature <= 1:
            raise InputError(f"the engine openai: temperature={temperature} is not 0 to 1")
        if response_format not in (None, *FORMATS):
            raise InputError(
                f"the engine openai: response_format={response_format!r} is not one of {', '.join(FORMATS)}"
            )
        base_url = check_endpoint("openai", endpoint or os.environ.get("OPENAI_BASE_URL") or None)
        key = PLACEHOLDER
        if base_url is None or os.environ.get("OPENAI_API_KEY"):
            key = self.require_credentials()["OPENAI_API_KEY"]
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("the engine openai", "openai") from error
        self._sdk = openai
        # A redirect would carry the recording to another host, and turn the upload into a GET.
        self._client = openai.OpenAI(
            api_key=key, base_url=base_url, max_retries=0, http_client=openai.DefaultHttpxClient(follow_redirects=False)
        )
        self._answers: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._asked: dict[str, Any] = {
            "model": model,
            "temperature": temperature,
            **_wanted(model, response_format),
            **({} if language is None else {"language": language}),
            **({} if prompt is None else {"prompt": prompt}),
            **({} if keywords is None else {"keywords": listed("openai", "keywords", keywords)}),
        }
        self._options = {
            "model": model,
            "language": language,
            "prompt": prompt,
            "keywords": keywords,
            "temperature": temperature,
            "response_format": self._asked["response_format"],
            "endpoint": base_url,
        }

    def describe(self) -> SystemInfo:
        """Model, decoding, biasing and where it is asked."""
        return SystemInfo("openai", f"v1 {self._options['model']}", dict(self._options), deterministic=False)

    def ask(self, waveform: Waveform) -> Transcript:
        """One request; a retry has the same key, asking again for what was answered (`--repeats`) another."""
        key = request_key(waveform, "openai", sorted(self._asked.items()))
        with self._lock:
            again = self._answers[key]
        answer = self._client.audio.transcriptions.with_raw_response.create(
            file=("audio.wav", as_wav(waveform), "audio/wav"),
            extra_headers={"Idempotency-Key": f"{key}-{again}" if again else key},
            timeout=self.timeout_s,
            **self._asked,
        )
        said = decoded(answer.content, _Answer)
        with self._lock:
            self._answers[key] += 1
        if said.text is None:
            raise AdapterError("a success without a text in it", kind="empty")
        return Transcript(said.text.strip(), _words(said))

    def failure(self, error: Exception) -> EngineError | None:
        """What the SDK's exceptions mean."""
        if isinstance(error, self._sdk.APIStatusError):
            return failure_of_status(error.status_code, message_in(error.response.text), error.response.headers)
        if isinstance(error, self._sdk.APITimeoutError):
            return TransientError(f"no answer in {self.timeout_s:g} s", kind="timeout")
        if isinstance(error, self._sdk.APIResponseValidationError):
            return AdapterError(f"the answer is not the protocol's: {error}", kind="malformed")
        if isinstance(error, self._sdk.APIConnectionError):
            return super().failure(error) or TransientError(f"the connection failed: {error}", kind="connection")
        return super().failure(error)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _wanted(model: str, response_format: str | None) -> dict[str, Any]:
    """What to ask for beside the text."""
    shape = response_format or ("verbose_json" if model == "whisper-1" else "json")
    if shape == "verbose_json":
        return {"response_format": shape, "timestamp_granularities": ["word"]}
    has_logprobs = model.startswith(("gpt-4o-transcribe", "gpt-4o-mini-transcribe")) and "diarize" not in model
    return {"response_format": shape, **({"include": ["logprobs"]} if has_logprobs else {})}


def _words(said: _Answer) -> tuple[Word, ...] | None:
    """Words with times or with confidences, whichever there are."""
    if said.words is not None:
        return tuple(Word(word.word.strip(), word.start, word.end) for word in said.words if word.word.strip())
    return None if said.logprobs is None else _from_tokens(said.logprobs)


def _from_tokens(tokens: Sequence[_Token]) -> tuple[Word, ...]:
    """Words of tokens, each beginning where a token begins with a space; confidence is the product of its tokens'."""
    words: list[tuple[bytearray, list[float]]] = []
    for token in tokens:
        piece = token.token.encode() if token.bytes is None else bytes(int(byte) for byte in token.bytes)
        if not words or piece[:1].isspace():
            words.append((bytearray(), []))
        words[-1][0].extend(piece)
        if token.logprob is not None and not _is_punctuation(piece):
            words[-1][1].append(token.logprob)
    found = ((text.decode(errors="replace").strip(), logs) for text, logs in words)
    return tuple(Word(text, confidence=min(1.0, math.exp(sum(logs))) if logs else None) for text, logs in found if text)


def _is_punctuation(piece: bytes) -> bool:
    """Whether nothing in a token is heard."""
    text = piece.decode(errors="replace").strip()
    return all(unicodedata.category(sign).startswith("P") for sign in text)
