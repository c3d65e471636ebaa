"""The prompts that two groups both read, and what deleting speakers, prompts or single readings does to the gap.

A reading of a prompt by a speaker is a *pair*. Deleting pairs touches their prompts only, and a prompt that one group
no longer has falls out with its weight, so that every jackknife is one pass over the pairs. Degrees of freedom are by
Satterthwaite's rule over the speakers of A only, of B only and of both, as in `disparity.compare_paired`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asrfair.errors import InputError
from asrfair.stats.atoms import Codes
from asrfair.stats.rates import NO_SPREAD, combine_df, satterthwaite_df
from asrfair.stats.regression import columns
from asrfair.stats.regression.columns import Column
from asrfair.stats.regression.design import Floats, distinct, totals


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is compared: sums by pair of speaker and prompt, for prompts that both groups read.

    Attributes:
        errors, words: of each pair in A (row 0) and B (row 1), shape (2, n).
        speaker, prompt: of each pair, numbered from 0, shape (n,).
        n_utterances: utterances of A and of B.
        n_prompts_left_out: prompts that only one group read.
        n_left_out: utterances of the two groups that are not compared.
    """

    errors: Floats
    words: Floats
    speaker: Codes
    prompt: Codes
    n_utterances: tuple[int, int]
    n_prompts_left_out: int
    n_left_out: int

    @property
    def n_prompts(self) -> int:
        """Prompts that both groups read."""
        return int(self.prompt.max()) + 1

    def by_speaker(self, values: Floats) -> Floats:
        """Sums by speaker on both sides, shape (2, speakers)."""
        return _sums(values, self.speaker, int(self.speaker.max()) + 1)


def read_pairs(
    errors: ArrayLike, words: ArrayLike, speakers: Column, prompts: Column, group: Column, groups: tuple[str, str]
) -> Pairs:
    """Check the columns and add up the utterances that can be compared."""
    e, n = columns.counts(errors, "errors"), columns.counts(words, "words")
    sizes = {"speakers": len(speakers), "prompts": len(prompts), "group": len(group)}
    columns.check_lengths({"errors": len(e), "words": len(n)} | sizes)
    codes, labels = columns.encode(group, "group")
    absent = [label for label in groups if label not in labels]
    if absent or groups[0] == groups[1]:
        raise InputError(f"group: {absent or groups!r}: give two different groups of {labels}")
    is_b = np.equal(codes, labels.index(groups[1]))
    member = is_b | (codes == labels.index(groups[0]))
    prompt, names = columns.encode(prompts, "prompts")
    usable = member & (prompt >= 0) & (n > 0)
    sides = np.stack([np.where(is_b, 0.0, n), np.where(is_b, n, 0.0)])
    read = np.asarray(_sums(sides[:, usable], prompt[usable], len(names)) > 0)
    both: NDArray[np.bool_] = np.logical_and(read[0], read[1])
    if not both.any():
        raise InputError(f"prompts: no prompt was read in both {groups[0]!r} and {groups[1]!r}: nothing is matched")
    usable[usable] = both[prompt[usable]]
    e, n, is_b = e[usable], n[usable], is_b[usable]
    speaker, prompt = (distinct([of])[0] for of in (columns.speaker_codes(speakers)[usable], prompt[usable]))
    pair, first = distinct([speaker, prompt])
    sides = np.stack([~is_b, is_b]).astype(np.float64)
    counts = (int(np.count_nonzero(~is_b)), int(np.count_nonzero(is_b)))
    return Pairs(
        errors=_sums(sides * e, pair, len(first)),
        words=_sums(sides * n, pair, len(first)),
        speaker=speaker[first],
        prompt=prompt[first],
        n_utterances=counts,
        n_prompts_left_out=int(np.count_nonzero(read.any(axis=0) & ~both)),
        n_left_out=int(np.count_nonzero(member)) - sum(counts),
    )


def _sums(values: Floats, number: Codes, n: int) -> Floats:
    """Both rows added up by number, shape (2, n)."""
    return np.stack([totals(number, row, n) for row in values])


class Delta:
    """The matched difference, and what is left of it without some pairs.

    Attributes:
        wer_a, wer_b: rates weighted by the prompts' shares of the words.
        difference: the first less the second.
    """

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._errors = _sums(pairs.errors, pairs.prompt, pairs.n_prompts)
        self._words = _sums(pairs.words, pairs.prompt, pairs.n_prompts)
        weights = self._words.sum(axis=0) / self._words.sum()
        self.wer_a, self.wer_b = (float(rate) for rate in (self._errors / self._words) @ weights)
        self.difference = self.wer_a - self.wer_b

    def changes(self, number: Codes) -> Floats:
        """By how much the difference changes when the pairs of each number are deleted; NaN if nothing is left.

        Args:
            number: of each pair, from 0; those of one number have different prompts, or all pairs of their prompt.
        """
        pairs, n = self._pairs, int(number.max()) + 1
        now = np.stack(_weighed(self._errors, self._words))
        of_pair = (self._errors[:, pairs.prompt] - pairs.errors, self._words[:, pairs.prompt] - pairs.words)
        moved = np.stack(_weighed(*of_pair)) - now[:, pairs.prompt]
        gaps, words = now.sum(axis=1)[:, None] + _sums(moved, number, n)
        found: Floats = np.divide(gaps, words, out=np.full(n, np.nan), where=words > 1e-9 * now[1].sum())
        return np.subtract(found, self.difference)

    def changes_by_prompt(self) -> Floats:
        """By how much the difference changes when each prompt is deleted; NaN if nothing is left."""
        gaps, words = _weighed(self._errors, self._words)
        left, some = words.sum() - words, 1e-9 * words.sum()
        found: Floats = np.divide(gaps.sum() - gaps, left, out=np.full(len(left), np.nan), where=left > some)
        return np.subtract(found, self.difference)


def _weighed(errors: Floats, words: Floats) -> tuple[Floats, Floats]:
    """The gap of each prompt times its words, and its words; 0 where a group has no words left."""
    both = np.all(words > 0, axis=0)
    rates = np.divide(errors, words, out=np.zeros_like(errors), where=both)
    size = np.where(both, words.sum(axis=0), 0.0)
    return (rates[0] - rates[1]) * size, size


def variance_of(pairs: Pairs, delta: Delta, *, two_way: bool) -> tuple[float | None, float | None]:
    """Jackknife variance and degrees of freedom; None where deleting a speaker leaves nothing, or nothing changes."""
    changes = delta.changes(pairs.speaker)
    variance = _jackknife(changes)
    if not (math.isfinite(variance) and variance > NO_SPREAD**2):
        return None, None
    words = pairs.by_speaker(pairs.words)
    in_a, in_b = words > 0
    shares, dfs = [], []
    for members, size in ((in_a & ~in_b, words[0]), (in_b & ~in_a, words[1]), (in_a & in_b, None)):
        n = int(np.count_nonzero(members))
        share = float(np.sum(changes[members] ** 2))
        if share > 0:
            shares.append(share)
            dfs.append(satterthwaite_df(size[members]) if size is not None and n > 1 else max(n - 1.0, 1.0))
    df = min(combine_df(shares, dfs), len(changes) - 1.0)
    if two_way:
        of_pairs = _jackknife(delta.changes(np.arange(len(pairs.prompt))))
        variance += max(0.0, _jackknife(delta.changes_by_prompt()) - of_pairs)
        df = min(df, pairs.n_prompts - 1.0)
    return variance, df


def _jackknife(changes: Floats) -> float:
    """The variance from what deleting each of m things changes."""
    return (len(changes) - 1) / len(changes) * float(np.sum(changes**2))
