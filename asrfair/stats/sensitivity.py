"""How far transcripts move when the sound is changed, without references: perturbation sensitivity by group.

    S_i(d) = Lev(T(x_i), T(x_i + d)) / max(|T(x_i)|, |T(x_i + d)|, 1)

over the words of normalised transcripts T, clean and perturbed: 0 for the same words, 1 for none in common. It needs no
reference, so it can be had of any recording; it says how steady a system is, not how right. Over a declared set of
perturbations it accumulates: `APS_i = sum_k w_k S_i(d_k) / |d_k|`, weights that sum to 1 and sizes in the unit of each
perturbation (dB, semitones, per cent of tempo). It follows `E[v'|J|w]` of Krishna et al. 2022 by finite differences,
without gradients and without a model of protected status.

A decoder that samples moves by itself. Its floor, S_i of the same sound heard again (the environment `again`), is
subtracted utterance by utterance; it is 0 for a system that says that it is deterministic, and where neither is known
nothing is subtracted and the row has the flag `floor_unknown`. The group value is the mean over utterances, with the
speaker as the unit: sums of S by speaker over utterances, `value +- t_nu se` by jackknife, since differences with the
floor can be negative; groups are compared on the plain scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from asrfair.errors import InputError
from asrfair.stats import policy
from asrfair.stats.arrays import Floats
from asrfair.stats.rates import estimate
from asrfair.stats.sides import Gap, Rows, difference_of_sides, flags_of, plain_interval
from asrfair.stats.student_t import student_t_quantile, student_t_sf

Row = dict[str, Any]

FLOOR_UNKNOWN = "floor_unknown"


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One perturbation of a declared set.

    Attributes:
        weight: w_k, not negative; weights are divided by their sum.
        size: |d_k| in its unit, above 0.
    """

    weight: float = 1.0
    size: float = 1.0


def accumulated(by_condition: Mapping[str, Floats], declared: Mapping[str, Perturbation]) -> Floats:
    """`APS_i` of each utterance.

    Args:
        by_condition: condition -> S_i of each utterance, shape (n,).
        declared: the set, all of whose conditions are there.

    Raises:
        InputError: a weight is negative, all are 0, or a size is not above 0.

    >>> accumulated({"a": np.array([0.2, 0.4]), "b": np.array([0.5, 0.5])},
    ...             {"a": Perturbation(1.0, 2.0), "b": Perturbation(3.0)}).tolist()
    [0.4, 0.425]
    """
    total = sum(one.weight for one in declared.values())
    for condition, one in declared.items():
        if not (one.weight >= 0 and one.size > 0 and total > 0):
            raise InputError(
                f"sensitivity to {condition}: weight {one.weight}, size {one.size}: weights are 0 or more and not all "
                "0, sizes are above 0"
            )
    found: Floats = np.sum([one.weight / total / one.size * by_condition[c] for c, one in declared.items()], axis=0)
    return found


def sensitivity_rows(moved: Floats, rows: Rows, *, floor: Floats | None) -> Iterator[Row]:
    """The numbers of `tables.SENSITIVITY` of one condition and attribute.

    Args:
        moved: S_i of each utterance that was transcribed clean and perturbed, shape (n,).
        rows: their speakers and groups.
        floor: S_i of the same sound heard again, shape (n,); None where it is not known.
    """
    steady = np.zeros_like(moved) if floor is None else floor
    ones = np.ones_like(moved)
    for group, baseline, inside, outside in rows.contrasts():
        n = rows.sums(ones, inside)
        mine = (rows.sums(moved - steady, inside), n)
        estimated = estimate(*mine)
        flags = list(flags_of(estimate(rows.sums(moved, inside), n)))
        row: Row = {"group": group, "baseline": baseline if outside.any() else None, "n_pairs": int(inside.sum())}
        row |= {"n_speakers": int(np.count_nonzero(n)), "flags": flags + ([FLOOR_UNKNOWN] if floor is None else [])}
        if policy.SUPPRESSED in flags:
            yield row
            continue
        low, high = plain_interval(estimated, 0.95)
        row |= {"sensitivity": estimated.rate, "low": low, "high": high}
        row |= {"floor": None if floor is None or estimated.rate is None else float(np.mean(floor[inside]))}
        others = (rows.sums(moved - steady, outside), rows.sums(ones, outside))
        theirs = flags_of(estimate(rows.sums(moved, outside), others[1]))
        row["flags"] += [policy.BASELINE_PREFIX + flag for flag in theirs if outside.any()]
        if outside.any() and policy.SUPPRESSED not in theirs:
            row |= _difference(difference_of_sides(*mine, *others), tested=not policy.refuses_p((*flags, *theirs)))
        yield row


def _difference(gap: Gap, *, tested: bool) -> Row:
    """A difference with its interval, and p where the policy allows it."""
    row: Row = {"difference": gap.difference, "difference_low": gap.low, "difference_high": gap.high}
    if gap.difference is None or gap.high is None or gap.df is None or not tested:
        return row
    se = (gap.high - gap.difference) / student_t_quantile(0.975, gap.df)
    return row | {"p": 2.0 * student_t_sf(abs(gap.difference) / se, gap.df)}
