"""Gaps as ratios with intervals, and changes between two releases with intervals: one row a group.

Colour never stands alone: every series has a marker, and a marker is filled where the analysis showed a gap or a
change, hollow where it did not. Ratios stand on a logarithmic axis, so that twice and half are as far from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asrfair.records import ALL, REST
from asrfair.report.cells import CellPart, GroupRow
from asrfair.report.figures import (
    COLOURS,
    INK,
    MARKERS,
    MOST_GROUPS,
    MOST_LETTERS,
    WIDTH_INCHES,
    plain,
    series_names,
    shift,
)
from asrfair.report.grid import EVERYBODY
from asrfair.report.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.33, 0.5, 0.67, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MOST_TICKS = 9
ROW_INCHES, HEAD_INCHES = 0.36, 1.3
SHOWN = frozenset({"higher", "lower"})
LOOKS: Mapping[str, tuple[str, str, bool]] = {
    "worse": (COLOURS[1], "^", True),
    "better": (COLOURS[0], "v", True),
    "not shown": (INK, "o", False),
    "cannot tell": (INK, "D", False),
}
"""Verdict -> colour, marker, whether it is filled."""


def compared_groups(cells: Sequence[CellPart], attribute: str) -> list[str]:
    """The groups of an attribute that have a ratio under any system and condition."""
    rows = (row for cell in cells for row in _rows(cell, attribute))
    return list(dict.fromkeys(row.group for row in rows if row.wer_ratio is not None))


def draw_gaps(axes: Axes, cells: Sequence[CellPart], attribute: str) -> list[str]:
    """Draw how many times the errors of its baseline every group has.

    Args:
        axes: where to.
        cells: the parts of the card that have the attribute.
        attribute: e.g. `accent`.

    Returns:
        The names of the series, each the label of its points.
    """
    groups, names = compared_groups(cells, attribute)[:MOST_GROUPS], series_names(cells)
    drawn = [[row for row in _rows(cell, attribute) if row.group in groups and row.wer_ratio] for cell in cells]
    low, high = _ends([row for rows in drawn for row in rows])
    for number, (rows, name) in enumerate(zip(drawn, names, strict=True)):
        look: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        axes.plot([], [], linestyle="none", markersize=6.5, label=name, **look)
        for row in rows:
            height = groups.index(row.group) + shift((number, len(cells)))
            _line(axes, (row.ratio_low, row.ratio_high), (low, high), height, look["color"])
            face = look["color"] if row.verdict in SHOWN else "white"
            axes.plot([row.wer_ratio or low], [height], markersize=6.5, markerfacecolor=face, zorder=3, **look)
    axes.axvline(1.0, color=INK, linewidth=0.9)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    within = [tick for tick in TICKS if low <= tick <= high]
    ticks = [tick for tick in within if len(within) <= MOST_TICKS or tick in (0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    _frame(axes, groups)
    axes.set_xlabel(f"times the word error rate of {_whose(drawn)}, with 95 % interval\n(filled: a gap was shown)")
    return names


def draw_changes(axes: Axes, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Draw what became of everybody and of every group, old rate and new rate at the right.

    Args:
        axes: where to.
        rows: of `tables.COMPARISON`, of one condition, normaliser and attribute, with the row of everybody.

    Returns:
        The verdicts that occur, each the label of its points.
    """
    rows = [row for row in rows if row["wer_difference"] is not None][: MOST_GROUPS + 1]
    found = [verdict for verdict in LOOKS if any(row["verdict"] == verdict for row in rows)]
    for verdict in found:
        colour, marker, is_filled = LOOKS[verdict]
        face = colour if is_filled else "white"
        mine = [(row["wer_difference"] * 100, height) for height, row in enumerate(rows) if row["verdict"] == verdict]
        look: dict[str, Any] = {"linestyle": "none", "color": colour, "marker": marker, "markerfacecolor": face}
        axes.plot([x for x, _ in mine], [y for _, y in mine], markersize=7, zorder=3, label=verdict, **look)
    for height, row in enumerate(rows):
        if row["difference_low"] is not None and row["difference_high"] is not None:
            ends = [row["difference_low"] * 100, row["difference_high"] * 100]
            colour = LOOKS[row["verdict"]][0] if row["verdict"] in LOOKS else INK
            axes.plot(ends, [height, height], color=colour, linewidth=1.8)
        told = f"{percent(row['old_wer'])} \N{RIGHTWARDS ARROW} {percent(row['wer'])}"
        axes.text(1.02, height, told, transform=axes.get_yaxis_transform(), va="center", fontsize=9.5)
    axes.axvline(0.0, color=INK, linewidth=0.9)
    _frame(axes, [EVERYBODY if row["attribute"] == ALL else row["group"] for row in rows])
    axes.set_xlabel("change of the word error rate, points, with 95 % interval")
    return found


def row_axes(n_rows: int, n_series: int) -> Axes:
    """Axes of a figure of their own, as high as its rows need."""
    from matplotlib.figure import Figure

    height = HEAD_INCHES + n_rows * (ROW_INCHES + 0.1 * (n_series - 1)) + 0.1 * n_series
    return Figure(figsize=(WIDTH_INCHES, height), layout="constrained").add_subplot()


def draw_legend(axes: Axes, names: Sequence[str], *, is_own: bool) -> None:
    """The names of the series: above the axes in a figure of its own, else inside."""
    if not is_own:
        axes.legend(frameon=False)
        return
    figure: Any = axes.figure
    columns = min(4, len(names)) if max(map(len, names), default=0) < MOST_LETTERS else 1
    figure.legend(loc="outside upper left", frameon=False, ncols=columns)


def _rows(cell: CellPart, attribute: str) -> Iterable[GroupRow]:
    """The groups of one attribute in one cell."""
    return (row for part in cell.attributes if part.attribute == attribute for row in part.groups)


def _ends(rows: Sequence[GroupRow]) -> tuple[float, float]:
    """Where the axis of ratios ends: beyond every ratio; an interval that goes far beyond them is cut."""
    ratios = [row.wer_ratio for row in rows if row.wer_ratio]
    least, most = min([*ratios, 1.0]) / 2, max([*ratios, 1.0]) * 2
    lows = [row.ratio_low for row in rows if row.ratio_low is not None]
    highs = [row.ratio_high for row in rows if row.ratio_high is not None]
    return max(least, min([*lows, *ratios, 0.9]) * 0.95), min(most, max([*highs, *ratios, 1.1]) * 1.05)


def _line(
    axes: Axes, within: tuple[float | None, float | None], ends: tuple[float, float], height: float, colour: str
) -> None:
    """An interval, with an arrow where it goes on beyond the axis."""
    if within[0] is None or within[1] is None:
        return
    axes.plot([max(within[0], ends[0]), min(within[1], ends[1])], [height, height], color=colour, linewidth=1.8)
    for is_beyond, end, marker in ((within[0] < ends[0], ends[0], "<"), (within[1] > ends[1], ends[1], ">")):
        if is_beyond:
            axes.plot([end], [height], color=colour, marker=marker, markersize=7, clip_on=False, zorder=3)


def _whose(drawn: Sequence[Sequence[GroupRow]]) -> str:
    """The baseline, where there is one for all."""
    names = {row.baseline for rows in drawn for row in rows}
    if len(names) != 1:
        return "the baseline"
    name = names.pop() or REST
    return "everybody else" if name == REST else plain(name)


def _frame(axes: Axes, groups: Sequence[str]) -> None:
    """The names of the groups, from above."""
    axes.set_yticks(range(len(groups)), [plain(group) for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
