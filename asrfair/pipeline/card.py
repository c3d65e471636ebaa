"""The verbs about the service card: its text to fill in, its schema, and its print."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from asrfair.errors import InputError
from asrfair.files import write_aside
from asrfair.provenance import read_record

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "chromium-headless-shell",
    "chrome-headless-shell",
    "microsoft-edge",
)
PAGE_FILE, PRINT_FILE = "card.html", "card.pdf"
PRINT_TIMEOUT_S = 180.0
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)
"""What keeps a browser to the one file: no name of a host is looked up."""


def card_init(out: str | Path, answers: Mapping[str, str | list[str]], *, force: bool = False) -> Path:
    """Write a `card.toml` with the answers that there are; the other questions are comments in it.

    Args:
        out: the file to write.
        answers: key of a question -> answer.
        force: whether an existing file is replaced.

    Raises:
        InputError: it is there already, or cannot be written.
    """
    from asrfair.report import written

    path = Path(out)
    check_absent(path, force=force)
    write_aside(path, written(answers).encode(errors="replace"))
    return path


def check_absent(path: Path, *, force: bool) -> None:
    """Refuse to write over a text that somebody wrote.

    Raises:
        InputError: it is there already, or its folder is not.
    """
    if path.exists() and not force:
        raise InputError(f"{path}: is there already: edit it, name another with --out, or replace it with --force")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}: make it first")


def card_schema_text() -> str:
    """The JSON Schema of `card.json`, as it is published in docs/card.schema.json."""
    from asrfair.report import card_schema

    return msgspec.json.format(msgspec.json.encode(card_schema(), order="sorted"), indent=2).decode()


def card_pdf(run: str | Path, *, out: str | Path | None = None, browser: str | None = None) -> Path:
    """Print the card of a run with a browser that is on this machine.

    Args:
        run: the run folder, with `card.html`.
        out: the file to write; `card.pdf` in the run folder by default.
        browser: name or path of a Chromium or Chrome; the first that is found by default.

    Raises:
        InputError: there is no card, no browser, or the browser prints nothing.
    """
    folder = Path(run)
    read_record(folder)
    page = folder / PAGE_FILE
    if not page.exists():
        raise InputError(f"{folder}: has no {PAGE_FILE}; make it with asrfair report {folder}")
    target, command = Path(out or folder / PRINT_FILE), _browser(browser)
    if not target.parent.is_dir():
        raise InputError(f"{target}: there is no folder {target.parent}: make it first")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as aside:
        made = Path(aside) / PRINT_FILE
        options = [*QUIET, f"--user-data-dir={aside}/profile", f"--print-to-pdf={made}"]
        options += ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        told = _run([command, *options, page.absolute().as_uri()])
        if not made.exists() or not made.read_bytes().startswith(b"%PDF"):
            raise InputError(f"{command}: printed nothing{told}: name another with --browser, or print {page} by hand")
        write_aside(target, made.read_bytes())
    return target


def _browser(name: str | None) -> str:
    """The browser that prints.

    Raises:
        InputError: there is none.
    """
    for candidate in BROWSERS if name is None else (name,):
        found = shutil.which(candidate)
        if found:
            return found
    if name is not None:
        raise InputError(f"--browser {name}: no such program on PATH; give the path of a Chromium or Chrome")
    raise InputError(
        "no Chromium or Chrome found on PATH to print with: install one, name it with --browser PATH, or open "
        f"{PAGE_FILE} in any browser and print it"
    )


def _run(command: list[str]) -> str:
    """Run a browser to its end; returns the last line that it said, for a message."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=PRINT_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f" within {PRINT_TIMEOUT_S:g} s"
    except OSError as error:
        return f" ({error.strerror})"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f" ({said[-1][:200]})" if said else ""
