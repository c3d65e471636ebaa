"""Models exported to ONNX through onnx-asr: NeMo (Parakeet, Canary, Conformer), GigaAM, Kaldi, T-one, Whisper.

`model` is one of its names (`nemo-parakeet-tdt-0.6b-v2`: from the hub), a hub name, or with `path` the type of the
model in that folder (`nemo-conformer-ctc`). Decoding is greedy. Words have times, and the probability that the model
gives to their pieces, for CTC and transducer models; Whisper and Canary give text alone.

By default each utterance is decoded by itself. With `batch_size` above 1 they are padded to the longest of the batch,
which may change a text (Canary goes on writing until the last of a batch has ended); the description says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import at_least, checked_folder, folder_sha256, one_of
from asrfair.adapters._words import words_of
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TooLargeError
from asrfair.records import SystemInfo, Transcript, Waveform

NAME = "onnx-asr"
SHORTEST_S = 0.1
"""What is shorter is padded with silence: features are normalised over time, which one frame does not allow."""
WINDOW_S = 30.0
"""What Whisper and Canary hear at once."""
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
FULL = ("failed to allocate memory", "out of memory")


class OnnxAsr(Adapter):
    """A model through onnx-asr.

    Args:
        model: name, hub name or type; see the module.
        path: folder with the model's files; None for the hub.
        revision: commit, tag or branch on the hub; the commit that it stands for is recorded.
        quantization: `int8` and the like: which files are taken; None for those without.
        language: code such as `en`, for Whisper and Canary; None for what they take it to be.
        batch_size: how many utterances are decoded at once; see the module.
        device: `auto`, `cpu` or `cuda` (with onnxruntime-gpu).
        threads: for one call; 0 leaves it to onnxruntime.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a model that cannot be loaded, or an option that it does not take.
    """

    EXTRA: ClassVar[str] = "onnx"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("onnx_asr", "onnxruntime")
    on_gpu: ClassVar[bool] = True

    def __init__(
        self,
        model: str,
        path: str | None = None,
        revision: str | None = None,
        quantization: str | None = None,
        language: str | None = None,
        batch_size: int = 1,
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        try:
            import onnx_asr
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError(f"the engine {NAME}", self.EXTRA) from error
        at_least(NAME, 1, batch_size=batch_size)
        at_least(NAME, 0, threads=threads)
        one_of(NAME, "device", device, ("auto", *PROVIDERS))
        if path is not None and revision is not None:
            raise InputError(f"the engine {NAME}: revision={revision} is for hub models, and path={path} is a folder")
        onnxruntime.disable_telemetry_events()
        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads, session.log_severity_level = threads, 3
        providers = _providers(device, onnxruntime.get_available_providers())
        try:
            folder, commit, sha256 = _found(model, path, revision, quantization)
            loaded = onnx_asr.load_model(
                model, folder, quantization=quantization, sess_options=session, providers=providers
            )
        except InputError:
            raise
        except Exception as error:  # The package, the hub's client and onnxruntime raise their own.
            raise InputError(f"the engine {NAME} cannot load model={model}, path={path}: {error}") from error
        self._model: Any = loaded.with_timestamps()
        if type(loaded.asr).__name__.startswith(("Whisper", "NemoConformerAED")):
            self.longest_s = WINDOW_S
        elif language is not None:
            raise InputError(f"the engine {NAME}: model={model} takes no language; Whisper and Canary do")
        self.batch_size = batch_size
        self._asked = {} if language is None else {"language": language}
        self._options: dict[str, str | int | float | bool | None] = {
            "model": model,
            "revision": commit,
            "model_sha256": sha256,
            "quantization": quantization,
            "language": language,
            "padded_batches": batch_size > 1,
        }

    def describe(self) -> SystemInfo:
        """Versions, and the model's name, commit and digest, quantisation and language."""
        version = f"{metadata.version('onnx-asr')} (onnxruntime {metadata.version('onnxruntime')})"
        return SystemInfo(NAME, version, self._options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode `batch_size` waveforms at a time, one by default."""
        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
            if self.longest_s is not None and waveform.duration_s > self.longest_s:
                raise AdapterError(f"the waveform has {waveform.duration_s:g} s; the model hears {self.longest_s:g} s")
        said: list[Transcript] = []
        for begin in range(0, len(batch), self.batch_size):
            said += self._decode(batch[begin : begin + self.batch_size])
        return said

    def _decode(self, batch: Sequence[Waveform]) -> list[Transcript]:
        shortest = round(SHORTEST_S * self.sample_rate_hz)
        padded = [np.pad(w.samples, (0, max(0, shortest - len(w.samples)))) for w in batch]
        try:
            results = self._model.recognize(padded, **self._asked)
        except Exception as error:
            raise _failure(error) from error
        return [_transcript(result) for result in results]


def _transcript(result: Any) -> Transcript:
    """Text and, where the model gives times, words."""
    text = result.text.strip()
    if result.timestamps is None or result.tokens is None:
        return Transcript(text)
    words = words_of(result.tokens, result.timestamps, None, result.logprobs)
    return Transcript(text, words if words or not text else None)


def _failure(error: Exception) -> EngineError:
    """What an error of onnxruntime means."""
    if any(sign in str(error).lower() for sign in FULL):
        return TooLargeError(f"onnxruntime: {error}")
    return AdapterError(f"onnx-asr: {type(error).__name__}: {error}")


def _providers(device: str, available: Sequence[str]) -> list[str]:
    """What runs the model; onnxruntime itself would go on with the CPU in silence."""
    if device == "auto":
        return [name for name in (PROVIDERS["cuda"], PROVIDERS["cpu"]) if name in available]
    if PROVIDERS[device] not in available:
        raise InputError(f"the engine {NAME}: this onnxruntime has no {device}: pip install onnxruntime-gpu")
    return [PROVIDERS[device]]


def _found(
    model: str, path: str | None, revision: str | None, quantization: str | None
) -> tuple[Path, str | None, str]:
    """The model's folder, its commit if it is from the hub, and the digest of the files that are used."""
    from onnx_asr.loader import create_asr_resolver

    if path is not None:
        folder, commit = checked_folder(NAME, path), None
    else:
        import huggingface_hub

        resolver = create_asr_resolver(model)
        names = [name.removeprefix("**/") for name in resolver.model_type._get_model_files(quantization).values()]
        wanted = [pattern for name in names for pattern in (name, f"**/{name}", f"{name}?data", f"**/{name}?data")]
        folder = Path(
            huggingface_hub.snapshot_download(
                str(resolver.repo_id), revision=revision, allow_patterns=["config.json", "config.yaml", *wanted]
            )
        )
        commit = folder.name
    used = create_asr_resolver(model, folder).resolve_model(quantization=quantization).values()
    places = [file.relative_to(folder).as_posix() for file in used]
    return folder, commit, folder_sha256(folder, [*places, *(f"{place}?data" for place in places)])
