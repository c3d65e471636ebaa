"""What the levels of an environment do to each group: measures over a whole sweep.

Of the utterances that were transcribed at every level of an environment (and clean), so that levels differ by nothing
else. Measures, by the name that they have in `tables.CURVES`:

- `wer` at a level: the isotonic curve (`isotonic`), with the log-jackknife interval of its value there;
- `level_at` a rate (.30 unless asked otherwise): the level at which the curve comes down to it;
- `penalty` at that rate: how much easier the level must be for the group than for its baseline (SNR: dB more; loss
  rate: per cent less), positive where the group is worse off: its dB-equivalent penalty;
- `quiet_equals` at the group's clean rate: the level at which the baseline's curve comes down to what the group has in
  quiet: "B in quiet meets the errors that A meets at X dB";
- `area`: the mean rate over the range of levels, and `area_ratio` against the baseline;
- `worst_case`: errors of each utterance under its own worst level, over its words; `worst_case_ratio` against the
  baseline; the environment `all` stands for the worst of all conditions of the run.

Every speaker is deleted from all levels and from clean at once (jackknife), with t intervals. Degrees of freedom:
Satterthwaite's for unequal words; of two groups combined over both (coverage of `level_at` .94, .90, .94 and .96 at 5,
10, 20 and 50 speakers, of `area` .94; percentile bootstraps .79 to .94). `censored` says that a level lies beyond those
measured: `value` is then only its bound, `at_least` or `at_most`, and there is no interval; `both` where nothing bounds
it. A level that one speaker decides (without whom it is censored) has the flag `edge` and no interval. A rate above .8
at any level has the flag `ceiling`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from asrfair.records import ALL, CLEAN, REST
from asrfair.stats import policy
from asrfair.stats.arrays import Floats
from asrfair.stats.conditions import Conditions
from asrfair.stats.contrasts import named_baseline, sides
from asrfair.stats.degradation import both_flags
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.isotonic import area, level_at
from asrfair.stats.jackknife import Estimate
from asrfair.stats.sweeps import Axis, Curve, Pair, axes

Row = dict[str, Any]
Jackknife = Callable[[Floats], Estimate]
"""From a statistic of everybody and without each speaker to its estimate."""

THRESHOLD = 0.30
AT_LEAST, AT_MOST, BOTH = "at_least", "at_most", "both"
_UNTOLD = frozenset({policy.SUPPRESSED, "no_words"})
"""Groups with these flags have no curve."""


def curve_rows(found: Conditions, *, threshold: float = THRESHOLD) -> Iterator[Row]:
    """Rows of `tables.CURVES` over the levels of each environment, the worst cases left out (`worst_case`).

    Args:
        found: one system and normaliser.
        threshold: the rate at which levels are told.
    """
    for environment, axis in axes(found.places).items():
        base = {"system_id": found.system_id, "environment": environment, "normalizer": found.normalizer}
        heard = [found.heard[place.condition_id] for place in axis.places]
        quiet = [found.heard[CLEAN]] if CLEAN in found.heard else []
        rows = np.all([one.ok for one in (*heard, *quiet)], axis=0)
        for groupings in found.groupings(rows, *heard, *quiet):
            attribute = groupings[0].attribute
            for row in _attribute_rows(groupings, axis, threshold, found.baselines.get(attribute)):
                yield base | {"attribute": attribute} | row


def _attribute_rows(
    groupings: tuple[Grouping, ...], axis: Axis, threshold: float, baseline: str | None
) -> Iterator[Row]:
    """Every group alone, then each against its other side."""
    k = len(axis.x)
    for group in groupings[0].groups:
        counts = [of.groups[group] for of in groupings]
        flags = both_flags(*counts)
        told: Row = {"group": group, "n_speakers": _n_speakers(counts[0]), "flags": flags}
        if _UNTOLD.isdisjoint(flags):
            yield from (told | row for row in _alone(Curve(counts[:k], counts[k:]), axis, threshold, told["flags"]))
    first = groupings[0]
    if first.attribute == ALL:
        return
    named = named_baseline(first, baseline)
    for (group, _, _), *pairs in zip(sides(first, named), *(sides(of, named) for of in groupings), strict=True):
        mine, theirs = [a for _, a, _ in pairs], [b for _, _, b in pairs]
        flags = [*both_flags(*mine), *(policy.BASELINE_PREFIX + flag for flag in both_flags(*theirs))]
        if not _UNTOLD.isdisjoint(flag.removeprefix(policy.BASELINE_PREFIX) for flag in flags):
            continue
        told = {"group": group, "baseline": named or REST, "n_speakers": _n_speakers(mine[0]), "flags": flags}
        yield from (told | row for row in _against(Pair(mine, theirs, k), axis, threshold, flags))


def _n_speakers(counts: SpeakerCounts) -> int | None:
    return len(counts.speakers) if counts.speakers_known else None


def _alone(curve: Curve, axis: Axis, threshold: float, flags: list[str]) -> Iterator[Row]:
    """Measures of one group."""
    for place, values in zip(axis.places, curve.iso.T, strict=True):
        yield {"measure": "wer", "at": place.level} | logarithmic(values, curve.estimate, known=curve.known)
    crossing = level_at(axis.x, curve.iso, threshold)
    told: Row = {"measure": "level_at", "at": threshold}
    yield told | _level(crossing, axis, curve.estimate, flags, known=curve.known)
    yield {"measure": "area", "at": None} | logarithmic(area(axis.x, curve.rates), curve.estimate, known=curve.known)


def _against(pair: Pair, axis: Axis, threshold: float, flags: list[str]) -> Iterator[Row]:
    """Measures of a group beside its other side."""
    crossings = [level_at(axis.x, side.iso, threshold) for side in (pair.a, pair.b)]
    yield {"measure": "penalty", "at": threshold} | _penalty(crossings, axis, pair, flags)
    if pair.a.quiet is not None:
        met = level_at(axis.x, pair.b.iso, pair.a.quiet)
        told = {"measure": "quiet_equals", "at": float(pair.a.quiet[0])}
        yield told | _level(met, axis, pair.estimate, flags, known=pair.known)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = area(axis.x, pair.a.rates) / area(axis.x, pair.b.rates)
    yield {"measure": "area_ratio", "at": None} | logarithmic(ratio, pair.estimate, known=pair.known)


def _level(crossing: Floats, axis: Axis, estimated: Jackknife, flags: list[str], *, known: bool) -> Row:
    """A level, or its bound where it is censored; the ends of the interval in the order of the numbers."""
    if not math.isfinite(crossing[0]):
        end = axis.x[-1] if crossing[0] > 0 else axis.x[0]
        direction = AT_LEAST if (crossing[0] > 0) == (axis.sign > 0) else AT_MOST
        return _row(axis.sign * float(end), flags=flags, censored=direction)
    found = estimated(crossing) if known else None
    low, high = _ends(found)
    if axis.sign < 0 and low is not None and high is not None:
        low, high = -high, -low
    edge = known and not np.isfinite(crossing).all()
    return _row(axis.sign * float(crossing[0]), low, high, found, flags=[*flags, "edge"] if edge else flags)


def _penalty(crossings: Sequence[Floats], axis: Axis, pair: Pair, flags: list[str]) -> Row:
    """How much easier the level must be for the group."""
    a, b = (float(crossing[0]) for crossing in crossings)
    if math.isfinite(a) and math.isfinite(b):
        values = crossings[0] - np.where(np.isfinite(crossings[0]), crossings[1], 0.0)
        found = pair.estimate(values) if pair.known else None
        edge = pair.known and not np.isfinite(values).all()
        return _row(a - b, *_ends(found), found, flags=[*flags, "edge"] if edge else flags)
    if a == b:
        return _row(None, flags=flags, censored=BOTH)
    mine, theirs = (float(np.clip(level, axis.x[0], axis.x[-1])) for level in (a, b))
    return _row(mine - theirs, flags=flags, censored=AT_LEAST if a > b else AT_MOST)


def _ends(found: Estimate | None) -> tuple[float | None, float | None]:
    return (None, None) if found is None else found.interval()


def logarithmic(values: Floats, estimated: Jackknife, *, known: bool) -> Row:
    """A positive number with its interval on the log scale; none where it is 0 with or without somebody."""
    value = float(values[0])
    if not (known and value > 0 and np.isfinite(values).all() and (values > 0).all()):
        return _row(value if math.isfinite(value) else None)
    found = estimated(np.log(values))
    return _row(value, *found.log_interval(), found)


def _row(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    found: Estimate | None = None,
    *,
    flags: list[str] | None = None,
    censored: str | None = None,
) -> Row:
    """The numbers of a row."""
    row: Row = {"value": value, "low": low, "high": high, "df": None if found is None else found.df}
    return row | {"censored": censored} | ({} if flags is None else {"flags": flags})
