"""Plots for papers: each function draws into matplotlib axes, its own or yours, and returns them.

>>> from asrfair.report import plots  # doctest: +SKIP
>>> axes = plots.forest("runs/demo", "accent")  # doctest: +SKIP
>>> axes.figure.savefig("forest.pdf")  # doctest: +SKIP

Numbers come from the tables of the run, as they may be published: a group that is withheld is not drawn. Rates are in
per cent. The palette is for the colour-blind too, and every series has a marker of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asrfair.errors import InputError
from asrfair.records import ALL, CLEAN
from asrfair.report.cells import CellPart
from asrfair.report.comparison import Comparison
from asrfair.report.curve_figure import MOST_CURVES, curve_figure, draw_curves, has_curve
from asrfair.report.figures import MOST_GROUPS, draw_forest, forest_figure, styled
from asrfair.report.gap_figure import compared_groups, draw_changes, draw_gaps, draw_legend, row_axes
from asrfair.report.grid import Grid, curve_groups, grids
from asrfair.report.heat_map import draw_map
from asrfair.report.heat_map import heat_map as map_figure
from asrfair.report.published import Published, Run, published
from asrfair.report.stress_plots import smooth_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["comparison", "forest", "gap_dots", "heat_map", "wer_curve"]


def forest(
    run: Run | Published,
    attribute: str,
    *,
    system: str | None = None,
    condition: str | None = CLEAN,
    k: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The word error rate of every group with its 95 % interval.

    Args:
        run: a run folder, or what `asrfair.audit` gave.
        attribute: e.g. `accent` or `accent*gender`.
        system: only this; all by default.
        condition: only this, such as `hum@5dB`; None for all.
        k: speakers that a group needs; by default as on the card.
        ax: where to draw; axes of a figure of its own by default.

    Returns:
        The axes.

    Raises:
        InputError: no such attribute, system or condition, or nothing in it that may be shown.
    """
    cells = _cells(_opened(run, k), attribute, system, condition)
    if ax is None:
        return forest_figure(cells, attribute).axes[0]
    with styled():
        if len(draw_forest(ax, cells, attribute)) > 1:
            ax.legend(frameon=False)
    return ax


