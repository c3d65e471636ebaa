"""One sentence per finding, in plain words, with its interval and the number of speakers that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from asrfair.records import MISSING
from asrfair.report.wording import condition, count, interval, number, p_value, people, percent

if TYPE_CHECKING:
    from asrfair.report.card import AttributePart, CellPart, GroupRow

ORDER = ("higher", "lower", "cannot tell", "suppressed", "not shown")
MOST_SPEAKERS_OF_A_PERSON = 2


class Finding(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A sentence, and what it is about."""

    text: str
    verdict: str
    system_id: str
    condition_id: str
    attribute: str
    group: str | None = None


def confounded(groups: Iterable[GroupRow]) -> bool:
    """Whether every group of an attribute has so few speakers that group and person are one."""
    known = [g.n_speakers for g in groups if g.group != MISSING]
    return bool(known) and all(n is not None and n <= MOST_SPEAKERS_OF_A_PERSON for n in known)


def findings(cells: Sequence[CellPart], attributes: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """All findings, shown gaps first, the largest ratio first.

    Args:
        cells: the parts of the card.
        attributes: what the attributes of the manifest mean.
    """
    found: list[tuple[tuple[int, float], Finding]] = []
    several = len({cell.system_id for cell in cells}) > 1
    for cell in cells:
        where = f"{cell.system_id}, {condition(cell.condition_id)}" if several else condition(cell.condition_id)
        for part in cell.attributes:
            if part.confounded_with_speaker:
                found.append(((ORDER.index("suppressed"), 0.0), _one_person(cell, part, where)))
                continue
            for row in part.groups:
                if row.verdict is not None:
                    rank = (ORDER.index(row.verdict), -(row.wer_ratio or 0.0))
                    found.append((rank, _finding(cell, part, row, where, attributes)))
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


def _one_person(cell: CellPart, part: AttributePart, where: str) -> Finding:
    """An attribute whose groups are one or two persons each."""
    sizes = sorted({g.n_speakers for g in part.groups if g.n_speakers is not None and g.group != MISSING})
    speakers = " or ".join(map(str, sizes)) + (" speaker" if sizes == [1] else " speakers")
    text = (
        f"{_capital(part.attribute)} and speaker are confounded here: each group has {speakers}, so a difference "
        f"between groups of {part.attribute} cannot be told from a difference between persons ({where})."
    )
    return _made(cell, part, None, "suppressed", text)


def _finding(
    cell: CellPart, part: AttributePart, row: GroupRow, where: str, attributes: Mapping[str, Mapping[str, Any]]
) -> Finding:
    """The sentence of one gap."""
    verdict = row.verdict or ""
    who = people(part.attribute, row.group, attributes)
    whom = people(part.attribute, row.baseline or "rest", attributes)
    base = next((g for g in part.groups if g.group == row.baseline), None)
    against = f", {percent(row.wer)} % against {percent(base.wer)} %" if base is not None else f", {percent(row.wer)} %"
    evidence = f"95 % interval {interval(row.ratio_low, row.ratio_high, 1)}; {_speakers(row)}"
    if verdict in ("higher", "lower"):
        fewer = ", that is fewer" if verdict == "lower" else ""
        text = (
            f"{_capital(who)} meet {number(row.wer_ratio, 1)} times the errors of {whom}{fewer} ({evidence}; "
            f"adjusted p {p_value(row.p_adjusted)}{against} of words; {where})."
        )
    elif verdict == "not shown":
        seen = f"; these speakers would have shown a ratio of {number(row.mde_ratio, 1)}" if row.mde_ratio else ""
        text = (
            f"No gap shown between {who} and {whom}: {number(row.wer_ratio, 1)} times the errors ({evidence}; adjusted "
            f"p {p_value(row.p_adjusted)}{seen}; {where})."
        )
    else:
        text = f"Cannot tell for {who} against {whom}: {_why(row, base)} ({where})."
    return _made(cell, part, row.group, verdict, text)


def _why(row: GroupRow, base: GroupRow | None) -> str:
    """Why nothing can be said."""
    flags = set(row.flags)
    if "suppressed" in flags:
        return f"{_speakers(row)}, too few to report a rate"
    if "speakers_unknown" in flags:
        return "the manifest does not say who speaks"
    if "few_speakers" in flags:
        return f"{_speakers(row)}, too few or too unequal for a test"
    if "no_errors" in flags or row.wer == 0:
        return f"no errors in {count(row.n_ref_words, 'word')} of {_speakers(row)}"
    if base is not None and base.flags:
        return f"the baseline {base.group} has {_speakers(base)}, too few to compare with"
    return f"{_speakers(row)}; the comparison has no interval"


def _speakers(row: GroupRow) -> str:
    """How many speakers a number rests on."""
    return "speakers unknown" if row.n_speakers is None else count(row.n_speakers, "speaker")


def _made(cell: CellPart, part: AttributePart, group: str | None, verdict: str, text: str) -> Finding:
    """A finding with its place."""
    return Finding(
        text=text,
        verdict=verdict,
        system_id=cell.system_id,
        condition_id=cell.condition_id,
        attribute=part.attribute,
        group=group,
    )


def _capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]
