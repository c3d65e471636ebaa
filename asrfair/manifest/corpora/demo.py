"""The demo corpus: synthetic voices that read matrix sentences, made on the spot from `manifests/demo/recipe.toml`.

Synthetic voices are no evidence about people: an accent here is a program's phoneme rules. The corpus is there to run
the whole way on any machine, and to show what an audit looks like.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import tomllib
import wave
from importlib import metadata
from pathlib import Path

import msgspec

from asrfair.builtin import manifests_folder
from asrfair.errors import ConfigError, MissingExtraError, RunFolderError
from asrfair.manifest.corpora import espeak
from asrfair.manifest.corpora.espeak import Request, speak_all
from asrfair.seeds import rng_for

GRAMMAR_FILE = "grammar.jsgf"
_MADE_FILE = "made-from.txt"


class _Accent(msgspec.Struct, forbid_unknown_fields=True):
    """An accent and the espeak-ng voice that imitates it."""

    name: str
    voice: str


class _Speaker(msgspec.Struct, forbid_unknown_fields=True):
    """A variant of every voice, with a rate and a pitch of its own."""

    variant: str
    rate_wpm: int
    pitch: int


class Recipe(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`recipe.toml`."""

    schema_version: int
    seed: int
    sentences: int
    quick_sentences: int
    quick_accents: list[str]
    quick_speakers: int
    slots: list[list[str]]
    accents: list[_Accent]
    speakers: list[_Speaker]


def load_recipe() -> Recipe:
    """The recipe that comes with asrfair.

    Raises:
        ConfigError: it is absent or faulty.
    """
    path = manifests_folder() / "demo" / "recipe.toml"
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Recipe)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error


def build_demo_corpus(folder: Path, *, quick: bool = False) -> Path:
    """Make the corpus: WAV files, rows, `dataset.toml` and the grammar.

    Args:
        folder: where to; made whole or not at all. A corpus of the same recipe that is there is used as it is.
        quick: fewer accents, speakers and sentences.

    Returns:
        The folder.

    Raises:
        MissingExtraError: the extra `demo` is not installed.
        InputError: the voices cannot be made.
        RunFolderError: something else is in the folder, or it cannot be written.
    """
    recipe = load_recipe()
    try:
        made_from = _fingerprint(quick)
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError("speech synthesis for the demo", "demo") from error
    if folder.exists():
        made = folder / _MADE_FILE
        if made.is_file() and made.read_text(encoding="utf-8") == made_from:
            return folder
        raise RunFolderError(f"{folder}: holds something else than this demo corpus; remove it, or use another --out")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be made: {error.strerror}") from error
    try:
        _make(recipe, aside, quick=quick)
        (aside / _MADE_FILE).write_text(made_from, encoding="utf-8")
        os.rename(aside, folder)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def grammar(slots: list[list[str]]) -> str:
    """A JSGF grammar of all matrix sentences.

    >>> print(grammar([["peter", "lucy"], ["got"]]).splitlines()[-1])
    public <sentence> = (peter | lucy) (got);
    """
    places = " ".join(f"({' | '.join(words)})" for words in slots)
    return f"#JSGF V1.0;\ngrammar matrix;\npublic <sentence> = {places};\n"


def sentences(recipe: Recipe, count: int) -> list[str]:
    """The prompts, the same for every speaker; the first of them do not depend on their number."""
    made = []
    for number in range(count):
        rng = rng_for(recipe.seed, f"sentence-{number}", "demo")
        made.append(" ".join(words[rng.integers(len(words))] for words in recipe.slots))
    return made


def _make(recipe: Recipe, folder: Path, *, quick: bool) -> None:
    """Write the corpus into an empty folder."""
    accents = [a for a in recipe.accents if not quick or a.name in recipe.quick_accents]
    speakers = recipe.speakers[: recipe.quick_speakers] if quick else recipe.speakers
    prompts = sentences(recipe, recipe.quick_sentences if quick else recipe.sentences)
    (folder / "audio").mkdir()
    rows: list[dict[str, object]] = []
    requests = []
    for accent in accents:
        for number, speaker in enumerate(speakers):
            speaker_id = f"{accent.voice}-{number}"
            for place, text in enumerate(prompts):
                utterance_id = f"{speaker_id}-{place}"
                audio = f"audio/{utterance_id}.wav"
                voice = f"{accent.voice}+{speaker.variant}"
                requests.append(
                    Request(
                        path=str(folder / audio), text=text, voice=voice, rate_wpm=speaker.rate_wpm, pitch=speaker.pitch
                    )
                )
                rows.append(
                    {
                        "utterance_id": utterance_id,
                        "audio": audio,
                        "reference": text,
                        "speaker_id": speaker_id,
                        "prompt_id": f"sentence-{place}",
                        "language": "en",
                        "accent": accent.name,
                        "rate_wpm": speaker.rate_wpm,
                    }
                )
    speak_all(requests)
    for row in rows:
        with wave.open(str(folder / str(row["audio"])), "rb") as file:
            row["duration_s"] = round(file.getnframes() / file.getframerate(), 4)
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shutil.copyfile(manifests_folder() / "demo" / "dataset.toml", folder / "dataset.toml")
    (folder / GRAMMAR_FILE).write_text(grammar(recipe.slots), encoding="ascii")


def _fingerprint(quick: bool) -> str:
    """What a corpus was made from."""
    sources = [manifests_folder() / "demo" / "recipe.toml", manifests_folder() / "demo" / "dataset.toml"]
    digest = hashlib.sha256(metadata.version("espeakng-loader").encode())
    for path in (*sources, Path(espeak.__file__)):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()} {'quick' if quick else 'full'}\n"