def gap_dots(
    run: Run | Published,
    attribute: str,
    *,
    system: str | None = None,
    condition: str | None = CLEAN,
    k: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How many times the errors of its baseline every group has, with its 95 % interval; filled where it was shown.

    Args:
        run: a run folder, or what `asrfair.audit` gave.
        attribute: e.g. `accent`.
        system: only this; all by default.
        condition: only this; None for all.
        k: speakers that a group needs; by default as on the card.
        ax: where to draw; axes of a figure of its own by default.

    Returns:
        The axes.

    Raises:
        InputError: no such attribute, system or condition, or no gap that may be shown.
    """
    cells = _cells(_opened(run, k), attribute, system, condition)
    groups = compared_groups(cells, attribute)
    if not groups:
        raise InputError(f"{attribute}: no group is compared with another that may be shown")
    with styled():
        made = ax if ax is not None else row_axes(min(len(groups), MOST_GROUPS), len(cells))
        names = draw_gaps(made, cells, attribute)
        if len(names) > 1:
            draw_legend(made, names, is_own=ax is None)
    return made


def heat_map(
    run: Run | Published, attribute: str, *, system: str | None = None, k: int | None = None, ax: Axes | None = None
) -> Axes:
    """The word error rate of every group under every condition, as a number on a colour.

    Args:
        run: a run folder, or what `asrfair.audit` gave.
        attribute: e.g. `accent`.
        system: which; needed where there are several.
        k: speakers that a group needs; by default as on the card.
        ax: where to draw, with room above for the names of the conditions; axes of a figure of its own by default.

    Returns:
        The axes.

    Raises:
        InputError: no such attribute or system, or several systems and none named.
    """
    grid = _grid(_opened(run, k), attribute, system)
    if ax is None:
        return map_figure(grid).axes[0]
    with styled():
        draw_map(ax, grid)
    return ax


def wer_curve(
    run: Run | Published,
    environment: str,
    attribute: str,
    *,
    system: str | None = None,
    k: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The word error rate of every group over the levels of an environment; bands are 95 % intervals.

    Args:
        run: a run folder, or what `asrfair.audit` gave.
        environment: its name, such as `machine-hum`.
        attribute: e.g. `accent`.
        system: which; needed where there are several.
        k: speakers that a group needs; by default as on the card.
        ax: where to draw, with room at the right for the names of the groups; axes of a figure of its own by default.

    Returns:
        The axes.

    Raises:
        InputError: no such attribute, system or environment, or an environment with one level.
    """
    found = _opened(run, k)
    grid = _grid(found, attribute, system)
    rooms = {room.name: room for room in grid.rooms if has_curve(room)}
    room = rooms[_known("environment with levels", environment, list(rooms))]
    groups, _ = curve_groups(grid, MOST_CURVES)
    if not groups:
        raise InputError(f"{attribute}: no group has a rate that may be shown under {environment}")
    smooth = smooth_curves(found.card, grid, room)
    if ax is None:
        return curve_figure(grid, room, groups, smooth).axes[0]
    with styled():
        draw_curves(ax, grid, room, groups, smooth)
    return ax


def comparison(
    found: Comparison, attribute: str, *, condition: str = CLEAN, normalizer: str | None = None, ax: Axes | None = None
) -> Axes:
    """What became of everybody and of every group from the old side to the new one, with 95 % intervals.

    Args:
        found: what `asrfair.pipeline.comparing.compare` gave; withheld groups are not in it.
        attribute: e.g. `accent`.
        condition: which.
        normalizer: which; the first by default.
        ax: where to draw, with room at the right for both rates; axes of a figure of its own by default.

    Returns:
        The axes.

    Raises:
        InputError: no such attribute, condition or normaliser.
    """
    rows = found.rows
    names = list(dict.fromkeys(row["normalizer"] for row in rows))
    kept = _known("normaliser", normalizer or next(iter(names), ""), names)
    rows = [row for row in rows if row["normalizer"] == kept]
    _known("condition", condition, list(dict.fromkeys(row["condition_id"] for row in rows)))
    rows = [row for row in rows if row["condition_id"] == condition]
    _known("attribute", attribute, list(dict.fromkeys(row["attribute"] for row in rows if row["attribute"] != ALL)))
    shown = [row for row in rows if row["attribute"] in (ALL, attribute)]
    with styled():
        made = ax if ax is not None else row_axes(min(len(shown), MOST_GROUPS + 1), 1)
        draw_legend(made, draw_changes(made, shown), is_own=ax is None)
    return made


def _opened(run: Run | Published, k: int | None) -> Published:
    """The run, read unless it was."""
    return run if isinstance(run, Published) else published(run, k=k)


def _cells(found: Published, attribute: str, system: str | None, condition: str | None) -> Sequence[CellPart]:
    """The cells to draw.

    Raises:
        InputError: names what there is.
    """
    cells = [c for c in found.cells if any(part.attribute == attribute for part in c.attributes)]
    _known("attribute", attribute, found.attributes)
    for what, wanted, key in (("system", system, "system_id"), ("condition", condition, "condition_id")):
        if wanted is not None:
            _known(what, wanted, list(dict.fromkeys(getattr(cell, key) for cell in cells)))
            cells = [cell for cell in cells if getattr(cell, key) == wanted]
    if not cells:
        raise InputError(f"{attribute}: {system} was not run under {condition}")
    return cells


def _grid(found: Published, attribute: str, system: str | None) -> Grid:
    """The grid of one system."""
    _known("attribute", attribute, found.attributes)
    mine = {g.system_id: g for g in grids(found.cells, found.card.signature["conditions"]) if g.attribute == attribute}
    if system is None and len(mine) > 1:
        raise InputError(f"{attribute}: say which system; there are {', '.join(mine)}")
    return mine[_known("system", next(iter(mine)) if system is None else system, list(mine))]


def _known(what: str, name: str, names: Sequence[str]) -> str:
    """A name that there is.

    Raises:
        InputError: it is not there, with those that are.
    """
    if name not in names:
        raise InputError(f"no {what} {name!r} that may be shown; there are {', '.join(names) or 'none'}")
    return name
