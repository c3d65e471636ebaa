"""The embedded default engine: CMU pocketsphinx with the US English model that its package brings; no download.

It is a small, old recogniser and no measure of the field; it serves to run the whole way anywhere. Decoder state
(cepstral means) is put back before every utterance, so the order of utterances never changes a text. The package's
version does not fix the model (`POCKETSPHINX_PATH` leads to another), so `describe` has the digest of what was loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.errors import AdapterError, InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

FRAMES_PER_S = 100
LONGEST_PADDING_S = 60.0
OPTIONS = {"dict": "dictionary", "jsgf": "grammar"}
"""Options of this engine that the library calls otherwise."""


class PocketSphinx(Adapter):
    """CMU pocketsphinx.

    Args:
        grammar: JSGF file that says all that can be said; None for the language model of the package.
        padding_s: silence put before and after the audio, seconds; helps with tightly cut clips.
        hmm: folder of another acoustic model.
        lm: file of another language model.
        dictionary: file of another pronunciation dictionary.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a file that is absent, or a grammar that pocketsphinx does not accept.
    """

    EXTRA: ClassVar[str] = "demo"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("pocketsphinx",)
    holds_gil: ClassVar[bool] = True

    def __init__(
        self,
        grammar: str | None = None,
        padding_s: float = 0.0,
        hmm: str | None = None,
        lm: str | None = None,
        dictionary: str | None = None,
    ) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise MissingExtraError("the engine pocketsphinx", "demo") from error
        if not 0 <= padding_s <= LONGEST_PADDING_S:
            raise InputError(
                f"the engine pocketsphinx: padding_s={padding_s} is not 0 to {LONGEST_PADDING_S:g} seconds"
            )
        files = {"hmm": hmm, "lm": lm, "dict": dictionary, "jsgf": grammar}
        given = {key: value for key, value in files.items() if value is not None}
        named = {OPTIONS.get(key, key): value for key, value in given.items()}
        for name, value in named.items():
            if not Path(value).exists():
                raise InputError(f"the engine pocketsphinx: {name}={value} does not exist")
            if Path(value).is_dir() != (name == "hmm"):
                raise InputError(
                    f"the engine pocketsphinx: {name}={value} is not a {'folder' if name == 'hmm' else 'file'}"
                )
        self._padding_s = padding_s
        pocketsphinx.set_loglevel("FATAL")
        try:
            self._decoder = pocketsphinx.Decoder(loglevel="FATAL", **given)
        except (RuntimeError, ValueError) as error:
            shown = ", ".join(f"{name}={value}" for name, value in named.items()) or "its own model"
            raise InputError(f"the engine pocketsphinx does not accept {shown}: {error}") from error
        if dictionary is not None and not _knows_a_word(self._decoder, Path(dictionary)):
            raise InputError(
                f"the engine pocketsphinx: dictionary={dictionary} has no word that the model can pronounce, "
                "so nothing would be recognised; give lines of a word and its phones"
            )
        self._grammar_sha256 = _digest(grammar)
        self._model_sha256 = _digest(*(self._decoder.config[key] for key in ("hmm", "lm", "dict")))

    def describe(self) -> SystemInfo:
        """Package version, padding, and digests of the grammar and of the model files that were loaded."""
        options = {
            "padding_s": self._padding_s,
            "grammar_sha256": self._grammar_sha256,
            "model_sha256": self._model_sha256,
        }
        return SystemInfo("pocketsphinx", metadata.version("pocketsphinx"), options)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode each waveform by itself."""
        return [self._decode(waveform) for waveform in batch]

    def _decode(self, waveform: Waveform) -> Transcript:
        samples = waveform.samples
        check_waveform(waveform, self.sample_rate_hz)
        padded = np.pad(samples, round(self._padding_s * self.sample_rate_hz))
        data = np.round(np.clip(padded, -1, 1) * 32767).astype("<i2").tobytes()
        try:
            self._decoder.reinit_feat()
            self._decoder.start_utt()
            self._decoder.process_raw(data, no_search=False, full_utt=True)
            self._decoder.end_utt()
        except RuntimeError as error:
            raise AdapterError(f"pocketsphinx failed: {error}") from error
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return Transcript("", ())
        return Transcript(hypothesis.hypstr, self._words())

    def _words(self) -> tuple[Word, ...]:
        """The words with their times; fillers and marks of alternative pronunciations are taken off."""
        found = []
        for segment in self._decoder.seg() or ():
            text = segment.word.partition("(")[0]
            if text and text[0] not in "<[+":
                start_s = segment.start_frame / FRAMES_PER_S - self._padding_s
                end_s = (segment.end_frame + 1) / FRAMES_PER_S - self._padding_s
                found.append(Word(text, max(0.0, start_s), max(0.0, end_s)))
        return tuple(found)


def _knows_a_word(decoder: Any, dictionary: Path) -> bool:
    """Whether any word of a dictionary was taken."""
    with dictionary.open(encoding="utf-8", errors="replace") as lines:
        words = (line.split()[0] for line in lines if line.strip())
        return any(decoder.lookup_word(word) for word in words if "\0" not in word)


def _digest(*given: str | None) -> str | None:
    """Digest of files, and of the files of folders, with their places; None for none."""
    paths = [None if value is None else Path(value) for value in given]
    if not any(paths):
        return None
    digest = hashlib.sha256()
    for number, path in enumerate(paths):
        for file in [] if path is None else sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and path is not None:
                place = f"{number}:{file.relative_to(path).as_posix()}\n"
                digest.update(place.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
