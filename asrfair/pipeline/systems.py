"""The verb systems: the engines that are found here, whether each is ready, what it takes and what it costs.

An engine's module is imported, its library is not: no constructor is called, no model loaded, no server asked. So an
engine that is ready may still refuse its options, or a server its credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from asrfair.adapters import Adapter, available_engines, engine_class, engine_options
from asrfair.adapters._cloud import CloudAdapter
from asrfair.transcribe.prices import Price, PriceTable

LOCAL, CLOUD, TRANSCRIPTS, UNKNOWN = "local", "cloud", "transcripts", "unknown"
"""Kinds: runs here, asks a server, looks up transcripts that somebody else made, cannot be loaded."""

OWN = "asrfair.adapters."


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """One engine.

    Attributes:
        name: as `--system` takes it.
        kind: `local`, `cloud`, `transcripts`, or `unknown` where the engine's own file cannot be loaded.
        ready: whether nothing is missing.
        missing: what is to be done first, a sentence each.
        about: the first line of what the engine says of itself.
        options: name, types, whether required, default.
        price: of its default model: `Price` with the table's currency and day; None where none is known.
        prices: of all its models.
    """

    name: str
    kind: str
    ready: bool
    missing: tuple[str, ...] = ()
    about: str = ""
    options: tuple[dict[str, Any], ...] = ()
    price: dict[str, Any] | None = None
    prices: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines that were found, sorted by name.

    Attributes:
        entries: one an engine.
        detailed: whether one was asked for by name.
    """

    entries: tuple[EngineEntry, ...]
    detailed: bool = False

    def as_json(self) -> str:
        """For machines: a list of engines, or the one that was asked for."""
        data = [asdict(entry) for entry in self.entries]
        return msgspec.json.format(msgspec.json.encode(data[0] if self.detailed else data)).decode()

    def as_text(self) -> str:
        """For people."""
        from asrfair.report import render_engines

        return render_engines([asdict(entry) for entry in self.entries], detailed=self.detailed)

    def __str__(self) -> str:
        return self.as_text()


def systems(name: str | None = None) -> Engines:
    """The engines there are, or one of them.

    Args:
        name: file name in `asrfair/adapters`, or entry point; None for all.

    Raises:
        InputError: there is no such engine.
    """
    table = PriceTable.load()
    if name is not None:
        engine_class(name)
        return Engines((_entry(name, table),), detailed=True)
    return Engines(tuple(_entry(found, table) for found in available_engines()))


def _entry(name: str, table: PriceTable) -> EngineEntry:
    """What is known of an engine; one that cannot be loaded hides no other."""
    try:
        cls, options = engine_class(name), engine_options(name)
        missing = cls.missing() if issubclass(cls, Adapter) else []
    except Exception as error:  # noqa: BLE001 - a file that others ship may raise anything
        return EngineEntry(name, UNKNOWN, False, (f"cannot be loaded: {type(error).__name__}: {error}",))
    shown = name.replace("_", "-") if cls.__module__.startswith(OWN) else name
    default = table.find(shown, {option.name: option.default for option in options})
    return EngineEntry(
        name=shown,
        kind=_kind(cls),
        ready=not missing,
        missing=tuple(missing),
        about=(cls.__doc__ or "").strip().partition("\n")[0],
        options=tuple(option._asdict() for option in options),
        price=None if default is None else _priced(default, table),
        prices=tuple(_of_engine(shown, table)),
    )


def _kind(cls: type) -> str:
    """Where an engine works."""
    if not issubclass(cls, Adapter):
        return TRANSCRIPTS
    return CLOUD if issubclass(cls, CloudAdapter) else LOCAL


def _of_engine(name: str, table: PriceTable) -> Iterator[dict[str, Any]]:
    """All prices of an engine."""
    yield from (_priced(price, table) for price in table.prices if price.engine == name)


def _priced(price: Price, table: PriceTable) -> dict[str, Any]:
    """A price with the currency and the day of its table."""
    return msgspec.structs.asdict(price) | {"currency": table.currency, "as_of": table.as_of.isoformat()}
