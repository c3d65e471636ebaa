"""Max-T over a declared family: what it needs of the data, collected while the cells go by.

The speakers of the whole run are dealt anew, each with the errors under all systems and conditions; labels stay where
they are. So every speaker must be in one group of an attribute, and every comparison of a family is made on the same
list of speakers. See `permutation.max_t`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.seeds import stable_hash
from asrfair.stats.atoms import Codes
from asrfair.stats.contrasts import named_baseline, sides
from asrfair.stats.families import Cell, Family, Row
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.permutation import Members, max_t, statistics
from asrfair.stats.rates import Sums

N_PERMUTATIONS = 1_999


class Screen:
    """Remembers the speakers of every comparison that a max-T family may claim.

    Args:
        families: the declared ones.
        seed: of the permutations.
    """

    def __init__(self, families: Sequence[Family], seed: int) -> None:
        self._families = [family for family in families if family.method == "max-t"]
        self._seed = seed
        self._sides: dict[tuple[Cell, str, str], tuple[SpeakerCounts, SpeakerCounts]] = {}

    def add(self, cell: Cell, grouping: Grouping, baseline: str | None) -> None:
        """Keep both sides of every comparison of one attribute in one cell, if a family may need them."""
        asked = [f for f in self._families if not f.attributes or grouping.attribute in f.attributes]
        if not asked:
            return
        speakers = [grouping.groups[label].transcribed_speakers for label in grouping.tested]
        if len(np.unique(np.concatenate([*speakers, np.zeros(0, np.int64)]))) < sum(map(len, speakers)):
            raise InputError(
                f"family {asked[0].name!r}: max-t deals speakers to groups, but speakers are in several groups of "
                f"{grouping.attribute}: use holm or bh for it"
            )
        for label, group, other in sides(grouping, named_baseline(grouping, baseline)):
            self._sides[cell, grouping.attribute, label] = group, other

    def max_t(self, rows: Sequence[Row]) -> list[float | None]:
        """The adjusted p of the rows of one family."""
        pairs = [self._sides[cell, row.attribute, row.group] for cell, row in rows]
        everyone = np.unique(np.concatenate([s.transcribed_speakers for pair in pairs for s in pair]))
        cells = [_members(everyone, *pair) for pair in pairs]
        observed = [None if row.found.p is None else _observed(c) for (_, row), c in zip(rows, cells, strict=True)]
        key = stable_hash(self._seed, "max-t", *(f"{cell}{row.attribute}{row.group}" for cell, row in rows))
        return max_t(observed, cells, n_permutations=N_PERMUTATIONS, seed=key)


def _members(everyone: Codes, group: SpeakerCounts, other: SpeakerCounts) -> Members:
    """Errors and words of all speakers in one cell, and who is on which side."""
    errors, words = np.zeros(len(everyone)), np.zeros(len(everyone))
    marks: list[NDArray[np.bool_]] = []
    for side in (group, other):
        at = np.searchsorted(everyone, side.transcribed_speakers)
        errors[at], words[at] = side.errors, side.words
        marks.append(np.isin(everyone, side.transcribed_speakers))
    return errors, words, marks[0], marks[1]


def _observed(cell: Members) -> float | None:
    """The statistic as it is; None where it is not defined."""
    errors, words, inside, outside = cell
    found: Sums = statistics(errors, words, inside[None, :], outside[None, :])
    return float(found[0]) if math.isfinite(found[0]) else None
