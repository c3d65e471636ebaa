"""Environments: a room, a line or a machine as a TOML file with a chain of steps and the levels to sweep.

    schema_version = 1
    name = "machine-hum"
    version = "1"
    description = "..."
    source = "where the numbers come from"
    level_unit = "dB"
    levels = [20, 10, 5, 0]
    hardest = "lowest"      # which end of the levels is the hardest to hear under; "highest" for a loss rate

    [[steps]]
    type = "tonal"          # a file in asrfair/stress/steps
    snr_db = "level"        # the level of the condition goes here
    fundamental_hz = 118.0

A condition is `NAME@LEVEL` (`machine-hum@5dB`), or `NAME` alone where the environment has no levels. Whatever can be
wrong with a file or a level is refused here, before any speech is read; audio files that a step names (relative to the
environment's own file) are read whole for that.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import msgspec

from asrfair.audio import file_sha256
from asrfair.builtin import manifests_folder
from asrfair.errors import AudioError, ConfigError, InputError
from asrfair.records import CLEAN, Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress._base import Stressor
from asrfair.stress.chain import LEVEL, check_files, family_of, files_of, stressor_of
from asrfair.stress.scene import Scene

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_UNIT = re.compile(r"(?:[^\W\d_]|[%°/]){0,20}")


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An environment file."""

    schema_version: int
    name: str
    version: str
    description: str
    source: str
    level_unit: str = ""
    levels: list[float] = []
    hardest: Literal["lowest", "highest"] = "lowest"
    steps: list[dict[str, Any]]


