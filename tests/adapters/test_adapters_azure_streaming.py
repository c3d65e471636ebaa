"""The engine azure-streaming: Microsoft's Speech SDK against a small server that speaks its messages."""

import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("azure.cognitiveservices.speech", reason="pip install 'asrfair[azure-sdk]'")
pytest.importorskip("websockets", reason="pip install 'asrfair[aws]'")

from azure_server import CANARY
from azure_stream_server import HELLO, Speech, phrase

from asrfair.adapters import engine_class, load_engine
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word

SPOKEN = Waveform((0.1 * np.sin(np.arange(8000) * 0.05)).astype(np.float32), 16_000)


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
    asks.timeout_s = 30.0
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
