"""What may leave a run: its card, and the parts of it without the groups that are withheld.

Plots, tables for papers and exporters take their numbers here and nowhere else. The card names a withheld group and
says that it is withheld; what leaves from here does not have it at all, neither as a group nor as a baseline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from asrfair.errors import InputError, RunFolderError
from asrfair.records import ALL
from asrfair.report.card import Card, make_card
from asrfair.report.cells import COUNTS, GAP_NUMBERS, AttributePart, CellPart, GroupRow
from asrfair.report.sections import TABLES
from asrfair.stats.policy import BASELINE_PREFIX, SUPPRESSED
from asrfair.stats.suppression import K_EXPORTED, K_LOCAL
from asrfair.tables import check_table, readable

METRICS = (
    *(name for name in COUNTS if name != "group"),
    "wer",
    "wer_low",
    "wer_high",
    "wer_macro",
    "cer",
    *GAP_NUMBERS,
)
"""The numbers of a group, by the names of their columns; rates are fractions."""

ALWAYS = ("measures", "normalizer_gaps", "system_gaps")


class Analysed(Protocol):
    """What was analysed, as `asrfair.audit` returns it."""

    @property
    def groups(self) -> pa.Table:
        """`tables.GROUPS`."""

    @property
    def disparities(self) -> pa.Table:
        """`tables.DISPARITIES`."""

    @property
    def further(self) -> Mapping[str, pa.Table]:
        """The other tables, by name."""

    @property
    def run(self) -> Mapping[str, Any]:
        """The contents of `run.json`."""


Run = str | Path | Analysed
"""A run folder, or what an audit gave."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of one group, with everything that it depends on.

    Attributes:
        metric: one of `METRICS`.
        value: rates and ratios are fractions, never per cent.
        system_id, condition_id, normalizer: of the cell.
        attribute, group: whose; `all` and `all` for everybody.
        baseline: what the group is compared with; None where it is not, or where that is withheld.
        verdict: of the comparison; None without one.
        signature: of the cell.
    """

    metric: str
    value: float
    system_id: str
    condition_id: str
    normalizer: str
    attribute: str
    group: str
    baseline: str | None
    verdict: str | None
    signature: str


@dataclass(frozen=True, slots=True)
class Published:
    """A run as it may be shown.

    Attributes:
        card: as `asrfair report` writes it.
        cells: its parts, without the groups that are withheld.
        run: the contents of `run.json`.
        k: speakers that a group needs.
    """

    card: Card
    cells: Sequence[CellPart]
    run: Mapping[str, Any]
    k: int

    @property
    def attributes(self) -> list[str]:
        """The attributes of which there is a group to show."""
        return list(dict.fromkeys(part.attribute for cell in self.cells for part in cell.attributes))

    def numbers(self) -> Iterator[Number]:
        """Every number there is, cell by cell, everybody first; what is unknown or not finite is left out."""
        for cell in self.cells:
            yield from _of_row(cell, ALL, cell.overall)
            for part in cell.attributes:
                for row in part.groups:
                    yield from _of_row(cell, part.attribute, row)


def published(run: Run, *, k: int | None = None) -> Published:
    """Read a run for showing.

    Args:
        run: a run folder that was analysed, or what `asrfair.audit` gave.
        k: speakers that a group needs, at least 3; by default that of the card that was written last, else 5.

    Raises:
        InputError: no run folder, one that was not analysed or is damaged, or a k below 3.
    """
    if isinstance(run, str | Path):
        record, tables = _read(Path(run))
    else:
        record, tables = run.run, {"groups": run.groups, "disparities": run.disparities, **run.further}
        tables |= {name: table for name in ALWAYS if (table := getattr(run, name, None)) is not None}
    asked = [entry["k"] for entry in record.get("verbs") or [] if entry.get("verb") == "report" and "k" in entry]
    k = k if k is not None else (asked[-1] if asked else K_EXPORTED)
    if k < K_LOCAL:
        raise InputError(f"k {k}: a group of fewer than {K_LOCAL} speakers is never published")
    further = {name: table for name, table in tables.items() if name in TABLES}
    card = make_card(record, tables["groups"], tables["disparities"], further, k=k)
    return Published(card, [_open_cell(cell) for cell in card.cells], record, k)


def _read(folder: Path) -> tuple[Mapping[str, Any], dict[str, pa.Table]]:
    """The record of a run folder and the tables of its card."""
    path = folder / "run.json"
    try:
        record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunFolderError(f"{folder}: not a run folder (no run.json); make one with asrfair transcribe") from error
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path}: cannot be read or is damaged: {error}") from error
    names = ["groups", "disparities", *(name for name in TABLES if (folder / f"{name}.parquet").exists())]
    return record, {name: _read_table(folder / f"{name}.parquet", name) for name in names}


def _read_table(path: Path, name: str) -> pa.Table:
    """One table, held to its schema."""
    with readable(path, "asrfair analyze"), pq.ParquetFile(path) as file:
        check_table(file.schema_arrow, name, str(path))
        return file.read()


def _open_cell(cell: CellPart) -> CellPart:
    """A cell without what is withheld."""
    parts = [_open_part(part) for part in cell.attributes]
    return msgspec.structs.replace(cell, attributes=[part for part in parts if part.groups])


def _open_part(part: AttributePart) -> AttributePart:
    """An attribute without its withheld groups; who was compared with one is compared with nothing."""
    hidden = {row.group for row in part.groups if SUPPRESSED in row.flags}
    rows = [_open_row(row) for row in part.groups if row.group not in hidden]
    baseline = part.baseline if part.baseline in {row.baseline for row in rows} else None
    return msgspec.structs.replace(part, groups=rows, baseline=baseline)


def _open_row(row: GroupRow) -> GroupRow:
    """A group, without the name of a baseline that is withheld."""
    if BASELINE_PREFIX + SUPPRESSED not in row.flags:
        return row
    flags = [flag for flag in row.flags if not flag.startswith(BASELINE_PREFIX)]
    return msgspec.structs.replace(row, baseline=None, verdict=None, flags=flags)


def _of_row(cell: CellPart, attribute: str, row: GroupRow) -> Iterator[Number]:
    """The numbers of one group."""
    place = cell.system_id, cell.condition_id, cell.normalizer
    for metric in METRICS:
        value = getattr(row, metric)
        if value is not None and math.isfinite(value):
            yield Number(metric, value, *place, attribute, row.group, row.baseline, row.verdict, cell.signature)
