"""The speaker bootstrap: for plots and for statistics that have no closed form. The intervals of tables do not use it.

Whole speakers are drawn with replacement, m of m, and sums are added up again (Bisani & Ney 2004 and Liu & Peng 2020
draw utterances or blocks; the unit here is the speaker). Three intervals can be read from the replicates:

- `bootstrap-t`: quantiles of `(log R* - log R)/se*`, where se* is each replicate's own CR1 standard error; coverage of
  95 % intervals was 90 to 95 % at 5 to 50 speakers (METHODS section 2).
- `expanded`: percentiles at the level `Phi(sqrt(m/(m-1)) t_{alpha/2, m-1})` (Hesterberg 2015); from 10 speakers on.
- `percentile`: as it is usually done, 80 to 89 % at 5 to 10 speakers; from 50 speakers on.

Below those numbers of speakers the method is refused: an interval that covers 80 % must not say 95. Replicates are the
same for any number of threads (`counter`), and come from compiled code where numba is installed (`kernels`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats import counter
from asrfair.stats.kernels import resampled_sums
from asrfair.stats.rates import NO_SPREAD, Sums, check_confidence, speaker_sums
from asrfair.stats.student_t import student_t_cdf, student_t_quantile

METHODS = {"bootstrap-t": 3, "expanded": 10, "percentile": 50}
"""The intervals there are, and how many speakers each needs."""

MOST_LOG = 300.0
"""Interval ends further than this from the rate, on the log scale, are beyond the range of floating point."""

_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """A bootstrap interval of a pooled rate.

    Attributes:
        wer: the rate itself; None without words.
        low, high: None where replicates without errors or words leave it undefined.
        method: `bootstrap-t`, `expanded` or `percentile`: say it wherever the interval is shown.
        n_replicates, n_speakers: what it rests on.
        confidence: nominal level.
    """

    wer: float | None
    low: float | None
    high: float | None
    method: str
    n_replicates: int
    n_speakers: int
    confidence: float


def bootstrap_sums(
    errors: ArrayLike, words: ArrayLike, *, n_replicates: int = 10_000, seed: int = 0
) -> tuple[Sums, Sums]:
    """Errors and words of bootstrap replicates of one group: the raw material of plots and odd statistics.

    Args:
        errors: whole numbers, of each speaker, shape (m,).
        words: whole numbers, of each speaker, shape (m,).
        n_replicates: how many.
        seed: the replicates depend on it, on m and on the sums alone.

    Returns:
        Sums of errors and of words of each replicate, both of shape (n_replicates,).

    Raises:
        InputError: as `group_interval`, or a number is not whole, or there is no speaker.
    """
    e, n = _counts(errors, words)
    found = resampled_sums(e, n, seed, 0, n_replicates)
    return found[0].astype(np.float64), found[1].astype(np.float64)


def bootstrap_interval(
    errors: ArrayLike,
    words: ArrayLike,
    *,
    method: str = "bootstrap-t",
    confidence: float = 0.95,
    n_replicates: int = 9_999,
    seed: int = 0,
) -> BootstrapInterval:
    """A bootstrap interval of the pooled word error rate of one group.

    Args:
        errors: whole numbers, of each speaker, shape (m,).
        words: whole numbers, of each speaker, shape (m,).
        method: `bootstrap-t`, `expanded` or `percentile`.
        confidence: nominal level, strictly between 0 and 1.
        n_replicates: how many speaker samples.
        seed: of the samples.

    Raises:
        InputError: as `bootstrap_sums`; an unknown method, or fewer speakers than it needs.

    >>> found = bootstrap_interval([5, 8, 3, 10, 9, 6], [50, 40, 60, 50, 70, 60], n_replicates=999)
    >>> print(f"{found.wer:.3f}, {found.method}: {found.low:.2f} to {found.high:.2f}")
    0.124, bootstrap-t: 0.08 to 0.19
    """
    check_confidence(confidence)
    e, n = _counts(errors, words)
    said = (e > 0) | (n > 0)
    e, n = e[said], n[said]
    if method not in METHODS:
        raise InputError(f"method {method!r}: must be one of {', '.join(METHODS)}")
    if len(e) < METHODS[method]:
        raise InputError(f"{method} needs {METHODS[method]} speakers, here are {len(e)}: take group_interval instead")
    tail = (1.0 - confidence) / 2.0
    if method == "bootstrap-t":
        rate, low, high = _studentised(e, n, tail, n_replicates, seed)
    else:
        m = len(e)
        level = student_t_cdf(math.sqrt(m / (m - 1)) * student_t_quantile(tail, m - 1), math.inf)
        rate, low, high = _percentile(e, n, level if method == "expanded" else tail, n_replicates, seed)
    return BootstrapInterval(rate, low, high, method, n_replicates, len(e), confidence)


Bounds = tuple[float | None, float | None, float | None]


def _percentile(e: counter.Indices, n: counter.Indices, tail: float, n_replicates: int, seed: int) -> Bounds:
    """Rate and quantiles of the replicates' rates."""
    total = int(n.sum())
    sums_e, sums_n = resampled_sums(e, n, seed, 0, n_replicates)
    if not total or not sums_n.all():
        return (float(e.sum() / total) if total else None), None, None
    low, high = np.quantile(sums_e / sums_n, [tail, 1.0 - tail])
    return float(e.sum() / total), float(low), float(high)


def _studentised(e: counter.Indices, n: counter.Indices, tail: float, n_replicates: int, seed: int) -> Bounds:
    """Rate and the interval from quantiles of the studentised log rate."""
    total = int(n.sum())
    if not total or not e.any():
        return (0.0 if total else None), None, None
    rate = float(e.sum() / total)
    se = float(_log_se(e[None, :].astype(float), n[None, :].astype(float))[0])
    if not se > NO_SPREAD:
        return rate, None, None
    found = []
    for first in range(0, n_replicates, block := max(1, _BLOCK // len(e))):
        drawn = counter.draws(seed, first, min(block, n_replicates - first), len(e))
        errors, words = e[drawn].astype(float), n[drawn].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.log(errors.sum(axis=1) / words.sum(axis=1) / rate) / _log_se(errors, words))
    ratios = np.concatenate(found)
    usable = ratios[np.isfinite(ratios)]
    if len(usable) < 0.95 * n_replicates:
        return rate, None, None
    low, high = np.quantile(usable, [tail, 1.0 - tail])
    if max(high, -low) * se > MOST_LOG:
        return rate, None, None
    return rate, rate * math.exp(-high * se), rate * math.exp(-low * se)


def _log_se(errors: Sums, words: Sums) -> Sums:
    """CR1 standard error of the log rate of each row of speakers."""
    m = errors.shape[1]
    rates = errors.sum(axis=1) / words.sum(axis=1)
    residuals = errors - rates[:, None] * words
    variances: Sums = m / (m - 1) * np.sum(residuals**2, axis=1) / errors.sum(axis=1) ** 2
    return np.sqrt(variances)


def _counts(errors: ArrayLike, words: ArrayLike) -> tuple[counter.Indices, counter.Indices]:
    """Checked sums as whole numbers."""
    e, n = speaker_sums(errors, words)
    if not len(e):
        raise InputError("no speaker: nothing can be drawn")
    for values, name in ((e, "errors"), (n, "words")):
        if np.any(values != np.rint(values)):
            raise InputError(f"{name}: not whole numbers; the bootstrap draws counts")
    return e.astype(np.int64), n.astype(np.int64)
