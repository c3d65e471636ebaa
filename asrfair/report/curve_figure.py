"""Curves: the word error rate of every group against the level of an environment, one panel per environment.

Marks are measured rates, bands their 95 % intervals. The line is the isotonic curve of the analysis where there is one
(it never falls as it gets harder; Ayer et al. 1955), else it joins the marks. It gets harder from left to right,
whatever the unit; clean audio has no level and stands at the side. Every group has a colour, a marker and its name at
the end of its line, so that colour never stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import CLEAN
from asrfair.report.environments import Room
from asrfair.report.figures import COLOURS, INK, MARKERS, plain, styled
from asrfair.report.grid import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CURVES = 8
MOST_BANDS = 4
"""With more curves than this, only the first and the highest have a band: bands over bands cannot be told apart."""

SIZE_INCHES = (4.7, 3.5)
LABEL_STEP = 0.072
"""The least distance of two names at the ends of lines, as a share of the height."""

Smooth = Mapping[str, Sequence[tuple[float, float]]]
"""Group -> (level, rate) of its isotonic curve."""


def has_curve(room: Room) -> bool:
    """Whether an environment has levels enough for a curve."""
    return len([value for value in room.levels if value is not None]) > 1


def curve_figure(grid: Grid, room: Room, groups: Sequence[str], smooth: Smooth) -> Figure:
    """One panel.

    Args:
        grid: the rates of one system and attribute.
        room: an environment with two levels or more.
        groups: which to draw, `MOST_CURVES` at most.
        smooth: their isotonic curves; those of others are not drawn.

    Returns:
        A matplotlib figure, WER in per cent.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=SIZE_INCHES)
        draw_curves(figure.add_axes((0.13, 0.155, 0.54, 0.82)), grid, room, groups, smooth)
    return figure


def draw_curves(axes: Axes, grid: Grid, room: Room, groups: Sequence[str], smooth: Smooth) -> None:
    """Draw one panel; the names of the groups stand to the right of the axes.

    Args:
        axes: where to.
        grid: the rates of one system and attribute.
        room: an environment with two levels or more.
        groups: which to draw, `MOST_CURVES` at most.
        smooth: their isotonic curves; those of others are not drawn.
    """
    levels = sorted(value for value in room.levels if value is not None)
    span = levels[-1] - levels[0]
    easy, sign = (levels[0], 1) if room.hardest == "highest" else (levels[-1], -1)
    side = easy - sign * 0.2 * span
    ends = {}
    banded = banded_groups(grid, room, groups)
    for number, group in enumerate(groups):
        ends[group] = _curve(axes, grid, room, group, smooth.get(group), number, side, is_banded=group in banded)
    _frame(axes, room, side, has_clean=CLEAN in grid.conditions, unit=room.unit)
    axes.set_xlim(side - sign * 0.06 * span, (levels[-1] if sign > 0 else levels[0]) + sign * 0.03 * span)
    axes.set_ylim(0, _top(grid, room, groups, banded))
    _names(axes, groups, ends)


def _top(grid: Grid, room: Room, groups: Sequence[str], banded: Sequence[str]) -> float:
    """Where the axis ends, in per cent: a band that goes beyond 100 % and well beyond every rate is cut off."""
    names = [CLEAN, *room.condition_ids]
    rates = [wer for group in groups for name in names if (wer := grid.wer(group, name)) is not None]
    highs = [row.wer_high for group in banded for name in names if (row := grid.rows.get((group, name))) is not None]
    known = [high for high in highs if high is not None]
    highest = max(rates, default=1.0)
    return 103 * max(highest, min(max(known, default=highest), max(1.0, 1.1 * highest))) or 1.0


def banded_groups(grid: Grid, room: Room, groups: Sequence[str]) -> list[str]:
    """The groups with a band: all if they are few, else the baseline and the one with most errors at the hardest level.

    Args:
        grid: the rates of one system and attribute.
        room: an environment.
        groups: those that are drawn.
    """
    if len(groups) <= MOST_BANDS:
        return list(groups)
    hard = {group: grid.wer(group, room.condition_ids[-1]) or 0.0 for group in groups}
    first = [group for group in groups if group == grid.baseline] or [min(groups, key=lambda group: hard[group])]
    return [*first, max(groups, key=lambda group: hard[group])]


