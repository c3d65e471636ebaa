"""What the options of the engines behind HTTP make of a request, and what comes back in the shapes of each service."""

import importlib.util
import json

import numpy as np
import pytest
from fault_protocol import Said
from fault_server import FaultServer
from fault_services import SERVED, AssemblyAIService, DeepgramService, OpenAIService, SpeechmaticsService

from asrfair.adapters import load_engine
from asrfair.adapters.scripted import waveform_digest
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform, Word
from asrfair.seeds import rng_for

HEARD = Waveform(rng_for(3, "cloud", "options").normal(0, 0.05, 4_000).astype(np.float32), 16_000)
DIGEST = waveform_digest(HEARD)
WORDS = (("it", 0.1, 0.2, 0.75), ("works", 0.25, 0.6, 0.5))


def needs(library):
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"{library} is not installed")


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name in ("OPENAI", "DEEPGRAM", "ASSEMBLYAI", "SPEECHMATICS"):
        monkeypatch.setenv(f"{name}_API_KEY", "a-key-of-no-value")


def served(service, plan=(), words=WORDS, text="it works", **given):
    return FaultServer(service, {DIGEST: Said(text, words)}, {DIGEST: plan}, **given)


def asked(server, name, times=1, timeout_s=5.0, path="", **options):
    """The transcript or the last failure of an engine that is asked until it answers, some times at most."""
    engine = load_engine(name, {"endpoint": server.url + path, **options})
    engine.timeout_s = timeout_s
    found = None
    try:
        for _ in range(times):
            try:
                return engine.transcribe_batch([HEARD])[0]
            except (AdapterError, TransientError) as error:
                found = error
    finally:
        engine.close()
    return found