class Environment(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the speech goes through.

    Attributes:
        name, version, description, source: as the file says.
        levels: with their unit, e.g. `5dB`; other numbers with that unit may be asked for too.
        level_unit: of the levels; empty if there are none.
        hardest: which end of the levels is the hardest to hear under, `lowest` (an SNR) or `highest` (a loss rate).
        steps: the chain, as the file says.
        folder: that the audio files of its steps count from.
        digest: of everything in the file, and of the audio files that it names: part of the key of every hypothesis
            made under it.
        files: audio files that it names, with their digests.
    """

    name: str
    version: str
    description: str
    source: str
    levels: tuple[str, ...]
    level_unit: str
    hardest: str
    steps: tuple[dict[str, Any], ...]
    folder: str
    digest: str
    files: tuple[tuple[Path, str], ...] = ()

    def apply(
        self, waveform: Waveform, condition: Condition, utterance_id: str, scene: Scene | None = None
    ) -> Waveform:
        """The waveform as it is heard in this environment.

        Args:
            waveform: the speech.
            condition: of this environment; its level and seed count.
            utterance_id: whose noise is drawn.
            scene: what the steps may draw from, and what is told of the mix; one of its own unless given.

        Raises:
            AudioError: this audio cannot be put there.
            InputError: a file that it names is not what it was when the environment was loaded.
        """
        self._check_unchanged()
        rng = rng_for(condition.seed, utterance_id, condition.condition_id)
        scene = scene or Scene(utterance_id, seed=condition.seed)
        for stressor in self.stressors(condition.level):
            waveform = stressor.apply(waveform, rng, scene)
        if not len(waveform.samples):
            raise AudioError(f"nothing is left of the audio in the environment {self.name}")
        return waveform

    def stressors(self, level: str | None) -> list[Stressor]:
        """The steps at a level.

        Raises:
            ConfigError: an unknown type, key or value in a step.
        """
        if level not in self._made:
            value = None if level is None else float(level.removesuffix(self.level_unit))
            place = f"environment {self.name}"
            self._made[level] = [stressor_of(place, step, value, Path(self.folder)) for step in self.steps]
        return self._made[level]

    def _check_unchanged(self) -> None:
        """Refuse audio files that have changed or gone since: what is heard would not be what the digest says."""
        for file, digest in self.files:
            try:
                is_same = file_sha256(file) == digest
            except AudioError:
                is_same = False
            if not is_same:
                raise InputError(
                    f"environment {self.name}: {file} has changed or gone since the run began: bring it back, and run "
                    "the same command again"
                )

    @property
    def goes_in_turn(self) -> bool:
        """Whether a speaker's utterances go through its pieces of noise in turn."""
        return any(family_of(str(step.get("type", ""))).IN_TURN for step in self.steps)

    @property
    def needs_voices(self) -> bool:
        """Whether it is made of other speakers of the manifest."""
        return any(family_of(str(step.get("type", ""))).NEEDS_VOICES for step in self.steps)

    @functools.cached_property
    def versions(self) -> tuple[str, ...]:
        """The libraries that make its sound, with their versions: part of the key of every hypothesis made under it."""
        return tuple(f"{name} {metadata.version(name)}" for name in sorted({"soxr", *self._libraries()}))

    def missing_libraries(self) -> list[str]:
        """Modules that its steps need and that are not installed."""
        return sorted(module for module in self._libraries() if importlib.util.find_spec(module) is None)

    def _libraries(self) -> set[str]:
        """Modules that its steps need; each is called as its distribution is."""
        level = self.levels[0] if self.levels else None
        return {module for stressor in self.stressors(level) for module in stressor.libraries()}

    @functools.cached_property
    def _made(self) -> dict[str | None, list[Stressor]]:
        """The steps at the levels that were asked for."""
        return {}


def available_environments() -> list[str]:
    """The names of the environments that come with asrfair."""
    return sorted(path.stem for path in (manifests_folder() / "environments").glob("*.toml"))


def load_environment(name: str) -> Environment:
    """Read an environment.

    Args:
        name: of one that comes with asrfair, or the path of a `.toml` file.

    Raises:
        ConfigError: there is none, or its file is faulty; names the file and the key.
    """
    path = Path(name) if name.endswith(".toml") else manifests_folder() / "environments" / f"{name}.toml"
    try:
        data = path.read_bytes()
        content = msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), _File)
    except FileNotFoundError as error:
        known = ", ".join(available_environments())
        raise ConfigError(f"no environment {name!r}; there are {known}, or give the path of a .toml file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # Not UTF-8, not TOML, other keys; a path or a nesting beyond limits.
        raise ConfigError(f"{path}: {error}") from error
    digest = hashlib.sha256(data)
    files = [(file.absolute(), file_sha256(file)) for stressor in _check(path, content) for file in files_of(stressor)]
    for _, sha256 in files:
        digest.update(sha256.encode())
    return Environment(
        name=content.name,
        version=content.version,
        description=content.description,
        source=content.source,
        levels=tuple(f"{level + 0.0:g}{content.level_unit}" for level in content.levels),
        level_unit=content.level_unit,
        hardest=content.hardest,
        steps=tuple(content.steps),
        folder=str(path.parent.absolute()),
        digest=digest.hexdigest(),
        files=tuple(files),
    )


def _check(path: Path, content: _File) -> list[Stressor]:
    """Refuse a file whose environment could not be applied, or not be told from another; its steps at one level.

    Raises:
        ConfigError: names the file and the key.
    """
    uses_level = any(value == LEVEL for step in content.steps for value in step.values())
    rules = {
        "schema_version must be 1": content.schema_version == 1,
        "there must be at least one [[steps]]": bool(content.steps),
        f"name {content.name[:120]!r} must be at most 100 letters, digits, '.', '_' and '-'": bool(
            _NAME.fullmatch(content.name)
        ),
        f"name: {CLEAN!r} is the condition without an environment": content.name != CLEAN,
        f"level_unit {content.level_unit[:40]!r} must be at most 20 letters, '%', '°' and '/': a digit would be read "
        "as part of the level": bool(_UNIT.fullmatch(content.level_unit)),
        "levels must be finite numbers": all(math.isfinite(level) for level in content.levels),
        f"levels: no step has a key with the value {LEVEL!r}": uses_level or not content.levels,
        f"levels: missing, but a step has a key with the value {LEVEL!r}": bool(content.levels) or not uses_level,
    }
    for rule, holds in rules.items():
        if not holds:
            raise ConfigError(f"{path}: {rule}")
    levels: list[float | None] = [*content.levels] or [None]
    stressors: list[Stressor] = []
    for level in levels:
        places = [(f"{path}: [[steps]] number {number}", step) for number, step in enumerate(content.steps, 1)]
        stressors = [stressor_of(place, step, level, path.parent) for place, step in places]
    for (place, _), stressor in zip(places, stressors, strict=True):
        check_files(place, stressor)
    return stressors
