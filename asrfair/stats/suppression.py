"""Which groups may be published: k-anonymity, and what has to go with it so that nothing can be worked out.

A group is withheld (primary) if it has fewer than k speakers or one of them has more than half of its words. The groups
of an attribute add up to everybody, and those of an intersection to the groups of its parts: if a published total
contains withheld groups, they could be told from it by subtraction where there is only one of them, or where all of
them together have fewer than k speakers. Then the next smallest is withheld too (complementary), until no total gives a
small group away; so through every total that is published, of any order (METHODS section 5; Hundepool et al. 2012,
chapter 4). Two more ways lead to a small group: a withheld total whose parts are all published can be added up, and
those of a total whom no part has, because another attribute is missing for them, are what is left of it.

Which groups are withheld follows from the fewest speakers that a group has under any system and condition, and is the
same in all of them: rates under two conditions must not give away what is hidden under one. Suppression is not
differential privacy: who knows some speakers can still learn of others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from asrfair.records import ALL, MISSING

K_LOCAL, K_EXPORTED, K_PUBLIC = 3, 5, 10
"""Speakers that a group needs: in local tables, in what is exported, on a card for the public."""

Group = tuple[str, str]
PRIMARY, COMPLEMENTARY = "suppressed", "complementary"


def withheld(n_speakers: Mapping[Group, int], k: int, dominated: Sequence[Group] = ()) -> dict[Group, str]:
    """The groups that may not be published, and why.

    Args:
        n_speakers: of every (attribute, group) that is to be published, `missing` included; an intersection's attribute
            is `accent*gender` and its groups are `Scottish*female`. A group without speakers gives nothing away.
        k: speakers that a group needs.
        dominated: groups in which one speaker has more than half of the words.

    Returns:
        (attribute, group) -> `suppressed` or `complementary`.

    >>> withheld({("accent", "a"): 2, ("accent", "b"): 9, ("accent", "c"): 7, ("accent", "d"): 30}, 5)
    {('accent', 'a'): 'suppressed', ('accent', 'c'): 'complementary'}
    """
    small = {group for group, n in n_speakers.items() if 0 < n < k} | set(dominated)
    found = {group: PRIMARY for group in n_speakers if group in small}
    partitions = list(_partitions(n_speakers))
    changed = True
    while changed:
        changed = False
        for total, parts in partitions:
            hidden = [n_speakers[part] for part in parts if part in found]
            left = n_speakers.get(total, 0) - sum(n_speakers[part] for part in parts)
            hidden += [left] if 0 < left < k else []
            exposed = not hidden if total in found else bool(hidden) and (len(hidden) == 1 or sum(hidden) < k)
            open_parts = sorted((n_speakers[p], p) for p in parts if p not in found and n_speakers[p])
            if exposed and open_parts:
                found[open_parts[0][1]] = COMPLEMENTARY
                changed = True
    return found


def _partitions(n_speakers: Mapping[Group, int]) -> Iterator[tuple[Group, list[Group]]]:
    """Every published total with the groups that add up to it."""
    by_attribute: dict[str, list[Group]] = {}
    for group in n_speakers:
        by_attribute.setdefault(group[0], []).append(group)
    for attribute, groups in by_attribute.items():
        if attribute == ALL:
            continue
        yield (ALL, ALL), groups
        names = attribute.split("*")
        for order in range(1, len(names)):
            for kept in combinations(range(len(names)), order):
                yield from _margins(names, groups, kept, by_attribute)


def _margins(
    names: Sequence[str], groups: Sequence[Group], kept: Sequence[int], by_attribute: Mapping[str, Sequence[Group]]
) -> Iterator[tuple[Group, list[Group]]]:
    """The groups of an intersection summed over all but some of its parts, where that margin is published."""
    parent = "*".join(names[at] for at in kept)
    rows: dict[str, list[Group]] = {}
    for group in groups if parent in by_attribute else ():
        labels = group[1].split("*")
        if group[1] != MISSING and len(labels) == len(names):
            rows.setdefault("*".join(labels[at] for at in kept), []).append(group)
    yield from (((parent, margin), parts) for margin, parts in rows.items())
