"""Uncertainty of a fitted model when the speaker is the unit: CR1, CR3 and degrees of freedom for any contrasts.

With `g_s = X_s'(y_s - mu_s)`, `H_s = X_s' diag(mu_s) X_s`, `H = sum H_s` and G speakers:

- CR1: `V = G/(G-1) H^-1 (sum g_s g_s') H^-1`.
- CR3, the default: what deleting each speaker does to the coefficients, in one Newton step from the fit,
  `b_(-s) - b = -(H - H_s)^-1 g_s`, and `V = (G-1)/G sum (b_(-s) - b)(b_(-s) - b)'` (Bell & McCaffrey 2002; MacKinnon,
  Nielsen & Webb 2023 call the jackknife CV3).
- Degrees of freedom of each contrast by Satterthwaite's rule (`freedom`).

Nothing is of size G x G, nor G x p x p where a speaker meets few levels: speakers who meet the same k columns
(intercept, own group, sites, slopes) make a block, and on these `(H - H_s)^-1 g_s = H^-1 E (I - H_s E'H^-1 E)^-1 g_s`,
E being the k columns of the identity.

Where deleting one speaker leaves a contrast undefined (nobody else was recorded at that site), it rests on one person:
it has no variance, and None is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asrfair.stats.atoms import Codes
from asrfair.stats.regression.design import Floats, distinct, totals
from asrfair.stats.regression.freedom import Block, DegreesOfFreedom
from asrfair.stats.regression.pml import PoissonFit

_BLOCK = 400_000
"""Numbers in the largest array of a block of speakers."""
_SMALL_BLOCK = 64
"""Blocks of fewer speakers are put together, though they meet other columns."""
_LEANING = 0.999
"""Deleting a speaker whose leverages sum to less than this surely leaves a design of full rank."""
_UNDEFINED = 1e-9


@dataclass(frozen=True, slots=True)
class Inference:
    """Contrasts of the coefficients with their uncertainty, on the log scale.

    Attributes:
        estimates: shape (k,).
        se_cr1: standard errors by CR1, shape (k,).
        se: standard errors by CR3, shape (k,).
        df: Satterthwaite degrees of freedom, from 1 to G - 1, shape (k,).
        defined: false where deleting one speaker leaves the contrast undefined, shape (k,).
        changes: of each contrast when each speaker is deleted, shape (G, k).
    """

    estimates: Floats
    se_cr1: Floats
    se: Floats
    df: Floats
    defined: NDArray[np.bool_]
    changes: Floats


def inference(fit: PoissonFit, contrasts: Floats) -> Inference:
    """Standard errors and degrees of freedom.

    Args:
        fit: the model, of G speakers and p columns.
        contrasts: one a row, shape (k, p).

    >>> from asrfair.stats.regression.design import Factor
    >>> from asrfair.stats.regression.pml import fit_poisson
    >>> errors, words = np.array([5.0, 8, 3, 10, 2, 4, 6, 1]), np.full(8, 50.0)
    >>> accent = Factor("accent", np.array([0, 0, 0, 0, 1, 1, 1, 1]), ("A", "B"))
    >>> found = inference(fit_poisson(errors, words, np.arange(8), [accent]), np.array([[0.0, 1.0]]))
    >>> print(f"{found.estimates[0]:.3f} (se {found.se[0]:.3f}, {found.df[0]:.1f} df)")
    -0.693 (se 0.450, 6.0 df)
    """
    g = fit.n_speakers
    inverse: Floats = np.linalg.inv(fit.information).astype(np.float64, copy=False)
    scores = fit.design.by_speaker(fit.errors - fit.expected, fit.speaker, g)
    means = fit.design.by_speaker(fit.expected, fit.speaker, g)
    directions = inverse @ contrasts.T
    changes = np.zeros((g, len(contrasts)))
    defined = np.ones(len(contrasts), dtype=bool)
    df = DegreesOfFreedom(means, inverse, directions)
    for block in _blocks(fit, len(contrasts)):
        changes[block.who], leaning = _deleted(block, inverse, scores, directions)
        for i in leaning:
            without = fit.information.copy()
            without[np.ix_(block.columns, block.columns)] -= block.own[i]
            s = block.who[i]
            changes[s], known = _deleted_one(without, fit.information, scores[s], contrasts)
            defined &= known
        df.add(block)
    influence = scores @ directions
    se_cr1 = np.sqrt(g / (g - 1) * np.sum(influence**2, axis=0))
    se = np.sqrt((g - 1) / g * np.sum(changes**2, axis=0))
    return Inference(contrasts @ fit.coefficients, se_cr1, se, df.found(), defined, changes)


def _blocks(fit: PoissonFit, n_contrasts: int) -> Iterator[Block]:
    """All speakers, those who meet the same columns together."""
    design, p = fit.design, fit.design.n_columns
    pair, first = distinct([fit.speaker, design.cell])
    speaker, columns = fit.speaker[first], design.places[:, design.cell[first]]
    weights, slopes = _pair_sums(fit, pair, len(first))
    met = np.zeros((fit.n_speakers, p + 1), dtype=bool)
    for column in columns:
        met[speaker, column] = True
    met[:, design.n_levels :] = np.arange(design.n_levels, p + 1) < p
    order, bounds = _alike(met[:, :p], n_contrasts)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    by_rank = np.argsort(rank[speaker], kind="stable")
    ends = np.searchsorted(rank[speaker][by_rank], bounds)
    for i, (start, end) in enumerate(pairwise(bounds)):
        who, inside = order[start:end], by_rank[ends[i] : ends[i + 1]]
        here = np.flatnonzero(met[who].any(axis=0))
        k = len(here)
        place = np.full(p + 1, k)
        place[here] = np.arange(k)
        at = place[columns[:, inside]]
        own = _own(rank[speaker[inside]] - start, at, weights[inside], slopes[:, :, inside], (len(who), k))
        yield Block(who, here, own)


def _alike(met: NDArray[np.bool_], n_contrasts: int) -> tuple[Codes, list[int]]:
    """An order of the speakers, and where to cut it: at other columns, unless a block would be very small."""
    packed = np.packbits(met, axis=1)
    order = np.lexsort(packed.T[::-1])
    changed = np.any(packed[order][1:] != packed[order][:-1], axis=1)
    starts = np.append(np.flatnonzero(np.append(True, changed)), len(order))
    bounds = [0]
    for start, end in pairwise(starts.tolist()):
        if start - bounds[-1] >= _SMALL_BLOCK:
            bounds.append(start)
        k = int(np.count_nonzero(met[order[start]]))
        most = max(_SMALL_BLOCK, _BLOCK // (k * max(k, 2 * n_contrasts)))
        bounds += range(bounds[-1] + most, end, most)
    return order, [*bounds, len(order)]


def _pair_sums(fit: PoissonFit, pair: Codes, n_pairs: int) -> tuple[Floats, Floats]:
    """Of each pair of speaker and cell: the sum of mu, shape (n,), and of mu z and mu z z', shape (q, 1 + q, n)."""
    z, mu = fit.design.slopes, fit.expected
    slopes = np.zeros((len(z), len(z) + 1, n_pairs))
    for i, slope in enumerate(z):
        slopes[i, 0] = totals(pair, mu * slope, n_pairs)
        for j, other in enumerate(z[: i + 1]):
            slopes[i, j + 1] = slopes[j, i + 1] = totals(pair, mu * slope * other, n_pairs)
    return totals(pair, mu, n_pairs), slopes


