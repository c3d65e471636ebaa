"""Delete-one-speaker jackknife of any statistic: the engine behind every interval that has no closed form.

    V = sum over strata h of (m_h - 1)/m_h * sum over speakers s in h of (theta(-s) - theta)^2

Strata are groups of speakers who cannot be exchanged (the speakers of A, those of B); a speaker is deleted with all
utterances, conditions and systems. The degrees of freedom of a stratum are `m_h - 1`, or Satterthwaite's for unequal
words (`rates.satterthwaite_df`) where the words are given; over strata they are combined by `(sum V)^2 / sum V^2/nu`.
The closed form for one rate is in `rates`, that for two in `disparity`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.stats.rates import NO_SPREAD, Sums, combine_df, log_interval, satterthwaite_df
from asrfair.stats.student_t import student_t_quantile, student_t_sf


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is known of its error.

    Attributes:
        value: the statistic; None where it is not defined.
        se: its jackknife standard error; None where it is not defined.
        df: degrees of freedom of the t interval; None with se.
        n_speakers: what it rests on.
    """

    value: float | None
    se: float | None
    df: float | None
    n_speakers: int

    def interval(self, confidence: float = 0.95) -> tuple[float | None, float | None]:
        """`value +- t se`; (None, None) where it is not defined."""
        if self.value is None or self.se is None or self.df is None:
            return None, None
        reach = student_t_quantile(0.5 + confidence / 2.0, self.df) * self.se
        return self.value - reach, self.value + reach

    def log_interval(self, confidence: float = 0.95) -> tuple[float | None, float | None]:
        """The interval of `exp(value)`, for a statistic that is a logarithm."""
        if self.value is None or self.se is None or self.df is None:
            return None, None
        return log_interval(math.exp(self.value), self.se, self.df, confidence)

    @property
    def p(self) -> float | None:
        """Two-sided p of "it is 0"; None where it is not defined."""
        if self.value is None or self.se is None or self.df is None:
            return None
        return 2.0 * student_t_sf(abs(self.value) / self.se, self.df)


def jackknife(
    statistic: Callable[[NDArray[np.bool_]], float | None],
    n_speakers: int,
    *,
    strata: Sequence[int] | None = None,
    words: Sequence[float] | None = None,
) -> Estimate:
    """The jackknife of a statistic that is computed from scratch without each speaker in turn.

    Args:
        statistic: from which speakers are kept (shape (m,)) to a number; None where it is not defined.
        n_speakers: m.
        strata: the stratum of each speaker, shape (m,); all one stratum without it.
        words: words of each speaker, for Satterthwaite's degrees of freedom; `m_h - 1` without them.

    Raises:
        InputError: strata or words are not as many as speakers.

    >>> errors, words = np.array([5, 8, 3, 10]), np.array([50, 40, 60, 50])
    >>> found = jackknife(lambda kept: errors[kept].sum() / words[kept].sum(), 4, words=words)
    >>> print(f"{found.value:.2f}, se {found.se:.7f}, {found.df:.4f} df")
    0.13, se 0.0399331, 2.8503 df
    """
    for name, given in (("strata", strata), ("words", words)):
        if given is not None and len(given) != n_speakers:
            raise InputError(f"{name} of {len(given)} speakers, but there are {n_speakers}: give one each")
    kept = np.ones(n_speakers, dtype=bool)
    value = statistic(kept)
    without = []
    for speaker in range(n_speakers):
        kept[speaker] = False
        without.append(statistic(kept))
        kept[speaker] = True
    return from_replicates(value, without, strata=strata, words=words)


def from_replicates(
    value: float | None,
    without: Sequence[float | None] | Sums,
    *,
    strata: Sequence[int] | NDArray[np.int64] | None = None,
    words: Sequence[float] | Sums | None = None,
) -> Estimate:
    """The jackknife from the values without each speaker, where these have a closed form.

    Args:
        value: the statistic of all speakers.
        without: the statistic without each speaker, shape (m,); None or NaN where it is not defined.
        strata: as `jackknife`.
        words: as `jackknife`.

    >>> from_replicates(2.0, [1.0, 2.0, 3.0]).df
    2.0
    """
    listed = without if isinstance(without, np.ndarray) else [math.nan if v is None else v for v in without]
    replicates = np.asarray(listed, dtype=np.float64)
    m = len(replicates)
    if value is None or not math.isfinite(value):
        return Estimate(None, None, None, m)
    labels = np.zeros(m, dtype=np.int64) if strata is None else np.asarray(strata)
    variances, dfs = [], []
    for stratum in np.unique(labels):
        members = labels == stratum
        m_h = int(np.count_nonzero(members))
        if m_h < 2 or not np.isfinite(replicates[members]).all():
            return Estimate(value, None, None, m)
        share = float((m_h - 1) / m_h * np.sum((replicates[members] - value) ** 2))
        if share > 0:
            variances.append(share)
            dfs.append(m_h - 1.0 if words is None else satterthwaite_df(np.asarray(words, dtype=float)[members]))
    if not variances or math.sqrt(sum(variances)) < NO_SPREAD:
        return Estimate(value, None, None, m)
    return Estimate(value, math.sqrt(sum(variances)), combine_df(variances, dfs), m)
