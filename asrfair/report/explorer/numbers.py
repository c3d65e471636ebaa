"""The table of all numbers: what the page's script sorts, filters and writes out, from the card and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from asrfair.records import ALL
from asrfair.report.card import Card
from asrfair.report.cells import CellPart, GroupRow
from asrfair.report.notes import notes
from asrfair.report.wording import VERDICTS, condition, interval, many, number, p_value, percent, percent_interval

COLUMNS = (
    "system_id",
    "condition_id",
    "attribute",
    "group",
    "n_speakers",
    "n_ref_words",
    "n_failed",
    "n_utterances",
    "wer",
    "wer_low",
    "wer_high",
    "baseline",
    "wer_ratio",
    "ratio_low",
    "ratio_high",
    "p_adjusted",
    "verdict",
    "notes",
)
"""What is written out, by the names of the run's tables; rates are fractions."""

SHOWN = ("condition", "speakers", "words", "failed", "wer", "wer_range", "ratio", "ratio_range", "p", "verdict")
"""What is shown of a row: the same words as everywhere on the page."""

Place = tuple[str, str, str, str | None]


def anchors(card: Card) -> dict[Place, str]:
    """System, condition, attribute and group (None for the attribute's table) -> the id of its place on the page."""
    found: dict[Place, str] = {}
    for at, cell in enumerate(card.cells):
        for number_, part in enumerate(cell.attributes):
            found[cell.system_id, cell.condition_id, part.attribute, None] = f"t{at}-{number_}"
            for row_number, row in enumerate(part.groups):
                found[cell.system_id, cell.condition_id, part.attribute, row.group] = f"t{at}-{number_}-{row_number}"
    return found


def numbers_json(card: Card) -> str:
    """The table as JSON that may stand in a script element: no `<`, `>` or `&` in it.

    Args:
        card: with everything that is suppressed taken out.

    Returns:
        `columns`, `rows` (values in their order), `texts`, `shown` (in their order) and `anchors` (ids, or null
        for everybody).
    """
    places = anchors(card)
    rows, shown, ids = [], [], []
    for cell, attribute, row in _rows(card):
        rows.append(_values(cell, attribute, row))
        shown.append(_texts(cell, row))
        ids.append(places.get((cell.system_id, cell.condition_id, attribute, row.group)))
    data = {"columns": COLUMNS, "texts": SHOWN, "rows": rows, "shown": shown, "anchors": ids}
    return escaped(msgspec.json.encode(data).decode())


def escaped(json: str) -> str:
    r"""JSON without a letter that could end the element it stands in.

    >>> print(escaped('["</script>"]'))
    ["\u003c/script\u003e"]
    """
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _rows(card: Card) -> Iterator[tuple[CellPart, str, GroupRow]]:
    """Everybody, then the groups, of every cell."""
    for cell in card.cells:
        yield cell, ALL, cell.overall
        for part in cell.attributes:
            yield from ((cell, part.attribute, row) for row in part.groups)


def _values(cell: CellPart, attribute: str, row: GroupRow) -> list[object]:
    """The values of one row, in the order of `COLUMNS`."""
    own = {"attribute": attribute, "notes": "; ".join(notes(row))}
    names = {"system_id": cell.system_id, "condition_id": cell.condition_id} | own
    return [names[name] if name in names else getattr(row, name) for name in COLUMNS]


def _texts(cell: CellPart, row: GroupRow) -> list[str]:
    """The texts of one row, in the order of `SHOWN`."""
    failed = "" if row.n_utterances is None else f"{many(row.n_failed)} of {many(row.n_utterances)}"
    low_high = row.wer_low is not None and row.wer_high is not None
    has_ratio = row.ratio_low is not None and row.ratio_high is not None
    return [
        condition(cell.condition_id),
        many(row.n_speakers),
        many(row.n_ref_words),
        failed,
        percent(row.wer),
        percent_interval(row.wer_low, row.wer_high) if low_high else "",
        number(row.wer_ratio),
        interval(row.ratio_low, row.ratio_high) if has_ratio else "",
        p_value(row.p_adjusted),
        VERDICTS[row.verdict] if row.verdict else "",
    ]
