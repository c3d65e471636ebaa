"""What a system writes when nobody speaks: words per hour of silence or noise, and the share of probes with words.

Words are events in time with no word to be wrong about, so they have a rate per hour, never a word error rate.

- Rate: `n / hours`, with the exact Poisson interval (Garwood 1936), `chi2_(a/2, 2n) / 2` to `chi2_(1-a/2, 2n+2) / 2`
  words over the hours. It also holds for n = 0, where it says what could not be ruled out: three words in the time
  listened to. Invented words come in runs, so that it is too narrow for a system that has written many.
- Share of probes with at least one word: Clopper & Pearson (1934), exact, and not hurt by runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from asrfair.errors import InputError
from asrfair.stats.arrays import numbers
from asrfair.stats.rates import check_confidence


@dataclass(frozen=True, slots=True)
class Probed:
    """What some probes told.

    Attributes:
        n_probes: heard, those that failed left out.
        n_words: written on all of them.
        hours: of all of them.
        words_per_hour, low, high: with the exact Poisson interval; None without time.
        share_with_words, share_low, share_high: of the probes; None without probes.
    """

    n_probes: int
    n_words: int
    hours: float
    words_per_hour: float | None
    low: float | None
    high: float | None
    share_with_words: float | None
    share_low: float | None
    share_high: float | None


def probed(words: ArrayLike, durations_s: ArrayLike, *, confidence: float = 0.95) -> Probed:
    """Words per hour and the share of probes with words.

    Args:
        words: written on each probe, shape (n,), whole numbers.
        durations_s: how long each lasts, seconds, shape (n,).
        confidence: nominal level.

    Raises:
        InputError: shapes differ, a number is negative, or words are not whole.

    >>> found = probed([0, 0, 3, 1], [900, 900, 900, 900])
    >>> print(f"{found.words_per_hour:.1f} an hour ({found.low:.2f} to {found.high:.2f}), {found.share_with_words:.0%}")
    4.0 an hour (1.09 to 10.24), 50%
    """
    check_confidence(confidence)
    written = numbers(words, "words")
    if np.any(written != np.rint(written)):
        raise InputError("words: whole numbers, one a probe")
    hours = float(numbers(durations_s, "durations_s", len(written)).sum()) / 3600.0
    n, n_probes = int(written.sum()), len(written)
    low, high = poisson_interval(n, confidence)
    rates = (n / hours, low / hours, high / hours) if hours > 0 else (None, None, None)
    with_words = int(np.count_nonzero(written))
    shares = (with_words / n_probes, *share_interval(with_words, n_probes, confidence)) if n_probes else (None,) * 3
    return Probed(n_probes, n, hours, *rates, *shares)


def poisson_interval(n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Garwood's exact interval of the mean of a Poisson count.

    >>> tuple(round(end, 4) for end in poisson_interval(0))
    (0.0, 3.6889)
    """
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2.0
    return (float(gammaincinv(n, tail)) if n else 0.0), float(gammaincinv(n + 1, 1.0 - tail))


def share_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of a share.

    >>> tuple(round(end, 4) for end in share_interval(2, 4))
    (0.0676, 0.9324)
    """
    from scipy.special import betaincinv

    tail = (1.0 - confidence) / 2.0
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    return low, (float(betaincinv(hits + 1, n - hits, 1.0 - tail)) if hits < n else 1.0)
