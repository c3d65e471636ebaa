"""Environments: a room, a line or a machine as a TOML file with a chain of steps and the levels to sweep.

    schema_version = 1
    name = "machine-hum"
    version = "1"
    description = "..."
    source = "where the numbers come from"
    level_unit = "dB"
    levels = [20, 10, 5, 0]

    [[steps]]
    type = "tonal"          # a file in asrfair/stress
    snr_db = "level"        # the level of the condition goes here
    fundamental_hz = 118.0

A condition is `NAME@LEVEL` (`machine-hum@5dB`), or `NAME` alone where the environment has no levels. Whatever can be
wrong with a file or a level is refused here, before any audio is read.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import math
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from asrfair.builtin import manifests_folder
from asrfair.errors import AudioError, ConfigError, InputError
from asrfair.records import CLEAN, Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress._base import Stressor

LEVEL = "level"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NO_FAMILIES = frozenset({"environment", "mix"})
"""Files of this folder that are no stressor family."""


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An environment file."""

    schema_version: int
    name: str
    version: str
    description: str
    source: str
    level_unit: str = ""
    levels: list[float] = []
    steps: list[dict[str, Any]]


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the speech goes through.

    Attributes:
        name, version, description, source: as the file says.
        levels: with their unit, e.g. `5dB`; other numbers with that unit may be asked for too.
        level_unit: of the levels; empty if there are none.
        steps: the chain, as the file says.
        digest: of everything in the file: part of the key of every hypothesis made under it.
    """

    name: str
    version: str
    description: str
    source: str
    levels: tuple[str, ...]
    level_unit: str
    steps: tuple[dict[str, Any], ...]
    digest: str

    def apply(self, waveform: Waveform, condition: Condition, utterance_id: str) -> Waveform:
        """The waveform as it is heard in this environment.

        Args:
            waveform: the speech.
            condition: of this environment; its level and seed count.
            utterance_id: whose noise is drawn.

        Raises:
            AudioError: this audio cannot be put there.
        """
        rng = rng_for(condition.seed, utterance_id, condition.condition_id)
        for stressor in self.stressors(condition.level):
            waveform = stressor.apply(waveform, rng)
        if not len(waveform.samples):
            raise AudioError(f"nothing is left of the audio in the environment {self.name}")
        return waveform

    def stressors(self, level: str | None) -> list[Stressor]:
        """The steps at a level.

        Raises:
            ConfigError: an unknown type, key or value in a step.
        """
        value = None if level is None else float(level.removesuffix(self.level_unit))
        return [_stressor(f"environment {self.name}", step, value) for step in self.steps]


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
        content = msgspec.convert(tomllib.loads(data.decode("utf-8")), _File)
    except FileNotFoundError as error:
        known = ", ".join(available_environments())
        raise ConfigError(f"no environment {name!r}; there are {known}, or give the path of a .toml file") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    _check(path, content)
    return Environment(
        name=content.name,
        version=content.version,
        description=content.description,
        source=content.source,
        levels=tuple(f"{level:g}{content.level_unit}" for level in content.levels),
        level_unit=content.level_unit,
        steps=tuple(content.steps),
        digest=hashlib.sha256(data).hexdigest(),
    )


def _check(path: Path, content: _File) -> None:
    """Refuse a file whose environment could not be applied, or not be told from another.

    Raises:
        ConfigError: names the file and the key.
    """
    uses_level = any(value == LEVEL for step in content.steps for value in step.values())
    rules = {
        "schema_version must be 1": content.schema_version == 1,
        "there must be at least one [[steps]]": bool(content.steps),
        f"name {content.name!r} must be letters, digits, '.', '_' and '-'": bool(_NAME.fullmatch(content.name)),
        f"name: {CLEAN!r} is the condition without an environment": content.name != CLEAN,
        "levels must be finite numbers": all(math.isfinite(level) for level in content.levels),
        f"levels: no step has a key with the value {LEVEL!r}": uses_level or not content.levels,
        f"levels: missing, but a step has a key with the value {LEVEL!r}": bool(content.levels) or not uses_level,
    }
    for rule, holds in rules.items():
        if not holds:
            raise ConfigError(f"{path}: {rule}")
    levels: list[float | None] = [*content.levels] or [None]
    for level in levels:
        for number, step in enumerate(content.steps, 1):
            _stressor(f"{path}: [[steps]] number {number}", step, level)


def parse_condition(text: str, seed: int) -> tuple[Condition, Environment | None]:
    """Read `clean`, `NAME@LEVEL` or `NAME`.

    Args:
        text: NAME may be the path of a `.toml` file.
        seed: the run's seed.

    Returns:
        The condition and its environment; None for clean.

    Raises:
        InputError: no such environment, or a level that it cannot have.

    >>> parse_condition("machine-hum@5dB", 0)[0].condition_id
    'machine-hum@5dB'
    """
    if text == CLEAN:
        return Condition(), None
    has_level = "@" in text and not text.endswith(".toml")
    name, _, level = text.rpartition("@") if has_level else (text, "", "")
    environment = load_environment(name)
    if bool(environment.levels) != bool(level):
        hint = f"write {name}@{environment.levels[0]}" if environment.levels else f"it has no levels: write {name}"
        raise InputError(f"--condition {text}: {hint}")
    if not level:
        return Condition(environment.name, None, seed), environment
    condition = Condition(environment.name, _level(text, environment, level), seed)
    environment.stressors(condition.level)
    return condition, environment


def _level(text: str, environment: Environment, level: str) -> str:
    """A level as conditions are named by it: `5` and `5.0dB` are `5dB`."""
    try:
        value = float(level.removesuffix(environment.level_unit))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        levels = ", ".join(environment.levels)
        raise InputError(f"--condition {text}: {level!r} is not a level; {environment.name} has {levels}")
    return f"{value + 0.0:g}{environment.level_unit}"


def _stressor(place: str, step: dict[str, Any], level: float | None) -> Stressor:
    """One step, with the level put in."""
    kind = str(step.get("type", ""))
    values = {key: level if value == LEVEL else value for key, value in step.items() if key != "type"}
    try:
        return msgspec.convert(values, _family(kind))
    except (msgspec.ValidationError, InputError) as error:
        raise ConfigError(f"{place}: type {kind!r}: {error}") from error


def _family(kind: str) -> type[Stressor]:
    """The class of a step type, found by its file's name.

    Raises:
        InputError: there is none.
    """
    folder = importlib.import_module("asrfair.stress").__path__
    kinds = [m.name for m in pkgutil.iter_modules(folder) if not m.name.startswith("_") and m.name not in NO_FAMILIES]
    stem = kind.replace("-", "_")
    if stem in kinds:
        module = importlib.import_module(f"asrfair.stress.{stem}")
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, Stressor) and member is not Stressor:
                return member
    raise InputError(f"no such type; there are {', '.join(kinds)}")
