"""Curves, heat maps and the page that they stand on: true to the tables, readable, inert, the same bytes each time."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from explorer_pages import runs_only_its_own_script
from hypothesis import given
from hypothesis import strategies as st
from last_mile_tables import last_mile
from report_tables import EVIL, RTL
from test_report_page import Page, contrast

from asrfair.report import make_card
from asrfair.report.curve_figure import MOST_CURVES, apart, curve_figure
from asrfair.report.figures import svg
from asrfair.report.grid import curve_groups, grids
from asrfair.report.heat_map import ground, heat_map
from asrfair.report.page import render_page


@pytest.fixture(scope="module")
def card():
    names = {RTL: (12, 0.12, 2.0), EVIL: (13, 0.11, 1.5), "Kenyan": (3, 0.0871, 3.0)}
    return make_card(*last_mile(accents=names), k=5)


@pytest.fixture(scope="module")
def page(card):
    return render_page(card)


@pytest.fixture(scope="module")
def grid(card):
    return grids(card.cells, card.signature["conditions"])[0]


def test_the_page_is_whole_inert_and_asks_nobody_for_anything(page):
    found = Page(page)
    assert not found.faults
    assert not found.open
    assert len(found.ids) == len(set(found.ids))
    assert {link for link in found.links if not link.startswith("#")} == set()
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert runs_only_its_own_script(page)
    assert EVIL in found.text
    assert re.findall(r"url\((?!#)", page) == []


def test_clean_tables_stand_open_and_those_under_noise_are_folded(page):
    depth, places = 0, {True: [], False: []}
    for closing, tag, text in re.findall(r"<(/?)(details|h4)[^>]*>((?:<bdi>[^<]*</bdi>|[^<])*)", page):
        depth += {"": 1, "/": -1}[closing] if tag == "details" else 0
        if (closing, tag) == ("", "h4"):
            places[depth > 0].append(text)
    assert [text.endswith("clean audio") for text in places[False]] == [True, True]
    assert len(places[True]) == 24
    assert "Everybody under noise: 12 rows" in page


def test_heat_map_and_curves_come_before_the_tables_of_an_attribute(page):
    first = page.index('<figure class="map"')
    assert first < page.index('<figure class="curve"') < page.index("<h4")
    assert page.count('<figure class="map"') == 2
    assert page.count('<figure class="curve"') == 6


def test_groups_that_have_no_curve_are_told_beside_it(page, grid):
    drawn, left = curve_groups(grid, MOST_CURVES)
    assert len(drawn) == MOST_CURVES
    assert drawn[0] == "US"
    assert left == ["Irish"]
    assert "Kenyan" not in (*drawn, *left)
    assert "Drawn are the baseline and the groups with the most errors; Irish are in the tables only." in page


def test_figures_are_the_same_bytes_each_time(grid):
    import matplotlib

    drawn, _ = curve_groups(grid, MOST_CURVES)
    makers = (lambda: heat_map(grid), lambda: curve_figure(grid, grid.rooms[0], drawn, {}))
    for make in makers:
        first = svg(make(), "p")
        with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
            assert svg(make(), "p") == first
        assert "<!--" not in first
        assert "currentColor" in first
        assert ElementTree.fromstring(first).tag.endswith("svg")


def _marks(axes):
    return {
        (float(x), round(float(y), 6))
        for line in axes.lines
        if line.get_linestyle() == "None" and line.get_marker() != "None" and line.get_transform() == axes.transData
        for x, y in line.get_xydata()
    }


def test_a_curve_shows_the_rates_of_the_table_at_their_levels(grid):
    (room,) = [room for room in grid.rooms if room.name == "imaging-room"]
    axes = curve_figure(grid, room, ["US", "Thai"], {}).axes[0]
    wanted = {
        (level, round(grid.wer(g, name) * 100, 6))
        for g in ("US", "Thai")
        for level, name in zip(room.levels, room.condition_ids, strict=True)
    }
    assert wanted <= _marks(axes)
    assert {round(grid.wer(g, "clean") * 100, 6) for g in ("US", "Thai")} <= {y for x, y in _marks(axes) if x > 20}


@pytest.mark.parametrize(("name", "falls"), [("imaging-room", True), ("lossy-call", False)])
def test_it_gets_harder_to_the_right(grid, name, falls):
    (room,) = [room for room in grid.rooms if room.name == name]
    left, right = curve_figure(grid, room, ["US"], {}).axes[0].get_xlim()
    assert (left > right) == falls


def test_the_line_of_a_curve_is_the_isotonic_one_where_there_is_one(grid):
    (room,) = [room for room in grid.rooms if room.name == "imaging-room"]
    axes = curve_figure(grid, room, ["US"], {"US": [(0.0, 0.5), (20.0, 0.25)]}).axes[0]
    assert [[0.0, 50.0], [20.0, 25.0]] in [line.get_xydata().tolist() for line in axes.lines]


def test_a_heat_map_has_the_rates_as_numbers_and_none_for_a_withheld_group(grid):
    axes = heat_map(grid).axes[0]
    texts = [text.get_text() for text in axes.texts]
    for group in ("US", "Thai"):
        assert all(f"{grid.wer(group, name) * 100:.1f}" in texts for name in grid.conditions)
    at = [label.get_text() for label in axes.get_yticklabels()].index("Kenyan")
    inside = [text for text in axes.texts if at < text.get_position()[1] < at + 1]
    assert inside == []
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert len(hatched) == 2 * len(grid.conditions)  # Kenyan, and the next smallest with them


@given(st.floats(0, 3))
def test_every_number_of_a_heat_map_can_be_read_on_its_ground(wer):
    assert contrast(*ground(wer)) >= 4.5


def test_the_colour_gets_darker_with_the_rate():
    inks = [contrast(ground(rate / 50)[0], "#ffffff") for rate in range(51)]
    assert inks == sorted(inks)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_names_beside_curves_never_cover_one_another_and_stay_inside(wanted):
    places = apart(sorted(wanted, reverse=True), 0.09)
    assert all(0 <= place <= 1 for place in places)
    assert all(high - low >= 0.09 - 1e-9 for high, low in pairwise(places))


def test_names_that_have_room_stay_where_their_lines_end():
    assert apart([0.9, 0.5, 0.2], 0.1) == pytest.approx([0.9, 0.5, 0.2])
