"""What holds for every engine behind HTTP, against a real server that fails as it is told (`fault_server`)."""

import importlib.util
import logging
import pickle
import traceback
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fault_protocol import Said, planned
from fault_server import FaultServer
from fault_services import SERVED

from asrfair.adapters import engine_class, load_engine
from asrfair.adapters.scripted import waveform_digest
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

CANARY = "canary-5f0c9d41e7b2"


@pytest.fixture(params=SERVED, ids=lambda case: case.engine)
def case(request, monkeypatch):
    for library in engine_class(request.param.engine).LIBRARIES:
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    monkeypatch.setenv(request.param.variable, CANARY)
    return request.param


def heard(seed, seconds=0.3):
    samples = rng_for(seed, "cloud", "test").normal(0, 0.05, round(seconds * 16_000))
    return Waveform(samples.astype(np.float32), 16_000)


@pytest.fixture
def opened():
    engines = []

    def open_one(case, server):
        engine = load_engine(case.engine, case.options_for(server))
        engine.timeout_s = 5.0
        engines.append(engine)
        return engine

    yield open_one
    for engine in engines:
        engine.close()


WORDS = (("Peter", 0.1, 0.4, 0.9), ("got", 0.4, 0.6, 0.8), ("naïve", 0.6, 1.1, 0.25))


def serve(case, waveform, plan=(), **given):
    digest = waveform_digest(waveform)
    return FaultServer(case.service, {digest: Said("Peter got naïve", WORDS)}, {digest: plan}, **given)


def test_it_hears_the_text_and_the_words(case, opened):
    with serve(case, heard(1)) as server:
        engine = opened(case, server)
        (said,) = engine.transcribe_batch([heard(1)])
    assert said.text.rstrip(".") == "Peter got naïve"
    assert [word.text.rstrip(".") for word in said.words] == ["Peter", "got", "naïve"]
    assert [word.confidence for word in said.words] == pytest.approx([0.9, 0.8, 0.25])
    assert said.latency_s > 0
    assert server.paid == {waveform_digest(heard(1)): 1}


def test_nothing_said_is_an_empty_transcript_not_a_failure(case, opened):
    with FaultServer(case.service) as server:
        (said,) = opened(case, server).transcribe_batch([heard(2)])
    assert said.text == ""
    assert not said.words


KINDS = {
    "429": (TransientError, "rate_limit"),
    "500": (TransientError, "server"),
    "503": (TransientError, "server"),
    "408": (TransientError, "timeout"),
    "504": (TransientError, "timeout"),
    "drop": (TransientError, "connection"),
    "cut": (TransientError, "connection"),
    "cut-headers": (TransientError, "connection"),
    "400": (AdapterError, "refused"),
    "413": (AdapterError, "refused"),
    "401": (AdapterError, "denied"),
    "403": (AdapterError, "denied"),
    "garbage": (AdapterError, "malformed"),
    "html": (AdapterError, "malformed"),
    "wrong": (AdapterError, "malformed"),
    "empty": (AdapterError, "empty"),
}


@pytest.mark.parametrize("fault", KINDS)
def test_every_fault_is_the_kind_that_it_is_and_is_not_tried_twice(case, opened, fault):
    kind, name = KINDS[fault]
    if case.has_jobs and fault in ("garbage", "html", "wrong", "empty"):
        kind, name = TransientError, "server"  # asking again for a job costs nothing
    with serve(case, heard(1), [fault]) as server:
        engine = opened(case, server)
        with pytest.raises(kind) as caught:
            engine.transcribe_batch([heard(1)])
        assert type(caught.value) is kind
        assert caught.value.kind == name
        assert server.faults == {fault: 1}
        if fault in ("429", "503"):
            assert caught.value.retry_after_s == 0.05
        if kind is TransientError:
            assert engine.transcribe_batch([heard(1)])[0].text.startswith("Peter got naïve")
            assert server.paid == {waveform_digest(heard(1)): 1}


def test_a_slow_answer_is_a_timeout(case, opened):
    with serve(case, heard(1), ["slow"], slow_s=0.6) as server:
        engine = opened(case, server)
        engine.timeout_s = 0.2
        with pytest.raises(TransientError) as caught:
            engine.transcribe_batch([heard(1)])
    assert caught.value.kind == "timeout"


def test_a_server_that_is_not_there_is_a_connection_that_failed(case, opened):
    with serve(case, heard(1)) as server:
        engine = opened(case, server)
    with pytest.raises(TransientError) as caught:
        engine.transcribe_batch([heard(1)])
    assert caught.value.kind == "connection"


