"""The rates of a group over the levels of an environment, of all its speakers and without each of them.

What `curves` measures is a function of these: a statistic of the first row is the estimate, that of the others its
jackknife, so that every speaker is deleted from all levels, from clean, and from both sides of a comparison at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stats.arrays import Floats
from asrfair.stats.conditions import Place
from asrfair.stats.contrasts import aligned
from asrfair.stats.groups import SpeakerCounts
from asrfair.stats.isotonic import isotonic
from asrfair.stats.jackknife import Estimate, from_replicates
from asrfair.stats.log_contrast import IN_A, IN_B, by_membership


@dataclass(frozen=True, slots=True)
class Axis:
    """The levels of an environment, from the hardest to the easiest.

    Attributes:
        places: conditions, at least two.
        x: levels as they are oriented here, ascending, shape (k,).
        sign: 1 where more is easier, -1 where less is.
    """

    places: Sequence[Place]
    x: Floats
    sign: float


def axes(places: Sequence[Place]) -> dict[str, Axis]:
    """Every environment with at least two numbered levels."""
    found: dict[str, list[Place]] = {}
    for place in places:
        if place.environment is not None and place.level is not None:
            found.setdefault(place.environment, []).append(place)
    made = {}
    for name, of in found.items():
        sign = -1.0 if of[0].hardest == "highest" else 1.0
        ordered = sorted(of, key=lambda place: sign * (place.level or 0.0))
        x = sign * np.array([place.level for place in ordered], dtype=np.float64)
        if len(x) > 1 and np.all(np.diff(x) > 0):
            made[name] = Axis(ordered, x, sign)
    return made


class Curve:
    """The rates of one group at every level, of all its speakers and without each.

    Args:
        levels: what each speaker has at each level, hardest first.
        quiet: the same in clean, or nothing.
        everyone: other sides whose speakers are deleted too.

    Attributes:
        rates: of everybody first, then without each speaker: shape (1 + m, k).
        quiet: the same in clean, shape (1 + m,); None where clean was not run.
        words: of each speaker over all levels, shape (m,).
    """

    def __init__(
        self, levels: Sequence[SpeakerCounts], quiet: Sequence[SpeakerCounts], everyone: Sequence[SpeakerCounts] = ()
    ) -> None:
        _, of = aligned(*levels, *quiet, *everyone)
        of = of[: len(levels) + len(quiet)]
        told = np.stack([_rates(errors, words) for errors, words in of], axis=1)
        self.known = all(side.speakers_known for side in levels)
        self.rates: Floats = told[:, : len(levels)]
        self.quiet: Floats | None = told[:, -1] if quiet else None
        self.words: Floats = np.sum([words for _, words in of[: len(levels)]], axis=0)
        self.iso = isotonic(self.rates)

    def estimate(self, values: Floats) -> Estimate:
        """The jackknife of a statistic of everybody and without each speaker, shape (1 + m,)."""
        return from_replicates(float(values[0]), values[1:], words=self.words)


def _rates(errors: Floats, words: Floats) -> Floats:
    """The pooled rate of everybody and without each speaker, shape (1 + m,); NaN where there are no words."""
    e = np.append(errors.sum(), errors.sum() - errors)
    n = np.append(words.sum(), words.sum() - words)
    found = np.full(len(e), np.nan)
    np.divide(e, n, out=found, where=n > 0)
    return found


class Pair:
    """Two groups at every level; each speaker is deleted from both.

    Args:
        mine: the group at every level and, perhaps, clean.
        theirs: its other side, likewise.
        k: how many levels there are.
    """

    def __init__(self, mine: Sequence[SpeakerCounts], theirs: Sequence[SpeakerCounts], k: int) -> None:
        self.a = Curve(mine[:k], mine[k:], theirs)
        self.b = Curve(theirs[:k], theirs[k:], mine)
        everyone, _ = aligned(*mine, *theirs)
        inside = [np.isin(everyone, side[0].transcribed_speakers) for side in (mine, theirs)]
        self.member: NDArray[np.int64] = IN_A * inside[0] + IN_B * inside[1]

    @property
    def known(self) -> bool:
        """Whether every utterance has a speaker."""
        return self.a.known and self.b.known

    def estimate(self, values: Floats) -> Estimate:
        """The jackknife of a statistic of everybody and without each speaker, shape (1 + m,)."""
        return by_membership(float(values[0]), values[1:], self.member, (self.a.words, self.b.words))
