"""The engine aws-streaming against a WebSocket server that checks its signature and speaks its event stream."""

import logging
import struct
import threading
import traceback
from binascii import crc32
from urllib.parse import parse_qsl, quote, urlsplit

import numpy as np
import pytest

pytest.importorskip("boto3", reason="pip install 'asrfair[aws]'")
pytest.importorskip("websockets", reason="pip install 'asrfair[aws]'")

from aws_keys import CANARY, signed_in
from aws_stream_server import ANSWER, Streaming, event, exception

from asrfair.adapters import engine_class, load_engine
from asrfair.adapters._event_stream import decode, encode
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word

SPOKEN = Waveform((0.1 * np.sin(np.arange(5600) * 0.05)).astype(np.float32), 16_000)


@pytest.fixture
def service(tmp_path):
    with signed_in(tmp_path):
        made = Streaming()
        yield made
        made.close()


def engine(service, **options):
    made = load_engine("aws-streaming", {"region": "eu-west-1", "endpoint": service.url, "pace": 0, **options})
    made.timeout_s = 5.0
    return made


def test_a_message_is_what_the_guide_says():
    """Prelude and headers byte by byte, as the guide's table of an audio event lays them out."""
    message = encode({":event-type": "AudioEvent"}, b"\x01\x02")
    header = bytes([11]) + b":event-type" + bytes([7]) + struct.pack("!H", 10) + b"AudioEvent"
    prelude = struct.pack("!II", 12 + len(header) + 2 + 4, len(header))
    whole = prelude + struct.pack("!I", crc32(prelude)) + header + b"\x01\x02"
    assert message == whole + struct.pack("!I", crc32(whole))
    assert decode(message) == ({":event-type": "AudioEvent"}, b"\x01\x02")


@pytest.mark.parametrize("at", [0, 9, 20, -1])
def test_a_flipped_bit_is_noticed(at):
    broken = bytearray(encode({":event-type": "AudioEvent"}, b"audio"))
    broken[at] ^= 1
    with pytest.raises(AdapterError) as caught:
        decode(bytes(broken))
    assert caught.value.kind == "malformed"


def test_final_results_become_text_and_words(service):
    (heard,) = engine(service, vocabulary="names").transcribe_batch([SPOKEN])
    assert heard.text == "Hello, world."
    assert heard.words == (Word("Hello,", 0.1, 0.4, 0.99), Word("world.", 0.5, 0.9, 0.75))
    sent = np.frombuffer(b"".join(service.chunks), "<i2")
    assert np.array_equal(sent, np.round(SPOKEN.samples * 32767).astype("<i2"))
    assert max(map(len, service.chunks)) == 3200
    query = dict(parse_qsl(urlsplit(service.paths[0]).query))
    assert query["language-code"] == "en-US"
    assert query["sample-rate"] == "16000"
    assert query["vocabulary-name"] == "names"
    assert int(query["X-Amz-Expires"]) <= 300


def test_audio_goes_no_faster_than_it_was_spoken(service):
    engine(service, pace=1.0).transcribe_batch([SPOKEN])
    assert service.times[-1] - service.times[0] >= 0.27


def test_nothing_said_is_an_empty_text(service):
    service.answer = [event({"Transcript": {"Results": []}})]
    (heard,) = engine(service).transcribe_batch([SPOKEN])
    assert (heard.text, heard.words) == ("", ())


@pytest.mark.parametrize(
    ("last", "error", "kind"),
    [
        (exception("LimitExceededException", "too many streams"), TransientError, "rate_limit"),
        (exception("InternalFailureException", "oops"), TransientError, "server"),
        (exception("ServiceUnavailableException", "later"), TransientError, "server"),
        (exception("BadRequestException", "Your request timed out: no new audio"), TransientError, "timeout"),
        (exception("BadRequestException", "no such vocabulary"), AdapterError, "refused"),
        (exception("UnrecognizedClientException", "who?"), AdapterError, "denied"),
        (b"garbage that is long enough", AdapterError, "malformed"),
        (b"short", AdapterError, "malformed"),
        ("text", AdapterError, "malformed"),
        (encode({":message-type": "event", ":event-type": "TranscriptEvent"}, b"{"), AdapterError, "malformed"),
        (event({"Transcript": 1}), AdapterError, "malformed"),
        (event([]), AdapterError, "malformed"),
    ],
)
def test_a_failure_in_the_stream_is_told_apart(service, last, error, kind):
    service.answer = [*ANSWER[:2], last]
    with pytest.raises(error) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, TransientError, "rate_limit"),
        (500, TransientError, "server"),
        (400, AdapterError, "refused"),
        (403, AdapterError, "denied"),
        (200, AdapterError, "refused"),
    ],
)
def test_a_refused_stream_is_told_apart(service, status, error, kind):
    service.refuse = (status, "no")
    with pytest.raises(error) as caught:
        engine(service).transcribe_batch([SPOKEN])
    assert caught.value.kind == kind


def cut(connection):
    connection.recv()
    connection.socket.shutdown(2)


def leave(connection):
    connection.recv()


def refuse_early(connection):
    connection.recv()
    connection.send(exception("LimitExceededException", "too many streams"))


@pytest.mark.parametrize(("fault", "kind"), [(cut, "connection"), (leave, "connection"), (refuse_early, "rate_limit")])
def test_a_stream_that_ends_early_is_a_failure(service, fault, kind):
    service.fault = fault
    with pytest.raises(TransientError) as caught:
        # Ten times as fast as it was spoken: the server is gone long before the end.
        engine(service, pace=10).transcribe_batch([Waveform(np.tile(SPOKEN.samples, 40), 16_000)])
    assert caught.value.kind == kind


def test_silence_of_the_service_is_a_timeout(service):
    over = threading.Event()
    service.fault = lambda connection: over.wait(20)
    asks = engine(service)
    asks.timeout_s = 0.4
    with pytest.raises(TransientError) as caught:
        asks.transcribe_batch([SPOKEN])
    over.set()
    assert caught.value.kind == "timeout"


def test_nobody_there_is_a_failed_connection(service):
    asks = engine(service)
    service.close()
    with pytest.raises(TransientError) as caught:
        asks.transcribe_batch([SPOKEN])
    assert caught.value.kind == "connection"


def test_a_wrong_key_is_denied_and_no_key_is_ever_said(service, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    service.refuse = (403, f"signed by {CANARY['AWS_ACCESS_KEY_ID']} with {CANARY['AWS_SESSION_TOKEN']}")
    with pytest.raises(AdapterError) as caught:
        engine(service).transcribe_batch([SPOKEN])
    said = "".join(traceback.format_exception(caught.value))
    assert caught.value.kind == "denied"
    assert "signed by *** with ***" in said
    for value in CANARY.values():
        assert value not in said + caplog.text
        assert quote(value, safe="") not in caplog.text


def test_missing_credentials_are_named(service, monkeypatch):
    for name in CANARY:
        monkeypatch.delenv(name)
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID"):
        engine(service)
    assert any("AWS_PROFILE" in line for line in engine_class("aws-streaming").missing())


def test_what_changes_the_answer_is_said(service):
    said = engine(service, vocabulary="names", language="en-GB", pace=0.5).describe()
    assert said.options["vocabulary"] == "names"
    assert said.options["language"] == "en-GB"
    assert "pace" not in said.options
    with pytest.raises(InputError, match="pace"):
        engine(service, pace=-1)
