"""Whisper by faster-whisper (CTranslate2), on a GPU or a CPU; takes audio of any length.

Decoding is a beam search at temperature 0 and nothing else: the library's own default falls back to sampling at higher
temperatures where a text looks bad, which would give another text each time, and more often for speakers whom the
model hears badly. Text of an earlier window is not given to the next (`condition_on_previous_text`) unless asked for.

With `batched` many utterances are decoded at once. Each is padded to the 30 seconds that the model always hears, so
that neighbours in a batch change nothing; then Whisper's rule that skips windows without speech does not apply, the
language must be given, and audio is cut to 30 seconds by the runner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import at_least, checked_folder, folder_sha256, one_of
from asrfair.errors import AdapterError, EngineError, InputError, MissingExtraError, TooLargeError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

NAME = "faster-whisper"
WINDOW_S = 30
SLOT_S = 64
"""How far apart utterances of a batch lie: more than a window, so that no rule about pauses sees two of them."""
SHORTEST_S = 0.1
"""What is shorter is padded with silence: the library's word times break below two frames."""
MOST_GIVEN = 223
"""Tokens of prompt and hotwords together: half of what the decoder holds, less one; beyond it text would be cut."""
FILES = ("model.bin", "config.json", "tokenizer.json")
ALL_FILES = (*FILES, "vocabulary.*", "preprocessor_config.json")
DEVICES = ("auto", "cpu", "cuda")


