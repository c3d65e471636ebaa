"""The design matrix of a regression, kept as codes: who is in which group, never a million rows of zeros and ones.

A row of the matrix is an intercept, one column for each level of each factor but its first (the reference level), and
one column for each slope (a number such as an SNR). Rows with the same levels are one *cell*; there are few cells, so
everything but the slopes is done once a cell. `X'w` and `X' diag(w) X` need the sums of w, of w z and of w z z' only,
which are `numpy.bincount`s: O(n (1 + q)) for n rows and q slopes, whatever the number of groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from asrfair.errors import InputError
from asrfair.stats.atoms import Codes

Floats = NDArray[np.float64]

INTERCEPT = "intercept"
_SMALL_KEY = 4
"""Combinations up to this many times the rows are numbered by a table of all of them, more by a sort."""
_DETERMINED = 1e-9
"""Share of a column's own square, left after the columns before it are taken out, below which they determine it."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column.

    Attributes:
        name: what it says of an utterance, e.g. `site`.
        codes: level of each row, shape (n,).
        levels: their names; the first is the reference.
    """

    name: str
    codes: Codes
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix X of n rows and p columns.

    Attributes:
        columns: their names: `intercept`, `site=lab`, then the slopes.
        places: column of each factor's level in each cell, p for a reference level; the intercept is the first
            factor. Shape (1 + number of factors, number of cells).
        cell: cell of each row, shape (n,).
        slopes: the numbers of each row, shape (q, n): the last q columns.
    """

    columns: tuple[str, ...]
    places: Codes
    cell: Codes
    slopes: Floats

    @property
    def n_columns(self) -> int:
        """How many coefficients there are."""
        return len(self.columns)

    @property
    def n_levels(self) -> int:
        """How many columns are intercept or levels: those before the slopes."""
        return len(self.columns) - len(self.slopes)

    def linear(self, coefficients: Floats) -> Floats:
        """X b, shape (n,)."""
        by_cell = np.append(coefficients, 0.0)[self.places].sum(axis=0)
        found: Floats = by_cell[self.cell]
        for slope, b in zip(self.slopes, coefficients[self.n_levels :], strict=True):
            found += slope * b
        return found

    def cross(self, weights: Floats) -> Floats:
        """X'w, shape (p,)."""
        by_cell = totals(self.cell, weights, self.places.shape[1])
        found = _spread(self.places, by_cell, self.n_columns)
        found[self.n_levels :] = self.slopes @ weights
        return found

    def gram(self, weights: Floats) -> Floats:
        """X' diag(w) X, shape (p, p)."""
        size, n_cells, first = self.n_columns + 1, self.places.shape[1], self.n_levels
        by_cell = totals(self.cell, weights, n_cells)
        found = np.zeros(size * size)
        for a in self.places:
            for b in self.places:
                found += totals(a * size + b, by_cell, size * size)
        gram = found.reshape(size, size)[:-1, :-1]
        weighted = self.slopes * weights
        for j, row in enumerate(weighted, start=first):
            gram[j] = gram[:, j] = _spread(self.places, totals(self.cell, row, n_cells), self.n_columns)
        gram[first:, first:] = weighted @ self.slopes.T
        return gram

    def by_speaker(self, weights: Floats, speaker: Codes, n_speakers: int) -> Floats:
        """X_s'w_s of each speaker, shape (n_speakers, p)."""
        size = self.n_columns + 1
        found = np.zeros(n_speakers * size)
        for place in self.places:
            found += totals(speaker * size + place[self.cell], weights, n_speakers * size)
        sums = found.reshape(n_speakers, size)[:, :-1].copy()
        for j, slope in enumerate(self.slopes, start=self.n_levels):
            sums[:, j] = totals(speaker, slope * weights, n_speakers)
        return sums

    def rows(self, kept: NDArray[np.bool_] | Codes) -> Design:
        """The design of some of the rows."""
        return replace(self, cell=self.cell[kept], slopes=self.slopes[:, kept])


