"""The engine google-speech against servers on loopback that speak its REST and its gRPC."""

import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("google.cloud.speech_v2", reason="pip install 'asrfair[google]'")

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from google_server import SAID, Grpc
from http_faults import CUT, HALF, SLOW, FaultServer

from asrfair.adapters import engine_class, load_engine
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word

SPOKEN = Waveform((0.1 * np.sin(np.arange(8000) * 0.05)).astype(np.float32), 16_000)
WORDS = (Word("hello", 0.0, 0.4, 0.5), Word("world", 0.5, 1.0, None))


def engine(url, **options):
    made = load_engine("google-speech", {"project": "audits", "endpoint": url, **options})
    made.timeout_s = 5.0
    return made


@pytest.fixture
def rest():
    made = FaultServer(lambda asked: (200, {"Content-Type": "application/json"}, json.dumps(SAID).encode()))
    yield made
    made.close()


def refusal(status, name, headers=None):
    said = {"error": {"code": status, "message": f"{name} it is", "status": name}}
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(said).encode()


@pytest.fixture(scope="module")
def served():
    made = Grpc()
    yield made
    made.close()


@pytest.fixture
def service(served):
    served.faults, served.asked = [], []
    return served


def test_rest_gives_text_and_words(rest):
    (heard,) = engine(rest.url, transport="rest", model="long", location="eu").transcribe_batch([SPOKEN])
    assert (heard.text, heard.words) == ("hello world", WORDS)
    (asked,) = rest.asked
    assert asked.path.startswith("/v2/projects/audits/locations/eu/recognizers/_:recognize")
    config = json.loads(asked.body)["config"]
    assert config["model"] == "long"
    assert config["features"] == {"enableWordTimeOffsets": True, "enableWordConfidence": True}
    assert "Authorization" not in asked.headers


def test_grpc_gives_text_and_words_and_is_told_the_phrases(service):
    asks = engine(service.url, phrases="Aoife; lough neagh ;", language="en-GB")
    (heard,) = asks.transcribe_batch([SPOKEN])
    assert (heard.text, heard.words) == ("hello world", WORDS)
    request, metadata = service.asked[0]
    (phrases,) = request.config.adaptation.phrase_sets
    assert [phrase.value for phrase in phrases.inline_phrase_set.phrases] == ["Aoife", "lough neagh"]
    assert list(request.config.language_codes) == ["en-GB"]
    assert request.config.features.enable_word_confidence is False
    assert request.content[:4] == b"RIFF"
    assert "recognizer=projects/audits" in metadata["x-goog-request-params"].replace("%2F", "/")
    assert asks.describe().options["phrases"] == "Aoife;lough neagh"
    assert asks.describe().version == "v2 chirp_3"


def test_nothing_said_is_an_empty_text(rest):
    rest.answer = lambda asked: (200, {"Content-Type": "application/json"}, b'{"metadata": {}}')
    (heard,) = engine(rest.url, transport="rest").transcribe_batch([SPOKEN])
    assert heard.text == ""


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        (refusal(429, "RESOURCE_EXHAUSTED"), TransientError, "rate_limit"),
        (refusal(500, "INTERNAL"), TransientError, "server"),
        (refusal(503, "UNAVAILABLE"), TransientError, "server"),
        (refusal(504, "DEADLINE_EXCEEDED"), TransientError, "timeout"),
        ((502, {}, b"<html>bad gateway"), TransientError, "server"),
        (CUT, TransientError, "connection"),
        (HALF, TransientError, "connection"),
        (SLOW, TransientError, "timeout"),
        ((200, {}, b"<html>garbage"), AdapterError, "malformed"),
        ((200, {}, b'{"results": 7}'), AdapterError, "malformed"),
        (refusal(400, "INVALID_ARGUMENT"), AdapterError, "refused"),
        (refusal(404, "NOT_FOUND"), AdapterError, "refused"),
        (refusal(401, "UNAUTHENTICATED"), AdapterError, "denied"),
        (refusal(403, "PERMISSION_DENIED"), AdapterError, "denied"),
    ],
)
def test_a_failure_over_rest_is_told_apart_and_asked_once(rest, fault, error, kind):
    rest.faults = [fault]
    asks = engine(rest.url, transport="rest")
    asks.timeout_s = 0.3 if fault == SLOW else 5.0
    with pytest.raises(error) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == kind
    assert len(rest.asked) == 1


