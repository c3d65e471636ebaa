"""Analyses that need every utterance and not only sums by speaker: rows of `measures`, `adjusted` and `matched`.

They are asked for, since they cost more: quality shares (utterances above a WER threshold), plain and inside strata
(same prompt); distances between the groups' error distributions, tested by permuting speakers; disparities adjusted for
covariates; contrasts on the prompts that both groups read. Groups of fewer than 3 speakers take no part, and p-values
here are of single tests, not adjusted for how many there are: the verdicts are those of the disparity table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.records import ALL, REST
from asrfair.stats import policy
from asrfair.stats.conditional_quality import conditional_quality
from asrfair.stats.faas import faas_paper
from asrfair.stats.permuted_distances import distance_test
from asrfair.stats.quality import compare_quality, quality_sums
from asrfair.stats.rates import estimate
from asrfair.stats.regression import adjust, compare_matched
from asrfair.stats.regression.columns import Column
from asrfair.stats.sides import flags_of

THRESHOLDS = (0.25, 0.5)
WITHIN = "_same_"
"""Before what is held the same, in the names of conditional measures."""
PAIRWISE = ("w1", "energy")
OVERALL = ("barycentre_1", "barycentre_2")
N_PERMUTATIONS = 999
MOST_UTTERANCES, MOST_GROUPS = 50_000, 20
"""Cells with more utterances than this have their distances measured with fewer permutations."""

Cell = tuple[str, str, str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Utterances:
    """The transcribed utterances of one system, condition and normaliser whose speaker is known.

    Attributes:
        cell: which.
        speakers: who spoke each, shape (n,).
        errors: of each, shape (n,).
        words: reference words of each, shape (n,).
        groups: attribute -> the group of each, None where missing, shape (n,).
        prompts: what each was asked to say, None where unknown; empty if no row has one.
    """

    cell: Cell
    speakers: NDArray[Any]
    errors: NDArray[np.float64]
    words: NDArray[np.float64]
    groups: Mapping[str, NDArray[Any]]
    prompts: NDArray[Any] | None = None

    def base(self, attribute: str) -> Row:
        """The columns that say where a row belongs."""
        return dict(zip(("system_id", "condition_id", "normalizer"), self.cell, strict=True)) | {"attribute": attribute}

    def members(self, attribute: str) -> dict[str, NDArray[np.bool_]]:
        """The utterances of each group of at least 3 speakers, by name; one of several values is in each."""
        values = self.groups[attribute]
        names = sorted({name for value in set(values.tolist()) if value is not None for name in value.split("|")})
        several = {name: [v for v in set(values.tolist()) if v is not None and name in v.split("|")] for name in names}
        found = {name: np.isin(values.astype(object), several[name]) for name in names}
        return {n: inside for n, inside in found.items() if len(set(self.speakers[inside])) >= policy.MIN_SPEAKERS}

    def rest(self, attribute: str, inside: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """The utterances that have a value and are outside the group; None if there are none."""
        valued = np.array([value is not None for value in self.groups[attribute]]) & ~inside
        return valued if valued.any() else None


def quality_rows(found: Utterances, attribute: str, baseline: str | None) -> Iterator[Row]:
    """The share of each group's utterances above a WER threshold, and its test against the other side."""
    members = found.members(attribute)
    for threshold in THRESHOLDS:
        sums = {
            name: quality_sums(found.speakers[at], found.errors[at], found.words[at], threshold=threshold)
            for name, at in members.items()
        }
        for name, mine in sums.items():
            interval = estimate(mine.beyond, mine.utterances).interval(0.95)
            p = None
            other = members.get(baseline or "") if baseline in members else found.rest(attribute, members[name])
            if name != baseline and other is not None:
                theirs = quality_sums(
                    found.speakers[other], found.errors[other], found.words[other], threshold=threshold
                )
                sides = (estimate(of.beyond, of.utterances) for of in (mine, theirs))
                refused = any(policy.refuses_p(flags_of(side)) for side in sides)
                p = None if refused else compare_quality(mine, theirs).p
            yield found.base(attribute) | {
                "measure": f"share_above_{threshold}",
                "group": name,
                "value": interval.wer,
                "low": interval.low,
                "high": interval.high,
                "p": p,
                "method": f"jackknife, against {baseline if baseline in members else REST}",
                "flags": [],
            }


def conditional_rows(found: Utterances, attribute: str, baseline: str | None) -> Iterator[Row]:
    """The same inside strata, standardised to one mix of them: the same prompts, and each other attribute's groups."""
    strata = {"prompts": found.prompts, **{name: of for name, of in found.groups.items() if name != attribute}}
    for name, of in strata.items():
        if of is not None:
            yield from _within(found, attribute, baseline, name, of)


def _within(found: Utterances, attribute: str, baseline: str | None, strata: str, of: NDArray[Any]) -> Iterator[Row]:
    """Quality shares inside one kind of strata; nothing where a speaker is in two groups."""
    members = found.members(attribute)
    inside = np.array([stratum is not None for stratum in of], dtype=bool)
    inside &= np.sum(list(members.values()), axis=0) == 1 if members else False
    if len(members) < 2 or not inside.any():
        return
    arrays = (found.groups[attribute][inside].astype(str), found.speakers[inside], of[inside].astype(str))
    counts = (found.errors[inside], found.words[inside])
    named = baseline if baseline in members else None
    for threshold in THRESHOLDS:
        try:
            shares = conditional_quality(*arrays, *counts, threshold=threshold, baseline=named)
        except InputError:  # a speaker in two groups: only the plain share can be compared within speakers
            return
        for name, interval in shares.shares.items():
            gap = shares.gaps.get(name)
            few = len(set(found.speakers[members[name] & inside])) < policy.MIN_SPEAKERS_FOR_P
            yield found.base(attribute) | {
                "measure": f"share_above_{threshold}{WITHIN}{strata}",
                "group": name,
                "value": interval.wer,
                "low": interval.low,
                "high": interval.high,
                "p": None if gap is None or few else gap.p,
                "method": f"jackknife, {shares.n_strata} strata, {shares.n_strata_dropped} left out",
                "flags": [],
            }


