"""The explorer in a browser: what a reader does with it, and what comes of it."""

import csv
import io
import re

import pytest
from explorer_pages import block, until
from explorer_runs import FORMULA, MARKUP, RTL, SMALL, unpacked

HEAD = "#numbers thead th"


def place(page, title):
    """The place of a column, from 0."""
    return [text.split(" (")[0] for text in page.locator(f"{HEAD} button").all_inner_texts()].index(title)


def column(page, title):
    """The texts of one column of the table of all numbers."""
    return page.locator(f"#numbers tbody tr > :nth-child({place(page, title) + 1})").all_inner_texts()


def total(page):
    """How many results the list has, as it says."""
    return int(re.match(r"[\d,]+", page.locator("#utterances [role=status]").inner_text()).group().replace(",", ""))


def rates(page):
    return [float(text.split()[0]) for text in column(page, "WER %") if text[0] != "—"]


def test_the_page_loads_and_says_what_it_has(visit, report):
    page = visit(report[0]).page
    found = unpacked(block(report[0].read_text(), "utterances-data"))
    assert total(page) == len(found["ids"]) * len(found["cells"])
    assert page.locator("#numbers tbody tr").count() == len(
        page.evaluate("JSON.parse(document.getElementById('numbers-data').textContent).rows")
    )
    assert page.locator("nav a[href='#utterances']").is_visible()


def test_without_a_script_the_page_is_whole(chromium, report):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report[0].as_uri())
    assert page.locator("#groups ~ .scroll table").first.is_visible()
    assert not page.locator("#numbers").is_visible()
    assert page.get_by_text("need a script").is_visible()
    assert page.locator("a.behind").first.get_attribute("href").startswith("#t")
    context.close()


def test_a_column_sorts_by_click_and_back(visit, report):
    page = visit(report[0]).page
    before = column(page, "Group")
    head = page.locator(HEAD).nth(place(page, "WER %"))
    for way, turned in (("ascending", False), ("descending", True)):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == way
        assert rates(page) == sorted(rates(page), reverse=turned)
        assert column(page, "WER %")[-1].startswith("—")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert column(page, "Group") == before


def test_a_column_sorts_by_keyboard(visit, report):
    page = visit(report[0]).page
    page.locator(HEAD).nth(place(page, "WER %")).locator("button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page.locator(HEAD).nth(place(page, "WER %")).get_attribute("aria-sort") == "descending"
    assert rates(page) == sorted(rates(page), reverse=True)


def test_the_table_is_filtered_by_choice_and_by_words(visit, report):
    page = visit(report[0]).page
    page.get_by_role("combobox", name="Attribute", exact=True).select_option("accent")
    assert set(column(page, "Attribute")) == {"accent"}
    page.get_by_label("Search").fill(RTL)
    until(page, "document.querySelectorAll('#numbers tbody tr').length === 2")
    assert set(column(page, "Group")) == {RTL}
    assert "table.attribute=accent" in page.url


def test_the_table_is_saved_as_it_is_shown_and_no_cell_is_a_formula(visit, report):
    page = visit(report[0]).page
    page.get_by_role("combobox", name="Attribute", exact=True).select_option("accent")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save this table").click()
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text(encoding="utf-8"))))
    assert len(rows) == 1 + page.locator("#numbers tbody tr").count()
    groups = {row[rows[0].index("group")] for row in rows[1:]}
    assert groups == {MARKUP, "'" + FORMULA, RTL, SMALL}
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in row)
    assert len({len(row) for row in rows}) == 1


def test_a_groups_number_opens_its_utterances_and_back_leads_back(visit, report):
    page = visit(report[0]).page
    everything = total(page)
    link = page.locator("#numbers tbody tr", has_text=RTL).first.locator("td a").first
    link.click()
    until(page, "new URLSearchParams(location.hash.slice(2)).get('in.accent')")
    assert page.get_by_role("combobox", name="accent", exact=True).input_value() == RTL
    assert page.get_by_role("combobox", name="System").nth(1).input_value() == "engine"
    until(page, f"!document.querySelector('#utterances [role=status]').textContent.startsWith('{everything}')")
    found = unpacked(block(report[0].read_text(), "utterances-data"))
    accent = next(one for one in found["attributes"] if one["name"] == "accent")
    assert total(page) == sum(RTL in accent["values"][code - 1] for code in accent["codes"] if code) > 0
    page.go_back()
    until(page, f"document.querySelector('#utterances [role=status]').textContent.startsWith('{everything}')")


def test_the_numbers_of_the_pages_own_tables_are_links_too(visit, report):
    page = visit(report[0]).page
    assert "in.accent=" in page.locator("tr[id^=t0-]", has_text=RTL).first.locator("td a").first.get_attribute("href")
    assert page.locator("tr[id^=t0-]", has_text=SMALL).first.locator("td a").count() == 0


