"""Whether the shipped statistics keep what they say: coverage, type-I error, family-wise error, FDR, power.

Each study yields lines `(study, case, measured, lowest, highest, n)`; lowest and highest are the bounds that
the project promises (None where a figure is only told). Every case has a generator of its own, so cases can run alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from regimes import REGIMES, Floats, Regime, rng_of, speech, voices

from asrfair.stats.bootstrap import bootstrap_interval
from asrfair.stats.disparity import compare_groups, compare_paired
from asrfair.stats.permutation import permutation_test, sign_flip_test
from asrfair.stats.planning import Assumed, n_speakers
from asrfair.stats.rates import group_interval
from asrfair.stats.spread import spread

BALANCED = (5, 10, 20, 50)
_BATCH = 200


class Line(NamedTuple):
    """One figure: a share of n simulations, and the bounds it must keep."""

    study: str
    case: str
    measured: float
    lowest: float | None
    highest: float | None
    n: int

    @property
    def error(self) -> float:
        """The Monte-Carlo standard error of the share."""
        return self._error_at(self.measured)

    def keeps(self, slack: float = 0.0) -> bool:
        """Whether it is within its bounds, give or take so many standard errors of a share that lies at the bound."""
        low, high = self.lowest, self.highest
        above = low is None or self.measured >= low - slack * self._error_at(low)
        return above and (high is None or self.measured <= high + slack * self._error_at(high))

    def _error_at(self, share: float) -> float:
        return float(np.sqrt(max(share * (1 - share), 1e-4) / self.n))


def coverage(n: int) -> Iterator[Line]:
    """Intervals of one group's rate at 5, 10, 20 and 50 speakers."""
    for name, regime in REGIMES.items():
        for m in BALANCED:
            hits = 0
            for errors, words in _groups(("coverage", name), regime, m, n):
                found = group_interval(errors, words)
                hits += found.low is not None and found.low <= regime.rate <= found.high
            yield Line("coverage of group intervals", f"{name}, {m} speakers", hits / n, 0.93, 0.97, n)


def bootstrap_coverage(n: int) -> Iterator[Line]:
    """The labelled bootstrap intervals, for comparison; they decide nothing."""
    for name, regime in REGIMES.items():
        for method, m in (("bootstrap-t", 5), ("bootstrap-t", 20), ("expanded", 20), ("percentile", 50)):
            hits = 0
            for errors, words in _groups(("bootstrap", method, name), regime, m, n):
                found = bootstrap_interval(errors, words, method=method, n_replicates=999)
                hits += found.low is not None and found.low <= regime.rate <= found.high
            yield Line(f"coverage of {method} intervals", f"{name}, {m} speakers", hits / n, None, None, n)


def two_groups(n: int) -> Iterator[Line]:
    """Type-I error of the default test, balanced and not, and with another spread in the small group."""
    for name, regime in REGIMES.items():
        for m_a, m_b in ((5, 5), (10, 10), (20, 20), (50, 50), (5, 50), (10, 100)):
            found = 0
            for a, b in _pairs(("two groups", name), regime, (m_a, m_b), n):
                p = compare_groups(*a, *b).p
                found += p is not None and p < 0.05
            bounds = (0.03, 0.065) if m_a == m_b else (None, None)
            yield Line("type-I error, two groups", f"{name}, {m_a} v {m_b} speakers", found / n, *bounds, n)


def permutations(n: int) -> Iterator[Line]:
    """Type-I error of the permutation tests."""
    for name, regime in REGIMES.items():
        for m in (5, 10, 20):
            found = 0
            for a, b in _pairs(("permutation", name), regime, (m, m), n):
                p = permutation_test(*a, *b, n_permutations=999).p
                found += p is not None and p <= 0.05
            yield Line("type-I error, speaker permutation", f"{name}, {m} v {m} speakers", found / n, 0.03, 0.065, n)
        found = 0
        rng = rng_of("omnibus", name)
        for _ in range(n):
            groups = {str(g): speech(rng, regime, voices(rng, regime, m)) for g, m in enumerate((5, 8, 12, 20, 40, 60))}
            found += (spread(groups, n_permutations=499).p or 1.0) <= 0.05
        yield Line("type-I error, omnibus permutation", f"{name}, 6 groups of 5 to 60", found / n, 0.03, 0.065, n)


