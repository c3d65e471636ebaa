"""The card to read and to print: `card.html`, one file without a script that asks nobody for anything.

It has the ordered parts of the card and its plots. So that tables fit a sheet of paper, an interval stands under its
number, and what is the same in all rows (the system, the condition) stands over the table. Text from data is escaped
and has a direction of its own (`bdi`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asrfair.report.figures import MOST_GROUPS, cut_intervals, forest_figure, plotted_groups, svg
from asrfair.report.markdown import ANNEX, table_numbers, table_source
from asrfair.report.service import Paragraph, ServiceTable, walk
from asrfair.report.stress_plots import stress_plots
from asrfair.report.stress_text import is_stressed, opened
from asrfair.report.wording import NONE, VERDICTS, count, isolated

if TYPE_CHECKING:
    from asrfair.report.card import Card

TEMPLATES = Path(__file__).parent / "templates"
WITHIN = "95 % interval"
COMMON = frozenset({"system", "condition", "environment", "against", "attribute", "normalisers"})
"""Columns that stand over a table where all rows agree."""

MOST_SERIES = 6
MARKS = {VERDICTS["higher"]: "higher", VERDICTS["lower"]: "lower"}
_INSIDE = re.compile(r"(\S.*?) \(([^()]* to [^()]*)\)")
"""A number with its interval in one field."""

_NUMBER = re.compile(r"[-<>+]?\d")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a printed table: its head, what stands under each number, and whether it holds numbers."""

    name: str
    under: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Printed:
    """A table that fits a sheet of paper.

    Attributes:
        table: as the card has it.
        number: in the order of reading.
        common: what is the same in all rows, as sentences.
        columns: those that are left.
        rows: per column the text and what stands under it.
        source: where it comes from.
    """

    table: ServiceTable
    number: int
    common: list[str]
    columns: list[Column]
    rows: list[list[tuple[str, str]]]
    source: str


def render_card_page(card: Card) -> str:
    """The whole card as a page."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers = table_numbers(card)
    tables = [table for part in walk(card.service) for table in part.tables]
    return environment.get_template("card.html.j2").render(
        card=card,
        numbers=numbers,
        printed={table.id: printed(card, table, numbers[table.id]) for table in tables},
        annexed=[table.id for table in tables if table.is_annexed],
        annex=ANNEX,
        figures=_figures(card),
        blocks=blocks,
        marks=MARKS,
        dash=NONE,
    )


def blocks(paragraphs: Sequence[Paragraph]) -> list[tuple[str, list[Paragraph]]]:
    """Paragraphs of one form and provenance that follow each other, together."""
    found: list[tuple[str, list[Paragraph]]] = []
    for paragraph in paragraphs:
        last = found[-1][1][-1] if found else None
        if last is not None and (last.form, last.provenance) == (paragraph.form, paragraph.provenance):
            found[-1][1].append(paragraph)
        else:
            found.append((paragraph.form, [paragraph]))
    return found


def printed(card: Card, table: ServiceTable, number: int) -> Printed:
    """A table as it is printed.

    Args:
        card: that it is on.
        table: one of its tables.
        number: of the table.
    """
    common = set(_common(table))
    left = [at for at in range(len(table.header)) if at not in common]
    mains = [at for at in left if table.header[at] != WITHIN or at - 1 not in left]
    unders = {at: at + 1 for at in mains if at + 1 in left and at + 1 not in mains}
    texts = [[row[at] for row in table.rows] for at in mains]
    return Printed(
        table=table,
        number=number,
        common=[f"{table.header[at]}: {table.rows[0][at]}" for at in sorted(common)],
        columns=[
            Column(table.header[at], WITHIN if at in unders else "", _is_number(column))
            for at, column in zip(mains, texts, strict=True)
        ],
        rows=[[_field(row[at], row[unders[at]] if at in unders else "") for at in mains] for row in table.rows],
        source=table_source(card, table),
    )


def _field(text: str, within: str) -> tuple[str, str]:
    """What stands in a field, and under it: an interval, which may be a field of its own or stand behind a number."""
    found = None if within else _INSIDE.fullmatch(text)
    return (found[1], found[2]) if found else (text, within)


def _common(table: ServiceTable) -> Iterator[int]:
    """Columns that may stand over the table: the rows are several and agree."""
    if len(table.rows) < 2:
        return
    for at, name in enumerate(table.header):
        if name in COMMON and len({row[at] for row in table.rows}) == 1 and table.rows[0][at]:
            yield at


def _is_number(column: Sequence[str]) -> bool:
    """Whether a column holds numbers, so that it is read from its right end."""
    told = [text for text in column if text not in ("", NONE, "withheld")]
    return bool(told) and all(_NUMBER.match(text) for text in told)


def _figures(card: Card) -> dict[str, list[dict[str, Any]]]:
    """Id of a part -> its plots, as markup that was made here."""
    shown = [cell for cell in card.cells if cell.condition_id in opened(card)]
    names = dict.fromkeys(part.attribute for cell in shown for part in cell.attributes)
    found = {f"groups-{n}": list(_forests(card, name, f"forest{n}")) for n, name in enumerate(names, 1)}
    if is_stressed(card):
        rows = [plot for places in stress_plots(card).values() for row in places for plot in row]
        found["by-condition"] = [{"kind": p["kind"], "svg": p["svg"], "text": p["caption"]} for p in rows]
    return found


def _forests(card: Card, attribute: str, prefix: str) -> Iterator[dict[str, Any]]:
    """One forest plot for all systems and conditions that stand open, or one a system where they are many."""
    from markupsafe import Markup

    is_open = opened(card)
    cells = [c for c in card.cells if c.condition_id in is_open and attribute in [p.attribute for p in c.attributes]]
    systems = list(dict.fromkeys(cell.system_id for cell in cells))
    sets = [cells] if len(cells) <= MOST_SERIES else [[c for c in cells if c.system_id == s] for s in systems]
    for number, chosen in enumerate(sets):
        rows = [
            row for cell in chosen for part in cell.attributes if part.attribute == attribute for row in part.groups
        ]
        if any(row.wer is not None for row in rows):
            left = max(0, len(plotted_groups(chosen, attribute)) - MOST_GROUPS)
            cut = (
                " An arrow: the interval goes on, as far as the table says." if cut_intervals(chosen, attribute) else ""
            )
            more = f" The last {count(left, 'group')} stand in the table only." if left else ""
            of = f", {isolated(chosen[0].system_id)}" if len({cell.system_id for cell in chosen}) == 1 else ""
            text = f"Word error rate by {isolated(attribute)}{of}, with 95 % intervals.{cut}{more}"
            figure = svg(forest_figure(chosen, attribute), f"{prefix}-{number}")
            yield {"kind": "forest", "svg": Markup(figure), "text": text}
