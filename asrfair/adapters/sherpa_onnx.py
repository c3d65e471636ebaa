"""Models of next-gen Kaldi and others through sherpa-onnx, on the CPU: transducers, CTC, Paraformer, Whisper and more.

A model is a folder with `tokens.txt` and one to four ONNX files. Which kind it is follows from the files' names where
they tell (a joiner: a transducer; a pre-processor: Moonshine); a single `model.onnx` may be of many kinds, so that
`kind` must say. The library ends the process when a file is not what it should be; so a model is loaded in a process
of its own first, and what that says is the message.

By default each utterance is decoded by itself. With `batch_size` above 1 they are padded to the longest of the batch,
which may change the text of models that do not mask the padding; the description says that they were. Features are
computed with Python's lock held (1.5 ms a second of audio), the network without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import at_least, checked_folder, folder_sha256, one_of, try_loading
from asrfair.adapters._words import words_of
from asrfair.errors import AdapterError, InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform

NAME = "sherpa-onnx"
SHORTEST_S = 0.1
"""What is shorter is padded with silence: it has no frame of features."""
PROBE = "import json, sys, sherpa_onnx as s; a = json.loads(sys.argv[1]); getattr(s.OfflineRecognizer, a[0])(**a[1])"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of model is loaded.

    Attributes:
        made_by: the constructor.
        files: its argument -> names of files, the first that is there; `.int8` goes in before the ending.
        fixed: further arguments.
        language: the arguments that take the option `language`.
        longest_s: what is longer the library cuts off, or the model cannot hear.
        biased: whether it knows hotwords.
    """

    made_by: str
    files: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str] = field(default_factory=dict)
    language: tuple[str, ...] = ()
    longest_s: float | None = None
    biased: bool = False


TOKENS = {"tokens": ("tokens.txt", "*-tokens.txt")}
ONE = {"model": ("model.onnx", "model*.onnx", "*.onnx"), **TOKENS}
TWO = {"encoder": ("encoder.onnx", "*encoder*.onnx"), "decoder": ("decoder.onnx", "*decoder*.onnx"), **TOKENS}
KINDS = {
    "transducer": _Kind("from_transducer", {**TWO, "joiner": ("*joiner*.onnx",)}, {"model_type": ""}, biased=True),
    "moonshine": _Kind(
        "from_moonshine",
        {
            "preprocessor": ("preprocess*.onnx",),
            "encoder": ("encode*.onnx",),
            "uncached_decoder": ("uncached_decode*.onnx",),
            "cached_decoder": ("cached_decode*.onnx",),
            **TOKENS,
        },
        longest_s=30.0,
    ),
    "whisper": _Kind("from_whisper", TWO, language=("language",), longest_s=29.0),
    "nemo_canary": _Kind("from_nemo_canary", TWO, language=("src_lang", "tgt_lang"), longest_s=30.0),
    "fire_red_asr": _Kind("from_fire_red_asr", TWO, longest_s=60.0),
    "nemo_ctc": _Kind("from_nemo_ctc", ONE),
    "zipformer_ctc": _Kind("from_zipformer_ctc", ONE),
    "wenet_ctc": _Kind("from_wenet_ctc", ONE),
    "telespeech_ctc": _Kind("from_telespeech_ctc", ONE),
    "dolphin_ctc": _Kind("from_dolphin_ctc", ONE),
    "sense_voice": _Kind("from_sense_voice", ONE, language=("language",)),
    "paraformer": _Kind("from_paraformer", {"paraformer": ONE["model"], **TOKENS}),
}
TELLING = {"*joiner*": "transducer", "preprocess*": "moonshine", "*-encoder*": "whisper"}
"""Names of files that only one kind has."""


