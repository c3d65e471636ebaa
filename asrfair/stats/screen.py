"""Max-T over a declared family: what it needs of the data, collected while the cells go by.

The speakers of the whole run are dealt anew, each with the errors under all systems and conditions; labels stay where
they are. So every speaker must be in one group of an attribute, and every comparison of a family is made on the same
list of speakers. See `max_t`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from asrfair.errors import InputError
from asrfair.seeds import stable_hash
from asrfair.stats.atoms import Codes, union
from asrfair.stats.contrasts import named_baseline, sides
from asrfair.stats.families import Cell, Family, Row
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.max_t import Members, max_t, statistics
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
        self._sides: dict[tuple[Cell, str, str], tuple[SpeakerCounts, SpeakerCounts, SpeakerCounts]] = {}

    def add(self, cell: Cell, grouping: Grouping, baseline: str | None) -> None:
        """Keep both sides of every comparison of one attribute in one cell, if a family may need them."""
        asked = [f for f in self._families if not f.attributes or grouping.attribute in f.attributes]
        if not asked:
            return
        if not grouping.with_value.speakers_known:
            raise InputError(
                f"family {asked[0].name!r}: max-t deals speakers to groups, but not every utterance with a value of "
                f"{grouping.attribute} has a speaker: use holm or bh for it"
            )
        speakers = [grouping.groups[label].transcribed_speakers for label in grouping.tested]
        if len(union(*speakers)) < sum(map(len, speakers)):
            raise InputError(
                f"family {asked[0].name!r}: max-t deals speakers to groups, but speakers are in several groups of "
                f"{grouping.attribute}: use holm or bh for it"
            )
        for label, group, other in sides(grouping, named_baseline(grouping, baseline)):
            self._sides[cell, grouping.attribute, label] = grouping.with_value, group, other

    def max_t(self, rows: Sequence[Row]) -> list[float | None]:
        """The adjusted p of the rows of one family."""
        found = [self._sides[cell, row.attribute, row.group] for cell, row in rows]
        everyone = union(*(everybody.transcribed_speakers for everybody, _, _ in found))
        cells = [_members(everyone, *sides) for sides in found]
        observed = [None if row.found.p is None else _observed(c) for (_, row), c in zip(rows, cells, strict=True)]
        key = stable_hash(self._seed, "max-t", *(f"{cell}{row.attribute}{row.group}" for cell, row in rows))
        return max_t(observed, cells, n_permutations=N_PERMUTATIONS, seed=key)


def _members(everyone: Codes, everybody: SpeakerCounts, group: SpeakerCounts, other: SpeakerCounts) -> Members:
    """Errors and words in one cell of all who can be dealt to a group, and who is on which side."""
    errors, words = np.zeros(len(everyone)), np.zeros(len(everyone))
    at = np.searchsorted(everyone, everybody.transcribed_speakers)
    errors[at], words[at] = everybody.errors, everybody.words
    inside, outside = (np.isin(everyone, side.transcribed_speakers) for side in (group, other))
    return errors, words, inside, outside


def _observed(cell: Members) -> float | None:
    """The statistic as it is; None where it is not defined."""
    errors, words, inside, outside = cell
    found: Sums = statistics(errors, words, inside[None, :], outside[None, :])
    return float(found[0]) if math.isfinite(found[0]) else None
