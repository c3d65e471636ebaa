"""The engine azure-streaming: Microsoft's Speech SDK against a small server that speaks its messages."""

import json
import logging
import re
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("azure.cognitiveservices.speech", reason="pip install 'asrfair[azure-sdk]'")
pytest.importorskip("websockets", reason="pip install 'asrfair[aws]'")

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from asrfair.adapters import engine_class, load_engine
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word

CANARY = "canary0123456789canary0123456789"
SPOKEN = Waveform((0.1 * np.sin(np.arange(8000) * 0.05)).astype(np.float32), 16_000)


def phrase(display, words, status="Success"):
    said = {"Confidence": 0.9, "Lexical": display.lower(), "Display": display, "Words": words}
    return {"RecognitionStatus": status, "DisplayText": display, "Offset": 0, "Duration": 10**7, "NBest": [said]}


def word(text, start, duration, **more):
    return {"Word": text, "Offset": start, "Duration": duration, **more}


HELLO = phrase("Hello,", [word("hello", 1_000_000, 3_000_000, Confidence=0.8)])
WORLD = phrase("world.", [word("world", 5_000_000, 4_000_000)])


class Speech:
    """Hears audio to its end and says `phrases`; `fault(connection)` does something else instead."""

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
        try:
            while True:
                self.message(connection, connection.recv())
        except ConnectionClosed:
            return

    def message(self, connection, message):
        if isinstance(message, str):
            self.said.append(message)
            return
        size = int.from_bytes(message[:2], "big")
        head, audio = message[2 : 2 + size].decode(), message[2 + size :]
        self.audio += audio
        if not audio:
            self.speak(connection, re.search(r"X-RequestId:\s*(\S+)", head, re.IGNORECASE).group(1))

    def speak(self, connection, request):
        ends = {"RecognitionStatus": "EndOfDictation", "Offset": 10**7, "Duration": 0}
        messages = [("turn.start", {"context": {"serviceTag": "x"}}), ("speech.startDetected", {"Offset": 0})]
        messages += [("speech.phrase", each) for each in (*self.phrases, ends)]
        messages += [("speech.endDetected", {"Offset": 10**7}), ("turn.end", {})]
        for path, said in messages:
            body = said if isinstance(said, str) else json.dumps(said)
            kind = "application/json; charset=utf-8"
            connection.send(f"X-RequestId:{request}\r\nPath:{path}\r\nContent-Type:{kind}\r\n\r\n{body}")


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("AZURE_SPEECH_KEY", CANARY)
    made = Speech()
    yield made
    made.server.shutdown()


def engine(service, **options):
    made = load_engine("azure-streaming", {"endpoint": service.url, **options})
    made.timeout_s = 5.0
    return made


def test_a_session_gives_text_and_words_and_no_telemetry(service):
    asks = engine(service, phrases="Aoife; lough neagh", language="en-GB")
    (heard,) = asks.transcribe_batch([SPOKEN])
    assert heard.text == "Hello, world."
    assert heard.words == (Word("hello", 0.1, 0.4, 0.8), Word("world", 0.5, 0.9, None))
    ((path, headers),) = service.opened
    assert "language=en-GB" in path
    assert "profanity=raw" in path
    assert headers["ocp-apim-subscription-key"] == CANARY
    assert np.array_equal(np.frombuffer(service.audio[44:], "<i2"), np.round(SPOKEN.samples * 32767).astype("<i2"))
    context = next(said for said in service.said if "Path:speech.context" in said)
    assert "Aoife" in context
    assert "lough neagh" in context
    assert not [said for said in service.said if "Path:telemetry" in said]
    assert asks.describe().options["phrases"] == "Aoife;lough neagh"


@pytest.mark.parametrize("phrases", [[], [phrase("", [], "NoMatch"), phrase("", [], "InitialSilenceTimeout")]])
def test_nothing_said_is_an_empty_text(service, phrases):
    service.phrases = phrases
    (heard,) = engine(service).transcribe_batch([SPOKEN])
    assert (heard.text, heard.words) == ("", None)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, TransientError, "rate_limit"),
        (500, TransientError, "server"),
        (400, AdapterError, "refused"),
        (401, AdapterError, "denied"),
    ],
)
def test_a_refused_session_is_told_apart_and_asked_for_once(service, status, error, kind):
    service.refuse = (status, "no")
    with pytest.raises(error) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.kind == kind
    assert len(service.opened) == 1


def cut(connection):
    for _ in range(4):
        connection.recv()
    connection.socket.shutdown(2)


def leave(connection):
    connection.recv()


@pytest.mark.parametrize("fault", [cut, leave])
def test_a_session_that_ends_early_is_a_failed_connection_and_asked_for_once(service, fault):
    service.fault = fault
    with pytest.raises(TransientError) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.kind == "connection"
    assert len(service.opened) == 1


def test_silence_of_the_service_is_a_timeout(service):
    over = threading.Event()
    service.fault = lambda connection: over.wait(20)
    asks = engine(service)
    asks.timeout_s = 0.3
    with pytest.raises(TransientError) as caught:
        asks.transcribe_batch([SPOKEN])
    over.set()
    assert caught.value.kind == "timeout"


@pytest.mark.parametrize(
    ("said", "error", "kind"),
    [
        ({"RecognitionStatus": "Success", "DisplayText": "Hi", "Offset": 0, "Duration": 1}, AdapterError, "malformed"),
        (phrase("Hi", [{"Word": "hi"}]), AdapterError, "malformed"),
        ({"RecognitionStatus": "TooManyRequests"}, TransientError, "rate_limit"),
        ({"RecognitionStatus": "Error"}, TransientError, "server"),
        ({"RecognitionStatus": "BadRequest"}, AdapterError, "refused"),
        ("{garbage", AdapterError, "malformed"),
    ],
)
def test_a_failure_in_the_session_is_told_apart(service, said, error, kind):
    service.phrases = [HELLO, said]
    with pytest.raises(error) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.kind == kind


def test_threads_may_share_an_engine(service):
    asks = engine(service)
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda _: asks.transcribe_batch([SPOKEN])[0].text, range(8)))
    assert heard == ["Hello, world."] * 8


def test_no_key_is_ever_said(service, caplog):
    caplog.set_level(logging.DEBUG)
    service.refuse = (400, f"refused with {CANARY}")
    with pytest.raises(AdapterError) as caught:
        engine(service).transcribe_batch([SPOKEN])
    said = "".join(traceback.format_exception(caught.value))
    assert "BadRequest" in said
    assert CANARY not in said + caplog.text


def test_missing_credentials_are_named(service, monkeypatch):
    monkeypatch.delenv("AZURE_SPEECH_KEY")
    with pytest.raises(InputError, match="AZURE_SPEECH_KEY"):
        engine(service)
    with pytest.raises(InputError, match="AZURE_SPEECH_KEY and AZURE_SPEECH_REGION"):
        load_engine("azure-streaming", {})
    assert "AZURE_SPEECH_KEY" in engine_class("azure-streaming").missing()[0]
