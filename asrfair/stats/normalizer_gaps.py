"""How much of a gap the normaliser makes.

`G(n) = log(R_A/R_B)` under normaliser n; the normaliser-induced gap is `G(n1) - G(n2)`, with a jackknife over the same
speakers under both, so that what the normalisers share cancels. A verdict that holds under one only, or a worst group
that changes, is a finding about spelling rules and not about the recogniser (METHODS section 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from asrfair.records import ALL, REST
from asrfair.stats import policy
from asrfair.stats.contrasts import Contrast, aligned, named_baseline, sides
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.log_contrast import IN_A, IN_B, log_contrast

Verdicts = Mapping[tuple[str, str, str], Contrast]
"""The adjusted comparison of a normaliser, attribute and group."""


def normalizer_gaps(
    place: tuple[str, str],
    views: Mapping[str, Sequence[Grouping]],
    baselines: Mapping[str, str],
    verdicts: Verdicts,
) -> Iterator[dict[str, Any]]:
    """Rows of `tables.NORMALIZER_GAPS` of one system and condition: the headline normaliser against every other.

    Args:
        place: system and condition.
        views: normaliser -> the same groups under it, the headline first; attributes in the same order.
        baselines: attribute -> the group to compare with.
        verdicts: what was found under each normaliser.
    """
    headline, *others = views
    for other in others:
        for first, second in zip(views[headline], views[other], strict=True):
            if first.attribute == ALL:
                continue
            named = named_baseline(first, baselines.get(first.attribute))
            worst = {"worst_group": _worst(first), "other_worst_group": _worst(second)}
            for label, a, b in sides(first, named):
                b_other = second.rest_of(label) if named is None else second.groups[named]
                row = {"system_id": place[0], "condition_id": place[1], "attribute": first.attribute, "group": label}
                row |= {"baseline": named or REST, "normalizer": headline, "other_normalizer": other}
                row |= worst | _gap(a, b, second.groups[label], b_other)
                yield row | _verdicts([verdicts.get((n, first.attribute, label)) for n in (headline, other)])


def _gap(a: SpeakerCounts, b: SpeakerCounts, a_other: SpeakerCounts, b_other: SpeakerCounts) -> dict[str, Any]:
    """The induced gap as a ratio of ratios; all None where a side is suppressed or has no speakers."""
    sized = [side.facts for side in (a, b, a_other, b_other)]
    row: dict[str, Any] = dict.fromkeys(
        ("wer_ratio", "other_wer_ratio", "induced_ratio", "induced_low", "induced_high", "p", "df")
    )
    if any(policy.SUPPRESSED in policy.flags_of(facts) or not facts.speakers_known for facts in sized):
        return row
    rates = [facts.estimate.rate for facts in sized]
    row["wer_ratio"] = rates[0] / rates[1] if rates[0] and rates[1] else None
    row["other_wer_ratio"] = rates[2] / rates[3] if rates[2] and rates[3] else None
    everyone, of = aligned(a, b, a_other, b_other)
    membership = IN_A * np.isin(everyone, a.transcribed_speakers) + IN_B * np.isin(everyone, b.transcribed_speakers)
    weights = (1.0, -1.0, -1.0, 1.0)
    found = log_contrast([(w, *sums) for w, sums in zip(weights, of, strict=True)], membership)
    if found.value is None:
        return row
    low, high = found.log_interval()
    p = None if any(policy.refuses_p(policy.flags_of(facts)) for facts in sized) else found.p
    return row | {
        "induced_ratio": math.exp(found.value),
        "induced_low": low,
        "induced_high": high,
        "p": p,
        "df": found.df,
    }


def _verdicts(rows: Sequence[Contrast | None]) -> dict[str, Any]:
    """Both verdicts, and whether a finding under one is none under the other."""
    first, second = (row.verdict if row is not None else None for row in rows)
    shown = {"higher", "lower"}
    changes = first != second and bool(shown & {first, second})
    return {"verdict": first, "other_verdict": second, "verdict_changes": changes}


def _worst(grouping: Grouping) -> str | None:
    """The group with the highest rate among those that may be shown."""
    rates = {label: grouping.groups[label].facts for label in grouping.tested}
    shown = {
        label: facts.estimate.rate
        for label, facts in rates.items()
        if facts.estimate.rate is not None and policy.SUPPRESSED not in policy.flags_of(facts)
    }
    return max(shown, key=lambda label: shown[label]) if len(shown) > 1 else None
