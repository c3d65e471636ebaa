"""Many groups under many conditions: how often anything false is found, and how often what was planted.

20 groups of 12 to 40 speakers against a baseline group of 40 under 10 conditions; a speaker's log rate is that of the
person plus that of the person under the condition. Nothing differs, or 4 of the groups make 1.5 times the errors
everywhere. (Against the rest, every group would differ as soon as one does.) Each way of adjusting sees the same data
through the shipped code: contrasts, measures, families, max-T.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from regimes import REGIMES, Floats, rng_of, voices
from studies import Line

from asrfair.stats.contrasts import contrasts
from asrfair.stats.families import Family, Row, adjust
from asrfair.stats.groups import Grouping, SpeakerCounts
from asrfair.stats.measures import OMNIBUS, measures
from asrfair.stats.screen import Screen

N_GROUPS, N_CONDITIONS, N_DIFFERENT = 20, 10, 4
BASELINE = "baseline"
WAYS = {
    "unadjusted": None,
    "holm": Family("f", "confirmatory", "holm"),
    "bh behind the gate": Family("f", "screening", "bh"),
    "two-stage": Family("f", "screening", "two-stage"),
    "max-t": Family("f", "screening", "max-t"),
}


def screens(n: int) -> Iterator[Line]:
    """Family-wise error under the global null, FDR and power with four groups that differ."""
    case = f"{N_GROUPS} groups x {N_CONDITIONS} conditions"
    bounds = {way: (None, 0.06) for way in WAYS if way != "unadjusted"} | {"holm": (None, 0.08), "max-t": (None, 0.055)}
    false = _found(n, different=0)
    for way in WAYS:
        share = float(np.mean([hits > 0 for hits, _ in false[way]]))
        yield Line(f"any finding where nothing differs, {way}", case, share, *bounds.get(way, (None, None)), n)
    planted = _found(n, different=N_DIFFERENT)
    for way in WAYS:
        rates = [wrong / (wrong + right) if wrong + right else 0.0 for wrong, right in planted[way]]
        limit = 0.06 if way != "unadjusted" else None
        yield Line(f"false discovery rate, 4 groups differ, {way}", case, float(np.mean(rates)), None, limit, n)
        power = float(np.mean([right / (N_DIFFERENT * N_CONDITIONS) for _, right in planted[way]]))
        yield Line(f"power, 4 groups differ, {way}", case, power, None, None, n)


def _found(n: int, different: int) -> dict[str, list[tuple[int, int]]]:
    """Per way and simulation: findings of equal groups, and of those that differ."""
    found: dict[str, list[tuple[int, int]]] = {way: [] for way in WAYS}
    for number in range(n):
        rows, omnibus, screen = _audit(rng_of("screens", different, number), different)
        for way, family in WAYS.items():
            done = adjust(rows, [family], omnibus, screen.max_t) if family else rows
            p_values = [(row.group, row.found.p if family is None else row.p_adjusted) for _, row in done]
            hits = [group for group, p in p_values if p is not None and p < 0.05]
            right = sum(group.startswith("different") for group in hits)
            found[way].append((len(hits) - right, right))
    return found


def _audit(rng: np.random.Generator, different: int) -> tuple[list[Row], dict, Screen]:
    """The comparisons of one simulated audit."""
    sizes = np.append(rng.integers(12, 41, N_GROUPS), 40)
    labels = [f"{'different' if g < different else 'equal'} {g}" for g in range(N_GROUPS)] + [BASELINE]
    regime, m = REGIMES["conversation"], int(sizes.sum())
    gap = np.where(np.arange(len(sizes)) < different, np.log(1.5), 0.0)
    person = 0.8 * voices(rng, regime, m) + np.repeat(gap, sizes)
    words = np.rint(1000 * np.exp(0.5 * rng.standard_normal(m)))
    rows: list[Row] = []
    omnibus = {}
    screen = Screen([family for family in WAYS.values() if family], seed=0)
    for c in range(N_CONDITIONS):
        rates = 0.2 * np.exp(person + 0.6 * voices(rng, regime, m) + 0.1 * c)
        shape = regime.shape * words / regime.words
        errors = rng.poisson(words * rates * rng.gamma(shape, 1 / shape)).astype(float)
        cell = ("system", f"noise@{c}", "none")
        grouping = _grouping(labels, sizes, errors, words)
        for row in contrasts(grouping, BASELINE):
            rows.append((cell, row))
        omnibus[cell, "accent"] = next(r["p"] for r in measures(cell, grouping, 0) if r["measure"] == OMNIBUS)
        screen.add(cell, grouping, BASELINE)
    return rows, omnibus, screen


def _grouping(labels: list[str], sizes: np.ndarray, errors: Floats, words: Floats) -> Grouping:
    """The groups of one condition, as the analysis sees them."""
    speakers = np.arange(1, len(words) + 1)
    sums = np.zeros((8, len(words)), np.int64)
    sums[0], sums[2], sums[3] = 1, words - errors, errors
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    groups = {
        label: SpeakerCounts(speakers[a:b], sums[:, a:b])
        for label, a, b in zip(labels, bounds[:-1], bounds[1:], strict=True)
    }
    return Grouping("accent", groups, SpeakerCounts(speakers, sums))
