"""Forest plots: the rate of every group with its interval. The same data give the same bytes.

Colour never stands alone: every series has a marker of its own. Ink is left to the page (`currentColor`), so that one
SVG can be read on white and on black; the colours of the series have a contrast of 3:1 or more on both.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import category

from asrfair.report.cells import AttributePart, CellPart, GroupRow
from asrfair.report.wording import condition
from asrfair.stats.policy import SUPPRESSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009070", "#B5679A", "#A87900")
"""After Okabe and Ito's colours for the colour-blind, darkened where they fade on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Seven with five colours: 35 series before a pair repeats."""

INK = "#010203"
WIDTH_INCHES = 7.2
ROW_INCHES = 0.3
SERIES_INCHES = 0.13
MOST_GROUPS = 40
"""More groups than this make a plot that nobody can read; the table has them all."""

MOST_LETTERS = 30
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of those behind them, so that a name reads as another."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "asrfair",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
}


def plotted_groups(cells: Sequence[CellPart], attribute: str) -> list[str]:
    """The groups of an attribute under any system and condition, in the order of the tables."""
    parts = [part for cell in cells for part in cell.attributes if part.attribute == attribute]
    return list(dict.fromkeys(row.group for part in parts for row in part.groups))


def cut_intervals(cells: Sequence[CellPart], attribute: str) -> float | None:
    """Where the axis ends so that one hopeless interval does not squeeze all the others.

    Returns:
        The last rate that is drawn (a fraction): twice the highest rate, or 1 if that is more; None where every
        interval ends before that.
    """
    rows = [row for cell in cells for part in cell.attributes if part.attribute == attribute for row in part.groups]
    end = max(1.0, *(2 * row.wer for row in rows if row.wer is not None), 0.0)
    return end if any(row.wer_high is not None and row.wer_high > end for row in rows) else None


def forest_figure(cells: Sequence[CellPart], attribute: str) -> Figure:
    """The groups of one attribute under every system and condition; the first `MOST_GROUPS` of them.

    Args:
        cells: the parts of the card.
        attribute: e.g. `accent`.

    Returns:
        A matplotlib figure, WER in per cent; `savefig` makes a PNG of it, `svg` what the page shows.
    """
    from matplotlib.figure import Figure

    n_series = sum(part.attribute == attribute for cell in cells for part in cell.attributes)
    n_groups = len(plotted_groups(cells, attribute)[:MOST_GROUPS])
    with styled():
        height = max(1, n_groups) * (ROW_INCHES + SERIES_INCHES * (n_series - 1)) + 1.0 + 0.1 * n_series
        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        names = draw_forest(figure.add_subplot(), cells, attribute)
        if len(names) > 1:
            figure.legend(
                loc="outside upper left", frameon=False, ncols=2 if max(map(len, names)) < MOST_LETTERS else 1
            )
    return figure


def draw_forest(axes: Axes, cells: Sequence[CellPart], attribute: str) -> list[str]:
    """Draw the forest plot of an attribute.

    Args:
        axes: where to.
        cells: the parts of the card.
        attribute: e.g. `accent`.

    Returns:
        The names of the series, each the label of its points.
    """
    parts = [(cell, part) for cell in cells for part in cell.attributes if part.attribute == attribute]
    groups = plotted_groups(cells, attribute)[:MOST_GROUPS]
    names = series_names([cell for cell, _ in parts])
    end = cut_intervals(cells, attribute)
    for number, (_, part) in enumerate(parts):
        _draw(axes, part, groups, (number, len(parts)), names[number])
        if end is not None:
            _cut(axes, part, groups, (number, len(parts)), end)
    _mark_empty(axes, [part for _, part in parts], groups)
    axes.set_yticks(range(len(groups)), [plain(group) for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(left=0, right=None if end is None else end * 100)
    axes.set_xlabel("word error rate, %, with 95 % interval")
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return names


def svg(figure: Figure, prefix: str) -> str:
    """A figure as an SVG element without a date, comments or an XML head.

    Args:
        figure: what to draw.
        prefix: stands before every id, so that two figures can stand in one page.
    """
    out = io.StringIO()
    with styled(), warnings.catch_warnings():
        # The reader's browser draws the letters, so it does not matter which of them matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"<[^>]+>", lambda tag: _own_ids(tag.group(), prefix), text)


def _own_ids(tag: str, prefix: str) -> str:
    """A tag with ids of its own and with the page's ink."""
    tag = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}-", tag)
    return re.sub(rf"((?:fill|stroke): ?){INK}", r"\1currentColor", tag)


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib as it comes, whatever the user's own settings are, with the style of these plots."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def series_names(cells: Sequence[CellPart]) -> list[str]:
    """What tells the series apart: the condition, and the system where there are several."""
    if len({cell.system_id for cell in cells}) == 1:
        return [plain(condition(cell.condition_id)) for cell in cells]
    return [f"{plain(cell.system_id)}, {plain(condition(cell.condition_id))}" for cell in cells]


def _draw(axes: Axes, part: AttributePart, groups: Sequence[str], place: tuple[int, int], name: str) -> None:
    """The points of one system under one condition."""
    number = place[0]
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    points = [(row.wer * 100, row) for row in part.groups if row.group in groups and row.wer is not None]
    heights = [groups.index(row.group) + shift(place) for _, row in points]
    axes.plot(
        [rate for rate, _ in points],
        heights,
        linestyle="none",
        label=name,
        markersize=6.5,
        color=colour,
        marker=marker,
        clip_on=False,
        zorder=3,
    )
    for (_, row), height in zip(points, heights, strict=True):
        if row.wer_low is not None and row.wer_high is not None:
            axes.plot([row.wer_low * 100, row.wer_high * 100], [height, height], color=colour, linewidth=1.8)


def shift(place: tuple[int, int]) -> float:
    """How far a series lies below the middle of its row, for the n-th of so many."""
    number, of = place
    return (number - (of - 1) / 2) * 0.7 / of


def _cut(axes: Axes, part: AttributePart, groups: Sequence[str], place: tuple[int, int], end: float) -> None:
    """An arrow where an interval goes on beyond the axis."""
    for row in part.groups:
        if row.group in groups and row.wer_high is not None and row.wer_high > end:
            height, colour = groups.index(row.group) + shift(place), COLOURS[place[0] % len(COLOURS)]
            axes.plot([end * 100], [height], color=colour, marker=">", markersize=7, clip_on=False, zorder=3)


def _mark_empty(axes: Axes, parts: Sequence[AttributePart], groups: Sequence[str]) -> None:
    """Say why a group has no point."""
    rows: dict[str, list[GroupRow]] = {}
    for part in parts:
        for row in part.groups:
            rows.setdefault(row.group, []).append(row)
    for height, group in enumerate(groups):
        if all(row.wer is None for row in rows[group]):
            is_small = any(SUPPRESSED in row.flags for row in rows[group])
            reason = "not reported: too few speakers, or withheld with them" if is_small else "no rate"
            place: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            axes.annotate(reason, (0, height), fontsize=9, fontstyle="italic", **place)


def plain(text: str, most: int = MOST_LETTERS) -> str:
    """A short name that matplotlib does not take for mathematics, without control characters and turned text.

    Args:
        text: from data.
        most: letters that leave room for the plot.
    """
    text = " ".join("".join(c for c in text if c.isspace() or (c not in TURNING and category(c) != "Cc")).split())
    short = text if len(text) <= most else f"{text[: most - 1]}…"
    return short.replace("$", r"\$")
