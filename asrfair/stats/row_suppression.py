"""Which values may stand in the rows of single utterances: k-anonymity of the values of a row together.

A table is withheld group by group (`suppression`). Rows say more: whoever may filter them by accent and by gender has
the intersection, published or not. So the speakers are divided by one attribute after the other, and a part that has
fewer than k speakers is not told from its neighbours: its value is withheld, together with the next smallest's where
the withheld would be fewer than k. In the end every combination of values that stands in the rows is shared by k
speakers or more (local recoding; Hundepool et al. 2012, chapter 3), and so are the rows of one value from which it was
taken, as they could be told from the published total of that value: where they are fewer, more are taken.

Rows of one speaker still stand together under a pseudonym where one is given, and who knows the texts knows the rows:
this protects the values, not the utterances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WITHHELD = 0
"""The code of a value that is not told."""

Integers = NDArray[np.int64]


def shared_values(values: Sequence[Integers], speakers: Integers, k: int) -> list[Integers]:
    """Values of which every combination is shared by k speakers or more.

    Args:
        values: per attribute the code of each row's value, 0 where it is withheld already, shape (n,) each.
        speakers: a number for each row's speaker, shape (n,).
        k: speakers that a combination needs.

    Returns:
        The same with more of them withheld.

    >>> accent, gender = np.array([1, 1, 1, 2, 2, 2, 2]), np.array([1, 1, 2, 1, 1, 2, 2])
    >>> [codes.tolist() for codes in shared_values([accent, gender], np.arange(7), 2)]
    [[1, 1, 1, 2, 2, 2, 2], [0, 0, 0, 1, 1, 0, 0]]
    """
    classes = np.zeros(len(speakers), np.int64)
    found = []
    for codes in values:
        kept = _divided(classes, codes, speakers, k)
        for value in np.unique(codes[codes != kept]).tolist():
            kept = _with_more(value, kept, (classes, codes, speakers), k)
        found.append(kept)
        _, classes = np.unique(np.stack([classes, kept]), axis=1, return_inverse=True)
        classes = classes.reshape(-1)
    return found


def _with_more(value: int, kept: Integers, rows: tuple[Integers, Integers, Integers], k: int) -> Integers:
    """Withhold a value in further classes, the smallest first, until the speakers from whom it is taken are k."""
    classes, codes, speakers = rows
    taken = set(speakers[(codes == value) & (kept != value)].tolist())
    here, sizes = np.unique(classes[kept == value], return_counts=True)
    for name in here[np.argsort(sizes, kind="stable")].tolist():
        if len(taken) >= k:
            break
        more = (kept == value) & (classes == name)
        taken |= set(speakers[more].tolist())
        kept = np.where(more, WITHHELD, kept)
    return kept


def _divided(classes: Integers, codes: Integers, speakers: Integers, k: int) -> Integers:
    """The codes, without those that would make a part of fewer than k speakers in any class."""
    triples = np.unique(np.stack([classes, codes, speakers]), axis=1)
    members: dict[int, dict[int, set[int]]] = {}
    for here, value, speaker in triples.T.tolist():
        members.setdefault(here, {}).setdefault(value, set()).add(speaker)
    kept = codes.copy()
    for here, parts in members.items():
        hidden = [value for value, who in parts.items() if len(who) < k and value != WITHHELD]
        together = set().union(parts.get(WITHHELD, ()), *(parts[value] for value in hidden))
        for _, value in sorted((len(who), value) for value, who in parts.items()):
            if not together or len(together) >= k:
                break
            if value not in hidden and value != WITHHELD:
                hidden.append(value)
                together |= parts[value]
        if hidden:
            kept[(classes == here) & np.isin(codes, hidden)] = WITHHELD
    return kept