@needs("openai")
class TestOpenAI:
    def test_its_options_reach_the_form(self):
        with served(OpenAIService) as server:
            asked(
                server, "openai", path="/v1", language="en", prompt="Ward 7.", keywords="stat; Ringer", temperature=0.5
            )
        (request,) = server.seen
        assert request.fields == {
            "model": ["gpt-transcribe"],
            "language": ["en"],
            "prompt": ["Ward 7."],
            "keywords[]": ["stat", "Ringer"],
            "temperature": ["0.5"],
            "response_format": ["json"],
        }
        assert request.headers["authorization"] == "Bearer a-key-of-no-value"

    def test_whisper_gives_words_with_times(self):
        with served(OpenAIService) as server:
            said = asked(server, "openai", path="/v1", model="whisper-1")
        assert said.words == (Word("it", 0.1, 0.2), Word("works", 0.25, 0.6))

    def test_a_model_without_words_gives_none(self):
        with served(OpenAIService) as server:
            assert asked(server, "openai", path="/v1").words is None

    def test_a_server_of_ones_own_needs_no_key(self, monkeypatch):
        monkeypatch.delenv("OPENAI_API_KEY")
        with served(OpenAIService) as server:
            assert asked(server, "openai", path="/v1").text == "it works"
        assert server.seen[0].headers["authorization"] == "Bearer none"

    def test_a_server_that_the_environment_names_is_recorded(self, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
        engine = load_engine("openai", {})
        assert engine.describe().options["endpoint"] == "http://127.0.0.1:9/v1"
        engine.close()

    def test_the_idempotency_key_is_the_requests(self):
        with served(OpenAIService, ["500", "500"]) as server:
            asked(server, "openai", times=3, path="/v1")
            asked(server, "openai", path="/v1", language="de")
        keys = [request.headers["idempotency-key"] for request in server.seen]
        assert keys[0] == keys[1] == keys[2] != keys[3]

    @pytest.mark.parametrize("options", [{"temperature": 2}, {"response_format": "srt"}, {"keywords": " ; "}])
    def test_options_out_of_range_are_refused(self, options):
        with pytest.raises(InputError, match=next(iter(options))):
            load_engine("openai", options)


@needs("deepgram")
class TestDeepgram:
    def test_its_options_reach_the_query(self):
        with served(DeepgramService) as server:
            said = asked(server, "deepgram", language="en-GB", keyterms="stat;Ringer's lactate")
        (request,) = server.seen
        assert request.query == {
            "model": ["nova-3"],
            "language": ["en-GB"],
            "keyterm": ["stat", "Ringer's lactate"],
            "smart_format": ["false"],
        }
        assert request.headers["authorization"] == "Token a-key-of-no-value"
        assert said.words == (Word("it", 0.1, 0.2, 0.75), Word("works", 0.25, 0.6, 0.5))


@needs("httpx")
class TestAssemblyAI:
    def test_its_options_reach_the_transcript(self):
        with served(AssemblyAIService) as server:
            said = asked(server, "assemblyai", model="universal-3-5-pro;universal-2", language="none", keyterms="stat")
        upload, made = server.seen[:2]
        assert upload.headers["authorization"] == "a-key-of-no-value"
        assert json.loads(made.body) == {
            "audio_url": "https://cdn.example/upload/0",
            "speech_models": ["universal-3-5-pro", "universal-2"],
            "format_text": False,
            "language_detection": True,
            "keyterms_prompt": ["stat"],
        }
        assert said.words == (Word("it", 0.1, 0.2, 0.75), Word("works", 0.25, 0.6, 0.5))

    def test_a_retry_uploads_nothing_twice(self):
        with served(AssemblyAIService, ["429", "500"]) as server:
            assert asked(server, "assemblyai", times=3, poll_s=0.01).text == "it works"
        assert [request.path for request in server.seen if request.method == "POST"].count("/v2/upload") == 1

    def test_a_job_that_the_server_failed_is_made_anew(self):
        with served(AssemblyAIService, ["job:Server error, developers have been alerted."]) as server:
            failed = asked(server, "assemblyai", poll_s=0.01)
            assert isinstance(failed, TransientError)
            assert failed.kind == "server"
        with served(AssemblyAIService, ["job:Server error, developers have been alerted."]) as server:
            assert asked(server, "assemblyai", times=2, poll_s=0.01).text == "it works"

    def test_a_job_that_the_audio_failed_is_refused(self):
        with served(AssemblyAIService, ["job:File does not appear to contain audio."]) as server:
            failed = asked(server, "assemblyai", poll_s=0.01)
        assert isinstance(failed, AdapterError)
        assert failed.kind == "refused"
        assert "contain audio" in str(failed)


@needs("httpx")
class TestSpeechmatics:
    def test_its_options_reach_the_config(self):
        with served(SpeechmaticsService) as server:
            said = asked(server, "speechmatics", language="de", model="standard", vocabulary="stat;Ringer", poll_s=0.01)
        config = json.loads(server.seen[0].fields["config"][0])
        assert len(config.pop("tracking")["reference"]) == 32
        assert config == {
            "type": "transcription",
            "transcription_config": {
                "language": "de",
                "model": "standard",
                "additional_vocab": [{"content": "stat"}, {"content": "Ringer"}],
            },
        }
        assert server.seen[0].headers["authorization"] == "Bearer a-key-of-no-value"
        assert server.seen[-1].query == {"format": ["json-v2"]}
        assert said.text == "it works."
        assert said.words == (Word("it", 0.1, 0.2, 0.75), Word("works", 0.25, 0.6, 0.5))

    def test_a_rejected_job_is_refused(self):
        with served(SpeechmaticsService, ["job:unsupported audio"]) as server:
            failed = asked(server, "speechmatics", poll_s=0.01)
        assert isinstance(failed, AdapterError)
        assert failed.kind == "refused"
        assert "unsupported audio" in str(failed)


JOBS = [("assemblyai", AssemblyAIService), ("speechmatics", SpeechmaticsService)]


@needs("httpx")
@pytest.mark.parametrize(("name", "service"), JOBS)
@pytest.mark.parametrize(
    "fault", ["cut", "drop", "garbage", "empty", "poll:500", "poll:cut", "poll:garbage", "poll:429"]
)
def test_a_job_is_paid_for_once_whatever_breaks(name, service, fault):
    with served(service, [fault]) as server:
        assert asked(server, name, times=2, poll_s=0.01).text.rstrip(".") == "it works"
    assert server.faults == {fault: 1}
    assert server.paid == {DIGEST: 1}


@needs("httpx")
@pytest.mark.parametrize(("name", "service"), JOBS)
def test_a_job_that_takes_longer_than_a_call_is_waited_for_by_the_next(name, service):
    with served(service, jobs_run=50) as server:
        first = asked(server, name, poll_s=0.05, timeout_s=0.3)
        assert isinstance(first, TransientError)
        assert first.kind == "timeout"
    with served(service, jobs_run=6) as server:
        assert asked(server, name, times=9, poll_s=0.05, timeout_s=0.3).text.rstrip(".") == "it works"
    assert server.paid == {DIGEST: 1}


@needs("httpx")
@pytest.mark.parametrize(("name", "service"), JOBS)
def test_the_pause_between_two_looks_is_above_zero(name, service):
    with pytest.raises(InputError, match="poll_s"):
        load_engine(name, {"poll_s": 0})


def test_a_retry_has_the_key_of_the_first_attempt_and_asking_once_more_another(monkeypatch):
    """A server that knows the key gives the answer again: right for a retry, wrong for `--repeats`."""
    pytest.importorskip("openai", reason="the engine openai is not installed")
    monkeypatch.setenv("OPENAI_API_KEY", "canary-6f1f0c55")
    (case,) = (case for case in SERVED if case.engine == "openai")
    waveform = Waveform(np.linspace(-0.5, 0.5, 1600, dtype=np.float32), 16_000)
    with FaultServer(case.service, {}, {waveform_digest(waveform): ["500"]}) as server:
        engine = load_engine("openai", case.options_for(server))
        with pytest.raises(TransientError):
            engine.transcribe_batch([waveform])
        engine.transcribe_batch([waveform])
        engine.transcribe_batch([waveform])
        first, retry, again = (dict(request.headers)["idempotency-key"] for request in server.seen)
        engine.close()
    assert first == retry != again
