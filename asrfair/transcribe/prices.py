"""What a service asks for audio: a dated table of list prices (`prices.toml`) that the user can copy and edit.

A request is billed by its audio: the length is rounded up to the service's step, is at least its minimum, and is
multiplied by the price of a minute. One waveform is one request, so that short utterances cost more a minute than
the list says: 3 s where 15 s are the minimum cost five times as much. Free minutes, volume tiers, taxes and add-ons are
not in it: a table's cost is an estimate, never a bill.
"""

from __future__ import annotations

import datetime
import math
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from asrfair.errors import ConfigError

BUILT_IN = Path(__file__).with_name("prices.toml")
_ROUNDING = 1e-9
"""A length that is this close above a step, in steps, is the step: 16,000 samples are one second."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one engine asks for some of its models.

    Attributes:
        engine: name of the engine.
        model: of its option `model`, with `*` and `?` as wild cards.
        per_minute: of audio, in the table's currency.
        increment_s: billing step, seconds; 0 for exact seconds.
        minimum_s: the shortest request that is billed, seconds.
        source: name of the public page.
        note: what is not certain, or not in it.
        not_with: options under which the price does not hold, such as a server of one's own.
    """

    engine: str
    model: str = "*"
    per_minute: float
    increment_s: float = 0.0
    minimum_s: float = 0.0
    source: str
    note: str = ""
    not_with: tuple[str, ...] = ()

    def billed_s(self, duration_s: float) -> float:
        """How many seconds are billed for a request of this length.

        >>> price = Price(engine="e", per_minute=0.024, increment_s=1, minimum_s=15, source="s")
        >>> price.billed_s(3.2), price.billed_s(20.1), price.billed_s(21.0)
        (15.0, 21.0, 21.0)
        """
        if self.increment_s:
            steps = math.ceil(duration_s / self.increment_s - _ROUNDING)
            return float(max(steps * self.increment_s, self.minimum_s))
        return float(max(duration_s, self.minimum_s))

    def cost(self, duration_s: float) -> float:
        """What one request costs, in the table's currency.

        Args:
            duration_s: length of its audio, seconds.

        A minute costs what the list says; 3 s cost as much as the minimum of 15 s, a quarter of it; 20.1 s are 21 s.

        >>> price = Price(engine="e", per_minute=0.024, increment_s=1, minimum_s=15, source="s")
        >>> [round(price.cost(duration_s), 6) for duration_s in (60, 3, 20.1)]
        [0.024, 0.006, 0.0084]
        """
        return self.billed_s(duration_s) / 60.0 * self.per_minute


class PriceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Prices of a day.

    Attributes:
        schema_version: 1.
        as_of: the day on which they were put together.
        currency: of all prices.
        prices: in the order in which they are tried; `[[price]]` in the file.
    """

    schema_version: int
    as_of: datetime.date
    currency: str
    prices: tuple[Price, ...] = msgspec.field(name="price", default=())

    @classmethod
    def load(cls, path: Path | None = None) -> PriceTable:
        """Read a table.

        Args:
            path: a TOML file; None for the table that comes with asrfair.

        Raises:
            ConfigError: absent, not TOML, an unknown or absent key, a value of the wrong type or range.

        >>> PriceTable.load().currency
        'USD'
        """
        file = BUILT_IN if path is None else path
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"{file}: the prices cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{file}: not a TOML file in UTF-8: {error}") from error
        try:
            table = msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            keys = ", ".join(Price.__struct_fields__)
            raise ConfigError(
                f"{file}: {error}; a table has schema_version, as_of, currency and [[price]] with {keys}"
            ) from error
        if faults := _faults(table):
            raise ConfigError("\n".join(f"{file}: {fault}" for fault in faults))
        return table

    def find(self, engine: str, options: Mapping[str, object]) -> Price | None:
        """What an engine with these options asks: the first entry that fits.

        Args:
            engine: its name; `-` and `_` are the same.
            options: of the engine; `model` chooses. Without one, the first entry of the engine is taken.

        Returns:
            The price; None if the table has none: a local engine, another model, a server of one's own.

        >>> table = PriceTable.load()
        >>> table.find("openai", {"model": "whisper-1"}).per_minute
        0.006
        >>> table.find("openai", {"model": "whisper-1", "base_url": "http://127.0.0.1:8000/v1"}) is None
        True
        >>> table.find("vosk", {}) is None
        True
        """
        name, model = engine.replace("_", "-"), options.get("model")
        for price in self.prices:
            fits = price.engine == name and (not model or fnmatchcase(str(model), price.model))
            if fits:
                return None if any(options.get(option) for option in price.not_with) else price
        return None


def _faults(table: PriceTable) -> list[str]:
    """What is wrong with the values of a table."""
    found = []
    if table.schema_version != 1:
        found.append(f"schema_version: {table.schema_version} is not known; this version reads 1")
    for number, price in enumerate(table.prices, start=1):
        for key in ("per_minute", "increment_s", "minimum_s"):
            value = getattr(price, key)
            if not 0.0 <= value < math.inf:
                found.append(f"price {number} ({price.engine}): {key}: {value} is no number of 0 or more")
    return found