def make_design(levels: Codes, factors: Sequence[Factor], cell: Codes, slopes: Mapping[str, Floats]) -> Design:
    """Give every level that occurs a column, but the first of each factor.

    Args:
        levels: level of each factor in each cell, shape (number of factors, number of cells); -1 in a cell that is
            left out.
        factors: their names and levels.
        cell: cell of each row; no row is in a cell that is left out.
        slopes: name -> number of each row, shape (n,).
    """
    columns, places = [INTERCEPT], [np.zeros(levels.shape[1], dtype=np.int64)]
    for factor, codes in zip(factors, levels, strict=True):
        occur = [code for code in range(len(factor.levels)) if np.any(codes == code)]
        place = np.full(len(factor.levels) + 1, -1, dtype=np.int64)
        place[occur[1:]] = len(columns) + np.arange(len(occur) - 1)
        columns += [f"{factor.name}={factor.levels[code]}" for code in occur[1:]]
        places.append(place[codes])
    table = np.stack(places)
    columns += slopes
    table[table < 0] = len(columns)
    numbers = np.stack(list(slopes.values())) if slopes else np.zeros((0, len(cell)))
    return Design(tuple(columns), table, cell, numbers)


def number_cells(factors: Sequence[Factor], n_rows: int) -> tuple[Codes, Codes]:
    """The cell of each row, and the level of each factor in each cell."""
    if not factors:
        return np.zeros(n_rows, dtype=np.int64), np.zeros((0, 1), dtype=np.int64)
    cell, first = distinct([factor.codes for factor in factors])
    return cell, np.stack([factor.codes[first] for factor in factors])


def distinct(keys: Sequence[Codes]) -> tuple[Codes, Codes]:
    """Number the distinct combinations of codes, in the order of the first code, then the second, and so on.

    `atoms.distinct` does the same with pyarrow, which imports pandas (a second of CPU) as soon as it meets an array.

    Args:
        keys: one or more columns of codes >= 0, each of shape (n,).

    Returns:
        The number of each row's combination, shape (n,), and a row that has it, shape (distinct,).
    """
    combined, size = keys[0], int(keys[0].max(initial=0)) + 1
    for row in keys[1:]:
        radix = int(row.max(initial=0)) + 1
        if size * radix > _SMALL_KEY * len(combined):
            combined, size = _dense(combined, size)
        combined, size = combined * radix + row, size * radix
    number, n_distinct = _dense(combined, size)
    first = np.zeros(n_distinct, dtype=np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return number, first


def totals(number: Codes, weights: Floats, n: int) -> Floats:
    """The sum of the weights of the rows with number 0, 1, ... n - 1, shape (n,)."""
    found: Floats = np.bincount(number, weights, n).astype(np.float64, copy=False)
    return found


def check_rank(gram: Floats, columns: Sequence[str]) -> None:
    """Refuse a design in which one column is determined by others.

    Args:
        gram: X' diag(w) X with positive weights, shape (p, p).
        columns: their names.

    Raises:
        InputError: names the first such column and those that determine it.
    """
    scale = np.sqrt(np.diag(gram))
    unit = gram / np.outer(scale, scale)
    factor = np.zeros_like(unit)
    for j in range(len(columns)):
        row = np.zeros(j)
        for k in range(j):
            row[k] = (unit[j, k] - factor[k, :k] @ row[:k]) / factor[k, k]
        left = 1.0 - row @ row
        if not left > _DETERMINED:
            shares = np.linalg.lstsq(unit[:j, :j], unit[:j, j], rcond=None)[0]
            others = [f"{columns[k]!r}" for k in range(1, j) if abs(shares[k]) > 1e-6] or [f"{INTERCEPT!r}"]
            raise InputError(
                f"{columns[j]!r} is determined by {', '.join(others)}: these data cannot tell them apart. Leave out "
                "one of these covariates, or merge levels"
            )
        factor[j, :j], factor[j, j] = row, np.sqrt(left)


def _spread(places: Codes, by_cell: Floats, n_columns: int) -> Floats:
    """Sums by column from sums by cell; 0 for the slopes."""
    found = np.zeros(n_columns + 1)
    for place in places:
        found += totals(place, by_cell, n_columns + 1)
    return found[:-1]


def _dense(values: Codes, size: int) -> tuple[Codes, int]:
    """Numbers 0, 1, ... for distinct integers below size, in their order, and how many there are."""
    if size > _SMALL_KEY * len(values) + 1000:
        found, number = np.unique(values, return_inverse=True)
        return number, len(found)
    present = np.zeros(size, dtype=bool)
    present[values] = True
    return (np.cumsum(present) - 1)[values], int(np.count_nonzero(present))
