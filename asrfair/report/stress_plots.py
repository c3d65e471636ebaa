"""The curves and heat maps of a card, as markup for the page, with what stands under them."""

from __future__ import annotations

from typing import Any

from asrfair.report.card import Card
from asrfair.report.curve_figure import MOST_CURVES, Smooth, banded_groups, curve_figure, has_curve
from asrfair.report.environments import Room
from asrfair.report.figures import svg
from asrfair.report.grid import Grid, curve_groups, grids
from asrfair.report.heat_map import MOST_ROWS, heat_map
from asrfair.report.sections._sweeps import CURVE, read
from asrfair.report.wording import count, isolated, listed

MOST_NAMES = 8


def stress_plots(card: Card) -> dict[str, list[list[dict[str, Any]]]]:
    """Attribute -> rows of plots: per system its heat map, then its curves side by side.

    Args:
        card: with conditions other than clean.
    """
    found: dict[str, list[list[dict[str, Any]]]] = {}
    for number, grid in enumerate(grids(card.cells, card.signature["conditions"])):
        if any(grid.wer(group, name) is not None for group in grid.groups for name in grid.conditions):
            place = found.setdefault(grid.attribute, [])
            place.append([_map(grid, f"map{number}")])
            curves = _curves(card, grid, f"curve{number}")
            if curves:
                place.append(curves)
    return found


def _map(grid: Grid, prefix: str) -> dict[str, Any]:
    """The heat map of one system."""
    what = f"Word error rate in %, by {grid.attribute} and condition, {isolated(grid.system_id)}"
    notes = ["The colour is on the same scale on every card: the darker, the more errors."]
    if any(grid.is_withheld(group, name) for group in grid.groups for name in grid.conditions):
        notes.append("Hatched: not reported; too few speakers, or withheld with them.")
    left = grid.groups[MOST_ROWS:]
    if left:
        notes.append(f"The last {count(len(left), 'group')} are in the tables only.")
    return {
        "kind": "map",
        "svg": _markup(svg(heat_map(grid), prefix)),
        "label": f"{what}; the tables below have the same numbers",
        "caption": f"{what}; environment by environment, harder to the right. {' '.join(notes)}",
    }


def _curves(card: Card, grid: Grid, prefix: str) -> list[dict[str, Any]]:
    """One panel for each environment that has levels."""
    groups, left = curve_groups(grid, MOST_CURVES)
    if not groups:
        return []
    made = []
    for number, room in enumerate(grid.rooms):
        if has_curve(room):
            figure = curve_figure(grid, room, groups, smooth_curves(card, grid, room))
            what = f"Word error rate by {grid.attribute} over the levels of {room.name}, {isolated(grid.system_id)}"
            made.append(
                {
                    "kind": "curve",
                    "svg": _markup(svg(figure, f"{prefix}-{number}")),
                    "label": f"{what}; the tables below have the same numbers",
                    "caption": f"{what}.{_bands(grid, room, groups)}{_left_out(left, grid)}",
                }
            )
    return made


def _bands(grid: Grid, room: Room, groups: list[str]) -> str:
    """Whose intervals are drawn."""
    names = banded_groups(grid, room, groups)
    whose = "" if len(names) == len(groups) else f" of {listed([isolated(name) for name in names])}"
    return f" Bands: 95 % intervals{whose}."


def _left_out(names: list[str], grid: Grid) -> str:
    """Which groups have no curve."""
    if not names:
        return ""
    shown = [isolated(name) for name in names[:MOST_NAMES]]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    first = "the baseline and the groups" if grid.baseline in grid.groups else "the groups"
    return f" Drawn are {first} with the most errors; {listed([*shown, *more])} are in the tables only."


def smooth_curves(card: Card, grid: Grid, room: Room) -> Smooth:
    """The isotonic curves of the analysis.

    Args:
        card: with its tables.
        grid: of one system and attribute.
        room: an environment.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    normalizers = {cell.normalizer for cell in card.cells}
    for row in read(card.tables.get("curves") or []):
        place = row["system_id"], row["environment"], row["attribute"]
        mine = place == (grid.system_id, room.name, grid.attribute) and row["normalizer"] in normalizers
        if mine and row["measure"] == CURVE and None not in (row["at"], row["value"]):
            found.setdefault(row["group"], []).append((row["at"], row["value"]))
    return found


def _markup(text: str) -> Any:
    """Markup that was made here."""
    from markupsafe import Markup

    return Markup(text)
