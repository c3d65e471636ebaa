"""What a comparison of groups at equal covariates rests on: do the groups meet the same conditions at all?

A model extrapolates where they do not, and says nothing of it. From the words of each group at each level of each
covariate (a number is cut at its quartiles), a group is flagged

- `poor_overlap`: at some level it has less than 5 % of its words where the other groups have more than 20 % of theirs;
- `confounded_with_<covariate>`: it is nearly the same thing as a level. Either more than 95 % of its words are at one
  level, where the others have less than 80 % of theirs; or more than 95 % of the words at a level are the group's, and
  it has at least 5 % of its words there, the others less than 5 % ("confounding by provenance": Li et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from asrfair.stats.regression.design import Factor, Floats, totals
from asrfair.stats.regression.flags import CONFOUNDED

THIN, THICK, NEARLY_ALL = 0.05, 0.20, 0.95


def overlap_flags(group: Factor, covariates: Sequence[Factor], words: Floats) -> list[tuple[str, ...]]:
    """The flags of each group, in the order of its levels.

    Args:
        group: the groups, at least two with words.
        covariates: categorical covariates of the same rows.
        words: of each row, shape (n,).
    """
    found: list[list[str]] = [[] for _ in group.levels]
    for covariate in covariates:
        size = len(covariate.levels)
        table = totals(group.codes * size + covariate.codes, words, len(group.levels) * size).reshape(-1, size)
        for flags, named in zip(found, _flags(table, covariate.name), strict=True):
            flags += [flag for flag in named if flag not in flags]
    return [tuple(flags) for flags in found]


def quarters(name: str, values: Floats) -> Factor:
    """A number as a factor: cut at its quartiles."""
    scaled = values / (float(np.abs(values).max(initial=0.0)) or 1.0)
    edges = np.unique(np.quantile(scaled, [0.25, 0.5, 0.75]))
    return Factor(name, np.searchsorted(edges, scaled), tuple(f"quarter {i + 1}" for i in range(len(edges) + 1)))


def _flags(table: Floats, name: str) -> Iterator[list[str]]:
    """The flags that one covariate gives each group; words by group and level, shape (groups, levels)."""
    everyone = table.sum(axis=0)
    for own in table:
        others = everyone - own
        if not own.any() or not others.any():
            yield []
            continue
        share, share_of_others = own / own.sum(), others / others.sum()
        of_level = np.divide(own, everyone, out=np.zeros_like(own), where=everyone > 0)
        thin = (share < THIN) & (share_of_others > THICK)
        same = (share > NEARLY_ALL) & (share_of_others < 1.0 - THICK)
        same |= (of_level > NEARLY_ALL) & (share >= THIN) & (share_of_others < THIN)
        yield ["poor_overlap"] * bool(thin.any()) + [CONFOUNDED + name] * bool(same.any())