def _own(row: Codes, at: Codes, weights: Floats, slopes: Floats, shape: tuple[int, int]) -> Floats:
    """`H_s` of each speaker of a block, on the columns of the block.

    Args:
        row: speaker of each pair within the block, shape (n,).
        at: place of each of the pair's levels among the columns, k for a reference level. Shape (f, n).
        weights: sum of mu of each pair, shape (n,).
        slopes: sums of mu z and mu z z', shape (q, 1 + q, n); the slopes are the last q columns.
        shape: b speakers, k columns.
    """
    b, k = shape
    own = np.zeros((b, k + 1, k + 1))
    start, flat = row * (k + 1), own.reshape(-1)
    for i in at:
        for j in at:
            flat += totals((start + i) * (k + 1) + j, weights, len(flat))
    for column, sums in enumerate(slopes, start=k - len(slopes)):
        for j in at:
            found = totals(start + j, sums[0], b * (k + 1)).reshape(b, k + 1)
            own[:, column] += found
            own[:, :, column] += found
        for other, weighted in enumerate(sums[1:], start=k - len(slopes)):
            own[:, column, other] = totals(row, weighted, b)
    return own[:, :k, :k]


def _deleted(block: Block, inverse: Floats, scores: Floats, directions: Floats) -> tuple[Floats, Codes]:
    """What deleting each speaker changes, shape (b, k), and those for whom this needs more care."""
    here = block.columns
    leverage = block.own @ inverse[np.ix_(here, here)]
    leaning = np.flatnonzero(np.einsum("bii->b", leverage) > _LEANING)
    leverage[leaning] = 0.0
    solved = np.linalg.solve(np.eye(len(here)) - leverage, scores[block.who][:, here, None])
    return -solved[:, :, 0] @ directions[here], leaning


def _deleted_one(
    without: Floats, information: Floats, score: Floats, contrasts: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """What deleting one speaker changes, and which contrasts stay defined; for a design that may lose rank."""
    scale = 1.0 / np.sqrt(np.diag(information))
    values, vectors = np.linalg.eigh(without * np.outer(scale, scale))
    known = values > _UNDEFINED
    scaled = contrasts * scale
    lost = np.abs(scaled @ vectors[:, ~known]).max(axis=1, initial=0.0)
    change = -(scaled @ vectors[:, known]) @ ((vectors[:, known].T @ (score * scale)) / values[known])
    return change, lost <= 1e-6 * np.linalg.norm(scaled, axis=1)
