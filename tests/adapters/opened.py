"""Every engine, opened as the contract wants it: over a tiny model made on the spot, or over a server on loopback.

A new engine gets an entry in `OPENERS` here. The servers say to each waveform what names it (`named`), so that an
answer that was given to somebody else shows.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_protocol import Said, digest_of_wav
from fault_server import FaultServer
from fault_services import SERVED

from asrfair.adapters import Adapter, load_engine
from asrfair.adapters._cloud import as_wav
from asrfair.records import Waveform

CANARY = "canary-5f0c9d41e7b2-5f0c9d41e7b2"
TRAINED = Path(__file__).parent.parent / "data" / "tiny_ctc" / "model"
NEMO_METADATA = {"vocab_size": 11, "subsampling_factor": 4, "normalize_type": "per_feature"}


@dataclass
class Setting:
    """What an engine is opened with.

    Attributes:
        options: of its constructor.
        requests: how many requests came to the server so far; None where there is no server.
        secrets: what nothing may say.
    """

    options: dict[str, Any]
    requests: Callable[[], int] | None = None
    secrets: tuple[str, ...] = ()


@dataclass
class Opened:
    """An engine and its setting."""

    name: str
    engine: Adapter
    setting: Setting

    def another(self):
        """The same engine, opened once more."""
        return load_engine(self.name, self.setting.options)


@dataclass(frozen=True)
class Opener:
    """How an engine is opened: `setting(folder)` is a context manager; `needs` are modules beside the engine's own."""

    setting: Callable[[Path], Any]
    needs: tuple[str, ...] = ()


def named(wav):
    """The text that names the audio in a WAV file."""
    return f"heard {digest_of_wav(wav)}"


def named_pcm(data):
    """The same of 16-bit samples at 16 kHz, without the header."""
    return named(as_wav(Waveform(np.frombuffer(data, "<i2").astype(np.float32) / 32767, 16_000)))


def local(make):
    """A setting without a server: `make(folder)` gives the options."""

    @contextmanager
    def setting(folder):
        yield Setting(make(folder))

    return setting


def of_torch(make):
    """The same with PyTorch on one thread."""

    def options(folder):
        import_module("torch").set_num_threads(1)
        return make(folder) | {"device": "cpu"}

    return local(options)


def _ct2(folder):
    model = import_module("tiny_ct2").write_ct2(folder)
    return {"model": model, "device": "cpu", "cpu_threads": 1, "beam_size": 1}


def _onnx(folder):
    path = import_module("tiny_onnx").write_ctc(folder / "model", "<blk>")
    return {"model": "nemo-conformer-ctc", "path": path, "device": "cpu", "threads": 1}


def _sherpa(folder):
    model = import_module("tiny_onnx").write_ctc(folder / "model", "<blk>", **NEMO_METADATA)
    return {"model": model, "kind": "nemo_ctc"}


def _ggml(folder):
    return {"model": import_module("tiny_ggml").write_ggml(folder / "tiny.bin"), "threads": 1}


def _kaldi(folder):
    return {"model": import_module("tiny_kaldi").write_kaldi(folder / "model")}


def _torchaudio(folder):
    return {"weights": import_module("tiny_torchaudio").make_file(folder / "tiny.pt", "layer_norm")}


class _Naming(FaultServer):
    """Says to each waveform what names it."""

    def said(self, digest):
        return Said(f"heard {digest}")


def served(case):
    """A setting over `fault_services`."""

    @contextmanager
    def setting(folder):
        with pytest.MonkeyPatch.context() as patch, _Naming(case.service) as server:
            patch.setenv(case.variable, CANARY)
            yield Setting(case.options_for(server), lambda: len(server.seen), (CANARY,))

    return setting


@contextmanager
def _aws(folder):
    server = import_module("aws_server")

    def transcript(wav):
        return json.dumps({"results": {"transcripts": [{"transcript": named(wav)}], "items": []}}).encode()

    with server.amazon_in(folder) as amazon:
        amazon.transcript = transcript
        yield Setting(
            amazon.options(), lambda: len(amazon.door.asked), tuple(import_module("aws_keys").CANARY.values())
        )


@contextmanager
def _aws_streaming(folder):
    keys, server = import_module("aws_keys"), import_module("aws_stream_server")
    with keys.signed_in(folder), ExitStack() as stack:
        service = server.Streaming()
        stack.callback(service.close)
        service.answer = lambda audio: [server.result(named_pcm(audio), [])]
        options = {"region": "eu-west-1", "endpoint": service.url, "pace": 0}
        yield Setting(options, lambda: len(service.paths), tuple(keys.CANARY.values()))


@contextmanager
def _google(folder):
    service = import_module("google_server").Grpc()
    service.answer = lambda request: {"results": [{"alternatives": [{"transcript": named(request.content)}]}]}
    yield Setting({"project": "audits", "endpoint": service.url}, lambda: len(service.asked))
    service.close()


@contextmanager
def _azure(folder):
    server, faults = import_module("azure_server"), import_module("http_faults")

    def answer(asked):
        text = named(server.parts(asked)["audio"])
        return server.answer({"durationMilliseconds": 1, "combinedPhrases": [{"text": text}], "phrases": []})

    service = faults.FaultServer(answer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_SPEECH_KEY", server.CANARY)
        yield Setting({"endpoint": service.url}, lambda: len(service.asked), (server.CANARY,))
    service.close()


@contextmanager
def _azure_streaming(folder):
    server = import_module("azure_stream_server")
    service = server.Speech()
    service.phrases = lambda audio: [server.phrase(named_pcm(audio[44:]), [])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_SPEECH_KEY", CANARY)
        yield Setting({"endpoint": service.url}, lambda: len(service.opened), (CANARY,))
    service.server.shutdown()


OPENERS = {
    "aws_streaming": Opener(_aws_streaming),
    "aws_transcribe": Opener(_aws, needs=("moto.server",)),
    "azure_speech": Opener(_azure),
    "azure_streaming": Opener(_azure_streaming, needs=("websockets",)),
    "faster_whisper": Opener(local(_ct2), needs=("torch", "transformers")),
    "google_speech": Opener(_google, needs=("grpc_status",)),
    "onnx_asr": Opener(local(_onnx), needs=("onnx",)),
    "pocketsphinx": Opener(local(lambda folder: {})),
    "scripted": Opener(local(lambda folder: {"text": "hello"})),
    "sherpa_onnx": Opener(local(_sherpa), needs=("onnx",)),
    "torchaudio": Opener(of_torch(_torchaudio), needs=("transformers",)),
    "transformers": Opener(of_torch(lambda folder: {"model": str(TRAINED)})),
    "vosk": Opener(local(_kaldi)),
    "whisper_cpp": Opener(local(_ggml)),
    **{case.engine: Opener(served(case)) for case in SERVED},
}
UNOPENED = {"nemo": "5 GB with pins of its own, in no extra; test_adapters_nemo.py holds what can be held without it"}


@contextmanager
def opened(name, folder):
    """The engine `name`, loaded; closed at the end.

    Args:
        name: as `available_engines` has it.
        folder: an empty one for models.
    """
    with OPENERS[name].setting(folder) as setting:
        made = Opened(name, load_engine(name, setting.options), setting)
        made.engine.timeout_s = 10.0
        yield made
        made.engine.close()
