"""What a page may run: the scripts in its source, and whether its policy lets only the one of asrfair run."""

import re
import time
from html.parser import HTMLParser

from asrfair.report.explorer import explorer_script, script_digest

DATA = {"application/json", "application/octet-stream"}


class Scripts(HTMLParser):
    """The script elements of a page: type, id and content of each; and its policy."""

    def __init__(self, text):
        super().__init__()
        self.found, self.policy, self._open = [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "script":
            self._open = [found, ""]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_data(self, data):
        if self._open:
            self._open[1] += data

    def handle_endtag(self, tag):
        if tag == "script":
            self.found.append(tuple(self._open))
            self._open = None


def block(text, name):
    """The content of the data element of that id; None if there is none."""
    return next((content for found, content in Scripts(text).found if found.get("id") == name), None)


def runs_only_its_own_script(text):
    """Whether a browser that obeys the policy runs asrfair's script and nothing else."""
    scripts = Scripts(text)
    run = [content for found, content in scripts.found if found.get("type") not in DATA]
    allowed = re.search(r"script-src ([^;]*)", scripts.policy).group(1)
    return run == [explorer_script()] and allowed == f"'{script_digest(run[0])}'"


def until(page, expression, argument=None, *, seconds=10.0):
    """The value of an expression in a page as soon as it is true: asked from outside, as the policy forbids `eval`."""
    end = time.monotonic() + seconds
    while not (found := page.evaluate(expression, argument)):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(20)
    return found
