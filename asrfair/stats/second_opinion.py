"""A second opinion on every comparison: the studentised permutation of speakers, in rows of `measures`.

The p-values of the disparity table come from the log-Welch test, which is mildly liberal where a handful of speakers
stands against many (METHODS section 2). The permutation needs no distribution; where both agree, the finding does not
hang on one. Single tests, not adjusted for their number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asrfair.records import REST
from asrfair.seeds import stable_hash
from asrfair.stats import policy
from asrfair.stats.permutation import permutation_test
from asrfair.stats.utterance_level import Row, Utterances

N_PERMUTATIONS = 1_999
_WORK = 20_000_000
"""Speakers times permutations that one comparison may take; beyond it, fewer permutations."""


def permutation_rows(found: Utterances, attribute: str, baseline: str | None, seed: int) -> Iterator[Row]:
    """The permutation p of each group against its other side; none where a speaker is on both.

    Args:
        found: the utterances of a cell.
        attribute: which.
        baseline: the group to compare with; the rest where it is absent.
        seed: of the permutations.
    """
    members = found.members(attribute)
    named = baseline if baseline in members else None
    names, codes = np.unique(found.speakers, return_inverse=True)
    for group, inside in members.items():
        other = members[named] if named is not None else found.rest(attribute, inside)
        if group == named or other is None:
            continue
        sides = [_sums(found, codes, side, len(names)) for side in (inside, other)]
        row = found.base(attribute) | {"measure": "permutation", "group": group, "low": None, "high": None}
        if np.any((sides[0][1] > 0) & (sides[1][1] > 0)):
            yield row | {"value": None, "p": None, "method": "none", "flags": ["crossed"]}
            continue
        spoken = [(e[n > 0], n[n > 0]) for e, n in sides]
        m = sum(len(n) for _, n in spoken)
        count = max(199, min(N_PERMUTATIONS, _WORK // max(m, 1)))
        key = stable_hash(seed, "second opinion", attribute, group)
        test = permutation_test(*spoken[0], *spoken[1], n_permutations=count, seed=key)
        few = min(len(n) for _, n in spoken) < policy.MIN_SPEAKERS_FOR_P
        kind = "all deals" if test.exact else f"{test.n_permutations} deals"
        yield row | {
            "value": test.statistic,
            "p": None if few else test.p,
            "method": f"studentised speaker permutation, {kind}, against {named or REST}",
            "flags": [],
        }


def _sums(found: Utterances, codes: np.ndarray, side: np.ndarray, n_speakers: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors and words of each speaker on one side."""
    errors, words = (np.bincount(codes[side], v[side], n_speakers) for v in (found.errors, found.words))
    return errors, words
