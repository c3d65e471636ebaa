"""Servers, addresses and credentials as bad as they come: a key is neither quoted nor carried to another host."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from asrfair.adapters import load_engine
from asrfair.adapters._cloud import check_endpoint
from asrfair.errors import AdapterError, EngineError, InputError
from asrfair.records import Waveform

CANARY = "canary-0b7f52d1c9ae"
ENGINES = {"openai": "openai", "deepgram": "deepgram", "assemblyai": "httpx", "speechmatics": "httpx"}
ENGINES["azure-speech"] = "azure.ai.transcription"
KEYS = {name: f"{name.upper().replace('-', '_')}{'' if name == 'azure-speech' else '_API'}_KEY" for name in ENGINES}
WAVEFORM = Waveform(np.zeros(1600, np.float32), 16_000)


@pytest.fixture(params=sorted(ENGINES))
def engine(request, monkeypatch):
    pytest.importorskip(ENGINES[request.param], reason=f"the library of {request.param} is not installed")
    monkeypatch.setenv(KEYS[request.param], CANARY)
    return request.param


@contextmanager
def server(answer):
    """A server that gives every request to `answer(handler)`; yields its address and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(dict(self.headers.items()))
            answer(self)

        do_GET = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", asked
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def says(status, body=b"{}", **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def ask(engine, endpoint):
    loaded = load_engine(engine, {"endpoint": endpoint})
    loaded.timeout_s = 5.0
    try:
        return loaded.transcribe_batch([WAVEFORM])
    finally:
        loaded.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_refusal_and_takes_neither_key_nor_recording_along(engine, status):
    with server(says(200, b'{"text": "stolen"}')) as (elsewhere, carried):
        to = elsewhere.replace("127.0.0.1", "localhost") + "/v1/audio"
        with server(says(status, b"", Location=to)) as (here, asked), pytest.raises(AdapterError) as refused:
            ask(engine, here)
    assert refused.value.kind == "refused"
    assert len(asked) == 1
    assert carried == []


@pytest.mark.parametrize("blemish", ["\n", "\r", " ", "\n52d1", "\u00e9"])
def test_a_credential_that_no_header_can_hold_is_refused_and_not_quoted(engine, blemish, monkeypatch):
    monkeypatch.setenv(KEYS[engine], CANARY + blemish)
    with pytest.raises(InputError, match=KEYS[engine]) as refused:
        ask(engine, "http://127.0.0.1:1/v1")
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1",
        "http://",
        "http:///v1",
        "://",
        "none at all",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://127.0.0.1:abc",
        "http://[::1",
        "http://127.0.0.1:1\n/v1",
        "http://127.0.0.1:1/\0",
        "http://exa mple",
        "http://" + "a" * 70_000,
        "http://user:canary@127.0.0.1",
        "http://canary\\@127.0.0.1",
        "http://127.0.0.1?key=canary",
        "http://127.0.0.1#canary",
    ],
)
def test_an_endpoint_that_is_none_or_would_publish_a_secret_is_refused_and_not_quoted(url):
    with pytest.raises(InputError, match="endpoint") as refused:
        check_endpoint("some", url)
    assert "canary" not in str(refused.value)


def test_an_endpoint_keeps_its_path():
    assert check_endpoint("some", "https://[::1]:8000/v1/") == "https://[::1]:8000/v1"
    assert check_endpoint("some", None) is None


@pytest.mark.parametrize("status", [204, 206, 304, 418, 499, 511, 599, 999])
def test_odd_statuses_are_failures_and_an_echoed_key_is_cut_out(engine, status):
    body = b"" if status in (204, 304) else b'{"error": {"message": "your key is ' + CANARY.encode() + b'"}}'
    with server(says(status, body)) as (here, asked), pytest.raises(EngineError) as failed:
        ask(engine, here)
    assert CANARY not in str(failed.value)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"[" * 100_000, {}),
        (b"no gzip", {"Content-Encoding": "gzip"}),
        (b'{"text": ' + b"9" * 10_000 + b"}", {}),
        (b'{"text": 7, "results": 7, "combinedPhrases": 7}', {}),
    ],
)
def test_a_body_that_is_no_answer_is_the_utterances_failure(engine, body, headers):
    with server(says(200, body, **headers)) as (here, _), pytest.raises(EngineError):
        ask(engine, here)


@pytest.mark.parametrize("option", ["grammar", "lm", "dictionary", "hmm"])
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_refused(option, tmp_path):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    path = tmp_path
    if option == "hmm":
        path = tmp_path / "file"
        path.write_text("no model")
    with pytest.raises(InputError, match=f"{option}=.* is not a {'folder' if option == 'hmm' else 'file'}"):
        load_engine("pocketsphinx", {option: str(path)})


@pytest.mark.parametrize("text", [b"not a model", b"", b"\xff\0\n\n  \n", b"word\nother NOSUCHPHONE\n"])
def test_a_dictionary_without_a_word_is_refused_for_everything_would_be_silence(text, tmp_path):
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    path = tmp_path / "words.dict"
    path.write_bytes(text)
    with pytest.raises(InputError, match="has no word"):
        load_engine("pocketsphinx", {"dictionary": str(path)})
    path.write_text("hello HH AH L OW\n")
    load_engine("pocketsphinx", {"dictionary": str(path)})
