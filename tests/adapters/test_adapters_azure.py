"""The engine azure-speech against a server on loopback that speaks the fast transcription API."""

import json
import logging
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("azure.ai.transcription", reason="pip install 'asrfair[azure]'")

from azure_server import CANARY, SAID, answer, parts
from http_faults import CUT, HALF, SLOW, FaultServer

from asrfair.adapters import engine_class, load_engine
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word

SPOKEN = Waveform((0.1 * np.sin(np.arange(8000) * 0.05)).astype(np.float32), 16_000)


def refusal(status, code, headers=None):
    return answer({"error": {"code": code, "message": f"{code} with {CANARY}"}}, status, headers)


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("AZURE_SPEECH_KEY", CANARY)
    made = FaultServer(lambda asked: answer(SAID))
    yield made
    made.close()


def engine(service, **options):
    made = load_engine("azure-speech", {"endpoint": service.url, **options})
    made.timeout_s = 5.0
    return made


def test_a_call_gives_text_and_words(service):
    asks = engine(service, phrases="Aoife; lough neagh", language="en-GB")
    (heard,) = asks.transcribe_batch([SPOKEN])
    assert heard.text == "Hello, world."
    assert heard.words == (Word("Hello,", 0.04, 0.44, 0.93), Word("world.", 0.5, 0.94, 0.93))
    (asked,) = service.asked
    assert asked.path == "/speechtotext/transcriptions:transcribe?api-version=2025-10-15"
    assert asked.headers["Ocp-Apim-Subscription-Key"] == CANARY
    sent = parts(asked)
    assert json.loads(sent["definition"]) == {
        "locales": ["en-GB"],
        "phraseList": {"phrases": ["Aoife", "lough neagh"]},
        "profanityFilterMode": "None",
    }
    assert sent["audio"][:4] == b"RIFF"
    assert asks.describe().options["phrases"] == "Aoife;lough neagh"


def test_the_service_may_find_out_the_language(service):
    engine(service, language="auto").transcribe_batch([SPOKEN])
    assert "locales" not in json.loads(parts(service.asked[0])["definition"])


def test_nothing_said_is_an_empty_text(service):
    service.answer = lambda asked: answer({"durationMilliseconds": 500, "combinedPhrases": [], "phrases": []})
    (heard,) = engine(service).transcribe_batch([SPOKEN])
    assert heard.text == ""


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        (refusal(429, "TooManyRequests"), TransientError, "rate_limit"),
        (refusal(500, "InternalServerError"), TransientError, "server"),
        ((503, {}, b"<html>unavailable"), TransientError, "server"),
        (refusal(504, "Timeout"), TransientError, "timeout"),
        (CUT, TransientError, "connection"),
        (HALF, TransientError, "connection"),
        (SLOW, TransientError, "timeout"),
        ((200, {}, b"<html>garbage"), AdapterError, "malformed"),
        ((200, {"Content-Type": "application/json"}, b"{garbage"), AdapterError, "malformed"),
        (answer({}), AdapterError, "malformed"),
        (answer({"combinedPhrases": 7, "phrases": []}), AdapterError, "malformed"),
        (answer({"combinedPhrases": [{}], "phrases": []}), AdapterError, "malformed"),
        (answer([]), AdapterError, "malformed"),
        (refusal(400, "InvalidArgument"), AdapterError, "refused"),
        (refusal(404, "NotFound"), AdapterError, "refused"),
        (refusal(401, "Unauthorized"), AdapterError, "denied"),
        (refusal(403, "Forbidden"), AdapterError, "denied"),
    ],
)
def test_a_failure_is_told_apart_and_asked_once(service, fault, error, kind):
    service.faults = [fault]
    asks = engine(service)
    asks.timeout_s = 0.3 if fault == SLOW else 5.0
    with pytest.raises(error) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == kind
    assert len(service.asked) == 1


def test_retry_after_is_read_and_not_waited_for(service):
    service.faults = [refusal(429, "TooManyRequests", {"Retry-After": "7"})]
    with pytest.raises(TransientError) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.retry_after_s == 7


def test_nobody_there_is_a_failed_connection(service):
    asks = engine(service)
    service.close()
    with pytest.raises(TransientError) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == "connection"


def test_threads_may_share_an_engine(service):
    here = threading.Barrier(4, timeout=10)

    def together(asked):
        here.wait()
        return answer(SAID)

    service.answer, asks = together, engine(service)
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda _: asks.transcribe_batch([SPOKEN])[0].text, range(12)))
    assert heard == ["Hello, world."] * 12
    asks.close()


def test_no_key_is_ever_said(service, caplog):
    caplog.set_level(logging.DEBUG)
    service.faults = [refusal(400, "InvalidArgument")]
    with pytest.raises(AdapterError, match="InvalidArgument") as caught:
        engine(service).transcribe_batch([SPOKEN])
    said = "".join(traceback.format_exception(caught.value))
    assert CANARY not in said + caplog.text


def test_missing_credentials_are_named(service, monkeypatch):
    monkeypatch.delenv("AZURE_SPEECH_REGION", raising=False)
    monkeypatch.delenv("AZURE_SPEECH_ENDPOINT", raising=False)
    with pytest.raises(InputError, match="AZURE_SPEECH_KEY and AZURE_SPEECH_REGION"):
        load_engine("azure-speech", {})
    monkeypatch.delenv("AZURE_SPEECH_KEY")
    with pytest.raises(InputError, match="AZURE_SPEECH_KEY"):
        engine(service)
    assert "AZURE_SPEECH_ENDPOINT" in engine_class("azure-speech").missing()[0]
    monkeypatch.setenv("AZURE_SPEECH_KEY", CANARY)
    monkeypatch.setenv("AZURE_SPEECH_ENDPOINT", service.url)
    assert engine_class("azure-speech").missing() == []
    assert load_engine("azure-speech", {}).transcribe_batch([SPOKEN])[0].text == "Hello, world."
