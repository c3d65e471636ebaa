"""Same prompts, different speakers: a gap that no difficulty of the text can make.

`Delta = sum_k w_k (R_Ak - R_Bk)` over the prompts k that both groups read, with R_gk the pooled word error rate of
group g on prompt k and w_k the prompt's share of the words of these prompts. Its variance is the delete-one-speaker
jackknife `(m-1)/m sum_s (Delta_(-s) - Delta)^2` over all m speakers, a speaker's prompts deleted with them (`prompts`);
the interval is `Delta +- t se`, on the scale of rates, because a difference has no log.

So far the prompts are those that were read: the conclusion is conditional on them, and says so by a flag. With
`two_way=True` they are a sample of all texts one might read, and `V = V_speakers + V_prompts - V_pairs` (jackknives
over speakers, prompts and speaker-prompt pairs; Cameron, Gelbach & Miller 2011), never less than V_speakers. That needs
`MIN_PROMPTS` prompts; with fewer there is no p and no interval. One passage read by everybody cannot be generalised.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from asrfair.stats import policy
from asrfair.stats.rates import RateEstimate, check_confidence, estimate, macro_rate
from asrfair.stats.regression.columns import Column
from asrfair.stats.regression.flags import MIN_PROMPTS
from asrfair.stats.regression.prompts import Delta, Pairs, read_pairs, variance_of
from asrfair.stats.student_t import student_t_quantile, student_t_sf


@dataclass(frozen=True, slots=True)
class MatchedContrast:
    """Group A against group B on the prompts that both read; None where it cannot be estimated.

    Attributes:
        a, b: the groups.
        wer_a, wer_b: word error rates, both weighted by the prompts' shares of the words.
        difference: `wer_a - wer_b`, a fraction.
        low, high: its interval.
        p: two-sided.
        se: standard error of the difference.
        df: degrees of freedom.
        n_prompts: prompts that both groups read.
        n_prompts_left_out: prompts that only one of them read.
        n_utterances: utterances of the two groups on the prompts that both read.
        n_left_out: utterances of the two groups that are not compared, for any reason.
        n_speakers_a, n_speakers_b: speakers compared.
        flags: of the policy for A and (`baseline_...`) for B, and those of `flags`.
    """

    a: str
    b: str
    wer_a: float | None
    wer_b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    se: float | None
    df: float | None
    n_prompts: int
    n_prompts_left_out: int
    n_utterances: int
    n_left_out: int
    n_speakers_a: int
    n_speakers_b: int
    flags: tuple[str, ...]


def compare_matched(
    errors: ArrayLike,
    words: ArrayLike,
    speakers: Column,
    prompts: Column,
    group: Column,
    *,
    a: str,
    b: str,
    two_way: bool = False,
    confidence: float = 0.95,
) -> MatchedContrast:
    """Compare two groups on the prompts that both read.

    Args:
        errors: of each utterance, shape (n,).
        words: reference words of each utterance, shape (n,).
        speakers: who spoke each; none may be missing.
        prompts: what each was asked to say; None where it was not a prompt: left out and counted.
        group: label of each utterance; only those of `a` and `b` are used.
        a: the group looked at.
        b: the group it is compared with.
        two_way: whether to speak of other prompts than these.
        confidence: nominal level of the interval.

    Raises:
        InputError: bad columns, a group that does not occur, or no prompt that both read.

    >>> found = compare_matched(
    ...     [2, 1, 3, 2, 1, 1, 2, 0, 1, 1, 2, 1], [10, 5] * 6, list("aabbccddeeff"), ["p", "q"] * 6,
    ...     ["A"] * 6 + ["B"] * 6, a="A", b="B",
    ... )
    >>> print(f"{found.difference:.4f} ({found.low:.3f} to {found.high:.3f}), {found.n_prompts} prompts")
    0.0667 (-0.180 to 0.314), 2 prompts
    """
    check_confidence(confidence)
    pairs = read_pairs(errors, words, speakers, prompts, group, (a, b))
    delta = Delta(pairs)
    estimates = [estimate(*sums) for sums in zip(*map(pairs.by_speaker, (pairs.errors, pairs.words)), strict=True)]
    flags = _flags(pairs, estimates, two_way=two_way)
    suppressed = any(flag.endswith(policy.SUPPRESSED) for flag in flags)
    variance, df = (None, None) if suppressed or "few_prompts" in flags else variance_of(pairs, delta, two_way=two_way)
    low = high = p = se = None
    if variance is not None and df is not None:
        se = math.sqrt(variance)
        reach = student_t_quantile(0.5 + confidence / 2.0, df) * se
        low, high = delta.difference - reach, delta.difference + reach
        refused = policy.refuses_p(flag.removeprefix(policy.BASELINE_PREFIX) for flag in flags)
        p = None if refused else 2.0 * student_t_sf(abs(delta.difference) / se, df)
    return MatchedContrast(
        a=a,
        b=b,
        wer_a=None if suppressed else delta.wer_a,
        wer_b=None if suppressed else delta.wer_b,
        difference=None if suppressed else delta.difference,
        low=low,
        high=high,
        p=p,
        se=se,
        df=df,
        n_prompts=pairs.n_prompts,
        n_prompts_left_out=pairs.n_prompts_left_out,
        n_utterances=sum(pairs.n_utterances),
        n_left_out=pairs.n_left_out,
        n_speakers_a=estimates[0].n_speakers,
        n_speakers_b=estimates[1].n_speakers,
        flags=flags,
    )


def _flags(pairs: Pairs, estimates: list[RateEstimate], *, two_way: bool) -> tuple[str, ...]:
    """The policy's flags of A, of B, and those of the comparison."""
    sums = zip(pairs.by_speaker(pairs.errors), pairs.by_speaker(pairs.words), strict=True)
    facts = [
        policy.Facts(size, 0, True, of_group, macro_rate(*own))
        for size, of_group, own in zip(pairs.n_utterances, estimates, sums, strict=True)
    ]
    of_a, of_b = (policy.flags_of(fact) for fact in facts)
    own = {"conditional_on_prompts": not two_way, "few_prompts": two_way and pairs.n_prompts < MIN_PROMPTS}
    baseline = (policy.BASELINE_PREFIX + flag for flag in of_b)
    return (*of_a, *(flag for flag, holds in own.items() if holds), *baseline)
