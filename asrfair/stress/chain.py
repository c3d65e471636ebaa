"""The chain of an environment: from the steps of its file to the stressors that do the work.

A step's `type` is the name of a file in `asrfair/stress/steps`; its other keys are the fields of the family there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from asrfair.audio import read_audio, rms_dbfs
from asrfair.errors import AudioError, ConfigError, InputError, MissingExtraError
from asrfair.stress._base import OFFSET_ONLY_DBFS, Noise, Stressor

LEVEL = "level"
"""The value of a key that the level of the condition is put into."""

STEPS = "asrfair.stress.steps"


def stressor_of(place: str, step: dict[str, Any], level: float | None, folder: Path) -> Stressor:
    """One step of an environment.

    Args:
        place: file and step, for the message.
        step: as the file has it.
        level: what is put in place of `LEVEL`.
        folder: that the names of audio files count from.

    Raises:
        ConfigError: an unknown type, key or value.
        MissingExtraError: a library that the step cannot even be checked without.
    """
    kind = str(step.get("type", ""))
    whole = int(level) if level is not None and level.is_integer() else level  # For keys that are whole numbers.
    values = {key: whole if value == LEVEL else value for key, value in step.items() if key != "type"}
    try:
        family = family_of(kind)
        for key in family.FILES:
            if key in values:
                values[key] = _anchored(values[key], folder)
        return msgspec.convert(values, family)
    except MissingExtraError:
        raise
    except (msgspec.ValidationError, InputError) as error:
        raise ConfigError(f"{place}: type {kind!r}: {error}") from error


def _anchored(value: Any, folder: Path) -> Any:
    """File names as paths from a folder; anything else is left for the type check to refuse."""
    if isinstance(value, str):
        return str(folder / value)
    return [_anchored(one, folder) for one in value] if isinstance(value, list) else value


@functools.lru_cache(maxsize=256)
def family_of(kind: str) -> type[Stressor]:
    """The class of a step type, found by its file's name.

    Raises:
        InputError: there is none.
    """
    kinds = [m.name for m in pkgutil.iter_modules(importlib.import_module(STEPS).__path__)]
    stem = kind.replace("-", "_")
    if stem in kinds:
        module = importlib.import_module(f"{STEPS}.{stem}")
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, Stressor) and member.__module__ == module.__name__:
                return member
    raise InputError(f"no such type; there are {', '.join(name.replace('_', '-') for name in kinds)}")


def files_of(stressor: Stressor) -> list[Path]:
    """The audio files that a step names."""
    named = [getattr(stressor, key) for key in stressor.FILES]
    return [Path(name) for value in named for name in ([value] if isinstance(value, str) else value or [])]


def check_files(place: str, stressor: Stressor) -> None:
    """Refuse audio files that cannot be used.

    Raises:
        ConfigError: names the step and the file.
    """
    for file in files_of(stressor):
        try:
            waveform, _ = read_audio(file)
        except AudioError as error:
            raise ConfigError(f"{place}: {', '.join(stressor.FILES)}: {error} ({file})") from error
        offset = waveform.samples.mean(dtype=float) if isinstance(stressor, Noise) else 0.0
        level = rms_dbfs(waveform.samples - np.float32(offset))
        if level is None or level < OFFSET_ONLY_DBFS:
            raise ConfigError(
                f"{place}: {', '.join(stressor.FILES)}: {file} is silent (every sample is {offset:g}): give a "
                "recording in which something is heard"
            )
