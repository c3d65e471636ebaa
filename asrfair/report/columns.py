"""Text in columns: how wide it is on a screen, tables that fit one, lines that are broken to fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SCREEN = 100
"""No line is wider than this, as long as there is a first column that can be cut."""

MOST_NAME = 30
LEAST_NAME = 12
GAP = "  "
JOINERS = ("\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}")
"""Format characters that are part of spelling and move nothing."""


def width(text: str) -> int:
    """How many columns a text takes on a terminal.

    >>> width("naïve"), width("日本")
    (5, 4)
    """
    total = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
            continue
        total += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return total


def cleaned(text: str) -> str:
    """A text without what a terminal would obey instead of show: control and direction characters, line separators."""
    kinds = ((unicodedata.category(c), c) for c in text)
    return "".join(" " if kind in ("Cc", "Zl", "Zp") else c for kind, c in kinds if kind != "Cf" or c in JOINERS)


def shortened(text: str, most: int = MOST_NAME) -> str:
    """A clean text, cut to a width."""
    text = cleaned(text)
    if width(text) <= most:
        return text
    while width(text) > most - 1:
        text = text[:-1]
    return f"{text}…"


def wrapped(text: str, first: str = "") -> str:
    """A clean text broken into lines at its blanks; later lines are indented as far as `first` reaches.

    >>> print(wrapped("one two " * 13, first="- "))
    - one two one two one two one two one two one two one two one two one two one two one two one two
      one two
    """
    lines, line = [], first
    for word in cleaned(text).split():
        blank = "" if line.strip() in ("", first.strip()) else " "
        if blank and width(line) + 1 + width(word) > SCREEN:
            lines.append(line)
            line, blank = " " * len(first), ""
        line += blank + word
    return "\n".join([*lines, line])


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left and cut where the table would not fit, the others to the right.

    A row of one cell is a heading that runs across.

    >>> print(text_table(["group", "n"], [["all of them"], ["a", "10"], ["bcd", "9"]]))
    group   n
    all of them
    a      10
    bcd     9
    """
    full = [list(header), *[[shortened(cell) for cell in row] for row in rows if len(row) > 1]]
    widths = [max(width(row[i]) for row in full) for i in range(len(header))]
    others = sum(widths[1:]) + len(GAP) * (len(header) - 1)
    widths[0] = min(widths[0], max(SCREEN - others, LEAST_NAME))
    lines = []
    for row in [header, *rows]:
        if len(row) == 1:
            lines.append(shortened(row[0], SCREEN))
            continue
        cells = [shortened(cell, wide) for cell, wide in zip(row, widths, strict=True)]
        padded = [_padded(cell, w, left=i == 0) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))]
        lines.append(GAP.join(padded).rstrip())
    return "\n".join(lines)


def _padded(text: str, wide: int, *, left: bool) -> str:
    """A cell with its blanks."""
    blanks = " " * (wide - width(text))
    return text + blanks if left else blanks + text
