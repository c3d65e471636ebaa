"""Conditions as they are asked for: `clean`, `NAME@LEVEL` or `NAME`."""

from __future__ import annotations

import math

from asrfair.errors import InputError, MissingExtraError
from asrfair.records import CLEAN, Condition
from asrfair.stress.environment import Environment, load_environment


def parse_condition(text: str, seed: int) -> tuple[Condition, Environment | None]:
    """Read `clean`, `NAME@LEVEL` or `NAME`.

    Args:
        text: NAME may be the path of a `.toml` file.
        seed: the run's seed.

    Returns:
        The condition and its environment; None for clean.

    Raises:
        InputError: no such environment, a level that it cannot have, or a library that is not installed.

    >>> parse_condition("machine-hum@5dB", 0)[0].condition_id
    'machine-hum@5dB'
    """
    if text == CLEAN:
        return Condition(), None
    has_level = "@" in text and not text.endswith(".toml")
    name, _, level = text.rpartition("@") if has_level else (text, "", "")
    if name == CLEAN:
        raise InputError(f"--condition {text}: clean audio has no levels: write {CLEAN}")
    environment = load_environment(name)
    _check_libraries(environment)
    if bool(environment.levels) != bool(level):
        hint = f"write {name}@{environment.levels[0]}" if environment.levels else f"it has no levels: write {name}"
        raise InputError(f"--condition {text}: {hint}")
    if not level:
        return Condition(environment.name, None, seed), environment
    condition = Condition(environment.name, _level(text, environment, level), seed)
    environment.stressors(condition.level)
    return condition, environment


def _check_libraries(environment: Environment) -> None:
    """Refuse an environment whose libraries are not installed, before any audio is read.

    Raises:
        MissingExtraError: naming the library.
    """
    for library in environment.missing_libraries():
        raise MissingExtraError(f"environment {environment.name} ({library})", "stress")


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
