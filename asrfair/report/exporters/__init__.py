"""The ways out of a run: one a file in this folder, found by its name. No registry is kept.

An exporter's options are the keyword arguments of its constructor, all of them texts. What leaves is what
`asrfair.report.published` gives, so what the card shows. No exporter's library is imported before it is asked to write.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Mapping

from asrfair.errors import InputError
from asrfair.report.exporters._base import Exporter

__all__ = [
    "Exporter",
    "available_exporters",
    "describe_exporter",
    "exporter_class",
    "load_exporter",
    "render_exporters",
]


def available_exporters() -> list[str]:
    """The names of all exporters, sorted; whether their libraries are installed is not asked."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def exporter_class(name: str) -> type[Exporter]:
    """The class of an exporter.

    Args:
        name: file name in this folder.

    Raises:
        InputError: there is no such exporter (lists those there are).
    """
    if name in available_exporters():
        module = importlib.import_module(f"{__name__}.{name}")
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, Exporter) and member.__module__ == module.__name__:
                return member
    raise InputError(f"no exporter is called {name!r}; there are {', '.join(available_exporters())}")


def load_exporter(name: str, options: Mapping[str, str]) -> Exporter:
    """Make an exporter with its options.

    Args:
        name: see `exporter_class`.
        options: option -> value.

    Raises:
        InputError: no such exporter or option, one that is needed is not given, or a value that cannot be used.
    """
    cls = exporter_class(name)
    known = _options(cls)
    for key in options:
        if key not in known:
            raise InputError(f"the exporter {name} has no option {key!r}; it takes {', '.join(known) or 'none'}")
    for key, default in known.items():
        if default is inspect.Parameter.empty and key not in options:
            raise InputError(f"the exporter {name} needs --option {key}=...")
    return cls(**options)


def describe_exporter(name: str) -> str:
    """The options of an exporter with their defaults, in one line.

    Raises:
        InputError: there is no such exporter.
    """
    parts = []
    for key, value in _options(exporter_class(name)).items():
        shown = "optional" if value is None else f"default {value}"
        parts.append(f"{key} ({'required' if value is inspect.Parameter.empty else shown})")
    return ", ".join(parts)


def render_exporters() -> str:
    """Every exporter with what it writes, what it takes, and what is missing here."""
    lines = []
    for name in available_exporters():
        cls = exporter_class(name)
        missing = [module for module in cls.needs if importlib.util.find_spec(module) is None]
        state = f"missing {', '.join(missing)}: pip install 'asrfair[{cls.extra}]'" if missing else "ready"
        lines += [f"{name:8}{cls.about}; {state}"]
        lines += [f"{'':8}options: {options}"] if (options := describe_exporter(name)) else []
    return "\n".join(lines)


def _options(cls: type[Exporter]) -> dict[str, object]:
    """Option -> default of a constructor."""
    parameters = list(inspect.signature(cls).parameters.values())
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
