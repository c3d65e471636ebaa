"""Amazon Transcribe's streaming on loopback: a WebSocket server that checks signatures and speaks event streams."""

import hashlib
import hmac
import json
import logging
import threading
import time
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

pytest.importorskip("websockets", reason="pip install 'asrfair[aws]'")

from aws_keys import CANARY
from websockets.sync.server import serve

from asrfair.adapters._event_stream import decode, encode


def event(said):
    headers = {":content-type": "application/json", ":event-type": "TranscriptEvent", ":message-type": "event"}
    return encode(headers, json.dumps(said).encode())


def exception(kind, message):
    headers = {":content-type": "application/json", ":exception-type": kind, ":message-type": "exception"}
    return encode(headers, json.dumps({"Message": message}).encode())


def result(text, items, partial=False):
    found = {"Transcript": text, "Items": items}
    return event({"Transcript": {"Results": [{"IsPartial": partial, "ResultId": "r", "Alternatives": [found]}]}})


def item(content, start=None, end=None, confidence=None, kind="pronunciation"):
    return {"Content": content, "StartTime": start, "EndTime": end, "Confidence": confidence, "Type": kind}


ANSWER = [
    result("Hell", [item("Hell", 0.1, 0.3, 0.2)], partial=True),
    result("Hello,", [item("Hello", 0.1, 0.4, 0.99), item(",", kind="punctuation")]),
    event({"Transcript": {"Results": []}}),
    result("world.", [item("world", 0.5, 0.9, 0.75), item(".", kind="punctuation")]),
]


def signature(url, secret):
    """Signature Version 4 of a WebSocket address, from its public description and from nothing of botocore."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query.pop("X-Amz-Signature")
    scope = query["X-Amz-Credential"].partition("/")[2]
    pairs = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    empty = hashlib.sha256(b"").hexdigest()
    request = f"GET\n{parts.path}\n{pairs}\nhost:{parts.netloc}\n\nhost\n{empty}"
    to_sign = f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


class Streaming:
    """Hears audio to its end, then says what it is told; `fault(connection)` does something else instead.

    `answer` is a list of messages, or a function that makes one of the audio.
    """

    def __init__(self):
        self.answer, self.fault, self.refuse = ANSWER, None, None
        self.paths, self.chunks, self.times = [], [], []
        quiet = logging.Logger("server", logging.CRITICAL + 1)
        self.server = serve(self.hear, "127.0.0.1", 0, process_request=self.open, logger=quiet, close_timeout=0.5)
        self.url = f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self, connection, request):
        self.paths.append(request.path)
        query = dict(parse_qsl(urlsplit(request.path).query))
        if self.refuse:
            return connection.respond(*self.refuse)
        right = signature(self.url + request.path, CANARY["AWS_SECRET_ACCESS_KEY"])
        return None if query["X-Amz-Signature"] == right else connection.respond(403, "InvalidSignatureException")

    def hear(self, connection):
        if self.fault:
            self.fault(connection)
            return
        chunks = []
        while True:
            headers, payload = decode(connection.recv())
            assert headers[":event-type"] == "AudioEvent"
            self.times.append(time.monotonic())
            if not payload:
                break
            chunks.append(payload)
        self.chunks += chunks
        for message in self.answer(b"".join(chunks)) if callable(self.answer) else self.answer:
            connection.send(message)

    def close(self):
        self.server.shutdown()
