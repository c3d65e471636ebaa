"""`asrfair view` in a browser: the page's own source and the server answer alike, and a reader gets to an utterance."""

from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="duckdb is not installed")

from explorer_pages import block, until
from view_runs import MARKUP, make_run, some_filters, viewed

from asrfair import pipeline
from asrfair.report.explorer.script import FOLDER

EMBEDDED = """async ([text, filters, ids]) => {
  %s
  const source = embeddedSource(await unpacked(text), null);
  const rows = [];
  for (const filter of filters) rows.push(await source.query(filter));
  const utterances = [];
  for (const id of ids) utterances.push(await source.utterance(id));
  return { about: await source.about(), rows, utterances };
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view"), seed=4)


def test_the_server_answers_as_the_source_in_the_page_does(chromium, run):
    folder, rows = run
    pipeline.report(folder, include_transcripts=True, include_ids=True)
    data = block((folder / "report.html").read_text(), "utterances-data")
    script = Path(FOLDER / "source.js").read_text()
    filters, ids = list(some_filters(1, 300)), [row["utterance_id"] for row in rows] + ["nobody"]
    page = chromium.new_page()
    found = page.evaluate(EMBEDDED % script, [data, filters, ids])
    page.close()
    assert sum(bool(one["rows"]) for one in found["rows"]) > 60
    with viewed(folder, include_ids=True) as ask:
        assert ask("about")[1] == found["about"]
        for wanted, here in zip(filters, found["rows"], strict=True):
            assert ask.rows(wanted) == here, wanted
        for name, here in zip(ids, found["utterances"], strict=True):
            there = ask("utterance", id=name)[1]
            for one in filter(None, (there, here)):
                del one["speaker"]  # a number that is drawn anew
            assert there == here


def test_a_reader_filters_opens_an_utterance_and_comes_back(chromium, run):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    faults, asked = [], []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    with viewed(run[0]) as ask:
        page.goto(ask.url)
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#utterances [role=status]").inner_text().startswith("240 results of 240")
        page.get_by_role("combobox", name="tongue", exact=True).select_option(MARKUP)
        page.get_by_role("combobox", name="Errors").select_option("substitution")
        page.get_by_label("Words said or heard").fill("the")
        wanted = ask("rows", {"in.tongue": MARKUP, "errors": "substitution", "words": "the"})[1]
        assert 0 < wanted["total"] < 240
        until(page, f"document.querySelector('#utterances [role=status]').textContent.startsWith('{wanted['total']} ')")
        page.locator(".row").first.click()
        page.wait_for_selector(".utterance .aligned")
        assert wanted["rows"][0]["id"] in page.locator(".utterance h3").inner_text()
        assert page.locator(".utterance .sub").count() >= 1
        here = page.url
        page.goto("about:blank")
        page.goto(here)
        page.wait_for_selector(".utterance .aligned")
        assert wanted["rows"][0]["id"] in page.locator(".utterance h3").inner_text()
        assert all(url.startswith((ask.url, "about:")) for url in asked)
        assert any("api/rows" in url for url in asked)
    context.close()
    assert faults == []


def test_an_utterance_can_be_heard(chromium, tmp_path):
    from explorer_runs import make_run as make_heard_run

    run, _ = make_heard_run(tmp_path, audio=True)
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    with viewed(run, include_audio=True) as ask:
        page.goto(ask.url)
        page.wait_for_selector("html[data-ready]")
        page.locator(".row").first.click()
        page.get_by_role("button", name="Listen").first.click()
        page.wait_for_selector(".player audio")
        until(page, "document.querySelector('.player audio').duration > 0.9")
        until(page, "document.querySelector('canvas.wave').getContext('2d').getImageData(320, 36, 1, 1).data[3] > 0")
    context.close()
