"""The utterances of an adjusted comparison: checked, numbered, and what is left out of them counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats import policy
from asrfair.stats.atoms import Codes
from asrfair.stats.rates import estimate, macro_rate
from asrfair.stats.regression import columns
from asrfair.stats.regression.columns import Column
from asrfair.stats.regression.design import Factor, Floats, distinct, totals

MOST_CELLS = 8_000_000
"""Groups times the square of all columns: what the degrees of freedom of a model take, 0.5 GB."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Utterances with words, a group and all numbers.

    Attributes:
        errors, words: of each, shape (n,).
        speakers: number of each one's speaker, from 0, shape (n,).
        group: the groups; the baseline is level 0. A group may have no utterance left.
        factors: covariates of names.
        slopes: covariates of numbers.
        left_out: reason -> utterances left out.
        left_out_of: utterances left out of each group.
    """

    errors: Floats
    words: Floats
    speakers: Codes
    group: Factor
    factors: tuple[Factor, ...]
    slopes: Mapping[str, Floats]
    left_out: Mapping[str, int]
    left_out_of: tuple[int, ...]

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        """Some of the utterances."""
        group, *factors = (Factor(f.name, f.codes[kept], f.levels) for f in (self.group, *self.factors))
        return replace(
            self,
            errors=self.errors[kept],
            words=self.words[kept],
            speakers=self.speakers[kept],
            group=group,
            factors=tuple(factors),
            slopes={name: values[kept] for name, values in self.slopes.items()},
        )


def read_rows(
    errors: ArrayLike,
    words: ArrayLike,
    speakers: Column,
    group: Column,
    covariates: Mapping[str, Column],
    baseline: str | None,
    attribute: str,
) -> Rows:
    """Check the columns and keep the utterances that can be compared; arguments as `adjust`.

    Raises:
        InputError: as `adjust`.
    """
    if attribute in covariates:
        raise InputError(
            f"{attribute!r} is both the attribute compared and a covariate: leave it out of the covariates"
        )
    e, n = columns.counts(errors, "errors"), columns.counts(words, "words")
    given = {name: len(values) for name, values in covariates.items()}
    columns.check_lengths({"errors": len(e), "words": len(n), "speakers": len(speakers), attribute: len(group)} | given)
    codes, labels = columns.encode(group, attribute)
    if not labels:
        raise InputError(f"{attribute}: missing everywhere; there are no groups to compare")
    numeric = {name: columns.numbers(v, name) for name, v in covariates.items() if columns.is_numeric(v)}
    kept, left_out = _complete(codes, numeric, n, attribute)
    left_out_of = np.bincount(codes[~kept & (codes >= 0)], minlength=len(labels))
    factors = (columns.factor_of(v, name, n) for name, v in covariates.items() if name not in numeric)
    unordered = Factor(attribute, np.maximum(codes, 0), tuple(labels))
    groups = _ordered(unordered, np.where(kept, n, 0.0), baseline)
    counted = dict(zip(labels, left_out_of.tolist(), strict=True))
    number = distinct([columns.speaker_codes(speakers)])[0]
    counts = tuple(counted[label] for label in groups.levels)
    rows = Rows(e, n, number, groups, tuple(factors), numeric, left_out, counts)
    return rows if kept.all() else rows.where(kept)


def _complete(
    codes: Codes, numeric: Mapping[str, Floats], words: Floats, attribute: str
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which utterances can be compared, and how many cannot, by the first reason."""
    kept, reasons = np.ones(len(codes), dtype=bool), Counter[str]()
    for reason, wrong in (
        (attribute, codes < 0),
        *((name, np.isnan(values)) for name, values in numeric.items()),
        ("words", words == 0),
    ):
        reasons[reason] += int(np.count_nonzero(kept & wrong))
        kept &= ~wrong
    if not kept.any():
        raise InputError(f"no utterance has reference words, {attribute} and every covariate: nothing to compare")
    return kept, {reason: count for reason, count in reasons.items() if count}


def _ordered(group: Factor, words: Floats, baseline: str | None) -> Factor:
    """The groups with the baseline first."""
    size = totals(group.codes, words, len(group.levels))
    present = [label for label, count in zip(group.levels, size, strict=True) if count]
    if len(present) < 2:
        raise InputError(f"{group.name}: only {present[0]!r} can be compared; give two groups or more")
    if baseline is not None and baseline not in present:
        raise InputError(f"{group.name}: the baseline {baseline!r} has no utterance to compare; take one of {present}")
    return columns.first_level(group, words, baseline)


def facts_of(rows: Rows) -> list[policy.Facts]:
    """What the policy looks at, for each group."""
    pair, first = distinct([rows.group.codes, rows.speakers])
    errors, words = (totals(pair, values, len(first)) for values in (rows.errors, rows.words))
    of_pair = rows.group.codes[first]
    sizes = np.bincount(rows.group.codes, minlength=len(rows.group.levels)).tolist()
    found = []
    for code, size in enumerate(sizes):
        e, n = errors[of_pair == code], words[of_pair == code]
        found.append(policy.Facts(size, 0, True, estimate(e, n), macro_rate(e, n)))
    return found


def check_size(rows: Rows) -> None:
    """Refuse a model whose degrees of freedom take more memory and time than it is worth.

    Raises:
        InputError: more groups and levels than `MOST_CELLS`.
    """
    n_groups = len(rows.group.levels)
    n_columns = n_groups + sum(len(factor.levels) for factor in rows.factors) + len(rows.slopes)
    if n_groups * n_columns**2 > MOST_CELLS:
        raise InputError(
            f"{rows.group.name}: {n_groups} groups and {n_columns} columns are too many for one model: join groups, or "
            "leave covariates with many values out"
        )
