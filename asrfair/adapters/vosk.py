"""Kaldi models by Vosk, on the CPU; takes audio of any length.

A model is a folder, such as `vosk-model-small-en-us-0.15`; nothing is downloaded. Vosk ends an utterance at a pause
and begins another, so that one waveform may give several results: they are joined. Words have times and confidences
(minimum Bayes risk over the lattice). Each waveform gets a recogniser of its own: adaptation to a speaker never
reaches the next one.

Kaldi adds random noise (dither) to what it hears unless a model's `mfcc.conf` says otherwise, so that the same audio
may give another text each time. Here it is off: the model is read through a folder of links with `--dither=0`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from asrfair.adapters._base import Adapter, check_waveform
from asrfair.adapters._models import checked_folder, folder_sha256, try_loading
from asrfair.errors import AdapterError, InputError, MissingExtraError
from asrfair.records import SystemInfo, Transcript, Waveform, Word

NAME = "vosk"
SHORTEST_S = 0.1
"""What is shorter is padded with silence: it has no frame of features."""
BLOCK = 16_000
"""Samples given at once; pauses are looked for between blocks."""
PROBE = "import sys, vosk; vosk.SetLogLevel(0); vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), 16000.0)"


class Vosk(Adapter):
    """A Kaldi model by Vosk.

    Args:
        model: folder of the model.
        grammar: JSON file with a list of phrases, which are all that can be said (`"[unk]"` for anything else); for
            models with a dynamic graph only.
        dither: leave the noise on that the model's `mfcc.conf` asks for; see the module.

    Raises:
        MissingExtraError: the package is not installed.
        InputError: a folder that is no model, or a grammar that is no list of phrases.
    """

    EXTRA: ClassVar[str] = "vosk"
    LIBRARIES: ClassVar[tuple[str, ...]] = ("vosk",)

    def __init__(self, model: str, grammar: str | None = None, dither: bool = False) -> None:
        try:
            import vosk
        except ImportError as error:
            raise MissingExtraError(f"the engine {NAME}", self.EXTRA) from error
        folder = checked_folder(NAME, model)
        if not any((folder / place).is_file() for place in ("am/final.mdl", "final.mdl")):
            raise InputError(f"the engine {NAME}: model={model} has no am/final.mdl; a model's folder holds it")
        self._grammar = None if grammar is None else _phrases(grammar)
        if grammar is not None and any((folder / place).exists() for place in ("graph/HCLG.fst", "HCLG.fst")):
            raise InputError(
                f"the engine {NAME}: model={model} has a graph that is fixed (HCLG.fst); it takes no grammar"
            )
        vosk.SetLogLevel(-1)
        self._vosk: Any = vosk
        with tempfile.TemporaryDirectory() as aside:
            read = folder if dither else _without_dither(folder, Path(aside))
            try_loading(NAME, model, PROBE, str(read))
            self._model: Any = vosk.Model(str(read))
        self._dither = dither
        self._options = {
            "model_sha256": folder_sha256(folder),
            "grammar_sha256": None if grammar is None else folder_sha256(Path(grammar)),
            "dither": dither,
        }

    def describe(self) -> SystemInfo:
        """The package's version and the digests of model and grammar."""
        return SystemInfo(NAME, metadata.version("vosk"), self._options, deterministic=not self._dither)

    def transcribe_batch(self, batch: Sequence[Waveform]) -> list[Transcript]:
        """Decode each waveform by itself."""
        for waveform in batch:
            check_waveform(waveform, self.sample_rate_hz)
        return [self._decode(waveform) for waveform in batch]

    def _decode(self, waveform: Waveform) -> Transcript:
        rate = float(self.sample_rate_hz)
        given = (self._model, rate) if self._grammar is None else (self._model, rate, self._grammar)
        shortest = round(SHORTEST_S * self.sample_rate_hz)
        samples = np.pad(waveform.samples, (0, max(0, shortest - len(waveform.samples))))
        data = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
        said = []
        try:
            recognizer = self._vosk.KaldiRecognizer(*given)
            recognizer.SetWords(True)
            for begin in range(0, len(data), BLOCK):
                if recognizer.AcceptWaveform(data[begin : begin + BLOCK].tobytes()):
                    said.append(json.loads(recognizer.Result()))
            said.append(json.loads(recognizer.FinalResult()))
        except Exception as error:  # The package raises nothing but this class.
            raise AdapterError(f"vosk: {error}") from error
        words = tuple(
            Word(word["word"], float(word["start"]), float(word["end"]), min(1.0, max(0.0, float(word["conf"]))))
            for part in said
            for word in part.get("result", ())
        )
        text = " ".join(part["text"] for part in said if part.get("text"))
        return Transcript(text, words if words or not text else None)


def _without_dither(folder: Path, into: Path) -> Path:
    """A folder of links to the model's files, with dither off in its `mfcc.conf`."""
    for file in folder.rglob("*"):
        if file.is_file():
            place = into / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.name == "mfcc.conf":
                place.write_text(f"{file.read_text(encoding='utf-8')}\n--dither=0\n", encoding="utf-8")
            else:
                place.symlink_to(file.resolve())
    return into


def _phrases(grammar: str) -> str:
    """The phrases of a grammar, as Vosk wants them."""
    try:
        phrases = json.loads(Path(grammar).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the engine {NAME}: grammar={grammar} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"the engine {NAME}: grammar={grammar} is not JSON: {error}") from error
    if not isinstance(phrases, list) or not phrases or not all(isinstance(phrase, str) for phrase in phrases):
        raise InputError(f'the engine {NAME}: grammar={grammar} is not a list of phrases such as ["yes", "no"]')
    return json.dumps(phrases, ensure_ascii=False)
