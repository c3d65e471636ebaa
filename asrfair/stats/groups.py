"""The groups of one attribute, or of an intersection, within one system x condition x normaliser.

A row with several values (`a|b`) is in both groups; an intersection `accent*gender` has the groups `Scottish*female`,
and a row without one of its parts is `missing`. The rest of a group is every row that has a value and is outside it: a
row in the group is never in its rest, however many values it has. Failed rows are counted as failed and are in no sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from asrfair.records import ALL, MISSING, ErrorCounts, GroupInterval, GroupResult
from asrfair.stats import policy
from asrfair.stats.atoms import Codes, add_up, distinct
from asrfair.stats.ordering import group_key
from asrfair.stats.rates import Sums, estimate, macro_rate

_UTTERANCES, _FAILED, _HITS, _SUBSTITUTIONS, _DELETIONS, _INSERTIONS, _REF_CHARS, _CHAR_ERRORS = range(8)


@dataclass(frozen=True)
class SpeakerCounts:
    """The sums of each speaker in one group; what follows from them is computed once.

    Attributes:
        speakers: codes, ascending; 0 is "not known". Shape (m,).
        sums: `atoms.SUMS` of each, shape (8, m).
    """

    speakers: Codes
    sums: Codes

    @cached_property
    def totals(self) -> list[int]:
        """`atoms.SUMS` over all speakers."""
        return [int(total) for total in self.sums.sum(axis=1)]

    @cached_property
    def speakers_known(self) -> bool:
        """Whether every transcribed row has a speaker."""
        return not bool(self._transcribed[self.speakers == 0].any())

    @cached_property
    def transcribed_speakers(self) -> Codes:
        """The speakers who have a transcribed row, in the order of `errors` and `words`."""
        return self.speakers[self._transcribed]

    @cached_property
    def errors(self) -> Sums:
        """Errors of each transcribed speaker."""
        found: Sums = self.sums[_SUBSTITUTIONS : _INSERTIONS + 1, self._transcribed].sum(axis=0).astype(np.float64)
        return found

    @cached_property
    def words(self) -> Sums:
        """Reference words of each transcribed speaker."""
        found: Sums = self.sums[_HITS : _DELETIONS + 1, self._transcribed].sum(axis=0).astype(np.float64)
        return found

    def fails_as(self, other: SpeakerCounts) -> bool:
        """Whether every speaker has as many failed rows here as there."""
        same = np.array_equal(self.speakers, other.speakers)
        return same and np.array_equal(self.sums[_FAILED], other.sums[_FAILED])

    def without(self, part: SpeakerCounts) -> SpeakerCounts:
        """What is left of these rows when some of them are taken away."""
        sums = self.sums.copy()
        sums[:, np.searchsorted(self.speakers, part.speakers)] -= part.sums
        left = sums[_UTTERANCES] > 0
        return SpeakerCounts(self.speakers[left], sums[:, left])

    @cached_property
    def facts(self) -> policy.Facts:
        """What the policy looks at, and the estimate itself."""
        macro = macro_rate(self.errors, self.words) if self.speakers_known else None
        sized = (self.totals[_UTTERANCES], self.totals[_FAILED], self.speakers_known)
        return policy.Facts(*sized, estimate(self.errors, self.words), macro)

    @cached_property
    def _transcribed(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.sums[_UTTERANCES] > self.sums[_FAILED]
        return found


@dataclass(frozen=True, slots=True)
class Grouping:
    """One attribute or intersection within one cell.

    Attributes:
        attribute: `all`, `accent` or `accent*gender`.
        groups: label -> sums by speaker, in the order of the table; `missing`, if there, is last.
        with_value: sums by speaker over all rows that have a value, each row once.
    """

    attribute: str
    groups: Mapping[str, SpeakerCounts]
    with_value: SpeakerCounts

    @property
    def tested(self) -> list[str]:
        """The groups that can be compared: all but `missing`."""
        return [label for label in self.groups if label != MISSING]

    def rest_of(self, group: str) -> SpeakerCounts:
        """Every row that has a value and is outside the group."""
        return self.with_value.without(self.groups[group])


def group_all(speakers: Codes, sums: Codes) -> Grouping:
    """Everybody as one group."""
    everyone = _by_speaker(speakers, sums)
    return Grouping(ALL, {ALL: everyone}, everyone)


def group_by(
    attribute: str,
    values: Codes,
    labels: Sequence[Sequence[str | None]],
    speakers: Codes,
    sums: Codes,
    baseline: str | None,
) -> Grouping:
    """Split the atoms of one cell.

    Args:
        attribute: name of the attribute or intersection.
        values: code of each atom's value in each part of the intersection, shape (parts, n).
        labels: of each part, the value that each code stands for.
        speakers: speaker of each atom, shape (n,).
        sums: of each atom, shape (8, n).
        baseline: the group to put first, if any.
    """
    number, first = distinct(values)
    members = [groups_of([names[code] for names, code in zip(labels, values[:, at], strict=True)]) for at in first]
    ordered = sorted({label for group in members for label in group}, key=lambda g: group_key(g, baseline))
    found = {
        label: _by_speaker(speakers[inside], sums[:, inside])
        for label, inside in zip(ordered, _inside(ordered, members, number), strict=True)
    }
    has_value = np.array([group != (MISSING,) for group in members], dtype=bool)[number]
    return Grouping(attribute, found, _by_speaker(speakers[has_value], sums[:, has_value]))


def groups_of(values: Sequence[str | None]) -> tuple[str, ...]:
    """The groups of a row, from its value in each part of an intersection.

    >>> groups_of(["Scottish|Irish", "female"])
    ('Scottish*female', 'Irish*female')
    >>> groups_of(["Scottish", None])
    ('missing',)
    """
    parts = [tuple(dict.fromkeys(value.split("|"))) for value in values if value]
    if len(parts) < len(values):
        return (MISSING,)
    return tuple("*".join(combination) for combination in product(*parts))


def _inside(labels: Sequence[str], members: Sequence[tuple[str, ...]], number: Codes) -> Iterator[Codes]:
    """The atoms in each group, from the groups of each distinct value and the value of each atom."""
    place = {label: i for i, label in enumerate(labels)}
    flat = np.array([place[label] for group in members for label in group], dtype=np.int64)
    lengths = np.array([len(group) for group in members], dtype=np.int64)
    repeats = lengths[number]
    atom = np.repeat(np.arange(len(number)), repeats)
    nth = np.arange(len(atom)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    group = flat[(np.cumsum(lengths) - lengths)[number][atom] + nth]
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(labels) + 1))
    return (atom[order[bounds[i] : bounds[i + 1]]] for i in range(len(labels)))


def group_result(attribute: str, group: str, counts: SpeakerCounts) -> GroupResult:
    """The row of one group, with what the policy withholds left out."""
    facts, totals = counts.facts, counts.totals
    flags = policy.flags_of(facts)
    n_speakers = len(counts.transcribed_speakers) if facts.speakers_known else None
    n_ref_words = sum(totals[_HITS : _DELETIONS + 1])
    if policy.SUPPRESSED in flags:
        return GroupResult(
            attribute, group, facts.n_utterances, facts.n_failed, n_speakers, n_ref_words, None, None, None, None, flags
        )
    rate = facts.estimate.rate
    interval = facts.estimate.interval(0.95) if facts.speakers_known else GroupInterval(rate, None, None, None, None, 0)
    cer = totals[_CHAR_ERRORS] / totals[_REF_CHARS] if totals[_REF_CHARS] else None
    errors = ErrorCounts(*totals[_HITS : _INSERTIONS + 1])
    sized = (facts.n_utterances, facts.n_failed, n_speakers, n_ref_words)
    return GroupResult(attribute, group, *sized, errors, interval, facts.macro, cer, flags)


def _by_speaker(speakers: Codes, sums: Codes) -> SpeakerCounts:
    """Each speaker once."""
    present, number = np.unique(speakers, return_inverse=True)
    return SpeakerCounts(present, add_up(number, sums, len(present)))
