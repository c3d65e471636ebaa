"""The worst that can happen to an utterance, and degradation by how hard a condition is.

Worst case: of each utterance the errors under the condition in which it has most, summed, over its words. The mean
over conditions hides it: a group that is lost now in this noise, now in that one, has a worst case far above its rate
in any of them. Only utterances transcribed under all the conditions count. It rises with the number of conditions, so
that only runs of the same conditions can be compared.

NWERD (Speech Robust Bench, Shah et al. 2024): `WERD / difficulty`, the difficulty of a condition being measured from
the speech itself (DNSMOS, PESQ, standardised over the perturbations of a table). Only with a frozen table that the user
hands in, because: the number depends on which perturbations are in the table; clean audio has a difficulty of its own
there (21.7, not 0); changes of tempo count as hard by PESQ though recognisers hardly mind; and DNSMOS itself may differ
by accent. Numbers of different tables are not comparable, and none is pooled over groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from asrfair.records import ALL
from asrfair.stats import policy
from asrfair.stats.conditions import Conditions, Heard, Mask
from asrfair.stats.contrasts import Contrast, contrasts
from asrfair.stats.degradation import degradation_rows
from asrfair.stats.groups import SpeakerCounts

Row = dict[str, Any]


def worst(heard: Sequence[Heard]) -> tuple[Mask, Heard]:
    """The utterances transcribed under all conditions, and what became of them where they have most errors.

    >>> one = Heard(np.array([1, 5]), np.array([9, 9]), np.array([True, True]))
    >>> other = Heard(np.array([3, 2]), np.array([9, 9]), np.array([True, True]))
    >>> worst([one, other])[1].errors.tolist()
    [3, 5]
    """
    errors, words, ok = heard[0].errors, heard[0].words, heard[0].ok
    for one in heard[1:]:
        more = one.errors > errors
        errors, words, ok = np.where(more, one.errors, errors), np.where(more, one.words, words), ok & one.ok
    return ok, Heard(errors, words, ok)


def worst_case_rows(found: Conditions) -> Iterator[Row]:
    """Rows `worst_case` and `worst_case_ratio` of `tables.CURVES`: of each environment, and of all conditions."""
    sets: dict[str, list[str]] = {}
    for place in found.places:
        sets.setdefault(place.environment or place.condition_id, []).append(place.condition_id)
    if len(sets) > 1:
        sets[ALL] = [place.condition_id for place in found.places]
    for environment, conditions in sets.items():
        if len(conditions) < 2:
            continue
        rows, heard = worst([found.heard[c] for c in conditions])
        base = {"system_id": found.system_id, "environment": environment, "normalizer": found.normalizer}
        for (grouping,) in found.groupings(rows, heard):
            named = base | {"attribute": grouping.attribute}
            yield from (named | _rate(group, counts) for group, counts in grouping.groups.items())
            if grouping.attribute != ALL:
                for contrast in contrasts(grouping, found.baselines.get(grouping.attribute)):
                    yield named | _ratio(contrast, grouping.groups[contrast.group])


def _rate(group: str, counts: SpeakerCounts) -> Row:
    """The worst case of one group."""
    flags = policy.flags_of(counts.facts)
    row: Row = {"measure": "worst_case", "group": group, "flags": list(flags), "n_speakers": _n_speakers(counts)}
    if policy.SUPPRESSED in flags:
        return row
    told = counts.facts.estimate.interval(0.95)
    row |= {"value": told.wer}
    return row | ({"low": told.low, "high": told.high, "df": told.df} if counts.speakers_known else {})


def _ratio(contrast: Contrast, counts: SpeakerCounts) -> Row:
    """The worst case of one group over that of its other side."""
    found = contrast.found
    row: Row = {"measure": "worst_case_ratio", "group": contrast.group, "baseline": contrast.baseline}
    row |= {"value": found.ratio, "low": found.ratio_low, "high": found.ratio_high, "df": found.df}
    return row | {"n_speakers": _n_speakers(counts), "flags": list(contrast.flags)}


def _n_speakers(counts: SpeakerCounts) -> int | None:
    return len(counts.speakers) if counts.speakers_known else None


def nwerd_rows(found: Conditions, difficulty: Mapping[str, float]) -> Iterator[Row]:
    """Rows `nwerd` of `tables.CURVES`, of the conditions in the table.

    Args:
        found: one system and normaliser.
        difficulty: condition -> its difficulty, above 0.
    """
    for row in degradation_rows(found):
        hard = difficulty.get(row["condition_id"])
        if hard is None or row["wer_difference"] is None:
            continue
        numbers = (row["wer_difference"], row["difference_low"], row["difference_high"])
        told = dict(zip(("value", "low", "high"), (None if x is None else x / hard for x in numbers), strict=True))
        kept = ("system_id", "environment", "normalizer", "attribute", "group", "n_speakers", "df", "flags")
        yield {name: row[name] for name in kept} | told | {"measure": "nwerd", "at": row["level"]}
