"""Who is in a manifest: utterances, speakers, minutes and words per group and per pair of attributes.

Minutes are those of the rows' `duration_s`; words are the first reference's, cut at white space. An utterance with
several values of an attribute counts in each of their groups, so groups may sum to more than the whole. Missing values
are a group of their own, `missing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from asrfair.manifest.cells_by_speaker import Cells, Integers, sum_cells
from asrfair.manifest.groups import groupable
from asrfair.manifest.manifest import Manifest
from asrfair.manifest.notes import CoverageNote, notes
from asrfair.records import ALL, MISSING

MOST_GROUPS_IN_PAIRS = 100
"""An attribute with more groups than this is left out of the pairs, with a note."""


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """How much there is of one group.

    Attributes:
        attribute: e.g. `accent`, `accent*gender` or `all`.
        group: e.g. `Scottish`, `Scottish*female`, `missing` or `all`.
        n_utterances: rows.
        n_speakers: different speakers; None if no row says who speaks.
        minutes: of speech; None if any row does not say how long it is.
        words: of the first references.
        n_without_speaker: rows that do not say who speaks.
        n_without_duration: rows that do not say how long they are.
    """

    attribute: str
    group: str
    n_utterances: int
    n_speakers: int | None
    minutes: float | None
    words: int
    n_without_speaker: int
    n_without_duration: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who is in a manifest.

    Attributes:
        total: everybody.
        groups: a row for each group of each attribute, `missing` last.
        pairs: a row for each pair of groups that occurs, for each pair of attributes.
        notes: what the design of the data allows to be told apart.
    """

    total: GroupCoverage
    groups: tuple[GroupCoverage, ...]
    pairs: tuple[GroupCoverage, ...]
    notes: tuple[CoverageNote, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: `total`, `groups`, `pairs`, `notes`."""
        return asdict(self)


def _tables(cells: Cells, names: Sequence[str]) -> list[GroupCoverage]:
    """The rows of one attribute, of one pair, or (no names) of everybody."""
    chosen: Integers = np.arange(len(cells.speakers))
    keys = np.zeros(len(chosen), dtype=np.int64)
    for name in names:
        grouping = cells.groupings[name]
        positions, groups = grouping.expand(chosen)
        chosen, keys = chosen[positions], keys[positions] * (len(grouping.groups) + 1) + groups
    present, place = np.unique(keys, return_inverse=True)
    return [_row(cells, names, *found) for found in zip(present.tolist(), *_sums(cells, chosen, place), strict=True)]


def _sums(cells: Cells, chosen: Integers, place: Integers) -> list[list[Any]]:
    """Per group: utterances, words, seconds, rows without duration, without speaker, and speakers."""
    named = cells.speakers[chosen] < len(cells.speaker_names)
    radix = len(cells.speaker_names) + 1
    pairs = np.unique(place[named] * radix + cells.speakers[chosen][named])
    size = int(place.max()) + 1 if len(place) else 0
    columns = (cells.n_utterances, cells.n_words, cells.seconds, cells.n_without_duration)
    sums = [np.bincount(place, weights=column[chosen], minlength=size).tolist() for column in columns]
    sums.append(np.bincount(place, weights=cells.n_utterances[chosen] * ~named, minlength=size).tolist())
    return [*sums, np.bincount(pairs // radix, minlength=size).tolist()]


def _row(
    cells: Cells,
    names: Sequence[str],
    key: int,
    n_utterances: float,
    n_words: float,
    seconds: float,
    n_without_duration: float,
    n_without_speaker: float,
    n_speakers: int,
) -> GroupCoverage:
    labels: list[str] = []
    for name in reversed(names):
        groups = [*cells.groupings[name].groups, MISSING]
        key, place = divmod(key, len(groups))
        labels.insert(0, groups[place])
    return GroupCoverage(
        attribute="*".join(names) or ALL,
        group="*".join(labels) or ALL,
        n_utterances=int(n_utterances),
        n_speakers=n_speakers or None,
        minutes=None if n_without_duration else seconds / 60,
        words=int(n_words),
        n_without_speaker=int(n_without_speaker),
        n_without_duration=int(n_without_duration),
    )


def coverage(manifest: Manifest) -> Coverage:
    """Count who is in a manifest.

    Args:
        manifest: as `load_manifest` gives it.

    Returns:
        Counts for everybody, for each group of each attribute that has groups, and for each pair of attributes.
    """
    attributes = {name: attribute for name, attribute in manifest.attributes.items() if groupable(attribute)}
    cells = sum_cells(manifest.table, attributes)
    groups = {name: _tables(cells, [name]) for name in attributes}
    few = [name for name in attributes if len(groups[name]) <= MOST_GROUPS_IN_PAIRS]
    left_out = [
        CoverageNote(name, "no_pairs", f"{name} has {len(groups[name]):,} groups: it is left out of the pairs")
        for name in attributes
        if name not in few
    ]
    return Coverage(
        total=_tables(cells, [])[0],
        groups=tuple(row for rows in groups.values() for row in rows),
        pairs=tuple(row for pair in combinations(few, 2) for row in _tables(cells, pair)),
        notes=(*notes(cells, _speakers_by_group(groups)), *left_out),
    )


def _speakers_by_group(groups: Mapping[str, Sequence[GroupCoverage]]) -> dict[str, dict[str, int]]:
    """Attribute -> group -> how many speakers are known in it, without the missing."""
    return {
        name: {row.group: row.n_speakers or 0 for row in rows if row.group != MISSING} for name, rows in groups.items()
    }
