"""Does a release pass? Rules on rates, gaps, completion and regressions, decided by interval.

A rule is `value <= limit` for every group that it looks at. On the scale of the interval (log for rates and ratios,
plain for differences) with estimate `x`, standard error `s` and degrees of freedom `df`, all taken from the interval of
the table:

    violated      x - t(1 - alpha/m, df) s > limit    a violation is shown, at 5 % over all m comparisons of the rule
                                                      of one system (Bonferroni; one-sided)
    kept          x + t(1 - alpha, df) s <= limit     every group is within the limit; asking that of all groups at once
                                                      needs no adjustment (intersection-union test, Berger 1982)
    cannot tell   neither, or no interval

A floor (completion) is the other way round. Completion is a count of what happened in this run, not an estimate: it is
compared as it is. A gate with a rule that is violated fails; else, with one that cannot be told, it cannot tell.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asrfair.stats.student_t import student_t_quantile

ALPHA = 0.05
VIOLATED, KEPT, CANNOT_TELL = "violated", "kept", "cannot tell"


@dataclass(frozen=True, slots=True)
class Measured:
    """A value that a rule looks at, with its 95 % interval.

    Attributes:
        place: system, condition, normaliser, attribute and group that it is of.
        value: estimate; None where there is none.
        low, high: of the interval; None where there is none.
        df: of the interval; None for the normal distribution, or where there is no interval.
        scale: `rate` and `ratio` (intervals are symmetric on the log scale), `difference`, or `share`.
        is_exact: a fact of the run and no estimate: a count of what happened, or a group in which nothing changed.
        baseline: what the group is compared with; None where it is not.
    """

    place: tuple[str, str, str, str, str]
    value: float | None
    low: float | None = None
    high: float | None = None
    df: float | None = None
    scale: str = "rate"
    baseline: str | None = None
    is_exact: bool = False

    @property
    def is_log(self) -> bool:
        """Whether the interval is symmetric on the log scale."""
        return self.scale in ("rate", "ratio")


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one value under one rule.

    Attributes:
        rule: its name.
        limit: of the rule.
        measured: the value.
        outcome: `violated`, `kept` or `cannot tell`.
        bound: of what was kept the bound that keeps it; else the one that would show, or shows, a violation; None
            without an interval.
        comparisons: how many values of this system the rule looks at.
    """

    rule: str
    limit: float
    measured: Measured
    outcome: str
    bound: float | None
    comparisons: int


def decide(rule: str, limit: float, measured: Sequence[Measured], *, is_floor: bool = False) -> list[Decision]:
    """Hold values to a rule.

    Args:
        rule: its name.
        limit: highest value allowed, or lowest if it is a floor; on the scale of the values.
        measured: the values, one a group, condition and so on.
        is_floor: whether values may not be below the limit.

    >>> some = Measured(("s", "clean", "n", "accent", "a"), 0.30, 0.25, 0.36, 20.0)
    >>> [decide("wer", limit, [some])[0].outcome for limit in (0.20, 0.29, 0.40)]
    ['violated', 'cannot tell', 'kept']
    """
    systems = Counter(value.place[0] for value in measured)
    return [_decided(rule, limit, value, systems[value.place[0]], is_floor=is_floor) for value in measured]


def verdict(decisions: Iterable[Decision]) -> str:
    """What the whole gate says."""
    outcomes = {decision.outcome for decision in decisions}
    return VIOLATED if VIOLATED in outcomes else CANNOT_TELL if CANNOT_TELL in outcomes or not outcomes else KEPT


def _decided(rule: str, limit: float, measured: Measured, m: int, *, is_floor: bool) -> Decision:
    """One value under a rule."""
    if measured.value is None:
        return Decision(rule, limit, measured, CANNOT_TELL, None, m)
    if measured.is_exact:
        is_kept = measured.value >= limit if is_floor else measured.value <= limit
        return Decision(rule, limit, measured, KEPT if is_kept else VIOLATED, measured.value, m)
    side = 1 if is_floor else -1
    showing, keeping = _bound(measured, side, m), _bound(measured, -side, 1)
    if showing is not None and (limit - showing) * side > 0:
        return Decision(rule, limit, measured, VIOLATED, showing, m)
    if keeping is not None and (limit - keeping) * side <= 0:
        return Decision(rule, limit, measured, KEPT, keeping, m)
    return Decision(rule, limit, measured, CANNOT_TELL, showing, m)


def _bound(measured: Measured, side: int, m: int) -> float | None:
    """A one-sided bound at `ALPHA / m`, from the 95 % interval; that of the interval itself if it has no estimate."""
    value, end = measured.value, measured.low if side < 0 else measured.high
    if value is None or end is None or not math.isfinite(end):
        return None
    if measured.is_log:
        if value <= 0.0 or end <= 0.0:
            return end  # No errors: the interval is exact and one-sided, and has no standard error.
        value, end = math.log(value), math.log(end)
    df = math.inf if measured.df is None else measured.df
    reach = abs(end - value) * student_t_quantile(1.0 - ALPHA / m, df) / student_t_quantile(0.975, df)
    bound = value + side * reach
    return math.exp(bound) if measured.is_log else bound