class SherpaOnnx(Adapter):
    """A model through sherpa-onnx.

    Args:
        model: folder of the model.
        kind: what it is, see `KINDS`; None for what its files' names say.
        precision: `float` or `int8`: which files are taken where a folder has both; None for float before int8.
        language: for kinds that take one.
        decoding: `greedy_search`, or for transducers `modified_beam_search`.
        hotwords_file: words to expect, one phrase a line; transducers with `modified_beam_search` only.
        hotwords_score: how strongly.
        modeling_unit: what hotwords are cut into: `cjkchar`, `bpe` or `cjkchar+bpe`.
        bpe_vocab: the file that `bpe` needs.
        batch_size: how many utterances are decoded at once; see the module.
        threads: for one call.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a folder that is no model of this kind, or options that exclude each other.
    """

    EXTRA: ClassVar[str] = "sherpa"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("sherpa_onnx",)

    def __init__(
        self,
        model: str,
        kind: str | None = None,
        precision: str | None = None,
        language: str | None = None,
        decoding: str = "greedy_search",
        hotwords_file: str | None = None,
        hotwords_score: float = 1.5,
        modeling_unit: str = "cjkchar",
        bpe_vocab: str | None = None,
        batch_size: int = 1,
        threads: int = 1,
    ) -> None:
        try:
            import sherpa_onnx
        except ImportError as error:
            raise MissingExtraError(f"the engine {NAME}", self.EXTRA) from error
        at_least(NAME, 1, batch_size=batch_size, threads=threads)
        one_of(NAME, "decoding", decoding, ("greedy_search", "modified_beam_search"))
        one_of(NAME, "precision", precision or "float", ("float", "int8"))
        folder = checked_folder(NAME, model)
        self._kind = _kind_of(folder, kind)
        found = KINDS[self._kind]
        files = _files_of(folder, found, precision)
        arguments: dict[str, Any] = {**found.fixed, "num_threads": threads, "decoding_method": decoding}
        if language is not None and not found.language:
            raise InputError(f"the engine {NAME}: models of kind {self._kind} take no language")
        arguments |= {name: language or ("en" if name.endswith("_lang") else "") for name in found.language}
        biasing: dict[str, Any] = {
            "hotwords_score": hotwords_score,
            "modeling_unit": modeling_unit,
            "bpe_vocab": bpe_vocab or "",
        }
        if hotwords_file is not None:
            _check_biasing(found, decoding, hotwords_file)
            arguments |= {"hotwords_file": hotwords_file, **biasing}
        arguments |= {name: str(file) for name, file in files.items()}
        try_loading(NAME, model, PROBE, json.dumps([found.made_by, arguments]))
        self._recognizer: Any = getattr(sherpa_onnx.OfflineRecognizer, found.made_by)(**arguments)
        self.batch_size, self.longest_s = batch_size, found.longest_s
        self._options: dict[str, str | int | float | bool | None] = {
            "kind": self._kind,
            "files": " ".join(sorted(file.name for file in files.values())),
            "model_sha256": folder_sha256(folder),
            "language": language,
            "decoding": decoding,
            "hotwords_sha256": folder_sha256(Path(hotwords_file)) if hotwords_file else None,
            "padded_batches": batch_size > 1,
        }
        if hotwords_file is not None:
            self._options |= {**biasing, "bpe_vocab": folder_sha256(Path(bpe_vocab)) if bpe_vocab else None}

    def describe(self) -> SystemInfo:
        """The package's version, kind, files and digest of the model, decoding, hotwords."""
        return SystemInfo(NAME, metadata.version("sherpa-onnx"), self._options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode `batch_size` waveforms at a time, one by default."""
        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
            if self.longest_s is not None and waveform.duration_s > self.longest_s:
                raise AdapterError(f"the waveform has {waveform.duration_s:g} s; {self._kind} takes {self.longest_s:g}")
        said: list[Transcript] = []
        for begin in range(0, len(batch), self.batch_size):
            said += self._decode(batch[begin : begin + self.batch_size])
        return said

    def _decode(self, batch: Sequence[Waveform]) -> list[Transcript]:
        shortest = round(SHORTEST_S * self.sample_rate_hz)
        streams = [self._recognizer.create_stream() for _ in batch]
        try:
            for stream, waveform in zip(streams, batch, strict=True):
                samples = np.pad(waveform.samples, (0, max(0, shortest - len(waveform.samples))))
                stream.accept_waveform(self.sample_rate_hz, samples)
            self._recognizer.decode_streams(streams)
        except RuntimeError as error:
            raise AdapterError(f"sherpa-onnx: {error}") from error
        return [_transcript(stream.result) for stream in streams]


def _transcript(result: Any) -> Transcript:
    """Text and, where there are times, words."""
    text = result.text.strip()
    words = words_of(result.tokens, result.timestamps, result.durations, result.ys_log_probs)
    return Transcript(text, words if words or not text else None)


def _kind_of(folder: Path, kind: str | None) -> str:
    """The kind that was asked for, else the one that files' names tell."""
    if kind is not None:
        one_of(NAME, "kind", kind, tuple(KINDS))
        return kind
    for pattern, told in TELLING.items():
        if any(folder.glob(f"{pattern}.onnx")):
            return told
    raise InputError(f"the engine {NAME}: what kind model={folder} is, its files do not tell: kind={'|'.join(KINDS)}")


def _files_of(folder: Path, kind: _Kind, precision: str | None) -> dict[str, Path]:
    """Argument -> file."""
    found, absent = {}, []
    for argument, names in kind.files.items():
        there = [file for name in names for file in sorted(folder.glob(name))]
        if argument != "tokens":
            small = [file for file in there if ".int8." in file.name]
            large = [file for file in there if file not in small]
            there = {"int8": small, "float": large}.get(precision or "", large or small)
        if there:
            found[argument] = there[0]
        else:
            absent.append(names[0])
    if absent:
        which = f" ({precision})" if precision else ""
        raise InputError(f"the engine {NAME}: model={folder} has no {', '.join(absent)}{which}")
    return found


def _check_biasing(kind: _Kind, decoding: str, hotwords_file: str) -> None:
    """Refuse hotwords that would have no effect."""
    if not kind.biased or decoding != "modified_beam_search":
        raise InputError(f"the engine {NAME}: hotwords need a transducer and decoding=modified_beam_search")
    if not Path(hotwords_file).is_file():
        raise InputError(f"the engine {NAME}: hotwords_file={hotwords_file} does not exist")
