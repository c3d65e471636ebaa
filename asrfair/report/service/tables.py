"""The tables of a service card that are made from its cells: every group with its gap, everybody, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asrfair.records import ALL, REST
from asrfair.report.findings import comparisons
from asrfair.report.needed import RATIO, speakers_needed
from asrfair.report.notes import notes
from asrfair.report.service._base import ServiceTable, Source
from asrfair.report.wording import (
    NONE,
    VERDICTS,
    condition,
    interval,
    isolated,
    many,
    number,
    p_value,
    percent,
    percent_interval,
)

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.cells import AttributePart, CellPart, GroupRow

LONG = 40
"""A table with more rows than this stands at the end of a printed card."""

WITHIN = "95 % interval"
GROUPS, GAPS = "groups.parquet", "disparities.parquet"
GAP_HEADER = [
    "group",
    "speakers",
    "words",
    "WER %",
    WITHIN,
    "gap, points",
    WITHIN,
    "times",
    WITHIN,
    "adjusted p",
    "verdict",
    "notes",
]
FURTHER_HEADER = ["group", "utterances", "failed", "speaker mean, %", "CER %"]
EVERYBODY_HEADER = ["system", "condition", "speakers", "words", "failed", "WER %", WITHIN, "speaker mean, %", "CER %"]
UNTOLD_HEADER = [
    "condition",
    "group",
    "against",
    "speakers",
    "times",
    WITHIN,
    "verdict",
    "would have shown, times",
    f"speakers a group to show {RATIO} times",
]


def cell_source(cell: CellPart, attribute: str = ALL, group: str = ALL, *, file: str = GROUPS) -> Source:
    """The row of one group in the tables of the run."""
    return Source(
        file=file,
        system_id=cell.system_id,
        condition_id=cell.condition_id,
        normalizer=cell.normalizer,
        attribute=attribute,
        group=group,
        signature=cell.signature,
    )


def table_id(card: Card, cell: CellPart, part: AttributePart) -> str:
    """The id of the table of one attribute in one cell."""
    return f"table-groups-{card.cells.index(cell) + 1}-{cell.attributes.index(part) + 1}"


def group_tables(card: Card, cell: CellPart, part: AttributePart, *, is_annexed: bool) -> list[ServiceTable]:
    """Every group of one attribute with its gap, and what else is counted of it."""
    where = f"{isolated(cell.system_id)}, {condition(cell.condition_id)}"
    whom = "each against everybody else" if part.baseline == REST else f"against {isolated(part.baseline or '')}"
    against = f"; {whom}" if part.baseline else ""
    name, is_long = table_id(card, cell, part), is_annexed or len(part.groups) > LONG
    others = [other for other in cell.overall.wer_by_normalizer if other != cell.normalizer]
    sources = [cell_source(cell, part.attribute, row.group) for row in part.groups]
    gaps = ServiceTable(
        id=name,
        title=f"Groups by {isolated(part.attribute)}: {where}{against}",
        header=GAP_HEADER,
        rows=[_gap_line(row, part) for row in part.groups],
        sources=[
            cell_source(cell, part.attribute, row.group, file=GROUPS if row.baseline is None else f"{GROUPS} {GAPS}")
            for row in part.groups
        ],
        is_annexed=is_long,
    )
    further = ServiceTable(
        id=f"{name}-further",
        title=f"Further counts by {isolated(part.attribute)}: {where}",
        header=[*FURTHER_HEADER, *(f"WER %, {other}" for other in others)],
        rows=[_further_line(row, others) for row in part.groups],
        sources=sources,
        is_annexed=is_long,
    )
    return [gaps, further]


def _gap_line(row: GroupRow, part: AttributePart) -> list[str]:
    """One group and its gap."""
    compared = row.baseline is not None
    verdict = VERDICTS.get(row.verdict or "") or ("baseline" if row.group == part.baseline else "not compared")
    return [
        isolated(row.group),
        many(row.n_speakers),
        many(row.n_ref_words),
        percent(row.wer),
        percent_interval(row.wer_low, row.wer_high),
        percent(row.wer_difference) if compared else "",
        percent_interval(row.difference_low, row.difference_high) if compared else "",
        number(row.wer_ratio) if compared else "",
        interval(row.ratio_low, row.ratio_high) if compared else "",
        p_value(row.p_adjusted) if compared else "",
        verdict,
        "; ".join(notes(row)),
    ]


def _further_line(row: GroupRow, others: Sequence[str]) -> list[str]:
    """What else is counted of one group."""
    return [
        isolated(row.group),
        many(row.n_utterances),
        many(row.n_failed),
        percent(row.wer_macro),
        percent(row.cer),
        *(percent(row.wer_by_normalizer.get(other)) for other in others),
    ]


def everybody_table(cells: Sequence[CellPart], name: str, title: str, *, is_annexed: bool = False) -> ServiceTable:
    """Everybody, one row a system and condition."""
    others = list(dict.fromkeys(n for cell in cells for n in cell.overall.wer_by_normalizer if n != cell.normalizer))
    rows = [
        [
            isolated(cell.system_id),
            condition(cell.condition_id),
            many(cell.overall.n_speakers),
            many(cell.overall.n_ref_words),
            f"{many(cell.overall.n_failed)} of {many(cell.overall.n_utterances)}",
            percent(cell.overall.wer),
            percent_interval(cell.overall.wer_low, cell.overall.wer_high),
            percent(cell.overall.wer_macro),
            percent(cell.overall.cer),
            *(percent(cell.overall.wer_by_normalizer.get(other)) for other in others),
        ]
        for cell in cells
    ]
    return ServiceTable(
        id=name,
        title=title,
        header=[*EVERYBODY_HEADER, *(f"WER %, {other}" for other in others)],
        rows=rows,
        sources=[cell_source(cell) for cell in cells],
        is_annexed=is_annexed or len(rows) > LONG,
    )


def untold_table(cell: CellPart, name: str) -> ServiceTable | None:
    """Every comparison of a cell in which no gap was shown, with what it would take; None if there is none."""
    rows, sources = [], []
    for part in cell.attributes:
        for row, other in comparisons(part):
            if row.verdict in ("higher", "lower"):
                continue
            base = next((group for group in part.groups if group.group == other), None)
            whom = "everybody else" if other == REST else isolated(other)
            rows.append(
                [
                    condition(cell.condition_id),
                    f"{part.attribute}: {isolated(row.group)}",
                    whom,
                    many(row.n_speakers),
                    number(row.wer_ratio),
                    interval(row.ratio_low, row.ratio_high),
                    VERDICTS.get(row.verdict or "", ""),
                    number(row.mde_ratio, 1) if row.verdict == "not shown" else NONE,
                    NONE if row.n_speakers is None else many(speakers_needed(row, base, cell.overall)),
                ]
            )
            sources.append(cell_source(cell, part.attribute, row.group, file=GAPS))
    if not rows:
        return None
    title = (
        f"What could not be told, and what it would take: {isolated(cell.system_id)}, {condition(cell.condition_id)}"
    )
    return ServiceTable(
        id=name, title=title, header=UNTOLD_HEADER, rows=rows, sources=sources, is_annexed=len(rows) > LONG
    )


def coverage_table(card: Card) -> ServiceTable | None:
    """Who is in the manifest; None where nobody counted. Its signature is the manifest's digest."""
    if not card.coverage:
        return None
    rows = [
        [
            isolated(str(entry["attribute"])),
            isolated(str(entry["group"])),
            many(entry["n_utterances"]),
            many(entry["n_speakers"]),
            NONE if entry["minutes"] is None else f"{entry['minutes']:.1f}",
            many(entry["words"]),
        ]
        for entry in card.coverage
    ]
    digest = card.signature["manifest_digest"]
    sources = [
        Source(
            file="run.json",
            field="coverage",
            attribute=entry["attribute"],
            group=entry["group"],
            signature=digest and digest[:12],
        )
        for entry in card.coverage
    ]
    return ServiceTable(
        id="table-coverage",
        title="Who is in the whole data set",
        header=["attribute", "group", "utterances", "speakers", "minutes", "words"],
        rows=rows,
        sources=sources,
        is_annexed=len(rows) > LONG,
    )
