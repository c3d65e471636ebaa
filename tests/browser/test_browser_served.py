"""The page where a server has the utterances: it asks as its contract (templates/explorer/source.js) says."""

import functools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from explorer_pages import until
from report_tables import gap, group, run_record, tables

from asrfair.report import make_card
from asrfair.report.explorer import Served
from asrfair.report.page import render_page

N = 1_000
ABOUT = {"total": N, "normalizer": "none", "k": 5, "cells": [["engine", "clean"]], "audio": False}
ABOUT |= {"attributes": [{"name": "accent", "groups": ["US", "Scottish"], "withheld": 3}]}


def row(number):
    errors = {"substitutions": 1, "deletions": 0, "insertions": 0}
    steps = [["s", f"word{number}", "heard"], ["=", "same", "same"]]
    return {
        "id": f"u{number}",
        "system": "engine",
        "condition": "clean",
        "failed": False,
        "words": 2,
        "steps": steps,
    } | errors


def answer(path, names):
    """What the server says."""
    if path == "rows" and names.get("words") == "broken":
        return 400, {"error": "that cannot be looked for; use other words"}
    if path == "rows":
        first, most = int(names["offset"]), int(names["limit"])
        return 200, {"total": N, "rows": [row(at) for at in range(first, min(N, first + most))]}
    if path == "utterance":
        result = row(int(names["id"][1:])) | {"reference": "as said", "hypothesis": "as heard", "audio": False}
        return 200, {"id": names["id"], "speaker": 3, "groups": [["accent", ["US"]]], "results": [result]}
    return 200, ABOUT


class Handler(BaseHTTPRequestHandler):
    def __init__(self, page, asked, *arguments):
        self.whole, self.asked = page, asked
        super().__init__(*arguments)

    def do_GET(self):
        parts = urlsplit(self.path)
        if not parts.path.startswith("/api/"):
            return self.say(200, "text/html; charset=utf-8", self.whole if parts.path == "/" else b"")
        names = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.asked.append((parts.path.removeprefix("/api/"), names))
        status, found = answer(*self.asked[-1])
        return self.say(status, "application/json", json.dumps(found).encode())

    def say(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def served(chromium):
    """A page at a server, and what it asked for."""
    card = make_card(
        run_record(), *tables([group("accent", "US"), group("accent", "Scottish")], [gap("accent", "Scottish")])
    )
    asked = []
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, render_page(card, Served("api/")).encode(), asked)
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.wait_for_selector("html[data-ready]")
    yield page, asked
    context.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_rows_are_asked_for_as_they_come_in_sight(served):
    page, asked = served
    assert asked[:2] == [("about", {}), ("rows", {"order": "errors", "offset": "0", "limit": "200"})]
    page.locator(".list").evaluate("e => { e.scrollTop = e.scrollHeight; }")
    until(page, "document.querySelector('.row:last-child').getAttribute('aria-posinset') === '1000'")
    assert {int(names["offset"]) for path, names in asked if path == "rows"} <= {0, 200, 400, 600, 800}
    assert len([path for path, _ in asked if path == "rows"]) <= 5


def test_filters_go_to_the_server_and_an_utterance_comes_back(served):
    page, asked = served
    page.get_by_role("combobox", name="accent", exact=True).select_option("Scottish")
    until(page, "location.hash.includes('in.accent=Scottish')")
    page.locator(".row").first.click()
    page.wait_for_selector(".utterance .aligned")
    assert any(names.get("in.accent") == "Scottish" for path, names in asked if path == "rows")
    assert ("utterance", {"id": "u0"}) in asked
    assert page.locator(".aligned .sub").text_content() == "substituted: word0≠ heard as heard. "


def test_what_the_server_says_against_it_is_shown(served):
    page, _ = served
    page.get_by_label("Words said or heard").fill("broken")
    page.get_by_text("that cannot be looked for; use other words").wait_for()
