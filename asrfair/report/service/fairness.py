"""Fairness: every gap as a sentence and as a row, the worst group, and what could not be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from asrfair.records import MISSING
from asrfair.report.service._base import Paragraph, ServicePart, Source, asked, measured, method, told
from asrfair.report.service.tables import GAPS, GROUPS, cell_source, group_tables, table_id, untold_table
from asrfair.report.stress_text import opened, told_findings
from asrfair.report.wording import condition, count, isolated, people, percent, percent_interval

if TYPE_CHECKING:
    from asrfair.report.card import Card
    from asrfair.report.cells import AttributePart, CellPart, GroupRow
    from asrfair.report.findings import Finding
    from asrfair.report.stated import Stated

MOST_SENTENCES = 30
NO_GAP = "No gap was shown. That is not equality: see below what could not be told, and what it would take."
NOTHING = "Nothing was compared: see what was not tested."
ALL_SHOWN = "Every comparison that could be made here showed a gap."
ONLY_NOISE = "No gap was shown in clean audio. Under noise there are some: see robustness."
WORST = (
    "The group with the highest rate is picked after looking: of many groups one is the worst by chance alone, and its "
    "rate is likelier too high than too low. It shows where to look; the tests are in the tables."
)
HOW = (
    "Each group's rate is divided by that of its baseline, the group that the data set names, or everybody else. A gap "
    "counts as shown where its p, adjusted for all comparisons, is below 0.05. The speaker is the unit: many "
    "utterances of few persons are few persons."
)


def fairness(card: Card, stated: Stated, further: Sequence[ServicePart]) -> ServicePart:
    """The whole part; `further` are the parts below it that were drawn from other tables."""
    is_open = opened(card)
    cells = [cell for cell in card.cells if cell.condition_id in is_open]
    return ServicePart(
        id="fairness",
        title="Fairness",
        paragraphs=[*asked(stated, "design.fairness"), *method(HOW)],
        parts=[_shown(card, is_open), *_attributes(card, cells), _worst(card, cells), _untold(card, cells), *further],
    )


def finding_paragraphs(card: Card, found: Sequence[Finding], *, most: int = MOST_SENTENCES) -> list[Paragraph]:
    """Findings as items that lead to their tables; beyond `most`, how many there are."""
    places = {
        (cell.system_id, cell.condition_id, part.attribute): (cell, table_id(card, cell, part))
        for cell in card.cells
        for part in cell.attributes
    }
    made = []
    for finding in found[:most]:
        cell, name = places[finding.system_id, finding.condition_id, finding.attribute]
        source = Source(
            file=GROUPS if finding.group is None else GAPS,
            system_id=finding.system_id,
            condition_id=finding.condition_id,
            normalizer=cell.normalizer,
            attribute=finding.attribute,
            group=finding.group,
            signature=cell.signature,
        )
        made += measured([finding.text], source=source, see=name)
    left = len(found) - most
    return [
        *made,
        *(measured([f"And {count(left, 'more sentence')} of this kind: see the tables."]) if left > 0 else []),
    ]


def _shown(card: Card, is_open: set[str]) -> ServicePart:
    """The gaps that were shown."""
    every = told_findings(card)
    gaps = [finding for finding in every if finding.verdict in ("higher", "lower")]
    shown = [finding for finding in gaps if finding.condition_id in is_open]
    if shown:
        paragraphs = finding_paragraphs(card, shown)
    else:
        paragraphs = told(ONLY_NOISE if gaps else NO_GAP if every else NOTHING)
    return ServicePart(id="findings", title="Gaps that were shown", paragraphs=paragraphs)


def _attributes(card: Card, cells: Sequence[CellPart]) -> Iterator[ServicePart]:
    """One part an attribute."""
    names = dict.fromkeys(part.attribute for cell in cells for part in cell.attributes)
    for number, name in enumerate(names, 1):
        mine = [(cell, part) for cell in cells for part in cell.attributes if part.attribute == name]
        notices = [
            f"{isolated(name)} and speaker are confounded here: each group is one or two persons."
            for _, part in mine[:1]
            if part.confounded_with_speaker
        ]
        yield ServicePart(
            id=f"groups-{number}",
            title=f"By {isolated(name)}",
            paragraphs=measured(notices),
            tables=[table for cell, part in mine for table in group_tables(card, cell, part, is_annexed=False)],
        )


def _worst(card: Card, cells: Sequence[CellPart]) -> ServicePart:
    """The group with the highest rate, by system and attribute."""
    shrunken = {
        (row["system_id"], row["condition_id"], row["normalizer"], row["attribute"], row["group"]): row["value"]
        for row in card.tables.get("measures") or []
        if row["measure"] == "shrunken_wer" and row["value"] is not None
    }
    made = []
    for cell in cells:
        for part in cell.attributes:
            row = worst_group(part)
            if row is not None and not part.confounded_with_speaker:
                place = cell.system_id, cell.condition_id, cell.normalizer, part.attribute, row.group
                text = _worst_sentence(card, cell, part, row, shrunken.get(place))
                source = cell_source(cell, part.attribute, row.group)
                made += measured([text], source=source, see=table_id(card, cell, part))
    none = "There is no attribute of which two groups have a rate that may be told."
    return ServicePart(
        id="worst-group", title="The worst group", paragraphs=[*made, *(method(WORST) if made else told(none))]
    )


def worst_group(part: AttributePart) -> GroupRow | None:
    """The group with the highest rate of those that have one; None where fewer than two have."""
    rated = [row for row in part.groups if row.wer is not None and row.group != MISSING]
    return max(rated, key=lambda row: row.wer or 0.0) if len(rated) > 1 else None


def _worst_sentence(card: Card, cell: CellPart, part: AttributePart, row: GroupRow, shrunken: float | None) -> str:
    """One system, condition and attribute."""
    who = people(part.attribute, row.group, card.dataset.get("attributes") or {})
    n = "speakers unknown" if row.n_speakers is None else count(row.n_speakers, "speaker")
    known = row.wer_low is not None
    within = f"95 % interval {percent_interval(row.wer_low, row.wer_high)}; " if known else "no interval; "
    hidden = any(other.wer is None for other in part.groups if other.group != MISSING)
    of = "Of the groups that have a rate here" if hidden else "Of all groups"
    drawn = ""
    if shrunken is not None:
        drawn = f" Drawn towards the others as far as chance may have made it: {percent(shrunken)} %."
    where = f"{isolated(cell.system_id)}, {condition(cell.condition_id)}"
    return (
        f"{of} by {isolated(part.attribute)}, {who} meet the most errors: WER {percent(row.wer)} % "
        f"({within}{n}; {where}).{drawn}"
    )


def _untold(card: Card, cells: Sequence[CellPart]) -> ServicePart:
    """What could not be told, and how many speakers it would take."""
    is_open = opened(card)
    silent = [f for f in told_findings(card) if f.verdict not in ("higher", "lower") and f.condition_id in is_open]
    made = [untold_table(cell, f"table-untold-{card.cells.index(cell) + 1}") for cell in cells]
    tables = [table for table in made if table is not None]
    paragraphs = finding_paragraphs(card, silent)
    return ServicePart(
        id="cannot-tell",
        title="What could not be told",
        paragraphs=paragraphs or told(ALL_SHOWN if card.findings else NOTHING),
        tables=tables,
    )
