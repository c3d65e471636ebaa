"""Forest plots: the rate of every group with its interval. The same data give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from asrfair.report.card import AttributePart, CellPart
from asrfair.report.wording import condition

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's colours that can be told apart by the colour-blind and hold on white; markers differ too."""

MARKERS = ("o", "s", "^", "D", "v", "P")
ROW_INCHES = 0.34
MOST_GROUPS = 40
"""More groups than this make a plot that nobody can read; the table has them all."""


def forest_figure(cells: Sequence[CellPart], attribute: str) -> Figure:
    """The groups of one attribute under every system and condition.

    Args:
        cells: the parts of the card.
        attribute: e.g. `accent`.

    Returns:
        A matplotlib figure, WER in per cent.
    """
    from matplotlib.figure import Figure

    parts = [(cell, part) for cell in cells for part in cell.attributes if part.attribute == attribute]
    groups = list(dict.fromkeys(row.group for _, part in parts for row in part.groups))[:MOST_GROUPS]
    height = ROW_INCHES * max(1, len(groups)) * max(1.0, 0.55 * len(parts)) + 1.2
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.add_subplot()
    for number, (cell, part) in enumerate(parts):
        _draw(axes, cell, part, groups, (number, len(parts)))
    axes.set_yticks(range(len(groups)), [_plain(group) for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("word error rate, %, with 95 % interval")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(parts) > 1:
        figure.legend(loc="outside upper left", frameon=False, ncols=2)
    return figure


def _draw(axes: Axes, cell: CellPart, part: AttributePart, groups: Sequence[str], place: tuple[int, int]) -> None:
    """The points of one system under one condition."""
    number, of = place
    shift = (number - (of - 1) / 2) * 0.8 / of
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    label = f"{_plain(cell.system_id)}, {condition(cell.condition_id)}"
    rows = [row for row in part.groups if row.group in groups and row.wer is not None]
    heights = [groups.index(row.group) + shift for row in rows]
    centres = [row.wer * 100 for row in rows if row.wer is not None]
    axes.plot(centres, heights, linestyle="none", label=label, markersize=6, color=colour, marker=marker)
    for row, height in zip(rows, heights, strict=True):
        if row.wer_low is not None and row.wer_high is not None:
            axes.plot([row.wer_low * 100, row.wer_high * 100], [height, height], color=colour, linewidth=1.6)


def _plain(text: str) -> str:
    """A name that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def svg(figure: Figure) -> str:
    """A figure as an SVG element, without a date, an XML head or ids of its own."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "asrfair", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = out.getvalue()
    return text[text.index("<svg") :]
