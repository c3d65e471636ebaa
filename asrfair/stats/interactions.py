"""Does a condition hurt one group more than another? Difference in differences, on both scales.

With rates clean (0) and under the condition (c), of a group A and its baseline or rest B, over pairs of utterances:

    absolute   D = (R_Ac - R_A0) - (R_Bc - R_B0)
    ratio      L = log(R_Ac / R_A0) - log(R_Bc / R_B0)

Both are printed, because they can tell different stories: .20 -> .40 beside .10 -> .20 has D = +.10 and L = 0;
.20 -> .30 beside .10 -> .20 has D = 0 and L = -.29. Each speaker is deleted from clean and noisy together; A and B are
strata with `m_h - 1` degrees of freedom, combined by Welch and Satterthwaite (speakers in both: `log_contrast`).
Percentile bootstraps over speakers find 6 to 14 % where 5 % are promised, tests of paired utterances 37 to 39 %.

Verdicts: `amplifies` (both 95 % intervals lie above no interaction) and `narrows` (both below) also need an adjusted
p below .05; p is the larger of the two scales' (intersection-union), adjusted by Holm over the groups and conditions of
one system, attribute and normaliser, where scales that point opposite ways count as 1. `scale-dependent`: exactly one
interval excludes no interaction, or they lie on opposite sides; a remark on the unadjusted intervals, not a finding.
`not shown`, `cannot tell` (too few speakers, no errors, ceiling) and `suppressed` as in the disparity table. Where any
of the four rates is above .8 gaps close for want of room: the row has the flag `ceiling` and no numbers.

`needed_speakers`, beside `not shown`: speakers on each side that show four times in five, on both scales, a condition
that multiplies the errors of A 1.25 times more than those of B: `m = (t + t')^2 (v_A + v_B)/d^2`, v being the measured
jackknife variance of each side's change times its speakers (it falls as 1/m), `d = ln 1.25`, and on the absolute scale
`d = .25 R_A0 R_Bc / R_B0`, the errors that such a condition would add.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from asrfair.records import ALL, CLEAN, REST
from asrfair.stats import policy
from asrfair.stats.conditions import Conditions
from asrfair.stats.contrasts import aligned, named_baseline, sides
from asrfair.stats.degradation import both_flags
from asrfair.stats.fixed_effects import fixed_effects
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.jackknife import Estimate
from asrfair.stats.log_contrast import IN_A, IN_B, IN_BOTH, log_contrast, rate_contrast
from asrfair.stats.multiplicity import holm
from asrfair.stats.planning import needed_speakers
from asrfair.stats.rates import Sums

Row = dict[str, Any]

WORTH_SHOWING = 1.25
"""The ratio of ratios that a plan is made for."""
_SCALES = ("absolute", "absolute_low", "absolute_high", "absolute_p", "ratio", "ratio_low", "ratio_high", "ratio_p")
_FIXED = ("fixed_effects_ratio", "fixed_effects_low", "fixed_effects_high")


def interaction_rows(found: Conditions) -> list[Row]:
    """Rows of `tables.INTERACTIONS` of one system and normaliser; none where clean was not run."""
    by_attribute: dict[str, list[Row]] = {}
    for place in found.places:
        pairs = found.pairs(place.condition_id)
        if pairs is None:
            return []
        base = found.base(place)
        for noisy, clean in found.groupings(pairs, found.heard[place.condition_id], found.heard[CLEAN]):
            if noisy.attribute != ALL:
                rows = by_attribute.setdefault(noisy.attribute, [])
                rows += (base | row for row in _compared(noisy, clean, found.baselines.get(noisy.attribute)))
    for attribute, rows in by_attribute.items():
        _judge(rows, f"interactions|{found.system_id}|{attribute}|{found.normalizer}")
    return [row for rows in by_attribute.values() for row in rows]


def _compared(noisy: Grouping, clean: Grouping, baseline: str | None) -> Iterator[Row]:
    """Every group of one attribute under one condition against its other side."""
    named = named_baseline(noisy, baseline)
    counts = [len(group.speakers) if (group := noisy.groups[label]).speakers_known else None for label in noisy.tested]
    own = {
        "baseline_absent": named is None and baseline not in (None, REST),
        "confounded_with_speaker": policy.is_confounded_with_speaker(counts),
    }
    two = [noisy.groups[label].totals[0] for label in noisy.tested]
    mirrored = named is None and len(two) == 2 and sum(two) == noisy.with_value.totals[0]
    both = zip(sides(noisy, named), sides(clean, named), strict=True)
    for at, ((label, a_c, b_c), (_, a_0, b_0)) in enumerate(both):
        told = difference_in_differences(a_c, a_0, b_c, b_0)
        own["mirrored"] = mirrored and at > 0
        told["flags"] += [flag for flag in policy.CONTRAST_FLAGS if own.get(flag)]
        yield {"attribute": noisy.attribute, "group": label, "baseline": named or REST} | told


def difference_in_differences(a_c: SpeakerCounts, a_0: SpeakerCounts, b_c: SpeakerCounts, b_0: SpeakerCounts) -> Row:
    """One group and its other side, both under the condition and clean.

    Returns:
        The numbers of a row of `tables.INTERACTIONS`, without the adjusted p and the verdict.
    """
    flags_a, flags_b = both_flags(a_c, a_0), both_flags(b_c, b_0)
    row: Row = dict.fromkeys((*_SCALES, *_FIXED, "p", "needed_speakers"))
    row |= {"n_pairs": a_c.totals[0], "n_speakers": len(a_c.speakers) if a_c.speakers_known else None}
    row["flags"] = [*flags_a, *(policy.BASELINE_PREFIX + flag for flag in flags_b)]
    if policy.SUPPRESSED in (*flags_a, *flags_b) or policy.CEILING in (*flags_a, *flags_b):
        return row
    if not (a_c.speakers_known and b_c.speakers_known):
        return row | _points(*(side.facts.estimate.rate for side in (a_c, a_0, b_c, b_0)))
    everyone, of = aligned(a_c, a_0, b_c, b_0)
    member = IN_A * np.isin(everyone, a_c.transcribed_speakers) + IN_B * np.isin(everyone, b_c.transcribed_speakers)
    if np.any(member == IN_BOTH):
        row["flags"].append("paired")
    weighted = [(w, *sums) for w, sums in zip((1.0, -1.0, -1.0, 1.0), of, strict=True)]
    plain, log = rate_contrast(weighted, member), log_contrast(weighted, member)
    row |= {"absolute": plain.value, "ratio": None if log.value is None else math.exp(log.value)}
    row |= dict(zip(("absolute_low", "absolute_high"), plain.interval(), strict=True))
    row |= dict(zip(("ratio_low", "ratio_high"), log.log_interval(), strict=True))
    row |= _fixed(of, everyone)
    row["needed_speakers"] = _needed(of)
    if policy.refuses_p((*flags_a, *flags_b)):
        return row
    both = [p for p in (plain.p, log.p) if p is not None]
    return row | {"absolute_p": plain.p, "ratio_p": log.p, "p": max(both) if len(both) == 2 else None}


def _points(a_c: float | None, a_0: float | None, b_c: float | None, b_0: float | None) -> Row:
    """Both scales without any inference."""
    if a_c is None or a_0 is None or b_c is None or b_0 is None:
        return {}
    ratio = a_c / a_0 / (b_c / b_0) if a_0 and b_0 and b_c and a_c else None
    return {"absolute": a_c - a_0 - (b_c - b_0), "ratio": ratio}


def _fixed(of: Sequence[tuple[Sums, Sums]], everyone: np.ndarray) -> Row:
    """The ratio of ratios of the model with speaker effects."""
    stacked = [tuple(np.concatenate(pair) for pair in zip(of[i], of[i + 2], strict=True)) for i in (1, 0)]
    (e_0, n_0), (e_1, n_1) = stacked
    inside = np.repeat([True, False], len(everyone))
    found = fixed_effects((e_0, n_0), (e_1, n_1), inside, np.tile(everyone, 2))
    if found.value is None:
        return {}
    return dict(zip(_FIXED, (math.exp(found.value), *found.log_interval()), strict=True))


def _needed(of: Sequence[tuple[Sums, Sums]]) -> int | None:
    """Speakers on each side that show, on both scales, what is worth showing."""
    rates = [float(errors.sum() / words.sum()) if words.sum() else 0.0 for errors, words in of]
    if not all(rates):
        return None
    distances = (math.log(WORTH_SHOWING), (WORTH_SHOWING - 1.0) * rates[1] * rates[2] / rates[3])
    needed = []
    for contrast, distance in zip((log_contrast, rate_contrast), distances, strict=True):
        spread = [_per_speaker(contrast([(1.0, *of[i]), (-1.0, *of[i + 1])])) for i in (0, 2)]
        if spread[0] is None or spread[1] is None:
            return None
        needed.append(needed_speakers(spread[0], spread[1], math.exp(distance)))
    known = [m for m in needed if m is not None]
    return max(known) if len(known) == len(needed) else None


def _per_speaker(change: Estimate) -> float | None:
    """The variance of a change times the speakers that it rests on."""
    return None if change.se is None else change.n_speakers * change.se**2


def _judge(rows: list[Row], family: str) -> None:
    """Give the rows of one family their adjusted p and verdicts; a mirrored row takes those of the row before it."""
    counted = [row for row in rows if "mirrored" not in row["flags"]]
    adjusted = holm([1.0 if _disagree(row) and row["p"] is not None else row["p"] for row in counted])
    for row, p in zip(counted, adjusted, strict=True):
        row["p_adjusted"] = p
    for at, row in enumerate(rows):
        row["family"] = family
        if "mirrored" in row["flags"]:
            row["p_adjusted"] = rows[at - 1]["p_adjusted"] if at else None
        row["verdict"] = verdict(row)
        if row["verdict"] != "not shown":
            row["needed_speakers"] = None


def verdict(row: Mapping[str, Any]) -> str:
    """What a row says: see the module."""
    if not {policy.SUPPRESSED, policy.BASELINE_PREFIX + policy.SUPPRESSED}.isdisjoint(row["flags"]):
        return policy.SUPPRESSED
    if row["p_adjusted"] is None:
        return "cannot tell"
    plain = _side(row["absolute_low"], row["absolute_high"], 0.0)
    log = _side(row["ratio_low"], row["ratio_high"], 1.0)
    if plain != log:
        return "scale-dependent"
    if not plain or row["p_adjusted"] >= policy.ALPHA:
        return "not shown"
    return "amplifies" if plain > 0 else "narrows"


def _side(low: float | None, high: float | None, nothing: float) -> int:
    """Whether an interval lies above (1) or below (-1) no interaction."""
    if low is None or high is None:
        return 0
    return int(low > nothing) - int(high < nothing)


def _disagree(row: Row) -> bool:
    """Whether the two scales point opposite ways."""
    return row["absolute"] is not None and row["ratio"] is not None and row["absolute"] * (row["ratio"] - 1.0) < 0
