"""What a further part of the card is, and what it may know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

Row = dict[str, Any]


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of the card: what it is, what it found, its table as people read it, and what to warn of.

    Attributes:
        id: short and stable, for links.
        title: its heading.
        about: one sentence on what is measured.
        sentences: what was found.
        header, rows: the table; every row as long as the header.
        warnings: what stands at the top of the card too.
    """

    id: str
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
    """

    normalizer: str
    attributes: Mapping[str, Mapping[str, Any]]
    several_systems: bool
    several_conditions: bool
    rates: Mapping[tuple[str, str], float | None]


def headline(rows: Sequence[Row], context: Context) -> list[Row]:
    """The rows of the headline normaliser."""
    return [row for row in rows if row["normalizer"] == context.normalizer]