def distance_rows(found: Utterances, attribute: str, seed: int) -> Iterator[Row]:
    """Distances between the groups' distributions of utterance WER, each group with the rest, and over all groups."""
    members = found.members(attribute)
    alone = np.sum(list(members.values()), axis=0) == 1 if members else np.zeros(len(found.words), dtype=bool)
    if len(members) < 2:
        return
    labels = found.groups[attribute][alone].astype(str)
    arrays = (found.speakers[alone], found.errors[alone], found.words[alone])
    size = max(int(alone.sum()), MOST_UTTERANCES) * max(len(members), MOST_GROUPS)
    n = max(99, N_PERMUTATIONS * MOST_UTTERANCES * MOST_GROUPS // size)
    tests = [(measure, name) for measure in PAIRWISE for name in members] + [(m, None) for m in OVERALL]
    for measure, group in tests:
        sides = labels if group is None else np.where(labels == group, "group", "rest")
        row = found.base(attribute) | {"measure": measure, "group": group, "low": None, "high": None}
        try:
            test = distance_test(sides, *arrays, measure=measure, seed=seed, n_permutations=n)
        except InputError:  # a speaker in two groups: whole speakers cannot be dealt to groups
            yield row | {"value": None, "p": None, "method": "none", "flags": ["crossed"]}
            continue
        method = f"speaker permutation, {test.n_permutations}"
        yield row | {"value": test.observed, "p": test.p, "method": method, "flags": list(test.flags)}
        yield row | {
            "measure": f"{measure}_excess",
            "value": test.excess,
            "p": None,
            "method": method,
            "flags": list(test.flags),
        }


def faas_rows(found: Utterances) -> Iterator[Row]:
    """FAAS as its paper prints it, over all attributes: for comparison with papers, flagged, and never ranked by."""
    whole = np.all([[v is not None for v in values] for values in found.groups.values()], axis=0)
    if not found.groups or not whole.any():
        return
    categories = {name: values[whole].astype(str) for name, values in found.groups.items()}
    varied = {name: values for name, values in categories.items() if len(set(values)) > 1}
    if varied:
        score = faas_paper(varied, found.speakers[whole], found.errors[whole], found.words[whole])
        yield found.base(ALL) | {
            "measure": "faas_paper",
            "group": None,
            "value": score.score_percent,
            "low": None,
            "high": None,
            "p": None,
            "method": f"as printed, over {', '.join(varied)}",
            "flags": ["not_recommended"],
        }


def adjusted_rows(
    found: Utterances, attribute: str, baseline: str | None, covariates: Mapping[str, Column]
) -> Iterator[Row]:
    """Rows of `tables.ADJUSTED`: total and adjusted side by side; one with a note where no model can be fitted.

    None for an attribute that is itself all that is held equal.
    """
    held = {name: values for name, values in covariates.items() if name != attribute}
    if not held:
        return
    base = found.base(attribute) | {"covariates": "+".join(held)}
    values = found.groups[attribute]
    try:
        result = adjust(
            found.errors,
            found.words,
            found.speakers.tolist(),
            values.tolist(),
            held,
            baseline=baseline if baseline in set(values.tolist()) else None,
            attribute=attribute,
        )
    except InputError as error:
        empty = {"group": None, "baseline": baseline, "flags": ["not_estimable"], "note": str(error)}
        yield base | empty
        return
    for group in result.groups:
        row = asdict(group) | {
            "flags": list(group.flags),
            "baseline": result.baseline,
            "note": _left_out(result.left_out),
        }
        yield base | row


def matched_rows(found: Utterances, attribute: str, baseline: str | None) -> Iterator[Row]:
    """Rows of `tables.MATCHED`: each group against its other side on the prompts that both read."""
    if found.prompts is None:
        return
    members = found.members(attribute)
    named = baseline if baseline in members else None
    for name, inside in members.items():
        other = members[named] if named is not None else found.rest(attribute, members[name])
        if name == named or other is None:
            continue
        row = found.base(attribute) | {"group": name, "baseline": named or REST}
        against = named or "everybody else"
        sides = np.full(len(inside), None, dtype=object)
        sides[other] = against
        sides[inside] = name
        try:
            test = compare_matched(
                found.errors,
                found.words,
                found.speakers.tolist(),
                found.prompts.tolist(),
                sides.tolist(),
                a=name,
                b=against,
            )
        except InputError as error:
            yield row | {"flags": ["not_estimable"], "note": str(error)}
            continue
        yield row | {
            "wer": test.wer_a,
            "baseline_wer": test.wer_b,
            "wer_difference": test.difference,
            "difference_low": test.low,
            "difference_high": test.high,
            "p": test.p,
            "df": test.df,
            "n_prompts": test.n_prompts,
            "n_prompts_left_out": test.n_prompts_left_out,
            "n_utterances": test.n_utterances,
            "n_speakers": min(test.n_speakers_a, test.n_speakers_b),
            "flags": list(test.flags),
        }


def _left_out(reasons: Mapping[str, int]) -> str | None:
    """Why rows are not in a model, and how many."""
    return "; ".join(f"{n} without {reason}" for reason, n in reasons.items() if n) or None
