"""From a row that people read back to the rows of the table that it was drawn from.

A part of the card prints systems, conditions and groups in words; the words are made once more from the rows of its
table and compared, so that no part has to carry keys along. What all the rows behind one line agree on is its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.records import ALL
from asrfair.report.sections import Section
from asrfair.report.service._base import Signatures, Source
from asrfair.report.wording import condition

KEYS = ("system_id", "condition_id", "normalizer", "attribute", "group")
COLUMNS = {
    "system": "system_id",
    "condition": "condition_id",
    "simulated": "simulated",
    "environment": "environment",
    "attribute": "attribute",
    "group": "group",
    "harm": "harm",
}
ISOLATES = str.maketrans("", "", "\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}")
IN_RUN_FILE = frozenset({"usage"})
Row = Mapping[str, Any]


def section_sources(section: Section, rows: Sequence[Row], normalizer: str, signatures: Signatures) -> list[Source]:
    """One source for each row of a part's table.

    Args:
        section: a part of the card.
        rows: of the table that it was drawn from, as they are on the card.
        normalizer: the headline normaliser.
        signatures: of the card.
    """
    mine = [row for row in rows if row.get("normalizer") in (None, normalizer)] or rows
    names = [name for name in COLUMNS if name in section.header and mine and _knows(mine[0], name)]
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in mine:
        found.setdefault(tuple(_printed(row, name) for name in names), []).append(row)
    places = [section.header.index(name) for name in names]
    made = []
    for line in section.rows:
        behind = found.get(tuple(line[at].translate(ISOLATES) for at in places), [])
        made.append(_source(section.table, behind, signatures))
    return made


def _knows(row: Row, name: str) -> bool:
    """Whether a table has what a column prints."""
    return COLUMNS[name] in row


def _printed(row: Row, name: str) -> str:
    """What a part prints for one column of a row."""
    value = row[COLUMNS[name]]
    if name == "group":
        value = "everybody" if row["attribute"] == ALL else f"{row['attribute']}: {value}"
    elif name in ("condition", "simulated"):
        value = condition(value)
    elif name == "environment" and value in (None, "", ALL):
        value = "all conditions"
    return str(value).translate(ISOLATES)


def _source(table: str, behind: Sequence[Row], signatures: Signatures) -> Source:
    """What the rows behind a line agree on."""
    file = "run.json" if table in IN_RUN_FILE else f"{table}.parquet"
    common: dict[str, Any] = {}
    for key in KEYS:
        values = {row.get(key) for row in behind}
        if len(values) == 1 and (value := values.pop()) is not None:
            common[key] = value
    signed = signatures.of(common.get("system_id"), common.get("condition_id"))
    return Source(file=file, field="usage" if table in IN_RUN_FILE else None, signature=signed, **common)