def test_many_threads_each_get_their_own_answer(case, opened):
    waveforms = [heard(number) for number in range(24)]
    answers = {waveform_digest(waveform): Said(f"number {i}") for i, waveform in enumerate(waveforms)}
    with FaultServer(case.service, answers, latency_s=0.02) as server, ThreadPoolExecutor(12) as pool:
        engine = opened(case, server)
        texts = list(pool.map(lambda waveform: engine.transcribe_batch([waveform])[0].text, waveforms))
    assert texts == [f"number {i}" for i in range(24)]
    assert server.most_in_flight > 4
    assert set(server.paid.values()) == {1}


def test_of_many_with_faults_those_fail_that_must_and_none_is_paid_for_twice(case, opened):
    shares = {"429": 0.1, "500": 0.05, "cut": 0.025, "garbage": 0.025, "400": 0.05}
    waveforms = [heard(number, 0.05) for number in range(120)]
    digests = [waveform_digest(waveform) for waveform in waveforms]
    plan = planned(digests, shares)

    def until_it_is_sure(waveform):
        for _ in range(4):
            try:
                return engine.transcribe_batch([waveform])[0].text
            except TransientError:
                continue
            except AdapterError as error:
                return error.kind
        return "transient"

    answers = {digest: Said(f"this is {i}") for i, digest in enumerate(digests)}
    with FaultServer(case.service, answers, plan) as server, ThreadPoolExecutor(8) as pool:
        engine = opened(case, server)
        ends = list(pool.map(until_it_is_sure, waveforms))
    for i, (digest, end) in enumerate(zip(digests, ends, strict=True)):
        fault = plan.get(digest, [""])[0]
        lasting = {"400": "refused"} if case.has_jobs else {"400": "refused", "garbage": "malformed"}
        assert end == lasting.get(fault, f"this is {i}")
    assert server.faults == {"429": 12, "500": 6, "cut": 3, "garbage": 3, "400": 6}
    assert set(server.paid.values()) == {1}
    assert sum(server.paid.values()) == 120 - 6


class _Kept(logging.Handler):
    def __init__(self):
        super().__init__(logging.NOTSET)
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.mark.parametrize("fault", ["401", "400", "429", "500", "cut", "garbage", None])
def test_the_key_is_in_no_message_traceback_or_log(case, opened, fault):
    kept, root = _Kept(), logging.getLogger()
    before = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    texts = kept.lines
    try:
        with serve(case, heard(1), [fault] if fault else []) as server:
            engine = opened(case, server)
            try:
                texts.append(repr(engine.transcribe_batch([heard(1)])))
            except (AdapterError, TransientError) as error:
                texts += [str(error), repr(error), traceback.format_exc(), repr(pickle.loads(pickle.dumps(error)))]
            texts += [repr(engine), repr(engine.describe())]
    finally:
        root.setLevel(before)
        root.removeHandler(kept)
    assert any(CANARY in request.headers["authorization"] for request in server.seen), "the key was never sent"
    assert not [text for text in texts if CANARY in text]
    if fault in ("401", "400", "429", "500"):
        assert any("***" in text for text in texts), "the server echoed the key, and the message says so"


def test_without_credentials_it_says_which(case, monkeypatch):
    monkeypatch.delenv(case.variable)
    with pytest.raises(InputError, match=case.variable):
        load_engine(case.engine, case.options)
    assert case.variable in " ".join(engine_class(case.engine).missing())
    monkeypatch.setenv(case.variable, CANARY)
    assert engine_class(case.engine).missing() == []


@pytest.mark.parametrize("endpoint", ["ftp://x", "http://me:secret@host", "http://host?key=1", "host"])
def test_an_endpoint_with_a_secret_or_no_url_is_refused(case, endpoint):
    with pytest.raises(InputError, match="endpoint") as caught:
        load_engine(case.engine, {**case.options, "endpoint": endpoint})
    assert "secret" not in str(caught.value)


def test_what_changes_the_output_is_in_its_description(case, opened):
    with serve(case, heard(1)) as server:
        info = opened(case, server).describe()
    assert info.name == case.engine
    assert not info.deterministic
    assert info.options["endpoint"] == server.url + case.path
    assert info.options["model"] in info.version


def test_broken_audio_is_never_sent(case, opened):
    with serve(case, heard(1)) as server:
        engine = opened(case, server)
        for waveform in (Waveform(np.zeros(0, np.float32), 16_000), Waveform(np.full(9, np.nan, np.float32), 16_000)):
            with pytest.raises(AdapterError, match="empty or not finite"):
                engine.transcribe_batch([waveform])
    assert not server.seen
