"""Intervals where the manifest does not say who speaks, if the user vouches for a design effect.

Utterances are taken as independent and the variance of the log rate is multiplied by the design effect that the user
states: about how many times fewer independent utterances there are than utterances. Nothing in the data supports it,
so there is no p and no verdict, and the flag `speakers_unknown` stays. Without a stated effect there is no interval at
all: utterance-by-utterance 95 % intervals cover 42 to 72 % where speakers repeat (METHODS section 2).
"""

from __future__ import annotations

import math
from typing import Any

from asrfair.errors import InputError
from asrfair.stats.policy import BASELINE_PREFIX, SPEAKERS_UNKNOWN
from asrfair.stats.rates import RateEstimate, combine_df, log_interval

Row = dict[str, Any]
FLAG = "design_effect_assumed"
MOST = 1e6


def check_design_effect(effect: float | None) -> None:
    """Refuse what is no design effect.

    Raises:
        InputError: not from 1 to a million.
    """
    if effect is not None and not 1.0 <= effect <= MOST:
        raise InputError(
            f"design effect {effect}: must be 1 or more (1 says that every utterance has its own speaker), and "
            f"at most {MOST:,.0f}"
        )


def with_interval(row: Row, found: RateEstimate, effect: float) -> Row:
    """A row of groups with an interval from its utterances, if its speakers are not known.

    Args:
        row: of `tables.GROUPS`.
        found: the estimate of its rate with utterances in the place of speakers.
        effect: the design effect.
    """
    if SPEAKERS_UNKNOWN not in row["flags"] or found.log_variance is None or found.df is None or not found.rate:
        return row
    low, high = log_interval(found.rate, math.sqrt(effect * found.log_variance), found.df, 0.95)
    return row | {"wer_low": low, "wer_high": high, "df": found.df, "flags": [*row["flags"], FLAG]}


def with_ratio_interval(row: Row, sides: tuple[RateEstimate, RateEstimate], effect: float) -> Row:
    """A row of disparities with an interval of the ratio, if a side's speakers are not known; never with a p.

    Args:
        row: of `tables.DISPARITIES`.
        sides: the estimates of group and baseline with utterances in the place of speakers.
        effect: the design effect.
    """
    unknown = {SPEAKERS_UNKNOWN, BASELINE_PREFIX + SPEAKERS_UNKNOWN}
    variances = [side.log_variance for side in sides]
    dfs = [side.df for side in sides]
    if unknown.isdisjoint(row["flags"]) or None in variances or None in dfs or not row["wer_ratio"]:
        return row
    known = [effect * v for v in variances if v is not None]
    df = combine_df(known, [nu for nu in dfs if nu is not None])
    low, high = log_interval(row["wer_ratio"], math.sqrt(sum(known)), df, 0.95)
    return row | {"ratio_low": low, "ratio_high": high, "df": df, "flags": [*row["flags"], FLAG]}
