"""CSV that a spreadsheet takes as text and numbers, never as a formula.

A cell that comes from data and begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in front,
which spreadsheets do not show (OWASP, CSV injection). Numbers are written as they are, negative ones too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: object) -> object:
    """A cell as a spreadsheet may have it; numbers and None as they are.

    >>> harmless("=cmd()"), harmless(-0.5), harmless("a-b")
    ("'=cmd()", -0.5, 'a-b')
    """
    if not isinstance(cell, str):
        return cell
    text = "".join(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in cell)
    return f"'{text}" if cell.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV; None is an empty cell, control characters are blanks.

    Args:
        header: names of the columns.
        rows: cells.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()
