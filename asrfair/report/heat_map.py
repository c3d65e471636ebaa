"""The heat map: the word error rate of every group under every condition, as a number on a colour.

The numbers carry the meaning; the colour only leads the eye. It runs from pale to dark in one hue, so that it is read
alike by the colour-blind and in print, on a scale that is the same on every card: the square root of the rate, from 0
to 100 %. Cells have a ground and an ink of their own (contrast 4.5:1 or more), so that they do not change with the
page; what stands outside them is in the page's ink. A withheld cell is hatched and has no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asrfair.records import CLEAN
from asrfair.report.columns import width
from asrfair.report.figures import INK, plain, styled
from asrfair.report.grid import EVERYBODY, Grid
from asrfair.report.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RAMP = ("#FFF4E6", "#FDC28A", "#E8743B", "#A8370B", "#511500")
"""Pale to dark, evenly spaced on the scale."""

DARK, PALE = "#000000", "#ffffff"
MOST_ROWS = 30
"""More groups than this make a map that nobody can read; the tables have them all."""

CELL_INCHES, ROW_INCHES, LETTER_INCHES, HEAD_INCHES = 0.47, 0.29, 0.092, 0.62
MOST_LETTERS = 22
EMPTY = "\N{EN DASH}"


def heat_map(grid: Grid) -> Figure:
    """The map of one system and attribute; the first `MOST_ROWS` of its groups.

    Args:
        grid: the rates.

    Returns:
        A matplotlib figure, WER in per cent.
    """
    from matplotlib.figure import Figure

    names = _rows(grid)
    with styled():
        side = 0.15 + LETTER_INCHES * max(width(plain(name, MOST_LETTERS)) for _, name in names)
        size = (side + CELL_INCHES * len(grid.conditions), HEAD_INCHES + ROW_INCHES * len(names))
        figure = Figure(figsize=size)
        draw_map(figure.add_axes((side / size[0], 0.0, 1 - side / size[0], 1 - HEAD_INCHES / size[1])), grid)
    return figure


def draw_map(axes: Axes, grid: Grid) -> None:
    """Draw the map; what stands over its columns needs `HEAD_INCHES` above the axes.

    Args:
        axes: where to; `ROW_INCHES` a row fit its letters.
        grid: the rates.
    """
    names = _rows(grid)
    for row, (group, _) in enumerate(names):
        for column, name in enumerate(grid.conditions):
            _cell(axes, (column, row), grid.wer(group, name), is_withheld=grid.is_withheld(group, name))
    axes.set_xlim(0, len(grid.conditions))
    axes.set_ylim(len(names), 0)
    axes.set_yticks([row + 0.5 for row in range(len(names))], [plain(name, MOST_LETTERS) for _, name in names])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _heads(axes, grid)


def _rows(grid: Grid) -> list[tuple[str | None, str]]:
    """Whose rates the rows are, with the names to show."""
    return [(None, EVERYBODY), *((group, group) for group in grid.groups[:MOST_ROWS])]


def ground(wer: float) -> tuple[str, str]:
    """The colour of a rate and the ink that can be read on it.

    Args:
        wer: a fraction; beyond 1 the colour stays what it is at 1.

    >>> ground(0.0)
    ('#fff4e6', '#000000')
    """
    place = max(0.0, min(1.0, wer)) ** 0.5 * (len(RAMP) - 1)
    at = min(int(place), len(RAMP) - 2)
    first, second = ([int(RAMP[i][j : j + 2], 16) for j in (1, 3, 5)] for i in (at, at + 1))
    mixed = [round(a + (b - a) * (place - at)) for a, b in zip(first, second, strict=True)]
    channels = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in mixed]
    luminance = 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]
    return "#" + "".join(f"{c:02x}" for c in mixed), DARK if luminance > 0.179 else PALE


def _cell(axes: Axes, place: tuple[int, int], wer: float | None, *, is_withheld: bool) -> None:
    """One rate, or why there is none."""
    from matplotlib.patches import Rectangle

    column, row = place
    middle: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 9.5}
    box: tuple[tuple[float, float], float, float] = ((column + 0.03, row + 0.05), 0.94, 0.9)
    if wer is not None:
        colour, ink = ground(wer)
        axes.add_patch(Rectangle(*box, facecolor=colour, edgecolor="none"))
        axes.text(column + 0.5, row + 0.52, percent(wer, 0 if wer >= 0.9995 else 1), color=ink, **middle)
    elif is_withheld:
        axes.add_patch(Rectangle(*box, facecolor="none", edgecolor=INK, hatch="////", linewidth=0.4, alpha=0.45))
    else:
        axes.text(column + 0.5, row + 0.52, EMPTY, **middle)


def _heads(axes: Axes, grid: Grid) -> None:
    """The levels over the columns, the environments over the levels."""
    above: dict[str, Any] = {"ha": "center", "va": "bottom", "annotation_clip": False, "textcoords": "offset points"}
    if CLEAN in grid.conditions:
        axes.annotate("clean", (0.5, 0), xytext=(0, 5), fontsize=10, **above)
    for room in grid.rooms:
        columns = [grid.conditions.index(name) for name in room.condition_ids]
        for column, value in zip(columns, room.levels, strict=True):
            if value is not None:
                axes.annotate(f"{value:g}", (column + 0.5, 0), xytext=(0, 5), fontsize=10, **above)
        left, right = columns[0] + 0.08, columns[-1] + 0.92
        line: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "clip_on": False}
        inch = axes.figure.dpi / axes.bbox.height
        axes.plot([left, right], [1 + 0.27 * inch] * 2, color=INK, linewidth=0.8, **line)
        unit = f", {room.unit}" if room.unit and room.levels[0] is not None else ""
        most = max(6, round(len(columns) * CELL_INCHES / 0.085) - len(unit))
        axes.annotate(plain(room.name, most) + unit, ((left + right) / 2, 0), xytext=(0, 22), fontsize=10, **above)
