"""How long people wait, by group. Descriptive: it depends on the machine, the network and the queue of one run.

- `median_s` and `p95_s`: quantiles over all utterances of the group (linear between order statistics). They have no
  interval here: a delete-one jackknife is inconsistent for a quantile.
- `typical`: the mean of the speakers' medians, seconds, with the interval of a macro rate (log scale,
  delete-one-speaker jackknife, m - 1 degrees of freedom): a random speaker's wait, and what groups are compared by.
- `real_time_factor`: seconds of work per second of audio, summed first, with its interval. Longer utterances take
  longer; a gap in `typical` without one here is a gap of how much people said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.stats.harm_rates import HarmRate, rate_of_sides, rates_by_group
from asrfair.stats.policy import SUPPRESSED
from asrfair.stats.rates import Sums, check_confidence
from asrfair.stats.sides import Rows, checked_values

DESCRIPTIVE = "descriptive"


@dataclass(frozen=True, slots=True)
class Latency:
    """The waiting times of one group.

    Attributes:
        group: who.
        median_s, p95_s: quantiles over its utterances, seconds; None where suppressed.
        typical: mean of its speakers' medians, seconds, with interval and comparison.
        real_time_factor: seconds per second of audio; None where a duration is not known.
        flags: those of `typical`, and `descriptive`.
    """

    group: str
    median_s: float | None
    p95_s: float | None
    typical: HarmRate
    real_time_factor: HarmRate | None
    flags: tuple[str, ...]


def latency(
    latency_s: ArrayLike, duration_s: Sequence[float | None] | None, rows: Rows, *, confidence: float = 0.95
) -> list[Latency]:
    """Waiting times by group.

    Args:
        latency_s: seconds that each utterance took, shape (n,); utterances without a known one left out.
        duration_s: seconds of audio, shape (n,); None where not known, or for all.
        rows: the speakers and groups of the utterances.
        confidence: nominal level of the intervals.

    Raises:
        InputError: a shape, or a number that is negative or not finite.

    >>> rows = Rows.from_labels([1, 1, 2, 2, 3, 3], ["a"] * 6)
    >>> (found,) = latency([0.2, 0.4, 0.3, 0.3, 0.5, 2.0], [2.0] * 6, rows)
    >>> print(f"{found.median_s:.2f} {found.p95_s:.2f} {found.typical.rate:.2f} {found.real_time_factor.rate:.2f}")
    0.35 1.62 0.62 0.31
    """
    check_confidence(confidence)
    waited = checked_values(latency_s, rows, "latency_s")
    factors: list[HarmRate | None] = [None] * len(rows.groups)
    if duration_s is not None and all(seconds is not None for seconds in duration_s):
        audio = np.array(duration_s, np.float64)
        factors = [*rates_by_group("latency", "second of audio", waited, audio, rows, confidence=confidence)]
    found = []
    order = np.lexsort((waited, rows.codes))
    for (group, against, here, there), factor in zip(rows.contrasts(), factors, strict=True):
        ordered = (order[side[order]] for side in (here, there))
        medians = [_medians(waited[at], rows.codes[at], rows.n_speakers) for at in ordered]
        names = ("typical_latency", "speaker", group, against)
        typical = rate_of_sides(names, medians[0], medians[1], confidence=confidence)
        quantiles = _quantiles(waited[here]) if SUPPRESSED not in typical.flags else (None, None)
        found.append(Latency(group, *quantiles, typical, factor, (*typical.flags, DESCRIPTIVE)))
    return found


def _medians(waited: Sums, codes: NDArray[np.int64], n_speakers: int) -> tuple[Sums, Sums]:
    """Each speaker's median, and 1 for each who has one; 0 for the others, shape (n_speakers,) each.

    Args:
        waited: seconds, ordered by speaker and then by themselves.
        codes: the speaker of each.
        n_speakers: how many there are.
    """
    sizes = np.bincount(codes, minlength=n_speakers)
    present = sizes > 0
    starts, counts = (np.cumsum(sizes) - sizes)[present], sizes[present]
    medians = np.zeros(n_speakers)
    medians[present] = (waited[starts + (counts - 1) // 2] + waited[starts + counts // 2]) / 2.0
    return medians, present.astype(np.float64)


def _quantiles(waited: Sums) -> tuple[float | None, float | None]:
    """Median and 95th percentile; None of nothing."""
    if not len(waited):
        return None, None
    median, high = np.quantile(waited, [0.5, 0.95]).tolist()
    return median, high
