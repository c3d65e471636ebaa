"""The card, the page and the plots: self-contained, inert, readable, and silent on what is suppressed."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from explorer_pages import runs_only_its_own_script
from report_tables import EVIL, RTL, gap, group, run_record, tables, under

from asrfair.report import make_card, render_table, write_report
from asrfair.report.figures import COLOURS, MARKERS, MOST_GROUPS, forest_figure, svg
from asrfair.report.page import render_page

VOID = {"meta", "link", "br", "img", "input", "hr"}
CSS = Path(__file__).parents[2] / "asrfair" / "report" / "templates" / "page.css"


class Page(HTMLParser):
    """What a page is made of, and whether its elements close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.open, self.faults, self.csp, self.text = [], [], [], [], [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        self.links += [found[name] for name in ("href", "src", "xlink:href", "action") if found.get(name)]
        self.faults += [f"{tag}: {name}" for name in found if name.startswith("on")]
        if "id" in found:
            self.ids.append(found["id"])
        if found.get("http-equiv") == "Content-Security-Policy":
            self.csp = found["content"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_data(self, data):
        self.text += data

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> is out of place")


GROUPS = [group("accent", "US"), group("accent", "Scottish", wer=0.2), group("gender", "f"), group("gender", "m")]
GAPS = [gap("accent", "Scottish"), gap("gender", "f", baseline="rest", ratio=1.1, p=0.6)]


def page(groups=GROUPS, gaps=GAPS, **more):
    return render_page(make_card(run_record(**more), *tables(groups, gaps), k=None))


@pytest.mark.parametrize("noisy", [False, True], ids=["clean", "clean and noisy"])
def test_the_page_is_whole_and_asks_nobody_for_anything(noisy):
    found = Page(page([*GROUPS, *map(under, GROUPS)] if noisy else GROUPS))
    assert not found.faults
    assert not found.open
    assert len(found.ids) == len(set(found.ids))
    assert {link for link in found.links if not link.startswith("#")} == set()
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert found.csp.startswith("default-src 'none'")
    assert runs_only_its_own_script(page([*GROUPS, *map(under, GROUPS)] if noisy else GROUPS))


def test_nothing_from_outside_is_named_in_style_or_plots():
    text = page()
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


@pytest.mark.parametrize("name", [EVIL, '" onload="x', "</svg></style><b>", "{{ 7 * 7 }}", "a $x^2$ _c_", "&lt;b&gt;"])
def test_a_name_from_data_is_shown_as_it_is_and_does_nothing(name):
    clean, found = Page(page()), Page(page([*GROUPS, group("accent", name)], [*GAPS, gap("accent", name)]))
    assert not found.faults
    assert {tag for tag, _ in found.tags} == {tag for tag, _ in clean.tags}
    assert name in found.text


def test_every_text_of_the_manifest_and_the_run_is_escaped():
    manifest = dict.fromkeys(("name", "version", "licence", "collection", "consent", "notes", "language"), EVIL)
    manifest["attributes"] = {EVIL: {"kind": "accent", "provenance": "recorded", "description": EVIL, "unit": EVIL}}
    systems = [{"system_id": "engine", "name": EVIL, "version": EVIL, "options": {EVIL: EVIL}}]
    failures = [{"system_id": EVIL, "condition_id": EVIL, "attribute": EVIL, "group": EVIL, "n_utterances": 2}]
    failures[0] |= {"n_failed": 1, "kinds": {EVIL: 1}}
    coverage = {"groups": [{"attribute": EVIL, "group": EVIL, "n_utterances": 1, "n_speakers": 1}]}
    coverage["groups"][0] |= {"minutes": None, "words": 3}
    conditions = [{"condition_id": EVIL, "description": EVIL, "environment_digest": EVIL, "seed": 0}]
    more = {"systems": systems, "failures": failures, "coverage": coverage, "conditions": conditions, "run_id": EVIL}
    text = page(manifest=manifest, **more)
    assert not Page(text).faults
    assert runs_only_its_own_script(text)


def test_where_nothing_could_be_tested_the_page_does_not_speak_of_gaps():
    groups = [group("accent", name, wer=None, n_speakers=1, flags=["suppressed"]) for name in "AB"]
    found = page(groups, [gap("accent", "B", baseline="A", ratio=None, p=None, verdict="suppressed")])
    assert "No comparison could be tested" in found
    assert "No gap was shown. " not in found[: found.index('id="words"')]


def test_right_to_left_names_stand_in_elements_of_their_own():
    assert f"<bdi>{RTL}</bdi>" in page([*GROUPS, group("accent", RTL)])


def test_tables_have_captions_and_scoped_heads_and_scroll_by_keyboard():
    found = Page(page())
    heads = [attributes for tag, attributes in found.tags if tag == "th"]
    assert heads
    assert all(head.get("scope") in ("col", "row") for head in heads)
    assert sum(tag == "table" for tag, _ in found.tags) == sum(tag == "caption" for tag, _ in found.tags)
    regions = [attributes for _, attributes in found.tags if attributes.get("class") == "scroll"]
    assert all(region["tabindex"] == "0" and region["aria-label"] for region in regions)


@pytest.mark.parametrize("absent", ["manifest", "conditions", "costs", "verbs", "created", "run_id", "seed"])
def test_a_run_that_does_not_say_everything_still_has_a_page(absent):
    record = {key: value for key, value in run_record().items() if key != absent}
    assert not Page(render_page(make_card(record, *tables(GROUPS, GAPS)))).faults


def test_a_run_of_which_only_systems_and_normalisers_are_known_is_written(tmp_path):
    record = {key: run_record()[key] for key in ("systems", "normalizers")}
    assert len(write_report(tmp_path, record, *tables(GROUPS, GAPS))) == 4


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """The contrast ratio of WCAG 2."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


SCREEN, PRINT = CSS.read_text().split("@media print")
LIGHT, DARK = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in SCREEN.split("prefers-color-scheme"))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "more", "fewer", "link"])
def test_every_ink_can_be_read_on_every_ground(theme, ink):
    for ground in ("paper", "band"):
        assert contrast(theme[ink], theme[ground]) >= 4.5


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_of_a_plot_can_be_seen_on_either_ground(colour, theme):
    assert contrast(colour, theme["paper"]) >= 3.0


def test_colour_and_marker_together_repeat_late():
    series = [(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i in range(30)]
    assert len(set(series)) == 30


def _cells(groups):
    return make_card(run_record(), *tables(groups), k=None).cells


def test_a_plot_is_the_same_bytes_each_time_whatever_the_users_own_settings():
    import matplotlib

    cells = _cells([*GROUPS, *map(under, GROUPS)])
    first = svg(forest_figure(cells, "accent"), "p")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert svg(forest_figure(cells, "accent"), "p") == first
    assert "<!--" not in first
    assert "currentColor" in first
    assert ElementTree.fromstring(first).tag.endswith("svg")


def test_a_plot_shows_the_rates_of_the_table_in_per_cent():
    axes = forest_figure(_cells(GROUPS), "accent").axes[0]
    assert sorted(float(x) for line in axes.lines if line.get_linestyle() == "None" for x in line.get_xdata()) == [
        10,
        20,
    ]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["US", "Scottish"]


def test_letters_that_the_font_lacks_draw_no_warning():
    assert "日本語" in svg(forest_figure(_cells([*GROUPS, group("accent", "日本語")]), "accent"), "p")


def test_a_plot_can_be_saved_as_a_picture():
    out = io.BytesIO()
    forest_figure(_cells(GROUPS), "accent").savefig(out, format="png")
    assert out.getvalue().startswith(b"\x89PNG")


def test_one_hopeless_interval_does_not_squeeze_the_others():
    wide = group("accent", "Tiny", wer=0.3, n_speakers=3) | {"wer_high": 11.0}
    assert forest_figure(_cells([*GROUPS, wide]), "accent").axes[0].get_xlim() == (0, 100)
    assert forest_figure(_cells(GROUPS), "accent").axes[0].get_xlim()[1] < 40
    assert "the interval goes on" in page([*GROUPS, wide], [])
    assert "the interval goes on" not in page()


def test_groups_that_a_plot_leaves_out_are_counted_beside_it():
    many = [group("accent", f"Region {i}") for i in range(MOST_GROUPS + 3)]
    assert "The last 3 groups are in the tables only." in page(many, [])


def test_many_systems_have_a_plot_each():
    groups = [under(row, c, s) for s in ("a", "b", "c") for c in ("clean", "hum@5dB") for row in GROUPS[:2]]
    assert [tag for tag, _ in Page(page(groups, [])).tags].count("figure") == 3


LEAKS = {"wer": 0.123456, "wer_low": 0.0712345, "wer_high": 0.234561, "wer_macro": 0.134562, "cer": 0.145623}


def test_a_group_of_two_leaks_nothing_even_if_the_tables_do(tmp_path):
    """The report is the last gate: a table that was made elsewhere may not have been suppressed."""
    small = group("accent", "Welsh", n_speakers=2, flags=["no_errors", "wer_above_1"]) | LEAKS
    other = small | {"normalizer": "second"}
    found = gap("accent", "Welsh", ratio=1.234567, p=0.012345, flags=["no_errors"], mde_ratio=1.765432)
    against = gap("accent", "Scottish", baseline="Welsh", ratio=1.345678, p=0.0234567)
    groups, gaps = tables([*GROUPS, small, under(GROUPS[0], "clean", normalizer="second"), other], [found, against])
    record = run_record()
    shown = [path.read_text() for path in write_report(tmp_path, record, groups, gaps)]
    shown = [re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", text, flags=re.DOTALL) for text in shown]
    shown.append(render_table(groups, gaps, record))
    numbers = [*LEAKS.values(), 1.234567, 0.012345, 1.765432, 1.345678, 0.0234567]
    for text in shown:
        assert "Welsh" in text
        for number in numbers:
            for written in (f"{number}", f"{number * 100:.1f}", f"{number:.3f}"):
                assert written not in text
        assert "no errors in" not in text
    cells = make_card(record, groups, gaps, k=None).cells
    lines = forest_figure(cells, "accent").axes[0].lines
    assert max(float(x) for line in lines for x in line.get_xdata()) == pytest.approx(26)
    rows = cells[0].attributes[0].groups
    verdicts = {row.group: (row.verdict, row.wer_ratio) for row in rows}
    assert verdicts["Welsh"] == verdicts["Scottish"] == ("suppressed", None)


def test_the_reason_stands_where_a_number_does_not():
    small = group("accent", "Welsh", wer=None, n_speakers=2, flags=["suppressed"])
    text = page([*GROUPS, small], [*GAPS, gap("accent", "Welsh", ratio=None, p=None, verdict="suppressed")])
    row = text[text.index("<bdi>Welsh</bdi></th>") :]
    assert "fewer than 3 speakers" in row[: row.index("</tr>")]
    assert row[: row.index("</tr>")].count("—") >= 5
