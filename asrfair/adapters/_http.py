"""What engines that speak HTTP have in common: how a refusal is read, and how an answer becomes a record.

A status that is no success is told apart by `failure_of_status`. A success whose body is not what the protocol says
is `malformed`, one without a transcript in it is `empty`: both were paid for, so neither is asked for again. An answer
that broke off is not an answer (`connection`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from asrfair.adapters._cloud import failure_of_status
from asrfair.errors import AdapterError, InputError, MissingExtraError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
MESSAGE_KEYS = ("message", "error", "err_msg", "detail", "reason")
MOST_IDLE_CONNECTIONS = 128


def http_client(engine: str, extra: str, base_url: str, headers: dict[str, str]) -> httpx.Client:
    """A client for threads that follows no redirect (it would carry the key along) and tries nothing twice.

    Raises:
        MissingExtraError: httpx is not installed.
    """
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError(f"the engine {engine}", extra) from error
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=MOST_IDLE_CONNECTIONS)
    return httpx.Client(base_url=base_url, headers=headers, limits=limits)


def body_of(answer: httpx.Response) -> bytes:
    """The body of a success.

    Raises:
        EngineError: the status is none; see `failure_of_status`.
    """
    if not answer.is_success:
        raise failure_of_status(answer.status_code, message_in(answer.text), answer.headers)
    return answer.content


def decoded(body: bytes, kind: type[T]) -> T:
    """JSON as a record.

    Raises:
        AdapterError: no JSON, or other types than the protocol's; `malformed`.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AdapterError(
            f"the answer is not the protocol's: {error}; it begins {body[:60]!r}", kind="malformed"
        ) from None


def converted(value: object, kind: type[T]) -> T:
    """What an SDK made of an answer, as a record.

    Raises:
        AdapterError: other types than the protocol's; `malformed`.
    """
    try:
        return msgspec.convert(value, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise AdapterError(f"the answer is not the protocol's: {error}", kind="malformed") from None


def message_in(body: str) -> str:
    """What a server says of an error: the text in its JSON if it is one, else the body.

    >>> message_in('{"error": {"message": "no such model", "code": 7}}')
    'no such model'
    >>> message_in("Bad Gateway")
    'Bad Gateway'
    """
    try:
        found: Any = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return body
    while isinstance(found, dict):
        found = next((found[key] for key in MESSAGE_KEYS if found.get(key)), str(found))
    return str(found)


def listed(engine: str, option: str, text: str | None) -> list[str]:
    """The parts of an option that lists terms with `;` between them.

    >>> listed("deepgram", "keyterms", "stat; Ringer's lactate")
    ['stat', "Ringer's lactate"]

    Raises:
        InputError: nothing is in it.
    """
    if text is None:
        return []
    terms = [term.strip() for term in text.split(";") if term.strip()]
    if not terms:
        raise InputError(f"the engine {engine}: {option}={text!r} lists nothing; give terms with ';' between them")
    return terms
