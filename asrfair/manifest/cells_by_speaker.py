"""Rows summed once per speaker and combination of groups, so that every coverage table costs little after that.

An utterance with several values of an attribute counts in each of their groups. A missing value is the group after the
last named one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from asrfair.manifest.dataset import Attribute
from asrfair.manifest.groups import group_column, observed_groups
from asrfair.manifest.labels import bin_labels

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def _codes(column: pa.ChunkedArray) -> tuple[Integers, list[str]]:
    """Each row's place in the list of distinct values; missing is one past its end."""
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # no rows
        return np.zeros(0, dtype=np.int64), []
    values = encoded.dictionary.to_pylist()
    return encoded.indices.cast(pa.int64()).fill_null(len(values)).to_numpy(), values


@dataclass(frozen=True, slots=True)
class Grouping:
    """One attribute over the cells.

    Attributes:
        groups: its groups in the order of tables, without `missing`.
        values: for each cell, which combination of groups it has.
        starts, members: combination i is in the groups `members[starts[i]:starts[i + 1]]`; `len(groups)` is missing.
    """

    groups: list[str]
    values: Integers
    starts: Integers
    members: Integers

    def expand(self, cells: Integers) -> tuple[Integers, Integers]:
        """For some cells: positions in `cells`, each as often as its cell has groups, and the groups."""
        values = self.values[cells]
        counts = np.diff(self.starts)[values]
        positions = np.repeat(np.arange(len(cells)), counts)
        within = np.arange(len(positions)) - np.repeat(np.cumsum(counts) - counts, counts)
        return positions, self.members[np.repeat(self.starts[values], counts) + within]


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums over rows that share speaker and groups.

    Attributes:
        groupings: attribute -> its groups over the cells.
        speakers: each cell's speaker, a number; `n_speakers` where it is not known.
        speaker_names: their names.
        n_utterances, n_words, seconds, n_without_duration: each cell's sums; seconds over the rows that say.
    """

    groupings: dict[str, Grouping]
    speakers: Integers
    speaker_names: list[str]
    n_utterances: Integers
    n_words: Integers
    seconds: Floats
    n_without_duration: Integers


def words_of(references: pa.ChunkedArray) -> Integers:
    """Words of each row's first reference, cut at white space."""
    counts = np.zeros(len(references), dtype=np.int64)
    row = 0
    for chunk in references.chunks:
        texts = pc.list_element(chunk, 0).to_pylist()
        counts[row : row + len(texts)] = [len(text.split()) for text in texts]
        row += len(texts)
    return counts


def _combine(columns: Sequence[tuple[Integers, int]], n_rows: int) -> tuple[Integers, Integers]:
    """Number the combinations that occur: each row's, and the first row of each."""
    combined = np.zeros(n_rows, dtype=np.int64)
    for codes, size in columns:
        encoded = pa.array(combined * size + codes).dictionary_encode()
        combined = encoded.indices.cast(pa.int64()).to_numpy()
    # Combinations are numbered in order of appearance, so the first rows are where the running maximum grows.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(combined), prepend=-1)) if n_rows else combined
    return combined, first


def _grouping(values: list[str], codes: Integers, column: pa.ChunkedArray, attribute: Attribute) -> Grouping:
    groups = observed_groups(column)
    if attribute.bins is not None:
        groups = [label for label in bin_labels(attribute.bins) if label in groups]
    places = {group: place for place, group in enumerate(groups)}
    members = [[places[group] for group in value.split("|")] for value in values] + [[len(groups)]]
    starts = np.cumsum([0, *map(len, members)])
    return Grouping(
        groups, codes, starts, np.array([place for several in members for place in several], dtype=np.int64)
    )


def sum_cells(table: pa.Table, attributes: dict[str, Attribute]) -> Cells:
    """Sum a manifest's rows by speaker and groups.

    Args:
        table: a manifest's rows.
        attributes: those to group by; each has groups.
    """
    speakers, speaker_names = _codes(table["speaker_id"])
    columns = {name: group_column(table[name], attribute) for name, attribute in attributes.items()}
    coded = {name: _codes(column) for name, column in columns.items()}
    radices = [(codes, len(values) + 1) for codes, values in coded.values()]
    cells, first = _combine([(speakers, len(speaker_names) + 1), *radices], table.num_rows)

    def total(weights: NDArray[Any]) -> Floats:
        return np.bincount(cells, weights=weights, minlength=len(first)).astype(np.float64)

    duration_s = table["duration_s"].combine_chunks()
    unknown = duration_s.is_null().to_numpy(zero_copy_only=False)
    groupings = {
        name: _grouping(values, codes[first], columns[name], attributes[name])
        for name, (codes, values) in coded.items()
    }
    return Cells(
        groupings=groupings,
        speakers=speakers[first],
        speaker_names=speaker_names,
        n_utterances=np.bincount(cells, minlength=len(first)),
        n_words=total(words_of(table["references"])).astype(np.int64),
        seconds=total(duration_s.fill_null(0.0).to_numpy()),
        n_without_duration=total(unknown).astype(np.int64),
    )