def _curve(
    axes: Axes,
    grid: Grid,
    room: Room,
    group: str,
    smooth: Sequence[tuple[float, float]] | None,
    number: int,
    side: float,
    *,
    is_banded: bool,
) -> float | None:
    """The marks, the line and the band of one group; where the line ends, in per cent."""
    look, points = _look(number), []
    for value, name in zip(room.levels, room.condition_ids, strict=True):
        row = grid.rows.get((group, name))
        if value is not None and row is not None and row.wer is not None:
            points.append((value, row.wer * 100, row.wer_low, row.wer_high))
    dots: dict[str, Any] = {"linestyle": "none", "markersize": 5.5, "clip_on": False, "zorder": 4, **look}
    axes.plot([p[0] for p in points], [p[1] for p in points], **dots)
    clean = grid.wer(group, CLEAN)
    if clean is not None:
        axes.plot([side], [clean * 100], **dots)
    line = sorted((x, y * 100) for x, y in smooth) if smooth else [(p[0], p[1]) for p in points]
    dash = "-" if number < len(COLOURS) else (0, (4, 2))
    axes.plot([x for x, _ in line], [y for _, y in line], color=look["color"], linewidth=1.7, linestyle=dash, zorder=3)
    known = [(x, low * 100, high * 100) for x, _, low, high in points if low is not None and high is not None]
    if is_banded and known:
        edges: dict[str, Any] = {"color": look["color"], "alpha": 0.16, "linewidth": 0, "zorder": 2}
        axes.fill_between([k[0] for k in known], [k[1] for k in known], [k[2] for k in known], **edges)
    if not line:
        return None
    return max(line)[1] if room.hardest == "highest" else min(line)[1]


def _look(number: int) -> dict[str, str]:
    """Colour and marker of a series; from the sixth on, when colours repeat, lines are dashed."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def _frame(axes: Axes, room: Room, side: float, *, has_clean: bool, unit: str) -> None:
    """Axes, and the place of clean audio."""
    levels = [value for value in room.levels if value is not None]
    ticks, names = list(levels), [f"{value:g}" for value in levels]
    if has_clean:
        ticks, names = [side, *ticks], ["clean", *names]
        axes.axvline((side + levels[0]) / 2, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set_xticks(ticks, names)
    axes.set_ylabel("word error rate, %")
    axes.set_xlabel(f"{plain(room.name, 24)}{f', {plain(unit, 8)}' if unit else ''} (harder to the right)")
    axes.grid(axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _names(axes: Axes, groups: Sequence[str], ends: Mapping[str, float | None]) -> None:
    """The name of every group beside the end of its line, moved apart where they would cover one another."""
    top = axes.get_ylim()[1]
    wanted = sorted(((end / top, group) for group, end in ends.items() if end is not None), reverse=True)
    places = apart([place for place, _ in wanted], LABEL_STEP)
    for (end, group), place in zip(wanted, places, strict=True):
        number = list(groups).index(group)
        look = _look(number)
        own: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "color": look["color"]}
        axes.plot([1.0, 1.045], [end, place], linewidth=0.8, **own)
        axes.plot([1.065], [place], marker=look["marker"], markersize=5.5, **own)
        axes.text(1.095, place, plain(group, 15), transform=axes.transAxes, va="center", fontsize=10)


def apart(wanted: Sequence[float], step: float) -> list[float]:
    """Places as near to the wanted ones as they can be with a step between them, from 0 to 1.

    Args:
        wanted: from high to low.
        step: the least distance.

    >>> [round(place, 2) for place in apart([0.5, 0.5, 0.1], 0.1)]
    [0.55, 0.45, 0.1]
    """
    blocks: list[list[float]] = []  # each: the sum of the wanted tops, how many
    for at, place in enumerate(wanted):
        blocks.append([place + at * step, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] < blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1]]
    tops = [total / n for total, n in blocks for _ in range(int(n))]
    placed = [top - at * step for at, top in enumerate(tops)]
    below = range(len(placed) - 1, -1, -1)
    return [min(max(place, below[at] * step), 1.0 - at * step) for at, place in enumerate(placed)]
