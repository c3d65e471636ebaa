"""One sentence per finding, in plain words, with its interval and the number of speakers that it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from asrfair.records import MISSING, REST
from asrfair.report.needed import would_take
from asrfair.report.notes import reason
from asrfair.report.wording import condition, count, interval, isolated, number, p_value, people, percent, ratio_digits
from asrfair.stats.policy import BASELINE_PREFIX

if TYPE_CHECKING:
    from asrfair.report.cells import AttributePart, CellPart, GroupRow

ORDER = ("higher", "lower", "cannot tell", "suppressed", "not shown")


class Finding(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A sentence, and what it is about."""

    text: str
    verdict: str
    system_id: str
    condition_id: str
    attribute: str
    group: str | None = None


def findings(cells: Sequence[CellPart], attributes: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """All findings, shown gaps first, the widest first.

    Two groups that are each other's rest are one comparison and make one sentence; so does an attribute whose groups
    are one or two persons each, whatever the system and the condition.

    Args:
        cells: the parts of the card.
        attributes: what the attributes of the manifest mean.
    """
    found: list[tuple[tuple[int, float], Finding]] = []
    several = len({cell.system_id for cell in cells}) > 1
    confounded: set[str] = set()
    for cell in cells:
        heard = condition(cell.condition_id)
        where = f"{isolated(cell.system_id)}, {heard}" if several else heard
        for part in cell.attributes:
            if part.confounded_with_speaker:
                finding = _made(cell, part, None, "suppressed", _one_person(part))
                if finding.text not in confounded:
                    confounded.add(finding.text)
                    found.append(((ORDER.index("suppressed"), -math.inf), finding))
                continue
            for row, other in comparisons(part):
                text = _sentence(part, row, other, where, attributes) + _would_take(cell, part, row, other)
                found.append((_rank(row), _made(cell, part, row.group, row.verdict or "", text)))
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


def _rank(row: GroupRow) -> tuple[int, float]:
    """Where a finding stands: by its verdict, then by how far the ratio is from 1."""
    return ORDER.index(row.verdict or ""), -abs(math.log(row.wer_ratio)) if row.wer_ratio else 0.0


def comparisons(part: AttributePart) -> Iterator[tuple[GroupRow, str]]:
    """The rows that were compared, with what they were compared with; of a mirrored pair the one with more errors."""
    rows = [row for row in part.groups if row.verdict is not None]
    if len(rows) == 2 and any("mirrored" in row.flags for row in rows):
        first, second = sorted(rows, key=lambda row: -(row.wer_ratio or 0.0))
        yield first, second.group
        return
    for row in rows:
        yield row, row.baseline or REST


def _one_person(part: AttributePart) -> str:
    """An attribute whose groups are one or two persons each."""
    sizes = sorted({g.n_speakers for g in part.groups if g.n_speakers is not None and g.group != MISSING})
    speakers = (" or ".join(map(str, sizes)) or "one or two") + (" speaker" if sizes == [1] else " speakers")
    return (
        f"{_capital(part.attribute)} and speaker are confounded here: each group has {speakers}, so a difference "
        f"between groups of {part.attribute} cannot be told apart from a difference between persons."
    )


def _sentence(
    part: AttributePart, row: GroupRow, other: str, where: str, attributes: Mapping[str, Mapping[str, Any]]
) -> str:
    """The sentence of one comparison."""
    who, whom = people(part.attribute, row.group, attributes), people(part.attribute, other, attributes)
    digits = ratio_digits(row.wer_ratio, row.ratio_low, row.ratio_high)
    times = f"{number(row.wer_ratio, digits)} times the errors"
    evidence = (
        f"95 % interval {interval(row.ratio_low, row.ratio_high, digits)}; {_speakers(row)}; "
        f"adjusted p {p_value(row.p_adjusted)}"
    )
    base = next((g for g in part.groups if g.group == other), None)
    against = f" against {percent(base.wer)} %" if base is not None else ""
    if row.verdict in ("higher", "lower"):
        fewer = ", that is fewer" if row.verdict == "lower" else ""
        rates = f"WER {percent(row.wer)} %{against}, {where}"
        return f"{_capital(who)} meet {times} of {whom}{fewer} ({evidence}): {rates}."
    if row.verdict == "not shown":
        seen = f" Tested alone, they would have shown a ratio of {number(row.mde_ratio, 1)} or more four times in five."
        return f"No gap shown between {who} and {whom}: {times} ({evidence}), {where}.{seen if row.mde_ratio else ''}"
    return f"Cannot tell for {who} against {whom}: {_why(row, base, whom)} ({where})."


def _would_take(cell: CellPart, part: AttributePart, row: GroupRow, other: str) -> str:
    """What it would take, where nothing is shown or can be told for want of speakers."""
    if row.verdict in ("higher", "lower") or row.n_speakers is None:
        return ""
    return would_take(row, next((g for g in part.groups if g.group == other), None), cell.overall)


def _why(row: GroupRow, base: GroupRow | None, whom: str) -> str:
    """Why nothing can be said: first what is wrong with the group, then with what it is compared with."""
    own = reason(row.flags)
    if own is not None:
        return _cause(own, row)
    other = reason(row.flags, BASELINE_PREFIX)
    if BASELINE_PREFIX + "complementary" in row.flags:
        return "withheld, so that those of whom the manifest says nothing cannot be worked out; name a baseline group"
    if other is None:
        return f"{_speakers(row)}; the comparison has no interval"
    cause = _cause(other, base) if base is not None else _GENERAL[other]
    return f"on the side of {whom}, {cause}"


_GENERAL = {
    "suppressed": "too few speakers to report a rate",
    "all_failed": "nothing was transcribed",
    "speakers_unknown": "the manifest does not say who speaks",
    "few_speakers": "too few speakers, or too unequal, for a test",
    "no_words": "no reference words",
    "no_errors": "no errors",
    "no_spread": "all speakers have the same rate, so there is no interval",
}


def _cause(flag: str, row: GroupRow) -> str:
    """One reason, with the numbers of the group that it is about."""
    if "complementary" in row.flags:
        return "withheld, so that a smaller group cannot be worked out from totals"
    if flag in ("suppressed", "few_speakers") and row.n_speakers is not None:
        few = "too few to report a rate" if flag == "suppressed" else "too few or too unequal for a test"
        return f"{_speakers(row)}, {few}"
    if flag == "no_errors":
        return f"no errors in {count(row.n_ref_words or 0, 'word')} of {_speakers(row)}"
    return _GENERAL[flag]


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
