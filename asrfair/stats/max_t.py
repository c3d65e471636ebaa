"""Max-T: the family-wise test of many groups under many conditions (Westfall & Young 1993).

Speakers are dealt anew to the groups, with all their conditions, and each comparison is held against the largest
statistic of the whole screen: `p_adj = (1 + #{max over cells |t*| >= |t|}) / (B + 1)`. Before that, each t is put on
the normal scale, `sqrt(nu log(1 + t^2/nu))` with the degrees of freedom nu of its two sides' sizes (Wallace 1959):
otherwise the heavy tails of the smallest groups decide what the largest ones must reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.stats import counter
from asrfair.stats.permutation import TIES, moments, studentised_ratio
from asrfair.stats.rates import Sums

Members = tuple[Sums, Sums, NDArray[np.bool_], NDArray[np.bool_]]
"""Errors and words of every speaker in one cell (0 and 0 for one who is not in it), and who is on either side."""


def max_t(
    observed: Sequence[float | None], cells: Sequence[Members], *, n_permutations: int = 1_999, seed: int = 0
) -> list[float | None]:
    """Family-wise adjusted p of many comparisons between groups of the same list of speakers.

    Args:
        observed: whether each comparison can be made: its statistic (see `statistics`), or None.
        cells: of each comparison errors, words and both sides, shape (m,), speakers in the same order in every one.
        n_permutations: how many deals, at least 1,999 for a level of 5 %.
        seed: of the deals.

    Returns:
        `(1 + #{max over cells |t*| >= |t|}) / (B + 1)` of each comparison; None where it could not be made.

    >>> errors, words = np.array([9.0, 8, 9, 7, 1, 2, 1, 2]), np.full(8, 100.0)
    >>> inside = np.arange(8) < 4
    >>> cell = (errors, words, inside, ~inside)
    >>> max_t([5.0, None], [cell, cell], n_permutations=499)[1] is None
    True
    """
    adjusted: list[float | None] = [None] * len(observed)
    tested = [at for at, t in enumerate(observed) if t is not None]
    if not tested:
        return adjusted
    sides = _shared_sides([cells[at] for at in tested])
    sizes = np.concatenate([_scores(s.inside[None, :], s.outside[None, :], s)[0] for s in sides])
    reached = np.zeros(len(tested))
    for orders in counter.permutations(seed, n_permutations, len(cells[0][0])):
        largest = np.zeros(len(orders))
        for s in sides:
            np.maximum(largest, _scores(s.inside[orders], s.outside[orders], s).max(axis=1), out=largest)
        reached += np.sum(largest[:, None] >= sizes[None, :] - TIES, axis=0)
    for at, n in zip((at for s in sides for at in s.places), reached, strict=True):
        adjusted[tested[at]] = float((1 + n) / (n_permutations + 1))
    return adjusted


@dataclass(frozen=True, slots=True)
class _Sides:
    """Cells with the same two sides.

    Attributes:
        inside, outside: who is on either side, shape (m,).
        columns: the moments of every such cell, shape (m, cells, 6).
        dfs: degrees of freedom of each, shape (cells,).
        places: which cells they are.
    """

    inside: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    columns: Sums
    dfs: Sums
    places: list[int]


def _shared_sides(cells: Sequence[Members]) -> list[_Sides]:
    """Cells with the same two sides together, so that their speakers are dealt once for all."""
    found: dict[bytes, list[int]] = {}
    for at, (_, _, inside, outside) in enumerate(cells):
        found.setdefault(np.packbits(inside).tobytes() + np.packbits(outside).tobytes(), []).append(at)
    shared = []
    for places in found.values():
        _, _, inside, outside = cells[places[0]]
        columns = np.stack([moments(cells[at][0], cells[at][1]) for at in places], axis=1)
        dfs = _welch_df(inside @ columns[..., 5], outside @ columns[..., 5])
        shared.append(_Sides(inside, outside, columns, dfs, places))
    return shared


def _welch_df(m_a: Sums, m_b: Sums) -> Sums:
    """Degrees of freedom of two groups of so many speakers, all alike; at least 1."""
    a, b = np.maximum(m_a, 2.0), np.maximum(m_b, 2.0)
    found: Sums = (1 / a + 1 / b) ** 2 / (1 / (a**2 * (a - 1)) + 1 / (b**2 * (b - 1)))
    return found


def _scores(inside: NDArray[np.bool_], outside: NDArray[np.bool_], of: _Sides) -> Sums:
    """`|t|` on the normal scale for each row of memberships and each cell, shape (b, cells); 0 where not defined."""
    t = studentised_ratio(_side_sums(inside, of.columns), _side_sums(outside, of.columns))
    t = np.nan_to_num(t, posinf=0.0, neginf=0.0)
    found: Sums = np.sqrt(of.dfs * np.log1p(t * t / of.dfs))
    return found


def _side_sums(members: NDArray[np.bool_], columns: Sums) -> Sums:
    """Sums of the moments over the members, shape (b, cells, 6)."""
    flat = members.astype(np.float64) @ columns.reshape(len(columns), -1)
    return flat.reshape(len(members), *columns.shape[1:])


def statistics(errors: Sums, words: Sums, inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> Sums:
    """Studentised log ratio of one side to the other, for each row of memberships.

    Args:
        errors: of each speaker, shape (m,).
        words: of each speaker, shape (m,); a speaker with neither words nor errors does not count.
        inside: who is on the one side, shape (b, m).
        outside: who is on the other, shape (b, m).

    Returns:
        Shape (b,); not finite where a side has no errors, no words or no spread.
    """
    columns = moments(errors, words)
    return studentised_ratio(inside.astype(np.float64) @ columns, outside.astype(np.float64) @ columns)
