"""Adjusting p-values for how many were looked at.

- Holm (1979): sorted p-values are multiplied by how many hypotheses are not yet rejected, and kept monotone. Controls
  the chance of any false finding in a family, whatever the dependence between tests.
- Benjamini & Hochberg (1995): controls the expected share of false findings among the findings (FDR); for a screen.
- Benjamini & Yekutieli (2001): the same under any dependence, at the price of a factor of about ln n.
- Two stages (Benjamini & Bogomolov 2014): select whole sets of hypotheses (all conditions of a group) by BH on their
  Simes p, then test inside the selected ones at `q S / K`, S of K sets selected: for reports that tell group by group.

None is a test that could not be made; it is not counted and stays None.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

PValues = Sequence[float | None]


def holm(p_values: PValues) -> list[float | None]:
    """Holm-adjusted p-values, in the order given.

    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    tested = _ranked(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, at) in enumerate(tested):
        reached = max(reached, (len(tested) - rank) * p)
        adjusted[at] = min(reached, 1.0)
    return adjusted


def benjamini_hochberg(p_values: PValues) -> list[float | None]:
    """BH-adjusted p-values (q-values), in the order given.

    >>> benjamini_hochberg([0.01, None, 0.04, 0.02])
    [0.03, None, 0.04, 0.03]
    """
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: PValues) -> list[float | None]:
    """BY-adjusted p-values: BH times `1 + 1/2 + ... + 1/n`.

    >>> benjamini_yekutieli([0.01, 0.04])
    [0.03, 0.06]
    """
    n = sum(p is not None for p in p_values)
    return _step_up(p_values, sum(1.0 / k for k in range(1, n + 1)))


def two_stage(p_values: PValues, sets: Sequence[Hashable], *, q: float = 0.05) -> list[float | None]:
    """p-values adjusted in two stages: below q where the set is selected and the hypothesis found inside it.

    Args:
        p_values: of all hypotheses.
        sets: what each hypothesis belongs to, e.g. its group.
        q: the level of both stages; a selected set's BH-adjusted p are multiplied by K / S.

    Returns:
        In the order given; at least the set's own adjusted Simes p, so that nothing in an unselected set is below q.

    >>> two_stage([0.001, 0.04, 0.6, 0.7], ["a", "a", "b", "b"])
    [0.004, 0.08, 1.0, 1.0]
    """
    members: dict[Hashable, list[int]] = {}
    for at, name in enumerate(sets):
        if p_values[at] is not None:
            members.setdefault(name, []).append(at)
    inside = {name: benjamini_hochberg([p_values[at] for at in places]) for name, places in members.items()}
    simes = [min(p for p in found if p is not None) for found in inside.values()]
    selected = dict(zip(members, benjamini_hochberg(simes), strict=True))
    n_selected = sum(p is not None and p <= q for p in selected.values())
    adjusted: list[float | None] = [None] * len(p_values)
    for name, places in members.items():
        floor = selected[name] or 0.0
        for at, p in zip(places, inside[name], strict=True):
            scaled = min((p or 0.0) * len(members) / max(n_selected, 1), 1.0)
            adjusted[at] = max(scaled, floor)
    return adjusted


def _step_up(p_values: PValues, factor: float) -> list[float | None]:
    """The smallest of `factor n / rank * p` over all that are as large or larger."""
    tested = _ranked(p_values)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 1.0
    for rank in range(len(tested), 0, -1):
        p, at = tested[rank - 1]
        reached = min(reached, factor * len(tested) / rank * p)
        adjusted[at] = reached
    return adjusted


def _ranked(p_values: PValues) -> list[tuple[float, int]]:
    """The p-values that there are, with their places, smallest first."""
    return sorted((p, at) for at, p in enumerate(p_values) if p is not None)
