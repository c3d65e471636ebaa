"""Summing a million score rows down to what inference needs, batch by batch.

An *atom* is one distinct combination of system, condition, normaliser, speaker and attribute values; its sums are all
that any group, intersection or rest can be made of. Most attributes belong to the speaker, so there are about as many
atoms as speakers, and everything after the first pass is small. Counts are integers and speakers are put in the order
of their names: no order of the rows, and no way to cut them into batches, can change a bit of a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Codes = NDArray[np.int64]

COUNTED = ("hits", "substitutions", "deletions", "insertions", "n_ref_chars", "char_errors")
"""Columns of the scores table that are summed."""
SUMS = ("n_utterances", "n_failed", *COUNTED)
"""The rows of every matrix of sums, in this order."""
SCORE_COLUMNS = ("system_id", "condition_id", "normalizer", "speaker_id", "status", *COUNTED)
"""What is read of a scores table, besides attributes."""
CELL = ("system_id", "condition_id", "normalizer")

_MERGE_AT = 1_000_000
_LARGEST_KEY = 2**62


class Vocabulary:
    """Numbers for texts, in order of appearance; 0 is null."""

    def __init__(self) -> None:
        self._known = pa.array([], pa.string())

    @property
    def labels(self) -> list[str | None]:
        """The text of each number."""
        return [None, *self._known.to_pylist()]

    def ranks(self) -> Codes:
        """The place of each number's text in alphabetical order (0 for null): the same in whatever order texts came."""
        ranks = np.zeros(len(self._known) + 1, dtype=np.int64)
        ranks[1:][pc.sort_indices(self._known).to_numpy()] = np.arange(1, len(ranks))
        return ranks

    def encode(self, column: pa.ChunkedArray | pa.Array) -> Codes:
        """The number of each text of a column."""
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        encoded = pc.cast(array, pa.string()).dictionary_encode()
        texts = encoded.dictionary
        new = texts.filter(pc.is_null(pc.index_in(texts, value_set=self._known)))
        self._known = pa.concat_arrays([self._known, new])
        codes = pc.index_in(texts, value_set=self._known).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        numbered: Codes = np.append(codes, 0)[encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)]
        return numbered


@dataclass(frozen=True, slots=True)
class Atoms:
    """Sums by distinct combination of keys.

    Attributes:
        keys: code of each atom in each key column, shape (number of keys, n).
        sums: shape (len(SUMS), n).
    """

    keys: Codes
    sums: Codes


