"""Plain tables for terminals and logs: aligned by the width that characters have on screen, 100 columns at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import ALL, MISSING, Total
from asrfair.report.card import make_card
from asrfair.report.columns import text_table, wrapped
from asrfair.report.definitions import declared
from asrfair.report.stress_text import is_stressed, opened, terminal, told_findings
from asrfair.report.wording import NONE, VERDICTS, condition, interval, many, number, percent, percent_interval

if TYPE_CHECKING:
    import pyarrow as pa

    from asrfair.report.card import Card
    from asrfair.report.cells import CellPart, GroupRow
    from asrfair.report.findings import Finding

MOST_FINDINGS = 12
TOLD = ("repeats", "systems", "normalizers", "adjusted")
"""Further parts of the card whose sentences stand among the findings."""

LEGEND = (
    "WER: wrong words per 100 words said; failed utterances are in no rate. Interval: 95 %, from the speakers. "
    "Times: the WER divided by that of the baseline (or of everybody else). Verdict: by adjusted p below 0.05 "
    "({}); not reported: fewer than 3 speakers."
)
ONE_FAMILY = "Holm over all groups of a system and condition"


def render_table(
    groups: pa.Table, disparities: pa.Table, run: Mapping[str, Any], further: Mapping[str, pa.Table] | None = None
) -> str:
    """The disparity tables and the findings of a run, for a terminal.

    Args:
        groups: `tables.GROUPS`.
        disparities: `tables.DISPARITIES`.
        run: the contents of `run.json`.
        further: name -> the other tables of the analysis.
    """
    card = make_card(run, groups, disparities, further, k=None)
    is_open = opened(card)
    blocks = [_block(cell) for cell in card.cells if cell.condition_id in is_open]
    blocks += terminal(card) if is_stressed(card) else []
    told_here = [finding for finding in told_findings(card) if finding.condition_id in is_open]
    shown = [wrapped(finding.text, first="- ") for finding in told_here[:MOST_FINDINGS]]
    shown += _left_to_the_card(card, told_here[MOST_FINDINGS:], is_open)
    told = [text for section in card.sections if section.id in TOLD for text in section.sentences]
    shown = [*(wrapped(warning, first="- Mind: ") for warning in card.warnings), *shown]
    shown += [wrapped(text, first="- ") for text in told if text not in card.warnings]
    parts = [
        *blocks,
        wrapped(LEGEND.format(declared(run) or ONE_FAMILY)),
        "\n".join(["Findings", *(shown or ["- nothing was compared"])]),
    ]
    notes = card.dataset.get("notes")
    return "\n\n".join([*parts, *([wrapped(str(notes))] if notes else [])])


def _left_to_the_card(card: Card, more: Sequence[Finding], is_open: set[str]) -> list[str]:
    """How many findings are not told here."""
    noisy = [finding for finding in told_findings(card) if finding.condition_id not in is_open]
    gaps = sum(finding.verdict in ("higher", "lower") for finding in noisy)
    lines = [f"- and {len(more)} more, in card.md"] if more else []
    return lines + (
        [f"- and {len(noisy)} under noise, {gaps} of them gaps that are shown, in card.md"] if noisy else []
    )


def _block(cell: CellPart) -> str:
    """The table of one system under one condition."""
    title = wrapped(f"{cell.system_id}, {condition(cell.condition_id)} (normaliser {cell.normalizer})")
    header = ["group", "speakers", "words", "failed", "WER %", "95 % interval", "times", "interval", "verdict"]
    rows = [_line("everybody", cell.overall)]
    for part in cell.attributes:
        against = f" against {part.baseline}" if part.baseline else ""
        rows.append([f"{part.attribute}{against}"])
        rows += [_line(f"  {row.group}", row) for row in part.groups]
    return f"{title}\n{text_table(header, rows)}"


def _line(name: str, row: GroupRow) -> list[str]:
    """One row of the table."""
    return [
        name,
        many(row.n_speakers),
        many(row.n_ref_words),
        many(row.n_failed),
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
            rows.append([seen])
        rows.append(_covered(f"  {entry['group']}", entry))
    notes = [wrapped(f"{note['attribute']}: {note['text']}", first="- ") for note in coverage["notes"]]
    return "\n\n".join([text_table(header, rows), *(["\n".join(notes)] if notes else [])])


def _covered(name: str, entry: Mapping[str, Any]) -> list[str]:
    """One row of the coverage table."""
    speakers = NONE if entry["n_speakers"] is None else f"{entry['n_speakers']:,}"
    minutes = NONE if entry["minutes"] is None else f"{entry['minutes']:.1f}"
    return [name, f"{entry['n_utterances']:,}", speakers, minutes, f"{entry['words']:,}"]


def render_failures(failures: Sequence[Mapping[str, Any]]) -> str:
    """Who has no transcript: per system and condition, by group, with the kinds of failure."""
    rows: list[list[str]] = []
    place = ("", "")
    for entry in failures:
        if not entry["n_failed"]:
            continue
        if (entry["system_id"], entry["condition_id"]) != place:
            place = entry["system_id"], entry["condition_id"]
            rows.append([f"{place[0]}, {condition(place[1])}"])
        rows.append(_failed(entry))
    header = ["failures", "utterances", "failed", "%", "why"]
    return text_table(header, rows) if rows else "No failures."


def _failed(entry: Mapping[str, Any]) -> list[str]:
    """One row of the table of failures."""
    named = entry["group"] != MISSING
    who = f"{entry['attribute']}: {entry['group']}" if named else f"{entry['attribute']} is missing"
    return [
        "  everybody" if entry["attribute"] == ALL else f"  {who}",
        f"{entry['n_utterances']:,}",
        f"{entry['n_failed']:,}",
        percent(entry["n_failed"] / entry["n_utterances"] if entry["n_utterances"] else None),
        ", ".join(f"{kind} {n}" for kind, n in (entry.get("kinds") or {}).items()),
    ]


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
