r"""Tables for papers: LaTeX in the style of booktabs, and CSV; a table for each attribute, system and condition.

The numbers are those that the card publishes; rates are in per cent. Whatever comes from data is escaped: a group that
is called `a_b & \input{x}` is set as it is written. The caption says what the numbers depend on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from asrfair.records import REST
from asrfair.report.cells import GroupRow
from asrfair.report.published import Published
from asrfair.report.spreadsheet import csv_text
from asrfair.report.wording import VERDICTS, condition, interval, many, number, p_value, percent, percent_interval

HEADER = ("group", "speakers", "words", "WER %", "95 % interval", "times", "95 % interval", "adjusted p", "verdict")
ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\N{EM DASH}": "---",
}


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table for a paper.

    Attributes:
        name: for a file: attribute, system and condition.
        caption: what it shows and what its numbers depend on.
        rows: as people read them, in the columns of `HEADER`.
    """

    name: str
    caption: str
    rows: Sequence[Sequence[str]]

    def as_latex(self) -> str:
        """The table as LaTeX; needs the package booktabs."""
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{escaped(self.caption)}}}"]
        lines += [r"\begin{tabular}{lrrrrrrrl}", r"\toprule", _line(HEADER), r"\midrule"]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"

    def as_csv(self) -> str:
        """The table as CSV that a spreadsheet takes as text and numbers, never as a formula."""
        return csv_text(HEADER, self.rows)


def paper_tables(shown: Published) -> Iterator[PaperTable]:
    """A table for each attribute under each system and condition.

    Args:
        shown: a run as it may be shown.
    """
    for cell in shown.cells:
        for part in cell.attributes:
            if part.groups:
                other = "everybody else" if part.baseline in (None, REST) else part.baseline
                caption = (
                    f"Word error rate by {part.attribute}: {cell.system_id}, {condition(cell.condition_id)}; "
                    f"times: against {other}; p adjusted by Holm. Normaliser {cell.normalizer}, "
                    f"signature {cell.signature}, groups of {shown.k} speakers or more."
                )
                name = file_stem(part.attribute, cell.system_id, cell.condition_id)
                yield PaperTable(name, caption, [_row(row) for row in part.groups])


def file_stem(*parts: str) -> str:
    """A file name without an ending, of letters and digits of any script, `.`, `@`, `+` and `-`.

    >>> file_stem("accent*gender", "a/b", "hum@5dB")
    'accent-gender_a-b_hum@5dB'
    """
    names = (re.sub(r"[^\w.@+-]+", "-", part)[:60].strip(".-") or "unnamed" for part in parts)
    return "_".join(names)


def escaped(text: str) -> str:
    r"""A text that LaTeX sets as it is written.

    >>> escaped("50 % of {a_b}")
    '50 \\% of \\{a\\_b\\}'
    """
    plain = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())
    return "".join(ESCAPES.get(c, c) for c in plain)


def _line(cells: Sequence[str]) -> str:
    """A row of LaTeX."""
    return " & ".join(map(escaped, cells)) + r" \\"


def _row(row: GroupRow) -> list[str]:
    """A group."""
    compared = row.baseline is not None
    return [
        row.group,
        many(row.n_speakers),
        many(row.n_ref_words),
        percent(row.wer),
        percent_interval(row.wer_low, row.wer_high),
        number(row.wer_ratio) if compared else "",
        interval(row.ratio_low, row.ratio_high) if compared else "",
        p_value(row.p_adjusted) if compared else "",
        VERDICTS.get(row.verdict or "", "") if compared else "",
    ]
