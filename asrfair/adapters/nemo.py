"""NVIDIA NeMo's recognisers (Parakeet, Canary, Conformer, FastConformer); bring your own installation.

NeMo is 5 GB with pins of its own, so that no extra of asrfair installs it: make an environment for it, and put asrfair
there. `model` is a `.nemo` file, a hub name (`nvidia/parakeet-tdt-0.6b-v2`) or one of NVIDIA's catalogue
(`stt_en_conformer_ctc_small`). Written from NeMo's documentation (versions 2.3 and later); not tested here.

A word's confidence is the product of its tokens' highest probabilities (`max_prob`, power 1). By default each
utterance is decoded by itself; with `batch_size` above 1 they are padded, and the description says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import at_least, folder_sha256, one_of
from asrfair.errors import AdapterError, EngineError, InputError, TooLargeError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

NAME = "nemo"
REMEDY = "install NeMo in an environment of its own, and asrfair with it: pip install 'nemo_toolkit[asr]' asrfair"
LONGEST_AED_S = 40.0
"""What Canary was trained on; what is longer it cuts off or invents."""


class Nemo(Adapter):
    """A recogniser of NVIDIA NeMo.

    Args:
        model: `.nemo` file, hub name or name in NVIDIA's catalogue.
        revision: commit, tag or branch of a hub model; the commit that it stands for is recorded.
        language: code such as `en`, for Canary; None for the model's default, English.
        timestamps: ask for the words' times (Canary: newer models only).
        confidence: ask for the words' confidences (CTC and transducer models).
        batch_size: how many utterances are decoded at once; see the module.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        InputError: NeMo is not installed, a model that cannot be loaded, or an option that it does not take.
    """

    LIBRARIES: ClassVar[tuple[str, ...]] = ("nemo",)
    holds_gil: ClassVar[bool] = True
    on_gpu: ClassVar[bool] = True

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        language: str | None = None,
        timestamps: bool = True,
        confidence: bool = True,
        batch_size: int = 1,
        device: str = "auto",
    ) -> None:
        at_least(NAME, 1, batch_size=batch_size)
        one_of(NAME, "device", device, ("auto", "cpu", "cuda"))
        try:
            import torch
            from nemo.collections.asr.models import ASRModel, EncDecMultiTaskModel
        except ImportError as error:
            raise InputError(f"the engine {NAME}: {REMEDY}") from error
        where = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        try:
            file, commit = _found(model, revision)
            if file is None:
                loaded = ASRModel.from_pretrained(model_name=model, map_location=where)
            else:
                loaded = ASRModel.restore_from(str(file), map_location=where)
        except InputError:
            raise
        except Exception as error:  # NeMo, the hub's client and torch raise their own.
            raise InputError(f"the engine {NAME} cannot load model={model} on device={where}: {error}") from error
        self._model: Any = loaded.eval()
        several = isinstance(loaded, EncDecMultiTaskModel)
        if language is not None and not several:
            raise InputError(f"the engine {NAME}: model={model} takes no language; Canary does")
        self._confidence = confidence and not several
        if self._confidence:
            _ask_for_confidence(self._model)
        self._asked: dict[str, Any] = {"timestamps": timestamps}
        if language is not None:
            self._asked |= {"source_lang": language, "target_lang": language}
        self.batch_size, self.longest_s = batch_size, LONGEST_AED_S if several else None
        self._options: dict[str, str | int | float | bool | None] = {
            "model": None if file is not None and commit is None else model,
            "revision": commit,
            "model_sha256": None if file is None else folder_sha256(file),
            "language": language,
            "timestamps": timestamps,
            "confidence": self._confidence,
            "padded_batches": batch_size > 1,
        }

    @classmethod
    def missing(cls) -> list[str]:
        """What is to be installed; there is no extra for it."""
        return [] if find_spec("nemo") is not None else [REMEDY]

    def describe(self) -> SystemInfo:
        """NeMo's version, the model's name, commit and digest, and what was asked for."""
        return SystemInfo(NAME, f"nemo_toolkit {metadata.version('nemo_toolkit')}", self._options)

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
        try:
            results = self._model.transcribe(
                [waveform.samples for waveform in batch],
                batch_size=len(batch),
                return_hypotheses=True,
                num_workers=0,
                verbose=False,
                **self._asked,
            )
        except Exception as error:
            raise _failure(error) from error
        found = best_of(results)
        if len(found) != len(batch):
            raise AdapterError(f"NeMo gave {len(found)} texts for {len(batch)} waveforms", kind="malformed")
        return [transcript_of(hypothesis) for hypothesis in found]


def best_of(results: Any) -> list[Any]:
    """The best hypothesis of each waveform: transducers give (best, all) in some versions, beam searches lists."""
    listed = results[0] if isinstance(results, tuple) else results
    return [each[0] if isinstance(each, list) else each for each in listed]


def transcript_of(hypothesis: Any) -> Transcript:
    """A hypothesis of NeMo as a transcript; confidences that are not one a word are left out.

    Args:
        hypothesis: has `text`, and may have `timestamp` (`{"word": [{"word", "start", "end"}]}`, seconds) and
            `word_confidence`.
    """
    text = str(hypothesis.text).strip()
    stamps = getattr(hypothesis, "timestamp", None)
    listed = stamps.get("word", []) if isinstance(stamps, dict) else []
    confidences = getattr(hypothesis, "word_confidence", None)
    if confidences is None or len(confidences) != len(listed):
        confidences = [None] * len(listed)
    words = tuple(
        Word(
            str(stamp["word"]),
            float(stamp["start"]),
            float(stamp["end"]),
            None if confidence is None else min(1.0, max(0.0, float(confidence))),
        )
        for stamp, confidence in zip(listed, confidences, strict=True)
    )
    return Transcript(text, words if words or not text else None)


def _ask_for_confidence(model: Any) -> None:
    """Have the decoder keep its probabilities; those of transducers need the alignments too."""
    from nemo.collections.asr.parts.utils.asr_confidence_utils import ConfidenceConfig, ConfidenceMethodConfig
    from omegaconf import OmegaConf, open_dict

    wanted = ConfidenceConfig(
        preserve_token_confidence=True,
        preserve_word_confidence=True,
        exclude_blank=True,
        aggregation="prod",
        method_cfg=ConfidenceMethodConfig(name="max_prob", alpha=1.0),
    )
    decoding = model.cfg.decoding
    with open_dict(decoding):
        decoding.confidence_cfg = OmegaConf.structured(wanted)
        decoding.preserve_alignments = True
    model.change_decoding_strategy(decoding)


def _found(model: str, revision: str | None) -> tuple[Path | None, str | None]:
    """The model's file and, for a hub model, its commit; no file for a name in NVIDIA's catalogue."""
    if "/" not in model or Path(model).exists() or model.endswith(".nemo"):
        if revision is not None:
            raise InputError(f"the engine {NAME}: revision={revision} is for hub models, and model={model} is none")
        if model.endswith(".nemo") and not Path(model).is_file():
            raise InputError(f"the engine {NAME}: model={model} does not exist")
        return (Path(model) if Path(model).is_file() else None), None
    import huggingface_hub

    folder = Path(huggingface_hub.snapshot_download(model, revision=revision, allow_patterns=["*.nemo"]))
    files = sorted(folder.glob("*.nemo"))
    if len(files) != 1:
        raise InputError(f"the engine {NAME}: model={model} has {len(files)} .nemo files, not one; give a file")
    return files[0], folder.name


def _failure(error: Exception) -> EngineError:
    """What an error of NeMo or torch means."""
    if "out of memory" in str(error).lower():
        return TooLargeError(f"NeMo: {error}")
    return AdapterError(f"NeMo: {type(error).__name__}: {error}")
