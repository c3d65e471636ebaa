"""What a condition does to each group of speakers.

`WERD_gc = R_gc - R_g,clean` and the ratio `R_gc / R_g,clean`, over the utterances that were transcribed both clean and
under the condition. A speaker is deleted from clean and noisy together (jackknife, t with m - 1 degrees of freedom):
most of what makes speakers differ is in both and cancels, so that the interval of the change is much narrower than the
two rates' own would suggest. The p-value is that of the log ratio.

Where either rate is above .8 the row has the flag `ceiling`: a rate that cannot rise hides what the condition does.
Differs from robustness benchmarks (Speech Robust Bench, Shah et al. 2024) by pairing and by intervals over speakers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asrfair.records import CLEAN
from asrfair.stats import policy
from asrfair.stats.conditions import Conditions
from asrfair.stats.contrasts import aligned
from asrfair.stats.disparity import compare_paired
from asrfair.stats.groups import SpeakerCounts

Row = dict[str, Any]

NUMBERS = ("clean_wer", "wer", "wer_difference", "difference_low", "difference_high")
RATIOS = ("wer_ratio", "ratio_low", "ratio_high", "p", "df")


def degradation_rows(found: Conditions) -> Iterator[Row]:
    """Rows of `tables.DEGRADATION` of one system and normaliser; none where clean was not run."""
    for place in found.places:
        pairs = found.pairs(place.condition_id)
        if pairs is None:
            return
        base = found.base(place)
        for noisy, clean in found.groupings(pairs, found.heard[place.condition_id], found.heard[CLEAN]):
            for group in noisy.groups:
                row = base | {"attribute": noisy.attribute, "group": group}
                yield row | changed(noisy.groups[group], clean.groups[group])


def changed(noisy: SpeakerCounts, clean: SpeakerCounts) -> Row:
    """One group under the condition against itself in clean, with what the policy withholds left out."""
    flags = both_flags(noisy, clean)
    row: Row = dict.fromkeys((*NUMBERS, *RATIOS)) | {"flags": flags, "n_pairs": noisy.totals[0]}
    known = noisy.speakers_known
    row |= {"n_speakers": len(noisy.speakers) if known else None, "n_ref_words": int(noisy.words.sum())}
    if policy.SUPPRESSED in flags:
        return row
    rate, quiet = noisy.facts.estimate.rate, clean.facts.estimate.rate
    row |= {"wer": rate, "clean_wer": quiet}
    if rate is not None and quiet is not None:
        row |= {"wer_difference": rate - quiet, "wer_ratio": rate / quiet if rate and quiet else None}
    if not known:
        return row
    _, (of_noisy, of_clean) = aligned(noisy, clean)
    told = compare_paired(*of_noisy, *of_clean)
    row |= {"difference_low": told.difference_low, "difference_high": told.difference_high, "df": told.df}
    row |= {"ratio_low": told.ratio_low, "ratio_high": told.ratio_high}
    return row | {"p": None if policy.refuses_p(flags) else told.p}


def both_flags(*counts: SpeakerCounts) -> list[str]:
    """The flags of a group on several sides, each once."""
    return list(dict.fromkeys(flag for side in counts for flag in policy.flags_of(side.facts)))
