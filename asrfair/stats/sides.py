"""Who is compared with whom, for anything that can be summed by speaker.

Rows are utterances, words, or speakers already summed; each has a speaker and is in any number of groups. A group is
set against a baseline group, or against the rest: the rows that are in some group but not in this one. Sums go by
speaker before anything is inferred (METHODS section 0). Where no speaker is on both sides the two are independent
(log-Welch); where one is, each speaker is deleted from both sides at once (`disparity.compare_paired`).

`compare_sides` decides on the log ratio, like everything that has a p-value. `difference_of_sides` is for parts that
must add up, or that can be negative: `d +- t_nu se(d)` on the plain scale, with the jackknife variances added and their
degrees of freedom combined by Satterthwaite's rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.records import REST, Disparity
from asrfair.stats import policy
from asrfair.stats.disparity import compare_estimates, compare_paired
from asrfair.stats.rates import RateEstimate, Sums, combine_df, estimate
from asrfair.stats.student_t import student_t_quantile

Mask = NDArray[np.bool_]

_ROUNDING = 1e-12
_ABOUT_ANY_RATE = frozenset({policy.SUPPRESSED, "few_speakers", "fragile", "no_errors", "no_spread"})


class Rows:
    """The speakers and groups of some rows.

    Args:
        speakers: the speaker of each row, numbers or names, shape (n,).
        groups: group -> which rows are in it, boolean, shape (n,) each.
        baseline: the group to compare the others with; None for the rest.

    Attributes:
        codes: the number of each row's speaker, int64, shape (n,).
        n_speakers: how many there are.

    Raises:
        InputError: shapes differ, a row has no speaker, or there is no such baseline.

    >>> rows = Rows(["ann", "bob", "ann", "cat"], {"a": [True, False, True, False], "b": [False, True, False, True]})
    >>> [(group, against) for group, against, _, _ in rows.contrasts()]
    [('a', 'rest'), ('b', 'rest')]
    """

    def __init__(self, speakers: ArrayLike, groups: Mapping[str, ArrayLike], *, baseline: str | None = None) -> None:
        names = np.asarray(speakers)
        if names.ndim != 1:
            raise InputError(f"speakers: {names.ndim} dimensions; give one speaker a row")
        without = np.fromiter(map(_is_nobody, names.tolist()), np.bool_, len(names))
        if without.any():
            raise InputError(f"speakers[{int(np.argmax(without))}]: a row without speaker; leave such rows out")
        self.groups = {group: _mask(mask, len(names), group) for group, mask in groups.items()}
        if baseline not in (None, REST, *self.groups):
            raise InputError(f"baseline {baseline!r} is no group; there are: {', '.join(self.groups)}")
        self.baseline = None if baseline == REST else baseline
        known, codes = np.unique(names, return_inverse=True)
        self.codes: NDArray[np.int64] = codes.astype(np.int64)
        self.n_speakers = len(known)

    @classmethod
    def from_labels(cls, speakers: ArrayLike, labels: Sequence[str | None], *, baseline: str | None = None) -> Rows:
        """Rows with one text of groups each: several are joined by `|`; None or empty is in no group.

        >>> {group: mask.tolist() for group, mask in Rows.from_labels([1, 2, 3], ["a|b", None, "b"]).groups.items()}
        {'a': [True, False, False], 'b': [True, False, True]}
        """
        number = {label: at for at, label in enumerate(dict.fromkeys(labels))}
        codes = np.fromiter(map(number.__getitem__, labels), np.int64, len(labels))
        members = [frozenset(filter(None, (label or "").split("|"))) for label in number]
        found = sorted(frozenset().union(*members))
        masks = {group: np.array([group in one for one in members], np.bool_)[codes] for group in found}
        return cls(speakers, masks, baseline=baseline)

    def sums(self, values: ArrayLike, mask: Mask) -> Sums:
        """Sums by speaker over some rows, shape (n_speakers,)."""
        return np.bincount(self.codes[mask], np.asarray(values, np.float64)[mask], self.n_speakers).astype(np.float64)

    def contrasts(self) -> Iterator[tuple[str, str, Mask, Mask]]:
        """Each group, what it is compared with, and the rows of both; the baseline itself comes against nothing."""
        anywhere = np.logical_or.reduce(list(self.groups.values())) if self.groups else np.zeros(0, np.bool_)
        for group, mask in self.groups.items():
            if self.baseline is None:
                yield group, REST, mask, anywhere & ~mask
            else:
                against = self.groups[self.baseline] if group != self.baseline else np.zeros_like(mask)
                yield group, self.baseline, mask, against


def _is_nobody(speaker: object) -> bool:
    return speaker is None or speaker == "" or speaker != speaker


def _mask(mask: ArrayLike, n: int, group: str) -> Mask:
    found = np.asarray(mask)
    if found.dtype != np.bool_ or found.shape != (n,):
        raise InputError(f"group {group!r}: give true or false for each of the {n} rows")
    return found


def checked_values(values: ArrayLike, rows: Rows, name: str) -> Sums:
    """One number a row, finite and not negative.

    Raises:
        InputError: anything else.
    """
    found = np.asarray(values, np.float64)
    if found.shape != rows.codes.shape:
        raise InputError(f"{name}: shape {found.shape}; give one number for each of the {len(rows.codes)} rows")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InputError(f"{name}[{at}]: {found[at]} is not a finite number that is not negative")
    return found


def flags_of(estimated: RateEstimate) -> tuple[str, ...]:
    """The flags of the policy table that hold for any rate, whatever its denominator."""
    facts = policy.Facts(1, 0, True, estimated, None)
    return tuple(flag for flag in policy.flags_of(facts) if flag in _ABOUT_ANY_RATE)


def is_suppressed(estimated: RateEstimate) -> bool:
    """Fewer than three speakers."""
    return policy.SUPPRESSED in flags_of(estimated)


def compare_sides(
    events_a: Sums, exposure_a: Sums, events_b: Sums, exposure_b: Sums, confidence: float = 0.95
) -> Disparity:
    """A against B by the log ratio: sums of the same m speakers on both sides, 0 for a speaker who is not on one.

    The p-value is None where the policy withholds it on either side.

    >>> found = compare_sides(np.array([5.0, 8, 0, 0]), np.array([50.0, 40, 0, 0]),
    ...                       np.array([0.0, 0, 2, 4]), np.array([0.0, 0, 50, 80]))
    >>> found.paired, round(found.ratio, 2), found.p
    (False, 3.13, None)
    """
    a, b = estimate(events_a, exposure_a), estimate(events_b, exposure_b)
    if _is_shared(exposure_a, exposure_b):
        found = compare_paired(events_a, exposure_a, events_b, exposure_b, confidence=confidence)
    else:
        found = compare_estimates(a, b, confidence)
    return replace(found, p=None) if policy.refuses_p((*flags_of(a), *flags_of(b))) else found


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two rates on the plain scale.

    Attributes:
        rate_a, rate_b: pooled rates; None without exposure.
        difference, low, high: rate_a - rate_b with its t interval; None where it cannot be estimated.
        df: its degrees of freedom.
    """

    rate_a: float | None
    rate_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    df: float | None


