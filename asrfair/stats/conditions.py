"""The utterances of one system under several conditions, side by side: what every measure of stress is made of.

An utterance is compared with itself only: a pair is one utterance transcribed (status ok) both clean and under the
condition, and one that failed on either side is no pair. Rows of all conditions are in one order, that of the
utterances, so that pairs are masks; sums by speaker and group (`groups.Grouping`) are all that leaves this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asrfair.records import ALL, CLEAN
from asrfair.stats.atoms import SUMS, Codes, distinct
from asrfair.stats.groups import Grouping, group_all, group_by

Mask = NDArray[np.bool_]
_WORDS, _ERRORS = SUMS.index("hits"), SUMS.index("insertions")
"""Where sums of words and errors go: their kinds are not told apart here."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What became of every utterance under one condition.

    Attributes:
        errors: shape (n,), integers; 0 where not transcribed.
        words: reference words, shape (n,), integers; 0 where not transcribed.
        ok: whether it was transcribed, shape (n,).
    """

    errors: NDArray[np.int32]
    words: NDArray[np.int32]
    ok: Mask


@dataclass(frozen=True, slots=True)
class Place:
    """What a condition is.

    Attributes:
        condition_id: as in every table.
        environment: its name; None where the run does not say.
        level: as a number; None for an environment without levels.
        hardest: the end of the levels that is hardest to hear under, `lowest` or `highest`.
    """

    condition_id: str
    environment: str | None = None
    level: float | None = None
    hardest: str = "lowest"


@dataclass(frozen=True, eq=False)
class Conditions:
    """One system and normaliser under clean and other conditions.

    Attributes:
        system_id, normalizer: which.
        speakers: who spoke each utterance, a code; 0 is not known. Shape (n,).
        values: attribute -> code of each utterance's value, shape (n,).
        labels: attribute -> what each code stands for: `a|b` for two values, None for missing.
        specs: attributes and intersections (`accent*gender`) to look at; `all` is always included.
        baselines: attribute or intersection -> the group to compare with.
        heard: condition -> what became of the utterances; `clean` may be absent.
        places: what the conditions other than clean are, in the order of the tables.
        prompts: code of what each utterance was asked to say, 0 for unknown, shape (n,); None if no row has any.
    """

    system_id: str
    normalizer: str
    speakers: Codes
    values: Mapping[str, Codes]
    labels: Mapping[str, Sequence[str | None]]
    specs: Sequence[str]
    baselines: Mapping[str, str]
    heard: Mapping[str, Heard]
    places: Sequence[Place]
    prompts: Codes | None = None
    _atoms: dict[str, tuple[Codes, Codes]] = field(default_factory=dict)

    def base(self, place: Place) -> dict[str, object]:
        """The columns that say which cell a row is of."""
        cell = {"system_id": self.system_id, "condition_id": place.condition_id, "normalizer": self.normalizer}
        return cell | {"environment": place.environment, "level": place.level}

    def pairs(self, condition_id: str) -> Mask | None:
        """The utterances transcribed both clean and under the condition; None where clean was not run."""
        if CLEAN not in self.heard:
            return None
        return self.heard[CLEAN].ok & self.heard[condition_id].ok

    def groupings(self, rows: Mask, *heard: Heard, but: str | None = None) -> Iterator[tuple[Grouping, ...]]:
        """Sums by speaker and group over some utterances, for `all` and then each attribute.

        Args:
            rows: which utterances, shape (n,).
            heard: what became of them; one grouping each, with the same groups and speakers.
            but: an attribute to leave out, with its intersections.
        """
        if not rows.any():
            return
        for spec in (ALL, *(spec for spec in self.specs if spec != ALL and but not in spec.split("*"))):
            number, first = self._numbered(spec)
            inside = number[rows]
            sums = [_summed(inside, one, rows, len(first)) for one in heard]
            met = np.flatnonzero(sums[0][0] > 0)
            speakers = self.speakers[first[met]]
            if spec == ALL:
                yield tuple(group_all(speakers, of[:, met]) for of in sums)
                continue
            parts = spec.split("*")
            values = np.stack([self.values[part][first[met]] for part in parts])
            labels = [self.labels[part] for part in parts]
            baseline = self.baselines.get(spec)
            yield tuple(group_by(spec, values, labels, speakers, of[:, met], baseline) for of in sums)

    def _numbered(self, spec: str) -> tuple[Codes, Codes]:
        """The number of each utterance's speaker and values, and an utterance that has it."""
        if spec not in self._atoms:
            keys = [self.speakers] if spec == ALL else [self.speakers, *(self.values[p] for p in spec.split("*"))]
            self._atoms[spec] = distinct(np.stack(keys))
        return self._atoms[spec]


def _summed(number: Codes, heard: Heard, rows: Mask, n: int) -> Codes:
    """`atoms.SUMS` of the chosen utterances, none of which failed, shape (8, n)."""
    sums = np.zeros((len(SUMS), n), dtype=np.int64)
    sums[0] = np.bincount(number, minlength=n)
    sums[_WORDS] = np.bincount(number, heard.words[rows], n)
    sums[_ERRORS] = np.bincount(number, heard.errors[rows], n)
    return sums
