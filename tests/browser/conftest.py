"""A browser to open pages in: Debian's Chromium, driven by Playwright; without either these tests are skipped."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / room) for room in ("report", "view")]

BROWSER = shutil.which("chromium")


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no chromium in the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """A page that is open, and what it did that it should not."""

    def __init__(self, browser, path, hash_="", **options):
        self.context = browser.new_context(viewport=options.pop("viewport", {"width": 1280, "height": 900}), **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.requests, self.faults = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)
        self.page.on("dialog", lambda dialog: (self.faults.append(dialog.message), dialog.dismiss()))
        self.url = Path(path).as_uri()
        self.go(hash_)

    def go(self, hash_=""):
        """Open the page anew, with a state."""
        self.page.goto("about:blank")
        self.page.goto(self.url + hash_)
        self.page.wait_for_selector("html[data-ready]")

    def outside(self):
        """Requests that left the page."""
        return [url for url in self.requests if not url.startswith((self.url, "data:", "blob:", "about:"))]


@pytest.fixture
def visit(chromium):
    """Opens a page; afterwards nothing may have failed in it, and nothing left it."""
    visits = []

    def opened(path, hash_="", **options):
        visits.append(Visit(chromium, path, hash_, **options))
        return visits[-1]

    yield opened
    for one in visits:
        one.context.close()
        assert one.faults == []
        assert one.outside() == []


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """The page of a hostile run, with transcripts and audio, and the rows of its manifest."""
    from explorer_runs import make_run

    from asrfair import pipeline

    run, rows = make_run(tmp_path_factory.mktemp("browser"), audio=True)
    pipeline.report(run, include_transcripts=True, include_audio=True)
    return run / "report.html", rows