class AtomSums:
    """Accumulates atoms over batches of score rows.

    Args:
        attributes: attributes whose values are told apart.
        count_on_silence: whether words inserted where nothing was said (no reference words) count as errors.
    """

    def __init__(self, attributes: Sequence[str], *, count_on_silence: bool = True) -> None:
        self.attributes = tuple(attributes)
        self._count_on_silence = count_on_silence
        self.vocabularies = {
            name: Vocabulary() for name in (*CELL, "speaker_id", *(f"attribute {a}" for a in attributes))
        }
        self._parts: list[Atoms] = []
        self._waiting = 0

    def values(self, attribute: str) -> Vocabulary:
        """The values met of one attribute, multi-valued ones (`a|b`) as they are."""
        return self.vocabularies[f"attribute {attribute}"]

    def key_of(self, attribute: str) -> int:
        """The key row of one attribute."""
        return len(CELL) + 1 + self.attributes.index(attribute)

    def add(self, scores: pa.Table | pa.RecordBatch, groups: Mapping[str, pa.ChunkedArray | pa.Array]) -> None:
        """Add a batch: score rows, and for each attribute the value of each row."""
        if not len(scores):
            return
        columns = [scores[name] for name in (*CELL, "speaker_id")] + [groups[name] for name in self.attributes]
        keys = np.stack([v.encode(c) for v, c in zip(self.vocabularies.values(), columns, strict=True)])
        ok = pc.fill_null(pc.equal(scores["status"], "ok"), False)
        failed = 1 - _integers(ok)
        counts = [_integers(pc.if_else(ok, scores[name], 0)) for name in COUNTED]
        if not self._count_on_silence:
            hits, substitutions, deletions, insertions, characters, wrong = counts
            spoken = hits + substitutions + deletions > 0
            counts[3:] = [np.where(spoken, insertions, 0), characters, np.where(characters > 0, wrong, 0)]
        self._parts.append(_reduced(keys, np.stack([np.ones_like(failed), failed, *counts])))
        self._waiting += len(self._parts[-1].sums[0])
        if self._waiting > _MERGE_AT:
            self._waiting = 0
            self.merged()

    def merged(self) -> Atoms:
        """All atoms so far, each combination once."""
        if not self._parts:
            return Atoms(np.zeros((len(self.vocabularies), 0), np.int64), np.zeros((len(SUMS), 0), np.int64))
        if len(self._parts) > 1:
            keys, sums = (np.concatenate([getattr(p, name) for p in self._parts], axis=1) for name in ("keys", "sums"))
            self._parts = [_reduced(keys, sums)]
        return self._parts[0]

    def cells(self) -> Iterator[tuple[tuple[str, str, str], Atoms]]:
        """The atoms of each system x condition x normaliser, with their names; speakers are numbered by name."""
        atoms = self.merged()
        speakers = self.vocabularies["speaker_id"].ranks()[atoms.keys[len(CELL)]]
        number, first = distinct(atoms.keys[: len(CELL)])
        order = np.argsort(number, kind="stable")
        bounds = np.searchsorted(number[order], np.arange(len(first) + 1))
        for i, at in enumerate(first):
            codes = atoms.keys[: len(CELL), at]
            names = [str(self.vocabularies[name].labels[code]) for name, code in zip(CELL, codes, strict=True)]
            inside = order[bounds[i] : bounds[i + 1]]
            keys = atoms.keys[:, inside]
            keys[len(CELL)] = speakers[inside]
            yield (names[0], names[1], names[2]), Atoms(keys, atoms.sums[:, inside])


def distinct(keys: Codes) -> tuple[Codes, Codes]:
    """Number the distinct columns of a matrix of codes.

    Args:
        keys: not negative, shape (number of keys, n).

    Returns:
        The number of each column's combination, shape (n,), and a column that has it, shape (distinct,).
    """
    combined, size = keys[0], int(keys[0].max(initial=0)) + 1
    for row in keys[1:]:
        radix = int(row.max(initial=0)) + 1
        if size * radix > _LARGEST_KEY:
            combined, size = _dense(combined)
        combined, size = combined * radix + row, size * radix
    number, n_distinct = _dense(combined)
    first = np.zeros(n_distinct, dtype=np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return number, first


def union(*codes: Codes) -> Codes:
    """The codes that occur in any of these, ascending: without a sort, as codes are dense."""
    present = np.zeros(1 + max((int(some.max(initial=0)) for some in codes), default=0), dtype=bool)
    for some in codes:
        present[some] = True
    return np.flatnonzero(present)


def add_up(number: Codes, sums: Codes, n_distinct: int) -> Codes:
    """Sum the columns that have the same number; exact, as every sum is below 2^53."""
    return np.stack([np.bincount(number, row, n_distinct).astype(np.int64) for row in sums])


def _reduced(keys: Codes, sums: Codes) -> Atoms:
    """Each combination of keys once."""
    number, first = distinct(keys)
    return Atoms(keys[:, first], add_up(number, sums, len(first)))


def _dense(values: Codes) -> tuple[Codes, int]:
    """Numbers 0, 1, ... for distinct integers, in order of appearance, and how many there are."""
    encoded = pa.array(values).dictionary_encode()
    return encoded.indices.to_numpy().astype(np.int64), len(encoded.dictionary)


def _integers(column: pa.ChunkedArray | pa.Array) -> Codes:
    """A column without nulls as int64."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found: Codes = pc.cast(array, pa.int64()).to_numpy(zero_copy_only=False)
    return found
