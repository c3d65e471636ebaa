"""Two systems on the same speakers: is one better for everyone, or only on average?

For everybody and for every group, `D = WER_1 - WER_2` with the paired jackknife over speakers (t with m - 1 degrees of
freedom; `disparity.compare_paired`) and, as a second opinion, the sign-flip permutation of the speakers' differences.
The interaction asks whether a group's ratio of the two systems differs from that of everybody else:
`log(R_g1/R_g2) - log(R_rest1/R_rest2)`. Both p-values are Holm-adjusted over the groups and pairs of systems of one
condition and normaliser. MAPSSWE is in `legacy`, for comparison with papers only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from asrfair.records import ALL
from asrfair.seeds import stable_hash
from asrfair.stats import policy
from asrfair.stats.contrasts import aligned
from asrfair.stats.disparity import compare_paired
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.log_contrast import IN_A, IN_B, log_contrast
from asrfair.stats.multiplicity import holm
from asrfair.stats.permutation import sign_flip_test

N_FLIPS = 1_999
_NUMBERS = ("wer_difference", "difference_low", "difference_high", "wer_ratio", "ratio_low", "ratio_high")
_INTERACTION = ("interaction_ratio", "interaction_low", "interaction_high", "interaction_p")


def system_gaps(condition: str, normalizer: str, views: Mapping[str, Sequence[Grouping]]) -> list[dict[str, Any]]:
    """Rows of `tables.SYSTEM_GAPS` of one condition and normaliser: every later system against every earlier one.

    Args:
        condition: its id.
        normalizer: its name.
        views: system -> the same groups under it, attributes in the same order.
    """
    rows: list[dict[str, Any]] = []
    for earlier, later in combinations(views, 2):
        for new, old in zip(views[later], views[earlier], strict=True):
            for label in new.tested:
                if label not in old.groups:
                    continue
                named = {"condition_id": condition, "normalizer": normalizer, "system_id": later}
                named |= {"other_system_id": earlier, "attribute": new.attribute, "group": label}
                rows.append(named | _compared(new, old, label))
    for name in ("p", "interaction_p"):
        adjusted = holm([row[name] for row in rows])
        for row, p in zip(rows, adjusted, strict=True):
            row[f"{name}_adjusted"] = p
    for row in rows:
        suppressed = policy.SUPPRESSED in row["flags"]
        row["verdict"] = policy.verdict(row["wer_ratio"], row["p_adjusted"], suppressed=suppressed)
    return rows


def _compared(new: Grouping, old: Grouping, label: str) -> dict[str, Any]:
    """One group under both systems."""
    a, b = new.groups[label], old.groups[label]
    flags = list(dict.fromkeys([*policy.flags_of(a.facts), *policy.flags_of(b.facts)]))
    if not a.fails_as(b):
        flags.append("failures_differ")
    row: dict[str, Any] = dict.fromkeys((*_NUMBERS, *_INTERACTION, "p", "p_sign_flip", "df"))
    row["flags"] = flags
    if policy.SUPPRESSED in flags or not (a.speakers_known and b.speakers_known):
        return row
    _, ((e_a, n_a), (e_b, n_b)) = aligned(a, b)
    found = compare_paired(e_a, n_a, e_b, n_b, p_from="difference")
    row |= dict(zip(_NUMBERS, (found.difference, found.difference_low, found.difference_high), strict=False))
    row |= dict(zip(_NUMBERS[3:], (found.ratio, found.ratio_low, found.ratio_high), strict=True))
    row |= {"df": found.df} | (_interaction(new, old, label) if new.attribute != ALL else {})
    if policy.refuses_p(flags):
        return row | {"interaction_p": None}
    if np.array_equal(n_a, n_b):
        key = stable_hash("sign flip", new.attribute, label)
        row["p_sign_flip"] = sign_flip_test(e_a - e_b, n_permutations=N_FLIPS, seed=key).p
    return row | {"p": found.p}


def _interaction(new: Grouping, old: Grouping, label: str) -> dict[str, Any]:
    """The group's ratio of the two systems over that of everybody else who has a value."""
    rest_new, rest_old = new.rest_of(label), old.rest_of(label)
    counts: list[SpeakerCounts] = [new.groups[label], old.groups[label], rest_new, rest_old]
    if any(len(side.transcribed_speakers) < policy.MIN_SPEAKERS or not side.speakers_known for side in counts):
        return {}
    everyone, of = aligned(*counts)
    inside = np.isin(everyone, counts[0].transcribed_speakers) | np.isin(everyone, counts[1].transcribed_speakers)
    outside = np.isin(everyone, rest_new.transcribed_speakers) | np.isin(everyone, rest_old.transcribed_speakers)
    sided = [(w, *sums) for w, sums in zip((1.0, -1.0, -1.0, 1.0), of, strict=True)]
    found = log_contrast(sided, IN_A * inside + IN_B * outside)
    if found.value is None:
        return {}
    tested = all(not policy.refuses_p(policy.flags_of(side.facts)) for side in counts)
    values = (math.exp(found.value), *found.log_interval(), found.p if tested else None)
    return dict(zip(_INTERACTION, values, strict=True))


def frontier(points: Mapping[str, tuple[float | None, float | None]]) -> Iterator[str]:
    """Systems that no other beats on both accuracy and spread: the Pareto front.

    Args:
        points: system -> word error rate and a measure of disparity (both: less is better); None is not comparable.

    >>> list(frontier({"a": (0.10, 0.05), "b": (0.12, 0.02), "c": (0.13, 0.05)}))
    ['a', 'b']
    """
    known = {name: (wer, gap) for name, (wer, gap) in points.items() if wer is not None and gap is not None}
    for name, (wer, gap) in known.items():
        beaten = any(w <= wer and g <= gap and (w, g) != (wer, gap) for w, g in known.values())
        if not beaten:
            yield name
