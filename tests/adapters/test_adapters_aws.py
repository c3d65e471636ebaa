"""The engine aws-transcribe against moto's S3 and Transcribe, with faults put before it."""

import json
import logging
import threading
import traceback

import numpy as np
import pytest

pytest.importorskip("boto3", reason="pip install 'asrfair[aws]'")
pytest.importorskip("moto.server", reason="pip install 'moto[server]'")

from aws_keys import CANARY
from aws_server import GET, START, amazon_in
from http_faults import CUT, HALF, SLOW

from asrfair.adapters import engine_class, load_engine
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word


def tone(seed=0):
    return Waveform((0.1 * np.sin(np.arange(8000) * (0.05 + seed / 1000))).astype(np.float32), 16_000)


def refusal(status, code):
    body = json.dumps({"__type": code, "Message": f"{code} it is {CANARY['AWS_SECRET_ACCESS_KEY']}"}).encode()
    return status, {"Content-Type": "application/x-amz-json-1.1"}, body


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Credentials that are canaries, moto behind its door, and one engine."""
    with amazon_in(tmp_path_factory.mktemp("aws")) as made:
        made.asks = engine(made)
        yield made


@pytest.fixture
def amazon(account):
    account.reset()
    return account


def engine(amazon, **options):
    made = load_engine("aws-transcribe", amazon.options() | options)
    made.timeout_s = 10.0
    return made


def test_a_job_gives_text_and_words_and_leaves_nothing_behind(amazon):
    (heard,) = amazon.asks.transcribe_batch([tone()])
    assert heard.text == "Hello, world."
    assert heard.words == (Word("Hello,", 0.1, 0.4, 0.99), Word("world.", 0.5, 0.9, 0.75))
    (job,) = amazon.paid
    assert job["LanguageCode"] == "en-US"
    assert job["MediaSampleRateHertz"] == 16_000
    assert amazon.left() == []


def test_what_the_options_say_is_asked_for(amazon):
    amazon.service.create_vocabulary(VocabularyName="names", LanguageCode="en-US", Phrases=["Aoife"])
    asked = engine(amazon, language="auto", vocabulary="names", vocabulary_filter="rude", language_model="mine")
    asked.transcribe_batch([tone()])
    (job,) = amazon.paid
    assert job["IdentifyLanguage"] is True
    assert job["Settings"] == {
        "VocabularyName": "names",
        "VocabularyFilterName": "rude",
        "VocabularyFilterMethod": "mask",
    }
    assert job["ModelSettings"] == {"LanguageModelName": "mine"}
    assert asked.describe().options["vocabulary"] == "names"


def test_silence_is_an_empty_text(amazon):
    amazon.transcript = json.dumps({"results": {"transcripts": [{"transcript": ""}], "items": []}}).encode()
    (heard,) = amazon.asks.transcribe_batch([tone()])
    assert (heard.text, heard.words) == ("", ())


FAULTS = [
    (refusal(429, "LimitExceededException"), TransientError, "rate_limit"),
    (refusal(400, "ThrottlingException"), TransientError, "rate_limit"),
    (refusal(500, "InternalFailureException"), TransientError, "server"),
    (refusal(503, "ServiceUnavailableException"), TransientError, "server"),
    (CUT, TransientError, "connection"),
    (HALF, TransientError, "connection"),
    (SLOW, TransientError, "timeout"),
    (refusal(400, "UnrecognizedClientException"), AdapterError, "denied"),
    (refusal(400, "AccessDeniedException"), AdapterError, "denied"),
]
OF_ONE = [
    (START, refusal(400, "BadRequestException"), AdapterError, "refused"),
    (START, (200, {}, b"<html>garbage"), TransientError, "server"),
    (GET, refusal(400, "BadRequestException"), TransientError, "server"),
    (GET, (200, {}, b"<html>garbage"), AdapterError, "malformed"),
]


@pytest.mark.parametrize(
    ("target", "fault", "error", "kind"), [(START, *f) for f in FAULTS] + [(GET, *f) for f in FAULTS[::2]] + OF_ONE
)
def test_a_failure_is_told_apart_and_nothing_is_paid_for_twice(amazon, target, fault, error, kind):
    amazon.guilty(target)
    asks = engine(amazon) if fault == SLOW else amazon.asks
    asks.timeout_s = 0.5 if fault == SLOW else 10.0
    amazon.door.faults = [fault]
    with pytest.raises(error) as caught:
        asks.transcribe_batch([tone()])
    assert caught.value.kind == kind
    asks.timeout_s = 10.0
    assert asks.transcribe_batch([tone()])[0].text == "Hello, world."
    assert len(amazon.paid) == 1
    assert amazon.left() == []


def s3_refusal(status, code):
    return status, {}, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@pytest.mark.parametrize(
    ("method", "fault", "error", "kind"),
    [
        ("PUT", s3_refusal(503, "SlowDown"), TransientError, "rate_limit"),
        ("PUT", s3_refusal(400, "RequestTimeout"), TransientError, "timeout"),
        ("PUT", s3_refusal(403, "SignatureDoesNotMatch"), AdapterError, "denied"),
        ("PUT", s3_refusal(404, "NoSuchBucket"), AdapterError, "refused"),
        ("GET", s3_refusal(500, "InternalError"), TransientError, "server"),
        ("GET", HALF, TransientError, "connection"),
    ],
)
def test_failures_of_s3_cost_no_second_job(amazon, method, fault, error, kind):
    amazon.door.guilty = lambda asked: asked.method == method
    amazon.door.faults = [fault]
    asks = amazon.asks
    with pytest.raises(error) as caught:
        asks.transcribe_batch([tone()])
    assert caught.value.kind == kind
    assert asks.transcribe_batch([tone()])[0].text == "Hello, world."
    assert len(amazon.paid) == 1


def test_a_job_of_a_killed_run_is_picked_up(amazon):
    killed = engine(amazon, poll_s=60)
    killed.timeout_s = 0.3
    with pytest.raises(TransientError) as caught:
        killed.transcribe_batch([tone()])
    assert caught.value.kind == "timeout"
    assert len(amazon.left()) == 3
    assert engine(amazon).transcribe_batch([tone()])[0].text == "Hello, world."
    assert len(amazon.paid) == 1
    assert amazon.left() == []


def test_other_audio_and_other_options_are_other_jobs(amazon):
    engine(amazon).transcribe_batch([tone(), tone(1)])
    engine(amazon, language="en-GB").transcribe_batch([tone()])
    assert len({job["TranscriptionJobName"] for job in amazon.paid}) == 3


def test_the_same_audio_at_the_same_time_is_asked_for_one_after_the_other(amazon):
    asks, texts = amazon.asks, []
    threads = [threading.Thread(target=lambda: texts.append(asks.transcribe_batch([tone()])[0].text)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello, world."] * 6
    assert len(amazon.paid) == 6


@pytest.mark.parametrize(
    ("reason", "error", "kind"),
    [
        ("The media format provided does not match the detected media format.", AdapterError, "refused"),
        ("Internal error. Please try again.", TransientError, "server"),
    ],
)
def test_a_failed_job_says_why_and_is_cleared_away(amazon, reason, error, kind):
    amazon.job = {"TranscriptionJobStatus": "FAILED", "FailureReason": reason}
    with pytest.raises(error, match=reason) as caught:
        amazon.asks.transcribe_batch([tone()])
    assert caught.value.kind == kind
    assert amazon.left() == []


@pytest.mark.parametrize(("written", "kind"), [(None, "empty"), (b"{", "malformed"), (b'{"results": 1}', "malformed")])
def test_a_job_without_a_readable_transcript_is_no_empty_text(amazon, written, kind):
    amazon.transcript = written
    with pytest.raises(AdapterError) as caught:
        amazon.asks.transcribe_batch([tone()])
    assert caught.value.kind == kind


def test_what_cannot_be_deleted_costs_no_transcript_and_is_tried_again(amazon):
    amazon.guilty("Transcribe.DeleteTranscriptionJob")
    amazon.door.faults = [refusal(429, "LimitExceededException")]
    asks = amazon.asks
    assert asks.transcribe_batch([tone()])[0].text == "Hello, world."
    assert len(amazon.left()) == 3
    asks.close()
    assert amazon.left() == []


def test_no_key_is_ever_said(amazon, caplog):
    caplog.set_level(logging.DEBUG)
    amazon.guilty(START)
    amazon.door.faults = [refusal(400, "BadRequestException")]
    with pytest.raises(AdapterError) as caught:
        amazon.asks.transcribe_batch([tone()])
    said = "".join(traceback.format_exception(caught.value))
    assert caught.value.kind == "refused"
    assert "BadRequestException it is ***" in said
    for value in CANARY.values():
        assert value not in said + caplog.text


def test_missing_credentials_are_named(amazon, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in CANARY:
        monkeypatch.delenv(name)
    with pytest.raises(InputError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        engine(amazon)
    assert "AWS_PROFILE" in engine_class("aws-transcribe").missing()[0]
    (tmp_path / "config").write_text("[profile ward]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/x\n")
    monkeypatch.setenv("AWS_PROFILE", "ward")
    assert engine_class("aws-transcribe").missing() == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"poll_s": 0}, "poll_s"),
        ({"vocabulary_filter_method": "shout"}, "mask"),
        ({"endpoint": "http://me:secret@127.0.0.1"}, "credentials"),
    ],
)
def test_an_option_out_of_range_is_refused(amazon, options, says):
    with pytest.raises(InputError, match=says):
        engine(amazon, **options)


def test_a_region_is_needed(amazon, monkeypatch):
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(InputError, match="region"):
        load_engine("aws-transcribe", {"bucket": "audits"})
