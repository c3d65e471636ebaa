"""What the ordered parts of a service card are made of: parts, paragraphs, tables, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from asrfair.report.questions import QUESTIONS
from asrfair.report.stated import CARD_FILE, Stated, answer

if TYPE_CHECKING:
    from asrfair.report.cells import CellPart

NOT_STATED = "not stated"
LABELS = {question.key: question.label for question in QUESTIONS}


class Source(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Where something on the card comes from.

    Attributes:
        file: of the run folder, or `card.toml`, or the manifest's `dataset.toml`.
        field: the key of a file that is no table.
        system_id, condition_id, normalizer, attribute, group: the row; absent where it rests on several.
        signature: of the numbers; several, with blanks between, where a row rests on several conditions or systems.
    """

    file: str
    field: str | None = None
    system_id: str | None = None
    condition_id: str | None = None
    normalizer: str | None = None
    attribute: str | None = None
    group: str | None = None
    signature: str | None = None


class Paragraph(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A text and who says it.

    Attributes:
        text: plain, never markup.
        provenance: `stated` by a person, `measured` in this run, `method` (what a number is; the same for every run),
            or `not_stated`.
        label: what it is about, to stand before it.
        form: `text`, `item` of a list, `ranked` item, or `command` to type.
        source: where it comes from; None for `method`.
        see: id of the table that has its numbers.
    """

    text: str
    provenance: Literal["stated", "measured", "method", "not_stated"]
    label: str | None = None
    form: Literal["text", "item", "ranked", "command"] = "text"
    source: Source | None = None
    see: str | None = None


class ServiceTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table as people read it.

    Attributes:
        id: for links.
        title: what it shows.
        header, rows: every row as long as the header.
        sources: one a row.
        is_annexed: whether it is so long, or so far from the point, that it stands at the end of a printed card.
    """

    id: str
    title: str
    header: list[str]
    rows: list[list[str]]
    sources: list[Source]
    is_annexed: bool = False


class ServicePart(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A heading with what stands under it; `parts` are the headings below."""

    id: str
    title: str
    paragraphs: list[Paragraph] = []
    tables: list[ServiceTable] = []
    parts: list[ServicePart] = []


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signature of every system and condition of a card."""

    cells: Sequence[CellPart]

    def of(self, system_id: str | None = None, condition_id: str | None = None) -> str | None:
        """One signature, or those of all that fit with blanks between; None if there are none."""
        fitting = [
            cell.signature
            for cell in self.cells
            if system_id in (None, cell.system_id) and condition_id in (None, cell.condition_id)
        ]
        return " ".join(dict.fromkeys(fitting)) or None


def asked(stated: Stated, *keys: str) -> list[Paragraph]:
    """What a person said under these keys; where nothing was said, that."""
    return [paragraph for key in keys for paragraph in _answered(stated, key)]


def _answered(stated: Stated, key: str) -> Iterator[Paragraph]:
    """One key: a paragraph, or a list under its label."""
    texts, label, source = answer(stated, key), LABELS[key], Source(file=CARD_FILE, field=key)
    if not texts:
        yield Paragraph(text=NOT_STATED, provenance="not_stated", label=label, source=source)
    elif _is_list(key):
        yield Paragraph(text="", provenance="stated", label=label, source=source)
        form: Any = "ranked" if key == "intended_use.error_types" else "item"
        yield from (Paragraph(text=text, provenance="stated", form=form, source=source) for text in texts)
    else:
        first, *others = [part.strip() for part in texts[0].split("\n\n") if part.strip()]
        yield Paragraph(text=first, provenance="stated", label=label, source=source)
        yield from (Paragraph(text=text, provenance="stated", source=source) for text in others)


def _is_list(key: str) -> bool:
    """Whether the answer is a list."""
    return next(question.is_list for question in QUESTIONS if question.key == key)


def measured(texts: Sequence[str], *, source: Source | None = None, see: str | None = None) -> list[Paragraph]:
    """Sentences that the run says, as a list."""
    return [Paragraph(text=text, provenance="measured", form="item", source=source, see=see) for text in texts]


def told(text: str, *, source: Source | None = None) -> list[Paragraph]:
    """One sentence that the run says, as a text of its own."""
    return [Paragraph(text=text, provenance="measured", source=source)]


def method(*texts: str) -> list[Paragraph]:
    """What a number is, in words that do not depend on the run."""
    return [Paragraph(text=text, provenance="method") for text in texts]


def walk(parts: Sequence[ServicePart]) -> Iterator[ServicePart]:
    """Every part in the order of reading."""
    for part in parts:
        yield part
        yield from walk(part.parts)
