"""What may be said of a group, as data: the policy table of METHODS section 0.

Each rule is a flag, what it means in plain words, what it withholds, and when it holds. The flags of a group stand in
its row. The row of a disparity has the flags of its group, those of its baseline with `baseline_` before them, and its
own (`CONTRAST_FLAGS`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from asrfair.stats.rates import RateEstimate

MIN_SPEAKERS = 3
MIN_SPEAKERS_FOR_P = 5
MIN_SPEAKERS_FOR_CALM = 10
MIN_EFFECTIVE_SPEAKERS = 3.0
MAX_SHARE = 0.25
MAX_SHARE_PUBLISHED = 0.5
MAX_RATE = 0.8
MIN_WORDS = 500
ALPHA = 0.05

SUPPRESSED = "suppressed"
SPEAKERS_UNKNOWN = "speakers_unknown"
CEILING = "ceiling"
BASELINE_PREFIX = "baseline_"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the policy looks at, for one group or for the rest.

    Attributes:
        n_utterances: rows, failures included.
        n_failed: rows without a transcript.
        speakers_known: false if a transcribed row has no speaker.
        estimate: pooled rate with its variance, over the transcribed rows.
        macro: mean of the speakers' rates.
    """

    n_utterances: int
    n_failed: int
    speakers_known: bool
    estimate: RateEstimate
    macro: float | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy table.

    Attributes:
        flag: its machine-readable name.
        meaning: the same in plain words.
        applies: when it holds.
        refuses_p: whether it withholds the p-value (and with it any verdict).
    """

    flag: str
    meaning: str
    applies: Callable[[Facts], bool]
    refuses_p: bool = False


def _is_suppressed(f: Facts) -> bool:
    return f.speakers_known and f.estimate.n_speakers < MIN_SPEAKERS


def _has_few_speakers(f: Facts) -> bool:
    effective = f.estimate.effective_speakers
    few = f.estimate.n_speakers < MIN_SPEAKERS_FOR_P or (effective is not None and effective < MIN_EFFECTIVE_SPEAKERS)
    return f.speakers_known and few


def _is_fragile(f: Facts) -> bool:
    share = f.estimate.largest_share
    leaning = f.estimate.n_speakers < MIN_SPEAKERS_FOR_CALM or (share is not None and share > MAX_SHARE)
    return f.speakers_known and leaning and not _has_few_speakers(f)


def _is_dominated(f: Facts) -> bool:
    return f.speakers_known and f.estimate.largest_share is not None and f.estimate.largest_share > MAX_SHARE_PUBLISHED


def _has_no_spread(f: Facts) -> bool:
    estimate = f.estimate
    return f.speakers_known and bool(estimate.rate) and estimate.variance is not None and estimate.log_variance is None


def _size_is_informative(f: Facts) -> bool:
    rate, macro, se = f.estimate.rate, f.macro, f.estimate.se
    if rate is None or macro is None or se is None or not f.speakers_known:
        return False
    return abs(rate - macro) > se


RULES = (
    Rule(
        SUPPRESSED,
        f"fewer than {MIN_SPEAKERS} speakers: too few people to make a rate of",
        _is_suppressed,
        refuses_p=True,
    ),
    Rule("all_failed", "no utterance was transcribed", lambda f: f.n_failed == f.n_utterances),
    Rule(
        SPEAKERS_UNKNOWN,
        "utterances without a speaker: no interval and no test can be given",
        lambda f: not f.speakers_known,
        refuses_p=True,
    ),
    Rule(
        "few_speakers",
        f"fewer than {MIN_SPEAKERS_FOR_P} speakers, or so unequal that they weigh as fewer than 3: no test",
        _has_few_speakers,
        refuses_p=True,
    ),
    Rule(
        "fragile",
        f"fewer than {MIN_SPEAKERS_FOR_CALM} speakers, or one of them has more than a quarter of the words",
        _is_fragile,
    ),
    Rule("dominated", "one speaker has more than half of the words", _is_dominated),
    Rule("few_words", f"fewer than {MIN_WORDS} reference words", lambda f: f.estimate.words < MIN_WORDS),
    Rule("no_words", "no reference words: a rate is not defined", lambda f: not f.estimate.words),
    Rule("no_errors", "no errors: no interval and no ratio", lambda f: f.estimate.rate == 0.0),
    Rule("no_spread", "all speakers have exactly the same rate: no interval", _has_no_spread),
    Rule(
        "informative_size",
        "who talks more is recognised differently: pooled and speaker-mean rates differ by more than a standard error",
        _size_is_informative,
    ),
    Rule(
        CEILING,
        f"word error rate above {MAX_RATE:.0%}: gaps close for want of room",
        lambda f: f.estimate.rate is not None and f.estimate.rate > MAX_RATE,
    ),
    Rule(
        "wer_above_1",
        "more errors than reference words",
        lambda f: f.estimate.rate is not None and f.estimate.rate > 1.0,
    ),
)

CONTRAST_FLAGS: Mapping[str, str] = {
    "paired": "speakers are in both groups: compared within speakers",
    "mirrored": "the same test as the row of the other group, counted once",
    "baseline_absent": "the baseline group named does not occur: compared with the rest",
    "confounded_with_speaker": f"every group has fewer than {MIN_SPEAKERS} speakers: group and voice are one",
}

FURTHER_FLAGS: Mapping[str, str] = {
    "design_effect_assumed": "speakers are not known: the interval rests on a design effect that the user vouches for",
    "failures_differ": "the systems failed on other utterances: the rates are not of the same words",
    "unchanged": "every speaker has as many errors as before: no change, and no interval",
    "complementary": "withheld, because a smaller group could be worked out from this one and the totals",
}
"""Flags that other parts set: `design_effect`, `system_gaps`, `comparison`, and on a card `suppression`."""

_MEANINGS = {rule.flag: rule.meaning for rule in RULES}
_REFUSES_P = frozenset(rule.flag for rule in RULES if rule.refuses_p)


def flags_of(facts: Facts) -> tuple[str, ...]:
    """The flags of one group, in the order of the table; a suppressed one tells nothing else of its errors."""
    flags = tuple(rule.flag for rule in RULES if rule.applies(facts))
    return tuple(f for f in flags if f in (SUPPRESSED, "all_failed")) if SUPPRESSED in flags else flags


def refuses_p(flags: Iterable[str]) -> bool:
    """Whether the flags of a group withhold the p-value of every comparison with it."""
    return not _REFUSES_P.isdisjoint(flags)


def meaning(flag: str) -> str:
    """A flag in plain words; unknown flags are returned as they are.

    >>> meaning("baseline_few_words")
    'baseline: fewer than 500 reference words'
    """
    told = {**CONTRAST_FLAGS, **FURTHER_FLAGS}
    told |= _MEANINGS
    own = flag.removeprefix(BASELINE_PREFIX)
    if flag not in told and own in told:
        return f"baseline: {told[own]}"
    return told.get(flag, flag)


def is_confounded_with_speaker(n_speakers: Iterable[int | None]) -> bool:
    """Whether an attribute cannot be told apart from who speaks: every group has fewer than 3 speakers.

    Args:
        n_speakers: speakers of each group, `missing` left out; None where they are not known.

    >>> is_confounded_with_speaker([1, 2, 1]), is_confounded_with_speaker([1, 5])
    (True, False)
    """
    counts = list(n_speakers)
    return bool(counts) and all(n is not None and n < MIN_SPEAKERS for n in counts)


def verdict(ratio: float | None, p_adjusted: float | None, *, suppressed: bool) -> str:
    """What a row of the disparity table says.

    Args:
        ratio: group over baseline.
        p_adjusted: Holm-adjusted p; None where no test could be made.
        suppressed: whether either side is.

    Returns:
        `suppressed`, `cannot tell`, `higher`, `lower` or `not shown`.

    >>> verdict(1.8, 0.01, suppressed=False), verdict(1.8, 0.2, suppressed=False), verdict(1.8, None, suppressed=False)
    ('higher', 'not shown', 'cannot tell')
    """
    if suppressed:
        return SUPPRESSED
    if p_adjusted is None or ratio is None:
        return "cannot tell"
    if p_adjusted >= ALPHA:
        return "not shown"
    return "higher" if ratio > 1.0 else "lower"
