"""Plain tables for terminals and logs: aligned by the width that characters have on screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import ALL, Total
from asrfair.report.card import make_card
from asrfair.report.wording import NONE, VERDICTS, condition, interval, number, percent, percent_interval

if TYPE_CHECKING:
    import pyarrow as pa

    from asrfair.report.card import CellPart, GroupRow

MOST_FINDINGS = 12
MOST_NAME = 30
LEGEND = (
    "WER: wrong words per 100 words said. Interval: 95 %, from the speakers. Times: errors per word against the\n"
    "baseline (or everybody else). Verdicts: adjusted p below 0.05, by Holm over all groups of a system and condition."
)


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


def shortened(text: str, most: int = MOST_NAME) -> str:
    """A text without control characters, cut to a width."""
    text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    if width(text) <= most:
        return text
    while width(text) > most - 1:
        text = text[:-1]
    return f"{text}…"


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right.

    >>> print(text_table(["group", "n"], [["a", "10"], ["bcd", "9"]]))
    group   n
    a      10
    bcd     9
    """
    cells = [list(header), *[[shortened(cell) for cell in row] for row in rows]]
    widths = [max(width(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        padded = [_padded(cell, w, left=i == 0) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _padded(text: str, wide: int, *, left: bool) -> str:
    """A cell with its blanks."""
    blanks = " " * (wide - width(text))
    return text + blanks if left else blanks + text


def render_table(groups: pa.Table, disparities: pa.Table, run: Mapping[str, Any]) -> str:
    """The disparity tables and the findings of a run, for a terminal.

    Args:
        groups: `tables.GROUPS`.
        disparities: `tables.DISPARITIES`.
        run: the contents of `run.json`.
    """
    card = make_card(run, groups, disparities)
    blocks = [_block(cell) for cell in card.cells]
    lines = [finding.text for finding in card.findings]
    shown = [f"- {line}" for line in lines[:MOST_FINDINGS]]
    if len(lines) > MOST_FINDINGS:
        shown.append(f"- and {len(lines) - MOST_FINDINGS} more, in card.md")
    parts = [*blocks, LEGEND, "\n".join(["Findings", *(shown or ["- nothing was compared"])])]
    notes = card.dataset.get("notes")
    return "\n\n".join([*parts, *([str(notes)] if notes else [])])


def _block(cell: CellPart) -> str:
    """The table of one system under one condition."""
    title = f"{cell.system_id}, {condition(cell.condition_id)} (normaliser {cell.normalizer})"
    header = ["group", "speakers", "words", "failed", "WER %", "95 % interval", "times", "interval", "verdict"]
    rows = [_line("everybody", cell.overall)]
    for part in cell.attributes:
        against = f" against {part.baseline}" if part.baseline else ""
        rows.append([f"{part.attribute}{against}", *[""] * 8])
        rows += [_line(f"  {row.group}", row) for row in part.groups]
    return f"{title}\n{text_table(header, rows)}"


def _line(name: str, row: GroupRow) -> list[str]:
    """One row of the table."""
    return [
        name,
        NONE if row.n_speakers is None else f"{row.n_speakers:,}",
        f"{row.n_ref_words:,}",
        f"{row.n_failed:,}",
        percent(row.wer),
        percent_interval(row.wer_low, row.wer_high),
        number(row.wer_ratio) if row.baseline else "",
        interval(row.ratio_low, row.ratio_high) if row.baseline else "",
        VERDICTS.get(row.verdict or "", ""),
    ]


def render_coverage(coverage: Mapping[str, Any]) -> str:
    """Who is in a manifest, by group and by pair of attributes."""
    header = ["group", "utterances", "speakers", "minutes", "words"]
    rows, seen = [_covered("everybody", coverage["total"])], ""
    for entry in (*coverage["groups"], *coverage["pairs"]):
        if entry["attribute"] == ALL:
            continue
        if entry["attribute"] != seen:
            seen = entry["attribute"]
            rows.append([seen, "", "", "", ""])
        rows.append(_covered(f"  {entry['group']}", entry))
    notes = [f"- {note['attribute']}: {note['text']}" for note in coverage["notes"]]
    return "\n\n".join([text_table(header, rows), *(["\n".join(notes)] if notes else [])])


def _covered(name: str, entry: Mapping[str, Any]) -> list[str]:
    """One row of the coverage table."""
    speakers = NONE if entry["n_speakers"] is None else f"{entry['n_speakers']:,}"
    minutes = NONE if entry["minutes"] is None else f"{entry['minutes']:.1f}"
    return [name, f"{entry['n_utterances']:,}", speakers, minutes, f"{entry['words']:,}"]


def render_failures(failures: Sequence[Mapping[str, Any]]) -> str:
    """Who has no transcript, by group."""
    rows = [
        [
            f"{f['system_id']}, {condition(f['condition_id'])}: {f['attribute']} {f['group']}",
            f"{f['n_utterances']:,}",
            f"{f['n_failed']:,}",
            percent(f["n_failed"] / f["n_utterances"] if f["n_utterances"] else None),
            ", ".join(f"{kind} {n}" for kind, n in f["kinds"].items()),
        ]
        for f in failures
        if f["n_failed"]
    ]
    header = ["failures", "utterances", "failed", "%", "why"]
    lines = [row[0] for row in rows]
    keyed = [[str(i + 1), *row[1:]] for i, row in enumerate(rows)]
    named = "\n".join(f"{i + 1}: {line}" for i, line in enumerate(lines))
    return f"{text_table(header, keyed)}\n{named}" if rows else "No failures."


def render_totals(totals: Sequence[Total]) -> str:
    """Totals of a scores file."""
    header = ["system", "condition", "normaliser", "utterances", "failed", "words", "WER %", "MER %", "WIL %", "CER %"]
    rows = [
        [
            t.system_id,
            condition(t.condition_id),
            t.normalizer,
            f"{t.n_utterances:,}",
            f"{t.n_failed:,}",
            f"{t.counts.n_ref_words:,}",
            percent(t.counts.wer, 2),
            percent(t.counts.mer, 2),
            percent(t.counts.wil, 2),
            percent(t.cer, 2),
        ]
        for t in totals
    ]
    return text_table(header, rows)
