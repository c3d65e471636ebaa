"""From one value, as JSON or Python has it, to the canonical cell of its column's kind, or to what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asrfair.manifest.columns import SEPARATOR, Kind
from asrfair.manifest.faults import show

_HALF = re.compile("[\ud800-\udfff]")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class CellError(ValueError):
    """A value that its column cannot hold; the message says why and what to do."""


def _text(value: str) -> str:
    """The value itself, unless it cannot be written as UTF-8."""
    if not value.isascii() and _HALF.search(value):
        raise CellError(f"{show(value)} has half a surrogate pair, which is no character: write the whole character")
    return value


def _number_text(value: bool | int | float) -> str:
    """A number as text, the same whether a format stores 16 or 16.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CellError(f"{value} is not a value: leave it out where there is none")
        return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)
    return str(value)


def scalar_text(value: object) -> str:
    """Text, a number or a truth value as text.

    >>> scalar_text(16.0)
    '16'
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bool, int, float)):
        return _number_text(value)
    raise CellError(f"{show(value)} is nested: write text, or a flat list of texts")


def pack(value: object) -> str | None:
    r"""A cell of an attribute, packed (see `columns`).

    >>> pack(["a", 2])
    '\x1fa\x1f2'
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return "".join(SEPARATOR + scalar_text(item) for item in value if item is not None) or None
    return scalar_text(value)


def carry(value: object) -> str | None:
    """A cell of an undeclared column as text: a list joined by `|`, an object as JSON."""
    if isinstance(value, Mapping):
        return _text(json.dumps(value, ensure_ascii=False))
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (Mapping, list, tuple)) for item in value):
            return _text(json.dumps(value, ensure_ascii=False))
        return "|".join(scalar_text(item) for item in value if item is not None)
    return None if value is None else scalar_text(value)


def _identifier(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise CellError(f"{show(value)} is not text: write it in quotes")


def _plain(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    raise CellError(f"{show(value)} is not text: write it in quotes")


def _number(value: object) -> float:
    if isinstance(value, str):
        raise CellError(f"{show(value)} is text, not a number: write it without quotes")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise CellError(f"{show(value)} is not a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _references(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise CellError(f'{show(value)} is not a list of texts: write the accepted wordings as ["...", "..."]')
    return [_text(item) for item in value]


CELLS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.ID: _identifier,
    Kind.TEXT: _plain,
    Kind.NUMBER: _number,
    Kind.REFERENCES: _references,
    Kind.ATTRIBUTE: pack,
    Kind.UNDECLARED: carry,
}


def number_from_text(text: str) -> float:
    """A number written as text, with a decimal point; `nan` and `inf` are let through for the check that names them.

    Raises:
        CellError: it is none.
    """
    text = text.strip()
    if _DECIMAL.fullmatch(text) or text.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        return float(text)
    remedy = ": write it with a decimal point" if _DECIMAL.fullmatch(text.replace(",", ".", 1)) else ""
    raise CellError(f"{show(text)} is not a number{remedy}")


def column_or_faults(values: Sequence[Any], kind: Kind) -> tuple[list[Any], list[tuple[int, str]]]:
    """Convert the values of one column one by one.

    Returns:
        The cells, null where the value cannot be used, and for each of those its position and what is wrong.
    """
    convert, cells, wrong = CELLS[kind], [], []
    for position, value in enumerate(values):
        cell = None
        if value is not None:
            try:
                cell = convert(value)
            except CellError as error:
                wrong.append((position, str(error)))
        cells.append(cell)
    return cells, wrong
