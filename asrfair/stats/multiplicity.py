"""Adjusting p-values for how many were looked at.

Holm (1979): sorted p-values are multiplied by how many hypotheses are not yet rejected, and kept monotone. It controls
the chance of any false finding in a family, whatever the dependence between tests, and is never weaker than Bonferroni.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p-values, in the order given.

    Args:
        p_values: the family; None is a test that could not be made, which is not counted and stays None.

    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    tested = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    reached = 0.0
    for rank, (p, at) in enumerate(tested):
        reached = max(reached, (len(tested) - rank) * p)
        adjusted[at] = min(reached, 1.0)
    return adjusted