def two_systems(n: int) -> Iterator[Line]:
    """Type-I error of the paired test and of the sign flip, with speaker x system interaction of log-sd .15 and .30."""
    regime = REGIMES["conversation"]
    for m, interaction in ((10, 0.15), (10, 0.30), (50, 0.15), (50, 0.30)):
        rng = rng_of("systems", m, interaction)
        by_t = by_flip = 0
        for _ in range(n):
            rates = voices(rng, regime, m)
            words = np.rint(1000 * np.exp(0.5 * rng.standard_normal(m)))
            sides = [_errors(rng, regime, rates, words, interaction) for _ in range(2)]
            p = compare_paired(sides[0], words, sides[1], words, p_from="difference").p
            by_t += p is not None and p < 0.05
            by_flip += (sign_flip_test(sides[0] - sides[1], n_permutations=999).p or 1.0) <= 0.05
        case = f"{m} speakers, interaction {interaction:.2f}"
        yield Line("type-I error, two systems, paired t", case, by_t / n, 0.03, 0.065, n)
        yield Line("type-I error, two systems, sign flip", case, by_flip / n, 0.03, 0.065, n)


def power(n: int) -> Iterator[Line]:
    """A planted ratio of 1.5: 25 speakers in each group, and the number that the plan asks for."""
    regime = REGIMES["conversation"]
    yield Line("power", "conversation, ratio 1.5, 25 v 25 speakers", _power(regime, 25, n), 0.75, 0.86, n)
    for name, planned in REGIMES.items():
        expected = Assumed(sigma=planned.sigma, phi=_phi(planned), cv=planned.utterances_cv)
        m = n_speakers(planned.rate, 1.5 * planned.rate, planned.words * planned.utterances, expected)
        case = f"{name}, ratio 1.5, the {m} v {m} speakers planned for 80 %"
        yield Line("power", case, _power(planned, m or 0, n), None, None, n)


def _power(regime: Regime, m: int, n: int) -> float:
    """How often a ratio of 1.5 is found."""
    found, rng = 0, rng_of("power", m, regime.rate)
    for _ in range(n):
        worse = speech(rng, regime, voices(rng, regime, m) + np.log(1.5))
        p = compare_groups(*worse, *speech(rng, regime, voices(rng, regime, m))).p
        found += p is not None and p < 0.05
    return found / n


def _phi(regime: Regime) -> float:
    """Dispersion of a speaker's errors: gamma-Poisson utterances, and bursts."""
    second = (1 + regime.words_cv**2) * regime.words
    bursts = regime.burst_share * regime.burst_words * (1 + regime.burst_words) / (regime.rate * regime.words)
    return 1 + regime.rate * second / regime.shape + bursts


def _errors(rng: np.random.Generator, regime: Regime, rates: Floats, words: Floats, interaction: float) -> Floats:
    """Errors of the same speakers under one system."""
    own = interaction * rng.standard_normal(len(rates)) - interaction**2 / 2
    shape = regime.shape * words / regime.words
    return rng.poisson(regime.rate * words * np.exp(rates + own) * rng.gamma(shape, 1 / shape)).astype(float)


def _groups(key: tuple[str, ...], regime: Regime, m: int, n: int) -> Iterator[tuple[Floats, Floats]]:
    """Groups of m speakers, n of them."""
    rng = rng_of(*key, m)
    for first in range(0, n, _BATCH):
        some = min(_BATCH, n - first)
        errors, words = speech(rng, regime, voices(rng, regime, some * m).reshape(some, m))
        yield from zip(errors, words, strict=True)


def _pairs(
    key: tuple[str, ...], regime: Regime, sizes: tuple[int, int], n: int
) -> Iterator[tuple[tuple[Floats, Floats], tuple[Floats, Floats]]]:
    """Pairs of groups of the same rate, n of them."""
    return zip(*(_groups((*key, side), regime, m, n) for side, m in zip("ab", sizes, strict=True)), strict=True)
