"""Models of Hugging Face transformers, run here: CTC, Whisper, transducers, and models that generate text from audio.

The library's `pipeline` is not used: it pads in the order of the manifest, decodes what a CTC model says in the padding
(which changed 112 of 120 texts of one model), and makes features on the CPU. Here every kind of model has a loop of its
own (`_transformers_ctc`, `_transformers_whisper`, `_transformers_generate`) whose batches give the texts of one by one.
Decoding is greedy and without sampling unless asked otherwise.

A model is a folder or a repository of the hub at one commit; `describe` has the commit, or the digest of the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._ctc import CPU_PADDING
from asrfair.errors import InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform

ATTENTION = ("sdpa", "eager", "flash_attention_2")
MOST_BEAMS = 20


class Transformers(Adapter):
    """A speech recogniser of transformers.

    Args:
        model: folder, or repository of the hub, e.g. `openai/whisper-large-v3`.
        revision: branch, tag or commit of the repository; None for its main branch. The commit is recorded.
        language: spoken language, e.g. `en` (MMS: `eng`); None for the model's own way.
        task: `transcribe`, or `translate` (into English; Whisper alone).
        prompt: words to bias the model with, where it takes them.
        dtype: `float32`, `bfloat16` or `float16`; `auto` is bfloat16 on a GPU, float32 on the CPU.
        attention: `sdpa`, `eager` or `flash_attention_2` (needs its package); None for the library's choice.
        compile: compile the model with `torch.compile`: slow to start, faster after.
        device: `auto`, `cpu` or `cuda`.
        num_beams: beams of the search; 1 is greedy. Not for CTC and transducers.
        max_new_tokens: the most tokens of an answer (Whisper: of a window); None for the model's own limit or 256.
        fallback: Whisper: decode failed windows again with sampling, as its authors do; then texts may vary.
        word_times: Whisper: find the times of words (CTC and TDT models give them anyway).
        confidences: Whisper: give the confidences of words (CTC models give them anyway).
        batch_unmasked: also batch models whose texts may then depend on what else is in the batch.
        batch_size: the most waveforms at once; None for what suits the model and device.
        batch_audio_s: the most seconds of audio at once, padding included; None for what suits.
        longest_s: longest audio that is not cut by the runner, seconds; None for what suits the model.
        local_files_only: never ask the hub; use what is on this machine.

    Raises:
        MissingExtraError: torch or transformers is not installed.
        InputError: an option outside its range, or a model that cannot be loaded.
    """

    EXTRA: ClassVar[str] = "torch"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("torch", "transformers")
    on_gpu: ClassVar[bool] = True

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        language: str | None = None,
        task: str = "transcribe",
        prompt: str | None = None,
        dtype: str = "auto",
        attention: str | None = None,
        compile: bool = False,
        device: str = "auto",
        num_beams: int = 1,
        max_new_tokens: int | None = None,
        fallback: bool = False,
        word_times: bool = False,
        confidences: bool = False,
        batch_unmasked: bool = False,
        batch_size: int | None = None,
        batch_audio_s: float | None = None,
        longest_s: float | None = None,
        local_files_only: bool = False,
    ) -> None:
        from asrfair.adapters import _torch, _transformers_hub

        try:
            import torch  # noqa: F401 - to say at once that it is missing

            self._library = _transformers_hub.quiet_import()
        except ImportError as error:
            raise MissingExtraError("the engine transformers", "torch") from error
        _check(attention, num_beams, max_new_tokens, batch_size=batch_size, seconds=(batch_audio_s, longest_s))
        self._device = _torch.choose_device("transformers", device)
        precision = _torch.choose_precision("transformers", dtype, self._device)
        self._source = _transformers_hub.find_source(model, revision, local_files_only)
        loading: dict[str, Any] = {"dtype": precision}
        if attention is not None:
            loading["attn_implementation"] = attention
        self._options: dict[str, Any] = {
            "language": language,
            "task": task,
            "prompt": prompt,
            "num_beams": num_beams,
            "max_new_tokens": max_new_tokens,
            "fallback": fallback,
            "word_times": word_times,
            "confidences": confidences,
            "batch_unmasked": batch_unmasked,
        }
        config = self._source.load(self._library.AutoConfig.from_pretrained)
        self._model: Any = self._make(config, loading)
        self._compile = compile
        if compile:
            self._compile_model()
        self.sample_rate_hz = self._model.sample_rate_hz
        self.batch_size = batch_size or self._model.batch_size
        self.batch_audio_s = batch_audio_s or self._model.batch_audio_s
        self.most_padding = CPU_PADDING if self._device.type == "cpu" else None
        self.longest_s = longest_s or self._model.longest_s

    def _make(self, config: Any, loading: dict[str, Any]) -> Any:
        """The loop for a model of this configuration."""
        from asrfair.adapters import _transformers_ctc, _transformers_generate, _transformers_whisper

        options = dict(self._options)
        is_batched = options.pop("batch_unmasked")
        if config.model_type == "whisper":
            return _transformers_whisper.WhisperModel(self._source, loading, self._device, **options)
        for name in ("fallback", "word_times", "confidences"):
            if options.pop(name):
                raise InputError(f"the engine transformers: {name}=true is for Whisper, not for {config.model_type}")
        if options.pop("task") != "transcribe":
            raise InputError(f"the engine transformers: task=translate is for Whisper, not for {config.model_type}")
        if type(config) in self._library.MODEL_FOR_CTC_MAPPING:
            if options["prompt"] is not None or options["num_beams"] != 1 or options["max_new_tokens"] is not None:
                raise InputError("the engine transformers: a CTC model takes no prompt, num_beams or max_new_tokens")
            language = options["language"]
            return _transformers_ctc.CtcModel(self._source, config, loading, self._device, language, is_batched)
        return _transformers_generate.GeneratingModel(
            self._source, config, loading, self._device, is_batched=is_batched, **options
        )

    def _compile_model(self) -> None:
        """Compile what is run for every batch; a generating model's encoder, and its decoder by a static cache."""
        network = self._model.model
        if hasattr(network, "generation_config") and network.can_generate():
            network.generation_config.cache_implementation = "static"
            network.get_encoder().compile(dynamic=True)
        else:
            network.compile(dynamic=True)

    def describe(self) -> SystemInfo:
        """Library version; model with its commit or the digest of its files; precision, attention and decoding."""
        network = self._model.model
        folder = self._source.sha256 is not None
        options = {
            "model": self._source.given.replace("\\", "/").rstrip("/").rpartition("/")[2]
            if folder
            else self._source.given,
            "revision": self._source.commit,
            "model_sha256": self._source.sha256,
            "family": network.config.model_type,
            "dtype": str(network.dtype).removeprefix("torch."),
            "attention": network.config._attn_implementation,
            "compile": self._compile,
            "longest_s": self.longest_s,
            **self._options,
        }
        is_sure = not self._options["fallback"]
        return SystemInfo("transformers", self._library.__version__, options, deterministic=is_sure)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Transcribe a batch; each text is what the model says of that waveform alone."""
        from asrfair.adapters._torch import run_guarded

        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
        found: list[Transcript] = run_guarded("transformers", lambda: self._model.transcribe(batch)) if batch else []
        return found

    def close(self) -> None:
        """Give the model's memory back."""
        import torch

        self._model = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def _check(
    attention: str | None,
    num_beams: int,
    max_new_tokens: int | None,
    *,
    batch_size: int | None,
    seconds: tuple[float | None, float | None],
) -> None:
    """Refuse options outside their ranges, before anything is loaded."""
    if attention is not None and attention not in ATTENTION:
        raise InputError(f"the engine transformers: attention={attention} is not one of {', '.join(ATTENTION)}")
    if not 1 <= num_beams <= MOST_BEAMS:
        raise InputError(f"the engine transformers: num_beams={num_beams} is not 1 to {MOST_BEAMS}")
    for name, value in {"max_new_tokens": max_new_tokens, "batch_size": batch_size}.items():
        if value is not None and value < 1:
            raise InputError(f"the engine transformers: {name}={value} is not 1 or more")
    for name, length_s in zip(("batch_audio_s", "longest_s"), seconds, strict=True):
        if length_s is not None and not length_s > 0:
            raise InputError(f"the engine transformers: {name}={length_s} is not above 0 seconds")