class FasterWhisper(Adapter):
    """Whisper by faster-whisper.

    Args:
        model: folder of a converted model, a size (`large-v3`) or a hub name (`Systran/faster-whisper-large-v3`).
        revision: commit, tag or branch of a hub model; the commit that it stands for is recorded.
        language: code such as `en`; None lets the model guess for each utterance.
        task: `transcribe`, or `translate` to English.
        compute_type: `default` is the model's own (what it came to is recorded), else `float16`, `int8` and so on.
        beam_size: hypotheses kept; 1 is greedy.
        vad: cut out what the bundled Silero detector takes for silence.
        initial_prompt: text that the first window is made to follow.
        hotwords: words to expect, separated by blanks.
        word_timestamps: ask for the words' times and probabilities.
        condition_on_previous_text: give the text of a window to the next one.
        batched: decode `batch_size` utterances at once; see the module.
        batch_size: how many.
        device: `auto`, `cpu` or `cuda`.
        cpu_threads: 0 leaves it to the library.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a model that cannot be loaded, or options that exclude each other.
    """

    EXTRA: ClassVar[str] = "faster-whisper"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("faster_whisper",)
    on_gpu: ClassVar[bool] = True

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        language: str | None = None,
        task: str = "transcribe",
        compute_type: str = "default",
        beam_size: int = 5,
        vad: bool = False,
        initial_prompt: str | None = None,
        hotwords: str | None = None,
        word_timestamps: bool = True,
        condition_on_previous_text: bool = False,
        batched: bool = False,
        batch_size: int = 16,
        device: str = "auto",
        cpu_threads: int = 0,
    ) -> None:
        try:
            import faster_whisper
        except ImportError as error:
            raise MissingExtraError(f"the engine {NAME}", self.EXTRA) from error
        at_least(NAME, 1, beam_size=beam_size, batch_size=batch_size)
        at_least(NAME, 0, cpu_threads=cpu_threads)
        one_of(NAME, "task", task, ("transcribe", "translate"))
        one_of(NAME, "device", device, DEVICES)
        if batched and (vad or condition_on_previous_text or language is None):
            raise InputError(
                f"the engine {NAME}: batched=true needs language=..., and neither vad nor condition_on_previous_text"
            )
        folder, commit = _found(model, revision)
        try:
            self._model = faster_whisper.WhisperModel(
                str(folder), device=device, compute_type=compute_type, cpu_threads=cpu_threads
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise InputError(f"the engine {NAME} cannot load model={model} on device={device}: {error}") from error
        if language is not None:
            one_of(NAME, "language", language, self._model.supported_languages)
        given = len(self._model.hf_tokenizer.encode(f"{initial_prompt or ''} {hotwords or ''}").ids)
        if given > MOST_GIVEN:
            raise InputError(
                f"the engine {NAME}: initial_prompt and hotwords have {given} tokens, more than {MOST_GIVEN}: shorten "
                "them, or little room is left for the text"
            )
        self._asked: dict[str, Any] = {
            "language": language,
            "task": task,
            "beam_size": beam_size,
            "initial_prompt": initial_prompt,
            "hotwords": hotwords,
            "word_timestamps": word_timestamps,
        }
        self._vad, self._conditioned = vad, condition_on_previous_text
        self._pipeline: Any = faster_whisper.BatchedInferencePipeline(self._model) if batched else None
        sha256 = folder_sha256(folder, ALL_FILES)
        self._source = {"model": model if commit else None, "revision": commit, "model_sha256": sha256}
        if batched:
            self.batch_size, self.longest_s = batch_size, float(WINDOW_S)

    def describe(self) -> SystemInfo:
        """Versions, the model's digest, and every option that changes the text; the compute type as it came out."""
        options = {
            **self._source,
            **self._asked,
            "compute_type": str(self._model.model.compute_type),
            "temperature": 0.0,
            "vad": self._vad,
            "condition_on_previous_text": self._conditioned,
            "batched": self._pipeline is not None,
        }
        version = f"{metadata.version('faster-whisper')} (ctranslate2 {metadata.version('ctranslate2')})"
        return SystemInfo(NAME, version, options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode each waveform by itself, or all at once with `batched`."""
        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
        shortest = round(SHORTEST_S * self.sample_rate_hz)
        padded = [np.pad(w.samples, (0, max(0, shortest - len(w.samples)))) for w in batch]
        try:
            return self._together(padded) if self._pipeline is not None else [self._alone(each) for each in padded]
        except EngineError:
            raise
        except Exception as error:  # CTranslate2, the tokeniser and the word aligner raise their own.
            raise _failure(error) from error

    def _alone(self, samples: np.ndarray) -> Transcript:
        segments, _ = self._model.transcribe(
            samples,
            temperature=0.0,
            vad_filter=self._vad,
            condition_on_previous_text=self._conditioned,
            **self._asked,
        )
        return self._transcript(segments)

    def _together(self, batch: Sequence[np.ndarray]) -> list[Transcript]:
        """Utterances side by side in one long recording, each a clip of its own; the first slot stays empty."""
        rate = self.sample_rate_hz
        heard = np.zeros((len(batch) + 1) * SLOT_S * rate, dtype=np.float32)
        clips = []
        for number, samples in enumerate(batch, start=1):
            if len(samples) > WINDOW_S * rate:
                raise AdapterError(f"the waveform has {len(samples) / rate:g} s, with batched at most {WINDOW_S} s")
            start = number * SLOT_S * rate
            heard[start : start + len(samples)] = samples
            clips.append({"start": start / rate, "end": (start + len(samples) + 0.5) / rate})
        segments, _ = self._pipeline.transcribe(
            heard, temperature=0.0, vad_filter=False, clip_timestamps=clips, batch_size=len(batch), **self._asked
        )
        found: list[list[Any]] = [[] for _ in batch]
        for segment in segments:
            found[segment.seek // (SLOT_S * self._model.frames_per_second) - 1].append(segment)
        return [self._transcript(own, number * SLOT_S) for number, own in enumerate(found, start=1)]

    def _transcript(self, segments: Iterable[Any], offset_s: float = 0.0) -> Transcript:
        """Text and words of an utterance's segments; `offset_s` is where the utterance began."""
        listed = list(segments)
        text = "".join(segment.text for segment in listed).strip()
        words = tuple(
            Word(
                word.word.strip(),
                max(0.0, round(float(word.start) - offset_s, 3)),
                max(0.0, round(float(word.end) - offset_s, 3)),
                min(1.0, max(0.0, float(word.probability))),
            )
            for segment in listed
            for word in segment.words or ()
            if word.word.strip()
        )
        return Transcript(text, words if words or not text else None)


def _found(model: str, revision: str | None) -> tuple[Path, str | None]:
    """The model's folder and, for a hub model, its commit."""
    if Path(model).is_dir():
        if revision is not None:
            raise InputError(f"the engine {NAME}: revision={revision} is for hub models, and model={model} is a folder")
        return checked_folder(NAME, model, FILES), None
    from faster_whisper.utils import download_model

    try:
        folder = Path(download_model(model, revision=revision))
    except Exception as error:  # The hub's client raises its own, httpx's and the system's.
        raise InputError(f"the engine {NAME}: model={model} is no folder, and cannot be had: {error}") from error
    return checked_folder(NAME, str(folder), FILES), folder.name


def _failure(error: Exception) -> EngineError:
    """What an error of CTranslate2 means."""
    if "out of memory" in str(error).lower():
        return TooLargeError(f"CTranslate2: {error}")
    return AdapterError(f"faster-whisper: {type(error).__name__}: {error}")
