"""The card as Markdown: `card.md`, in the order of published service cards. Long tables stand at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from asrfair.report.card import Card
from asrfair.report.service import Paragraph, ServicePart, ServiceTable, walk

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_NO_LINE = re.compile(r"^(\d+)([.)])|^([-+=])")
ANNEX = "Annex: further tables"
MOST_SIGNATURES = 2


def escaped(text: object) -> str:
    r"""A text that Markdown (and the HTML in it) takes as it is, on one line and without control characters.

    >>> escaped("<script>|*"), escaped("a\x1b[31m\nb")
    ('\\<script\\>\\|\\*', 'a \\[31m b')
    """
    plain = "".join(c if c.isprintable() or c in "\u2068\u2069" else " " for c in str(text))
    return _SPECIAL.sub(r"\\\1", " ".join(plain.split()))


def render_markdown(card: Card) -> str:
    """The whole card."""
    numbers = table_numbers(card)
    blocks = [f"# {escaped(card.title)}"]
    for part in card.service:
        blocks += _part(card, part, 2, numbers)
    annexed = [table for part in walk(card.service) for table in part.tables if table.is_annexed]
    if annexed:
        blocks += [f"## {ANNEX}", *(block for table in annexed for block in _table(card, table, numbers))]
    return "\n\n".join(blocks) + "\n"


def table_numbers(card: Card) -> dict[str, int]:
    """The number of each table, in the order of reading: those of the annex last."""
    tables = [table for part in walk(card.service) for table in part.tables]
    ordered = [t.id for t in tables if not t.is_annexed] + [t.id for t in tables if t.is_annexed]
    return {name: number for number, name in enumerate(ordered, 1)}


def table_source(card: Card, table: ServiceTable) -> str:
    """The files, the signatures and the run that a table comes from, in one line."""
    files = dict.fromkeys(file for source in table.sources for file in source.file.split())
    signed = dict.fromkeys(s for source in table.sources for s in (source.signature or "").split())
    names = ", ".join(list(signed)[:MOST_SIGNATURES])
    more = len(signed) - MOST_SIGNATURES
    signature = f"; signature{'s' if len(signed) > 1 else ''} {names}" if signed else ""
    further = f" and {more} more (see Signature of the numbers)" if more > 0 else ""
    return f"From {', '.join(files)} of run {card.signature['run_id']}{signature}{further}"


def _part(card: Card, part: ServicePart, level: int, numbers: Mapping[str, int]) -> Iterator[str]:
    """A heading and what stands under it."""
    yield f"{'#' * min(level, 6)} {escaped(part.title)}"
    yield from _paragraphs(part.paragraphs, numbers)
    for table in part.tables:
        if not table.is_annexed:
            yield from _table(card, table, numbers)
    annexed = [f"Table {numbers[table.id]}" for table in part.tables if table.is_annexed]
    if annexed:
        yield f"In the annex: {' to '.join(dict.fromkeys([annexed[0], annexed[-1]]))}."
    for below in part.parts:
        yield from _part(card, below, level + 1, numbers)


def _paragraphs(paragraphs: Sequence[Paragraph], numbers: Mapping[str, int]) -> Iterator[str]:
    """Texts, with items and commands that follow each other as one block."""
    block: list[str] = []
    form = "text"
    for paragraph in paragraphs:
        if paragraph.form != form and block:
            yield _block(block, form)
            block = []
        form = paragraph.form
        block.append(paragraph.text if form == "command" else _line(paragraph, numbers))
    if block:
        yield _block(block, form)


def _block(lines: Sequence[str], form: str) -> str:
    """Lines of one form."""
    if form == "command":
        fence = "`" * max(3, *(len(run) + 1 for line in lines for run in re.findall("`+", line)), 3)
        return "\n".join([f"{fence}sh", *lines, fence])
    if form == "text":
        return "\n\n".join(lines)
    return "\n".join(f"{number}. {line}" if form == "ranked" else f"- {line}" for number, line in enumerate(lines, 1))


def _line(paragraph: Paragraph, numbers: Mapping[str, int]) -> str:
    """One text with its label and the table that has its numbers."""
    text = escaped(paragraph.text)
    text = f"*{text}*" if paragraph.provenance == "not_stated" else _NO_LINE.sub(_literal, text)
    label = f"**{escaped(paragraph.label)}{'' if paragraph.label.endswith('?') else '.'}** " if paragraph.label else ""
    see = f" (Table {numbers[paragraph.see]})" if paragraph.see is not None else ""
    return f"{label}{text}{see}".rstrip()


def _literal(start: re.Match[str]) -> str:
    r"""The start of a text that Markdown would take for an item of a list: `1.` becomes `1\.`."""
    return f"{start[1]}\\{start[2]}" if start[1] else f"\\{start[3]}"


def _table(card: Card, table: ServiceTable, numbers: Mapping[str, int]) -> Iterator[str]:
    """A table with its number before it and where it comes from after it; the first column to the left."""
    lines = [f"| {' | '.join(map(escaped, table.header))} |", "|" + "---|" + "---:|" * (len(table.header) - 1)]
    lines += [f"| {' | '.join(map(escaped, row))} |" for row in table.rows]
    yield f"**Table {numbers[table.id]}.** {escaped(table.title)}"
    yield "\n".join(lines)
    yield f"*{escaped(table_source(card, table))}.*"