def difference_of_sides(
    values_a: Sums, exposure_a: Sums, values_b: Sums, exposure_b: Sums, confidence: float = 0.95
) -> Gap:
    """The difference of two pooled rates; arguments as `compare_sides`, but values may be negative.

    No interval where a side has no spread: all its speakers at one rate (0 among them), or only one speaker.
    """
    a, b = estimate(values_a, exposure_a), estimate(values_b, exposure_b)
    if a.rate is None or b.rate is None:
        return Gap(a.rate, b.rate, None, None, None, None)
    difference = a.rate - b.rate
    low = high = df = None
    if has_spread(a) and has_spread(b):
        if _is_shared(exposure_a, exposure_b):
            paired = _paired_difference(values_a, exposure_a, values_b, exposure_b, confidence)
            low, high, df = paired.difference_low, paired.difference_high, paired.df
        elif a.variance is not None and b.variance is not None and a.df is not None and b.df is not None:
            df = combine_df([a.variance, b.variance], [a.df, b.df])
            reach = student_t_quantile(0.5 + confidence / 2.0, df) * math.sqrt(a.variance + b.variance)
            low, high = difference - reach, difference + reach
    return Gap(a.rate, b.rate, difference, low, high, df)


def _paired_difference(
    values_a: Sums, exposure_a: Sums, values_b: Sums, exposure_b: Sums, confidence: float
) -> Disparity:
    """`compare_paired`; a constant added to every rate leaves the difference as it is and makes no sum negative."""
    sides = ((values_a, exposure_a), (values_b, exposure_b))
    shift = max(0.0, *(float(np.max(-v[n > 0] / n[n > 0])) for v, n in sides))
    shifted = [(v + shift * n, n) for v, n in sides]
    (a, n_a), (b, n_b) = ((np.maximum(v, 0.0), n) for v, n in shifted)
    return compare_paired(a, n_a, b, n_b, confidence=confidence, p_from="difference")


def plain_interval(estimated: RateEstimate, confidence: float) -> tuple[float | None, float | None]:
    """`rate +- t_nu se` for a rate that can be negative; (None, None) without spread."""
    if estimated.rate is None or estimated.se is None or estimated.df is None or not has_spread(estimated):
        return None, None
    reach = student_t_quantile(0.5 + confidence / 2.0, estimated.df) * estimated.se
    return estimated.rate - reach, estimated.rate + reach


def has_spread(estimated: RateEstimate) -> bool:
    """Whether the speakers' rates differ by more than rounding."""
    return estimated.variance is not None and estimated.variance > _ROUNDING**2


def _is_shared(exposure_a: Sums, exposure_b: Sums) -> bool:
    return bool(((exposure_a > 0) & (exposure_b > 0)).any())
