"""What a further part of the card is, and what it may know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from asrfair.records import ALL, REST
from asrfair.report.environments import Room, in_order
from asrfair.report.wording import condition, isolated

Row = dict[str, Any]


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of the card: what it is, what it found, its table as people read it, and what to warn of.

    Attributes:
        id: short and stable, for links.
        table: the table that it is drawn from.
        title: its heading.
        about: one sentence on what is measured.
        sentences: what was found.
        header, rows: the table; every row as long as the header.
        warnings: what stands at the top of the card too.
    """

    id: str
    table: str = ""
    title: str
    about: str
    sentences: list[str] = []
    header: list[str] = []
    rows: list[list[str]] = []
    warnings: list[str] = []


@dataclass(frozen=True, slots=True)
class Context:
    """What a part may know besides its table.

    Attributes:
        normalizer: the headline normaliser.
        attributes: what the attributes of the manifest mean.
        several_systems, several_conditions: whether a sentence must name them.
        rates: (system, condition) -> word error rate of everybody.
        rooms: the environments of the run, each with its conditions from easy to hard.
        tables: name -> rows of every table there is, for a part that needs a second one.
    """

    normalizer: str
    attributes: Mapping[str, Mapping[str, Any]]
    several_systems: bool
    several_conditions: bool
    rates: Mapping[tuple[str, str], float | None]
    rooms: Sequence[Room] = ()
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def room(self, environment: str | None) -> Room | None:
        """What is known of an environment."""
        return next((room for room in self.rooms if room.name == environment), None)

    def ordered(self, rows: Sequence[Row]) -> list[Row]:
        """Rows of conditions in the order of reading: system by system, environments from easy to hard."""
        names = in_order(self.rooms, list({row["condition_id"] for row in rows}))
        places = {name: at for at, name in enumerate(names)}
        systems = {name: at for at, name in enumerate(dict.fromkeys(row["system_id"] for row in rows))}
        return sorted(rows, key=lambda r: (systems[r["system_id"]], places.get(r["condition_id"], len(places))))

    def of(self, row: Row, text: str) -> str:
        """A sentence about a system: with its name where there are several, else with a capital letter."""
        return f"{isolated(row['system_id'])}: {text}" if self.several_systems else capital(text)

    def where(self, row: Row) -> str:
        """The condition of a row in a sentence, and its system where there are several."""
        heard = condition(row["condition_id"])
        return f"{isolated(row['system_id'])}, {heard}" if self.several_systems else heard


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def whom(row: Row, name: str = "group") -> str:
    """A group or a baseline in a field of a table."""
    if row["attribute"] == ALL:
        return "everybody" if name == "group" else ""
    value = row[name]
    if name == "group":
        return f"{row['attribute']}: {isolated(value)}"
    return "" if value is None else "everybody else" if value == REST else isolated(value)


def headline(rows: Sequence[Row], context: Context) -> list[Row]:
    """The rows of the headline normaliser."""
    return [row for row in rows if row["normalizer"] == context.normalizer]
