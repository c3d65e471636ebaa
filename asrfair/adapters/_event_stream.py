"""Amazon's event stream encoding, as far as Transcribe streaming needs it: messages of headers and a payload.

A message: total length, length of the headers, CRC-32 of both; the headers; the payload; CRC-32 of all before it. All
numbers are big endian, 32 bits. A header: length of the name (8 bits), the name, the type (7: text), length of the
value (16 bits), the value. Source: Amazon Transcribe Developer Guide, "Event stream encoding".
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Mapping

from asrfair.errors import AdapterError

TEXT = 7


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message.

    Args:
        headers: names and values, both text.
        payload: the bytes after them.
    """
    packed = b""
    for name, value in headers.items():
        key, text = name.encode(), value.encode()
        packed += struct.pack("!B", len(key)) + key + struct.pack("!BH", TEXT, len(text)) + text
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", crc32(prelude)) + packed + payload
    return message + struct.pack("!I", crc32(message))


def decode(message: bytes | str) -> tuple[dict[str, str], bytes]:
    """Headers and payload of one message; botocore reads it, and checks its sums.

    Raises:
        AdapterError: it is none (kind `malformed`).
    """
    from botocore.eventstream import EventStreamBuffer, ParserError

    buffer = EventStreamBuffer()
    try:
        buffer.add_data(message.encode() if isinstance(message, str) else message)
        event = next(buffer, None)
    except (ParserError, struct.error, LookupError, UnicodeDecodeError) as error:
        raise AdapterError(f"no event stream message: {error}", kind="malformed") from error
    if event is None:
        raise AdapterError("no event stream message: it ends early", kind="malformed")
    return {name: str(value) for name, value in event.headers.items()}, bytes(event.payload)
