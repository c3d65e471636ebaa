"""The engines: one a file in this folder, found by its name, else by the entry-point group `asrfair.adapters`.

An engine's options are the keyword arguments of its constructor; texts from the command line are converted by their
annotations. No engine is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Mapping
from importlib import metadata
from typing import Any, NamedTuple

from asrfair.adapters._base import Adapter, Engine, TranscriptSource
from asrfair.errors import InputError

__all__ = [
    "Adapter",
    "Engine",
    "TranscriptSource",
    "available_engines",
    "check_options",
    "describe_options",
    "engine_class",
    "engine_options",
    "load_engine",
]

ENTRY_POINTS = "asrfair.adapters"
OptionValue = str | int | float | bool


class EngineOption(NamedTuple):
    """One option of an engine: its types (`str`, `int`, `float`, `bool`), and its default unless it is required."""

    name: str
    types: tuple[str, ...]
    required: bool
    default: OptionValue | None


def available_engines() -> list[str]:
    """The names of all engines that are found, sorted; whether their libraries are installed is not asked."""
    own = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    return sorted(own | {entry.name for entry in metadata.entry_points(group=ENTRY_POINTS)})


def engine_class(name: str) -> type[Adapter] | type[TranscriptSource]:
    """The class of an engine.

    Args:
        name: file name in this folder, or entry point; `-` and `_` are the same.

    Raises:
        InputError: there is no such engine (lists those there are), or another package's cannot be loaded.
    """
    stem = name.replace("-", "_")
    if stem.isidentifier() and not stem.startswith("_") and stem in {m.name for m in pkgutil.iter_modules(__path__)}:
        module = importlib.import_module(f"{__name__}.{stem}")
        for member in vars(module).values():
            is_engine = inspect.isclass(member) and issubclass(member, Adapter | TranscriptSource)
            if is_engine and member.__module__ == module.__name__ and not inspect.isabstract(member):
                found: type[Adapter] | type[TranscriptSource] = member
                return found
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name == name:
            return _from_package(entry)
    raise InputError(f"no engine is called {name!r}; there are {', '.join(available_engines())}")


def _from_package(entry: metadata.EntryPoint) -> type[Adapter] | type[TranscriptSource]:
    """The class behind an entry point.

    Raises:
        InputError: it cannot be loaded, or is no engine.
    """
    place = f"the engine {entry.name} ({entry.value} of the package {entry.dist.name if entry.dist else 'unknown'})"
    try:
        found: object = entry.load()
    except Exception as error:
        raise InputError(f"{place} cannot be loaded: {type(error).__name__}: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, Adapter | TranscriptSource)):
        raise InputError(f"{place} is no subclass of asrfair.adapters.Adapter")
    return found


def load_engine(name: str, options: Mapping[str, OptionValue | None]) -> Engine:
    """Make an engine with its options.

    Args:
        name: see `engine_class`.
        options: option -> value; texts are converted to what the constructor's annotation says.

    Raises:
        InputError: no such engine or option, or a value that is not what the option takes.
        MissingExtraError: the engine's library is not installed.
    """
    return engine_class(name)(**check_options(name, options))


def check_options(name: str, options: Mapping[str, OptionValue | None]) -> dict[str, OptionValue | None]:
    """The options of an engine as its constructor wants them; the engine's library is not loaded.

    Raises:
        InputError: no such engine or option, or a value that is not what the option takes.
    """
    known = _options(engine_class(name))
    for key in options:
        if key not in known:
            raise InputError(f"the engine {name} has no option {key!r}; it takes {describe_options(name)}")
    values = {key: _converted(name, key, value, known[key][0]) for key, value in options.items()}
    absent = [key for key, (_, default) in known.items() if default is inspect.Parameter.empty and key not in values]
    if absent:
        raise InputError(f"the engine {name} needs {', '.join(absent)}: --system {name},{absent[0]}=...")
    return values


def engine_options(name: str) -> list[EngineOption]:
    """The options of an engine, in the order of its constructor; the engine's library is not loaded.

    Raises:
        InputError: there is no such engine.
    """
    found = []
    for key, (kind, default) in _options(engine_class(name)).items():
        names = tuple(t.__name__ for t in _kinds(kind) if t is not types.NoneType)
        required = default is inspect.Parameter.empty
        found.append(EngineOption(key, names, required, None if required else default))
    return found


def describe_options(name: str) -> str:
    """The options of an engine with their types and defaults, in one line."""
    parts = []
    for option in engine_options(name):
        shown = "required" if option.required else f"default {option.default!r}"
        parts.append(f"{option.name} ({' or '.join(option.types)}, {shown})")
    return ", ".join(parts) or "no options"


def _options(cls: type) -> dict[str, tuple[Any, Any]]:
    """Option -> (annotation, default) of an engine's constructor."""
    constructor = cls.__dict__.get("__init__")
    if constructor is None:
        return {}
    hints = typing.get_type_hints(constructor)
    parameters = list(inspect.signature(constructor).parameters.values())[1:]
    return {p.name: (hints.get(p.name, str), p.default) for p in parameters}


def _kinds(annotation: Any) -> tuple[type, ...]:
    """The types of `X` or `X | None`."""
    return typing.get_args(annotation) or (annotation,)


def _converted(name: str, key: str, value: OptionValue | None, annotation: Any) -> OptionValue | None:
    """A value as the constructor wants it."""
    kinds = _kinds(annotation)
    if types.NoneType in kinds and value in (None, "", "none", "None"):
        return None
    kind = next(k for k in kinds if k is not types.NoneType)
    if value is None:
        raise InputError(f"the engine {name}: option {key}=None is not a {kind.__name__}")
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[str(value).lower()]
        converted: OptionValue = kind(value)
    except (ValueError, KeyError) as error:
        raise InputError(f"the engine {name}: option {key}={value!r} is not a {kind.__name__}") from error
    return converted
