"""Degrees of freedom of a contrast of regression coefficients, with standard errors by speaker.

Satterthwaite's rule, `nu = tr(M)^2 / tr(M^2)`, where speakers differ by a random factor, so that the score of speaker
s is `m_s = X_s' mu_s` times a number: `M = B B'`, `B_st = d_s delta_st - a_s'n_t`, with `d_s = m_s'H^-1 c`, `a_s = H_s
H^-1 c`, `n_t = H^-1 m_t` (Bell & McCaffrey 2002 have the rule for linear models). For groups only, it is the rule of
`rates`: m - 1 for one group of m speakers with equal words, 2m - 2 for two.

M is of size G x G and never made: `M = D^2 + W S W'` with `W = [A, D N]`, `S = [[N'N, -I], [-I, 0]]`, rows of A and N
being a_s and n_s and D the diagonal of d, so that the traces need `W'W` and `W'D^2 W` only: O(G p^2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asrfair.stats.atoms import Codes
from asrfair.stats.regression.design import Floats


@dataclass(frozen=True, slots=True)
class Block:
    """Some speakers and the columns that they meet.

    Attributes:
        who: their numbers, shape (b,).
        columns: every column that one of them meets, shape (k,).
        own: `H_s` on these columns, shape (b, k, k).
    """

    who: Codes
    columns: Codes
    own: Floats


class DegreesOfFreedom:
    """The rule, added up over blocks of speakers.

    `n_s = H^-1 m_s` is put in last, so that blocks are as small as the columns that their speakers meet.

    Args:
        means: m_s, shape (G, p).
        inverse: H^-1, shape (p, p).
        directions: H^-1 c of each contrast, shape (p, k).
    """

    def __init__(self, means: Floats, inverse: Floats, directions: Floats) -> None:
        p, n_contrasts = directions.shape
        self._means, self._inverse, self._directions = means, inverse, directions
        self._d = means @ directions
        self._plain = np.zeros((n_contrasts, 2 * p, 2 * p))
        self._squared = np.zeros((n_contrasts, 2 * p, 2 * p))

    def add(self, block: Block) -> None:
        """Add the speakers of a block."""
        here, p, k = block.columns, len(self._inverse), len(block.columns)
        d = self._d[block.who].T[:, :, None]
        wide = np.empty((len(d), len(block.who), 2 * k))
        wide[:, :, :k] = (block.own @ self._directions[here]).transpose(2, 0, 1)
        np.multiply(self._means[block.who][:, here], d, out=wide[:, :, k:])
        both = np.append(here, p + here)
        self._plain[:, both[:, None], both] += wide.transpose(0, 2, 1) @ wide
        wide *= d
        self._squared[:, both[:, None], both] += wide.transpose(0, 2, 1) @ wide

    def found(self) -> Floats:
        """The degrees of freedom of each contrast, shape (k,)."""
        p = len(self._inverse)
        shares = self._means @ self._inverse
        middle = np.block([[shares.T @ shares, -np.eye(p)], [-np.eye(p), np.zeros((p, p))]])
        turn = np.block([[np.eye(p), np.zeros((p, p))], [np.zeros((p, p)), self._inverse]])
        found = []
        squares = np.square(self._d)
        sums = zip(squares.sum(axis=0), np.square(squares).sum(axis=0), self._plain, self._squared, strict=True)
        for of_d2, of_d4, plain, squared in sums:
            once = middle @ turn @ plain @ turn
            trace = of_d2 + np.trace(once)
            square = of_d4 + 2.0 * np.sum(middle * (turn @ squared @ turn)) + np.sum(once * once.T)
            found.append(trace**2 / square if square > 0 else 1.0)
        limited: Floats = np.clip(np.array(found), 1.0, len(self._d) - 1.0)
        return limited
