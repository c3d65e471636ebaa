"""Azure's speech sessions on loopback: a WebSocket server that speaks the messages of Microsoft's Speech SDK."""

import json
import logging
import re
import threading

import pytest

pytest.importorskip("websockets", reason="pip install 'asrfair[aws]'")

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


def phrase(display, words, status="Success"):
    said = {"Confidence": 0.9, "Lexical": display.lower(), "Display": display, "Words": words}
    return {"RecognitionStatus": status, "DisplayText": display, "Offset": 0, "Duration": 10**7, "NBest": [said]}


def word(text, start, duration, **more):
    return {"Word": text, "Offset": start, "Duration": duration, **more}


HELLO = phrase("Hello,", [word("hello", 1_000_000, 3_000_000, Confidence=0.8)])
WORLD = phrase("world.", [word("world", 5_000_000, 4_000_000)])


class Speech:
    """Hears audio to its end and says `phrases`; `fault(connection)` does something else instead.

    `phrases` is a list, or a function that makes one of the audio: a WAV header and samples.
    """

    def __init__(self):
        self.phrases, self.fault, self.refuse = [HELLO, WORLD], None, None
        self.opened, self.said, self.audio = [], [], b""
        quiet = logging.Logger("server", logging.CRITICAL + 1)
        self.server = serve(self.hear, "127.0.0.1", 0, process_request=self.open, logger=quiet, close_timeout=0.3)
        self.url = f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self, connection, request):
        self.opened.append((request.path, request.headers))
        return connection.respond(*self.refuse) if self.refuse else None

    def hear(self, connection):
        if self.fault:
            self.fault(connection)
            return
        heard = bytearray()
        try:
            while True:
                self.message(connection, connection.recv(), heard)
        except ConnectionClosed:
            return

    def message(self, connection, message, heard):
        if isinstance(message, str):
            self.said.append(message)
            return
        size = int.from_bytes(message[:2], "big")
        head, audio = message[2 : 2 + size].decode(), message[2 + size :]
        heard += audio
        if not audio:
            self.audio = bytes(heard)
            phrases = self.phrases(self.audio) if callable(self.phrases) else self.phrases
            self.speak(connection, re.search(r"X-RequestId:\s*(\S+)", head, re.IGNORECASE).group(1), phrases)

    def speak(self, connection, request, phrases):
        ends = {"RecognitionStatus": "EndOfDictation", "Offset": 10**7, "Duration": 0}
        messages = [("turn.start", {"context": {"serviceTag": "x"}}), ("speech.startDetected", {"Offset": 0})]
        messages += [("speech.phrase", each) for each in (*phrases, ends)]
        messages += [("speech.endDetected", {"Offset": 10**7}), ("turn.end", {})]
        for path, said in messages:
            body = said if isinstance(said, str) else json.dumps(said)
            kind = "application/json; charset=utf-8"
            connection.send(f"X-RequestId:{request}\r\nPath:{path}\r\nContent-Type:{kind}\r\n\r\n{body}")
