"""The page for those who use no mouse, see no colour, have a small screen, or do not trust the data."""

from pathlib import Path

import numpy as np
import pytest
from explorer_pages import until
from explorer_runs import MARKUP

from asrfair.report.explorer import Drill, Transcripts, embedded

PHONE = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")


def test_the_explorer_is_worked_by_keyboard_alone(visit, report):
    page = visit(report[0]).page
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "listbox":
            break
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    for key in ("End", "Home", "PageDown", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    active = until(
        page,
        "(() => { const e = document.getElementById(document.activeElement.getAttribute('aria-activedescendant'));"
        " return e && Number(e.getAttribute('aria-posinset')) > 3 ? e.querySelector('.id').textContent : null; })()",
    )
    page.keyboard.press("Enter")
    page.wait_for_selector(".utterance h3")
    until(page, "document.activeElement.tagName === 'H3'")
    assert page.locator(".utterance h3").inner_text() == f"Utterance {active}"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".utterance", state="hidden")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "listbox"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 900}, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing_serious(visit, report, scheme, viewport):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page = visit(report[0], "#?errors=any&system=engine", color_scheme=scheme, viewport=viewport).page
    page.locator(".row").first.click()
    page.wait_for_selector(".utterance h3")
    page.get_by_role("button", name="Listen").first.click()
    page.wait_for_selector("audio")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations)")
    told = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in SERIOUS]
    assert told == []


@pytest.mark.parametrize("hash_", ["", "#?errors=any"])
def test_a_phone_scrolls_in_one_direction(visit, report, hash_):
    page = visit(report[0], hash_, viewport=PHONE).page
    if hash_:
        page.locator(".row").first.click()
        page.wait_for_selector(".utterance h3")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_nothing_in_the_data_is_obeyed(visit, report):
    opened = visit(report[0])
    page = opened.page
    for words in ("alert", "img", "bold", "hyperlink", "-->", "<!--"):
        page.get_by_label("Words said or heard").fill(words)
        page.wait_for_timeout(250)
        if page.locator(".row").count():
            page.locator(".row").first.click()
            page.wait_for_selector(".utterance h3")
            page.locator(".utterance summary").first.click()
    assert page.locator("main img, main iframe, main b, main a[href^='javascript:']").count() == 0
    assert page.locator("script:not([type])").count() == 1
    assert MARKUP in page.locator("#numbers tbody").inner_text()


def test_colours_follow_the_system_until_they_are_chosen_and_the_choice_is_in_the_address(visit, report):
    opened = visit(report[0], color_scheme="dark")
    page = opened.page
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours").click()
    light = page.evaluate(ground)
    assert (dark, light) == ("rgb(20, 25, 30)", "rgb(255, 255, 255)")
    assert "theme=light" in page.url
    opened.go(page.url[page.url.index("#") :])
    assert page.evaluate(ground) == light
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_print_shows_what_was_opened_and_no_controls(visit, report):
    page = visit(report[0], "#?errors=any").page
    page.locator(".row").first.click()
    page.wait_for_selector(".utterance h3")
    page.emulate_media(media="print")
    assert page.locator(".utterance .aligned").first.is_visible()
    for hidden in (".controls", ".list", ".utterance button"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("#groups ~ .scroll table").first.is_visible()


N = 20_000


@pytest.fixture(scope="module")
def large(tmp_path_factory, report):
    """A page of 20,000 utterances, of which the k-th has k % 5 errors."""
    n_steps = np.arange(N) % 5
    shown = Transcripts(
        cells=[("engine", "clean")],
        normalizer="none",
        k=5,
        ids=[f"u{at}" for at in range(N)],
        speakers=np.arange(N) % 100 + 1,
        attributes={},
        words=["", *(f"word{at}" for at in range(500))],
        lengths=np.full(N, 10),
        spoken=(np.arange(10 * N) % 500 + 1).astype(np.int32),
        written=["As it was written, with ten words in all here."] * N,
        against=np.arange(N),
        heard_written=["x"] * N,
        same=np.zeros(2 * N, np.bool_),
        n_steps=n_steps,
        kinds=np.zeros(n_steps.sum(), np.int64),
        places=np.concatenate([np.arange(n) for n in n_steps.tolist()]),
        heard=np.ones(n_steps.sum(), np.int32),
    )
    text = report[0].read_text()
    start = text.index(">", text.index('id="utterances-data"')) + 1
    path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(text[:start] + Drill(embedded(shown)).block + text[text.index("</script>", start) :])
    return path


def test_twenty_thousand_rows_scroll_and_only_those_in_sight_are_drawn(visit, large):
    page = visit(large).page
    assert page.locator("#utterances [role=status]").inner_text().startswith("20,000 results")
    box = page.locator(".list")
    for share in (0.2, 0.9, 0.5, 1.0):
        box.evaluate(f"e => {{ e.scrollTop = {share} * e.scrollHeight; }}")
        until(
            page,
            "(share) => { const e = document.querySelector('.list'), r = e.querySelector('.row:last-child');"
            " return r && Math.abs(r.getAttribute('aria-posinset') / 20000 - share) < 0.005; }",
            share,
        )
        assert page.locator(".row").count() < 60
    assert page.locator(".row").last.get_attribute("aria-posinset") == "20000"
    assert page.locator(".row .count").last.inner_text() == "0 of 10"
