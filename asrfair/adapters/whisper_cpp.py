"""Whisper by whisper.cpp, through the binding pywhispercpp, on the CPU; takes audio of any length.

A model is one file in ggml format. Decoding is greedy or a beam search at temperature 0 and nothing else: whisper.cpp
itself samples at higher temperatures where a text looks bad. Text of an earlier window is not given to the next. The
binding's lower layer is used, because its `Model` takes a failed decoding for an empty text, and a model is loaded in
a process of its own first, because a bad file gives it a null pointer.

A word's confidence is the product of its tokens' probabilities; its times are whisper.cpp's own, from the timestamp
tokens' probabilities, and rough.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import at_least, folder_sha256, try_loading
from asrfair.adapters._words import words_of
from asrfair.errors import AdapterError, InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

NAME = "whisper-cpp"
SHORTEST_S = 0.2
"""What is shorter is padded with silence: whisper.cpp does not decode the last 0.1 s."""
PER_S = 100
"""Times are in hundredths of a second."""
PROBE = (
    "import sys, _pywhispercpp as w; "
    "c = w.whisper_init_from_file_with_params(sys.argv[1], w.whisper_context_default_params()); "
    "w.whisper_model_n_vocab(c)"
)


class WhisperCpp(Adapter):
    """Whisper by whisper.cpp.

    Args:
        model: the ggml file.
        language: code such as `en`; None lets the model guess for each utterance.
        beam_size: hypotheses kept; 1 is greedy.
        prompt: text that the first window is made to follow.
        translate: into English.
        threads: for one call.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a file that is no model, or a language that it does not know.
    """

    EXTRA: ClassVar[str] = "whispercpp"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("pywhispercpp",)

    def __init__(
        self,
        model: str,
        language: str | None = None,
        beam_size: int = 1,
        prompt: str | None = None,
        translate: bool = False,
        threads: int = 4,
    ) -> None:
        try:
            import _pywhispercpp as binding
        except ImportError as error:
            raise MissingExtraError(f"the engine {NAME}", self.EXTRA) from error
        at_least(NAME, 1, beam_size=beam_size, threads=threads)
        if not Path(model).is_file():
            raise InputError(f"the engine {NAME}: model={model} is not a file")
        try_loading(NAME, model, PROBE, model)
        self._binding: Any = binding
        with _quiet():
            self._context = binding.whisper_init_from_file_with_params(model, binding.whisper_context_default_params())
            language = self._known(language)
        strategy = binding.whisper_sampling_strategy
        chosen = strategy.WHISPER_SAMPLING_GREEDY if beam_size == 1 else strategy.WHISPER_SAMPLING_BEAM_SEARCH
        self._params = binding.whisper_full_default_params(chosen)
        self._params.greedy = {"best_of": 1}
        self._params.beam_search = {"beam_size": beam_size, "patience": -1.0}
        self._params.temperature, self._params.temperature_inc = 0.0, 0.0
        self._params.no_context, self._params.token_timestamps = True, True
        self._params.print_progress = self._params.print_realtime = False
        self._params.language, self._params.translate = language or "auto", translate
        self._params.initial_prompt = prompt or ""
        self._params.n_threads = threads
        self._options: dict[str, str | int | float | bool | None] = {
            "model_sha256": folder_sha256(Path(model)),
            "language": language,
            "beam_size": beam_size,
            "prompt": prompt,
            "translate": translate,
            "temperature": 0.0,
        }

    def describe(self) -> SystemInfo:
        """The binding's version, the model's digest, and every option that changes the text."""
        return SystemInfo(NAME, f"pywhispercpp {metadata.version('pywhispercpp')}", self._options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode each waveform by itself."""
        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
        return [self._decode(waveform) for waveform in batch]

    def close(self) -> None:
        """Free the model."""
        if self._context is not None:
            self._binding.whisper_free(self._context)
            self._context = None

    def _known(self, language: str | None) -> str | None:
        """The language to ask for: that of an English model is English."""
        multilingual = self._binding.whisper_is_multilingual(self._context)
        if language is None:
            return None if multilingual else "en"
        if self._binding.whisper_lang_id(language) < 0 or not (multilingual or language == "en"):
            which = "one that Whisper knows" if multilingual else "en, which is all that this model knows"
            raise InputError(f"the engine {NAME}: language={language} is not {which}")
        return language

    def _decode(self, waveform: Waveform) -> Transcript:
        shortest = round(SHORTEST_S * self.sample_rate_hz)
        samples = np.pad(waveform.samples, (0, max(0, shortest - len(waveform.samples))))
        try:
            status = self._binding.whisper_full(self._context, self._params, samples, len(samples))
        except (RuntimeError, IndexError) as error:
            raise AdapterError(f"whisper.cpp: {error}") from error
        if status:
            raise AdapterError(f"whisper.cpp failed with status {status}")
        texts, words = [], []
        for segment in range(self._binding.whisper_full_n_segments(self._context)):
            texts.append(self._binding.whisper_full_get_segment_text(self._context, segment))
            words += self._words(segment, waveform.duration_s)
        text = b"".join(texts).decode(errors="replace").strip()
        return Transcript(text, tuple(words) if words or not text else None)

    def _words(self, segment: int, duration_s: float) -> list[Word]:
        """Words of a segment; the bytes of letters beyond ASCII may lie in several tokens."""
        end = self._binding.whisper_token_eot(self._context)
        count = self._binding.whisper_full_n_tokens(self._context, segment)
        tokens = [self._binding.whisper_full_get_token_data(self._context, segment, number) for number in range(count)]
        tokens = [token for token in tokens if token.id < end]
        words = words_of(
            [self._binding.whisper_token_to_bytes(self._context, token.id).decode("latin-1") for token in tokens],
            [min(token.t0 / PER_S, duration_s) for token in tokens],
            [min(token.t1 / PER_S, duration_s) - min(token.t0 / PER_S, duration_s) for token in tokens],
            [float(np.log(max(token.p, 1e-30))) for token in tokens],
        )
        return [
            Word(word.text.encode("latin-1").decode(errors="replace"), word.start_s, word.end_s, word.confidence)
            for word in words
        ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C code writes to stderr from it: whisper.cpp tells at length what it loads."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
