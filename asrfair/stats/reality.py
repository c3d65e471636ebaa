"""Does the simulated room do what the real one does?

Per group, the rate under the simulated condition beside that of real recordings, of the same speakers: each is deleted
from both at once (paired jackknife, t), so that who speaks cancels. The real side is a condition of the same run, where
utterances are the same too; or the clean utterances that were recorded in the real room, and then the simulated side
counts the other utterances of those speakers: on the same prompts where prompts are known, else the flag
`other_utterances` says that texts differ.

Verdicts: `alike` if the 90 % interval of the ratio lies inside the margin both ways (two one-sided tests at 5 %;
Schuirmann 1987), by default 1/1.25 to 1.25; else `differs` if the 95 % interval excludes 1; else `cannot tell`. A wide
interval is never taken for likeness. Near the ceiling (a rate above .8, flag `ceiling`) all rooms look alike, so that
there it is `cannot tell` in place of `alike`; a difference that shows even there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from asrfair.errors import InputError
from asrfair.records import CLEAN
from asrfair.stats import policy
from asrfair.stats.atoms import distinct
from asrfair.stats.conditions import Conditions, Mask
from asrfair.stats.contrasts import aligned
from asrfair.stats.degradation import both_flags
from asrfair.stats.disparity import compare_paired
from asrfair.stats.groups import Grouping, SpeakerCounts

Row = dict[str, Any]

MARGIN = 1.25
OTHER_UTTERANCES = "other_utterances"


def reality_rows(found: Conditions, simulated: str, real: str, *, margin: float = MARGIN) -> list[Row]:
    """Rows of `tables.REALITY` of one system and normaliser.

    Args:
        found: the conditions.
        simulated: a condition.
        real: another condition, or `ATTR=GROUP`: clean utterances of that group.
        margin: the largest ratio, either way, that counts as alike; above 1.

    Returns:
        The rows; none where one of the two was not run.

    Raises:
        InputError: a margin of 1 or less.
    """
    if not margin > 1.0:
        raise InputError(f"margin {margin}: must be above 1; 1.25 allows a quarter more or less")
    if simulated not in found.heard:
        return []
    if real in found.heard:
        both = found.heard[simulated].ok & found.heard[real].ok
        pairs = found.groupings(both, found.heard[simulated], found.heard[real])
        return list(_rows(found, (simulated, real), ((a, b) for a, b in pairs), margin, []))
    attribute, _, group = real.partition("=")
    if CLEAN not in found.heard or attribute not in found.values:
        return []
    names = [group in (label or "").split("|") for label in found.labels[attribute]]
    inside = np.array(names)[found.values[attribute]]
    here, there = ~inside & found.heard[simulated].ok, inside & found.heard[CLEAN].ok
    here, there, flags = _same_people(found, here, there)
    sides = zip(
        found.groupings(here, found.heard[simulated], but=attribute),
        found.groupings(there, found.heard[CLEAN], but=attribute),
        strict=False,
    )
    return list(_rows(found, (simulated, real), ((a, b) for (a,), (b,) in sides), margin, flags))


def _same_people(found: Conditions, simulated: Mask, real: Mask) -> tuple[Mask, Mask, list[str]]:
    """The utterances of speakers (and, where there are any, their prompts) that are on both sides."""
    if found.prompts is not None:
        asked = (found.prompts > 0) & (found.speakers > 0)
        number, _ = distinct(np.stack([found.speakers, found.prompts]))
        at = [_on_both(number, one & asked, other & asked) for one, other in ((simulated, real), (real, simulated))]
        if at[0].any():
            return at[0], at[1], []
    known = found.speakers > 0
    at = [_on_both(found.speakers, a & known, b & known) for a, b in ((simulated, real), (real, simulated))]
    return at[0], at[1], [OTHER_UTTERANCES]


def _on_both(number: np.ndarray, here: Mask, there: Mask) -> Mask:
    """The rows of one side whose number occurs on the other."""
    met = np.zeros(int(number.max(initial=0)) + 1, dtype=bool)
    met[number[there]] = True
    found: Mask = here & met[number]
    return found


def _rows(
    found: Conditions,
    names: tuple[str, str],
    sides: Iterator[tuple[Grouping, Grouping]],
    margin: float,
    flags: list[str],
) -> Iterator[Row]:
    """One row a group that is on both sides."""
    base = {"system_id": found.system_id, "normalizer": found.normalizer, "margin": margin}
    base |= {"simulated": names[0], "real": names[1]}
    for mine, theirs in sides:
        for group in mine.groups:
            if group in theirs.groups:
                row = compared(mine.groups[group], theirs.groups[group], margin)
                row["flags"] += flags
                yield base | {"attribute": mine.attribute, "group": group} | row


def compared(simulated: SpeakerCounts, real: SpeakerCounts, margin: float) -> Row:
    """One group in the simulated room and in the real one."""
    flags = both_flags(simulated, real)
    row: Row = {"flags": flags, "verdict": "cannot tell"}
    known = simulated.speakers_known and real.speakers_known
    everyone, (of_simulated, of_real) = aligned(simulated, real)
    row["n_speakers"] = len(everyone) if known else None
    if policy.SUPPRESSED in flags:
        return row
    rates = simulated.facts.estimate.rate, real.facts.estimate.rate
    row |= {"simulated_wer": rates[0], "real_wer": rates[1]}
    if rates[0] is not None and rates[1] is not None:
        row |= {"wer_difference": rates[0] - rates[1], "wer_ratio": rates[0] / rates[1] if all(rates) else None}
    if not known:
        return row
    wide, narrow = (compare_paired(*of_simulated, *of_real, confidence=c) for c in (0.95, 0.90))
    row |= {"difference_low": wide.difference_low, "difference_high": wide.difference_high}
    row |= {"ratio_low": wide.ratio_low, "ratio_high": wide.ratio_high}
    if not policy.refuses_p(flags):
        found = _verdict((narrow.ratio_low, narrow.ratio_high), row, margin)
        row["verdict"] = "cannot tell" if found == "alike" and policy.CEILING in flags else found
    return row


def _verdict(narrow: tuple[float | None, float | None], row: Mapping[str, Any], margin: float) -> str:
    """`alike`, `differs` or `cannot tell`."""
    if narrow[0] is not None and narrow[1] is not None and 1.0 / margin < narrow[0] and narrow[1] < margin:
        return "alike"
    if row["ratio_low"] is not None and not row["ratio_low"] <= 1.0 <= row["ratio_high"]:
        return "differs"
    return "cannot tell"