@pytest.mark.parametrize(("kind", "code"), [("substitution", 0), ("deletion", 1), ("insertion", 2)])
def test_a_kind_of_error_selects_as_many_as_the_data_have(visit, report, kind, code):
    page = visit(report[0], f"#?errors={kind}&system=engine").page
    part = unpacked(block(report[0].read_text(), "utterances-data"))["results"][0]
    at, expected = 0, 0
    for count in part["counts"]:
        expected += any(step % 3 == code for step in part["steps"][at : at + count])
        at += count
    assert total(page) == expected > 0


def test_failed_any_and_perfect_are_everything(visit, report):
    opened = visit(report[0])
    totals = {}
    for kind in ("", "failed", "any", "perfect"):
        opened.go(f"#?errors={kind}")
        totals[kind] = total(opened.page)
    assert totals["failed"] > 0
    assert totals["failed"] + totals["any"] + totals["perfect"] == totals[""]


def test_words_are_found_whether_said_or_heard(visit, report):
    page = visit(report[0]).page
    page.get_by_label("Words said or heard").fill("SIXX")
    until(page, "location.hash.includes('words=')")
    page.wait_for_selector("#utterances .row")
    rows = page.locator("#utterances .row").all_inner_texts()
    assert 0 < total(page) < 100
    assert all("sixx" in row for row in rows)
    page.get_by_label("Words said or heard").fill("nobody said that")
    page.get_by_text("Nothing fits").wait_for()


def test_rows_stand_by_their_errors(visit, report):
    page = visit(report[0], "#?errors=any").page
    counts = [int(text.split()[0]) for text in page.locator(".row .count").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)


def test_an_utterance_opens_aligned_for_all_systems_with_words_for_listeners(visit, report):
    page = visit(report[0], "#?words=seven&errors=substitution&system=engine").page
    page.locator(".row").first.click()
    page.wait_for_selector(".utterance h3")
    assert page.locator(".utterance .result").count() == 2
    pair = page.locator(".result.here .pair.sub").first
    said = pair.locator(".up span").last.inner_text()
    heard = pair.locator(".down span").nth(2).inner_text()
    assert said != heard
    assert said in ["one", "two", "three", "four", "five", "six", "seven"]
    assert pair.text_content() == f"substituted: {said}≠ heard as {heard}. "
    assert "wavy" in pair.locator(".up span").last.evaluate("e => getComputedStyle(e).textDecorationStyle")
    page.locator(".result.here summary").click()
    assert page.locator(".result.here dd").first.inner_text() == "one two three four five six seven"


def test_right_to_left_words_stand_from_right_to_left(visit, report):
    page = visit(report[0], "#?words=שלום&system=engine&errors=any").page
    page.locator(".row").first.click()
    line = page.locator(".result.here .aligned")
    assert line.get_attribute("dir") == "rtl"
    places = [line.locator(".pair").nth(at).bounding_box()["x"] for at in range(2)]
    assert places[0] > places[1]


def test_a_failure_says_so(visit, report):
    page = visit(report[0], "#?errors=failed").page
    page.locator(".row").first.click()
    assert page.locator(".result .failed").first.inner_text() == "Failed: there is no transcript."


def test_a_link_is_a_state(visit, report):
    first = visit(report[0], "#?errors=any&order=rate&table.verdict=suppressed").page
    first.locator(".row").nth(2).click()
    first.wait_for_selector(".utterance h3")
    name = first.locator(".utterance h3").inner_text()
    again = visit(report[0], first.url[first.url.index("#") :]).page
    assert again.locator(".utterance h3").inner_text() == name
    assert again.get_by_role("combobox", name="Order").input_value() == "rate"
    assert set(column(again, "Verdict")) == {"not reported"}
    first.go_back()
    first.wait_for_selector(".utterance", state="hidden")


def test_an_address_that_names_nothing_does_no_harm(visit, report):
    page = visit(
        report[0], "#?utterance=nobody&errors=__proto__&order=constructor&in.accent=x&table.sort=toString&theme=<b>"
    ).page
    assert page.get_by_text("no utterance of that name").is_visible()
    assert total(page) == 0


def test_audio_plays_and_its_shape_is_drawn(visit, report):
    page = visit(report[0], "#?system=engine").page
    page.locator(".row").first.click()
    page.get_by_role("button", name="Listen").first.click()
    until(page, "document.querySelector('audio').currentTime > 0.1")
    until(
        page,
        "(() => { const c = document.querySelector('canvas');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v) => v).length > 2000; })()",
    )
    assert 0.9 < page.evaluate("document.querySelector('audio').duration") < 1.2