def test_retry_after_is_read(rest):
    rest.faults = [refusal(429, "RESOURCE_EXHAUSTED", {"Retry-After": "7"})]
    with pytest.raises(TransientError) as caught:
        engine(rest.url, transport="rest").transcribe_batch([SPOKEN])
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, TransientError, "rate_limit"),
        (grpc.StatusCode.INTERNAL, TransientError, "server"),
        (grpc.StatusCode.UNAVAILABLE, TransientError, "server"),
        (grpc.StatusCode.ABORTED, TransientError, "server"),
        (grpc.StatusCode.CANCELLED, TransientError, "server"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, TransientError, "timeout"),
        (SLOW, TransientError, "timeout"),
        (b"\xff\xff\xff", AdapterError, "malformed"),
        (grpc.StatusCode.INVALID_ARGUMENT, AdapterError, "refused"),
        (grpc.StatusCode.UNAUTHENTICATED, AdapterError, "denied"),
        (grpc.StatusCode.PERMISSION_DENIED, AdapterError, "denied"),
    ],
)
def test_a_failure_over_grpc_is_told_apart_and_asked_once(service, fault, error, kind):
    service.faults = [fault]
    asks = engine(service.url)
    asks.timeout_s = 0.3 if fault == SLOW else 5.0
    with pytest.raises(error) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == kind
    assert len(service.asked) == 1


def test_the_delay_that_grpc_asks_for_is_read(service):
    fault = status_pb2.Status(code=8, message="slow down")
    fault.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=3)))
    service.faults = [fault]
    with pytest.raises(TransientError) as caught:
        engine(service.url).transcribe_batch([SPOKEN])
    assert (caught.value.kind, caught.value.retry_after_s) == ("rate_limit", 3.0)


def test_nobody_there_is_a_failed_connection():
    gone = Grpc()
    asks = engine(gone.url)
    asks.transcribe_batch([SPOKEN])
    gone.close()
    with pytest.raises(TransientError) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == "connection"


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_threads_may_share_an_engine(rest, service, transport):
    asks = engine(rest.url if transport == "rest" else service.url, transport=transport)
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda _: asks.transcribe_batch([SPOKEN])[0].text, range(24)))
    assert heard == ["hello world"] * 24
    asks.close()


def test_missing_credentials_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="GOOGLE_APPLICATION_CREDENTIALS"):
        load_engine("google-speech", {"project": "audits"})
    assert engine_class("google-speech").missing() == [
        "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run: gcloud auth application-default login"
    ]


def key_file(folder, token_url):
    """A service account whose key is made on the spot and whose tokens come from this machine."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    made = rsa.generate_private_key(65537, 2048)
    pem = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    said = {"type": "service_account", "project_id": "audits", "private_key_id": "1", "private_key": pem}
    said |= {"client_email": "a@b.example", "token_uri": f"{token_url}/token"}
    path = folder / "key.json"
    path.write_text(json.dumps(said))
    return path, pem.splitlines()[5]


def test_a_refused_key_is_denied_and_no_key_is_ever_said(rest, monkeypatch, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    path, canary = key_file(tmp_path, rest.url)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    rest.answer = lambda asked: (400, {"Content-Type": "application/json"}, b'{"error": "invalid_grant"}')
    asks = engine("https://127.0.0.1:1", transport="rest")
    with pytest.raises(AdapterError) as caught:
        asks.transcribe_batch([SPOKEN])
    said = "".join(traceback.format_exception(caught.value))
    assert caught.value.kind == "denied"
    assert "invalid_grant" in said
    assert canary not in said + caplog.text


def test_a_token_goes_to_no_other_machine_unencrypted():
    with pytest.raises(InputError, match="https"):
        engine("http://speech.example.com")


@pytest.mark.parametrize(("options", "says"), [({"transport": "pigeon"}, "grpc"), ({"project": ""}, "project")])
def test_an_option_out_of_range_is_refused(monkeypatch, options, says):
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(InputError, match=says):
        engine("http://127.0.0.1:1", **options)
