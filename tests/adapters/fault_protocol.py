"""What a server of faults and the services that it speaks for have in common; see `fault_server`."""

from __future__ import annotations

import hashlib
import io
import urllib.parse
import wave
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Said:
    """An answer: the text, and (word, start_s, end_s, confidence)."""

    text: str = ""
    words: Sequence[tuple[str, float, float, float]] = ()


@dataclass
class Request:
    """One request, as it came."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Step:
    """What a request asks a service for: whose audio, which step of the protocol, and how to answer."""

    digest: str
    name: str
    answer: Callable[[], object]
    paid: bool = False
    main: bool = False


class Service:
    """A protocol; `step` says what a request asks for, or None where nothing is at that path."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def step(self, request: Request) -> Step | None:
        raise NotImplementedError


def digest_of_wav(data: bytes) -> str:
    """The `waveform_digest` of the audio in a WAV file."""
    with wave.open(io.BytesIO(data)) as file:
        frames, rate = file.readframes(file.getnframes()), file.getframerate()
    return hashlib.blake2b(frames + str(rate).encode(), digest_size=16).hexdigest()


def request_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """A request with its query and, where it is a form, its fields and files."""
    parts = urllib.parse.urlsplit(target)
    low = {name.lower(): value for name, value in headers.items()}
    request = Request(method, parts.path, urllib.parse.parse_qs(parts.query), low, body)
    kind, _, boundary = low.get("content-type", "").partition("boundary=")
    if not kind.startswith("multipart/"):
        return request
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = dict(item.split("=", 1) for item in head.decode().replace("\r\n", "; ").split("; ") if "=" in item)
        name, data = named["name"].strip('"'), data.removesuffix(b"\r\n")
        if "filename" in named:
            request.files[name] = data
        else:
            request.fields.setdefault(name, []).append(data.decode())
    return request


def planned(digests: Sequence[str], shares: Mapping[str, float]) -> dict[str, list[str]]:
    """A plan that gives each fault to its share of the audio, exactly (rounded), one fault each.

    Who gets which follows from the digests alone, not from their order.

    Args:
        digests: of all audio.
        shares: fault -> share, 0 to 1; `{"429": 0.1, "cut": 0.02}`.
    """
    left = sorted(set(digests))
    found: dict[str, list[str]] = {}
    for fault, share in shares.items():
        count = round(share * len(set(digests)))
        found.update((digest, [fault]) for digest in left[:count])
        left = left[count:]
    return found
