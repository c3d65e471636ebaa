"""The further parts of a card: one file each, drawn from one table, in the order of reading.

A part that has nothing to say is not on the card. Its numbers stand in `card.json` too (`tables`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from asrfair.report.sections import (
    adjusted,
    calibration,
    collect_next,
    curves,
    degradation,
    errors,
    frontier,
    harms,
    heard,
    interactions,
    matched,
    normalizers,
    probes,
    reality,
    repeats,
    sensitivity,
    spread,
    systems,
    usage,
    worst_case,
)
from asrfair.report.sections._base import Context, Row, Section
from asrfair.report.sections.usage import usage_rows

__all__ = ["TABLES", "Context", "Row", "Section", "make_sections", "usage_rows"]

_LAST_MILE = (degradation, interactions, curves, worst_case, sensitivity, reality, probes, collect_next, heard)
_PARTS = (
    *_LAST_MILE,
    repeats,
    spread,
    systems,
    frontier,
    normalizers,
    adjusted,
    matched,
    errors,
    harms,
    calibration,
    usage,
)
TABLES = tuple(dict.fromkeys(part.TABLE for part in _PARTS if part is not usage))
"""The tables of a run folder that further parts are drawn from; the usage is in `run.json`."""


def make_sections(tables: Mapping[str, Sequence[Row]], context: Context) -> list[Section]:
    """The parts that have something to say.

    Args:
        tables: name -> rows, without the numbers of withheld groups.
        context: what the card knows.
    """
    made = ((part.TABLE, part.section(tables[part.TABLE], context)) for part in _PARTS if tables.get(part.TABLE))
    return [msgspec.structs.replace(section, table=table) for table, section in made if section is not None]
