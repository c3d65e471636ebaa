"""The verbs of the card on the mini corpus: init, schema, report --card, pdf."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from asrfair.cli import main
from asrfair.pipeline.card import BROWSERS

ROOT = Path(__file__).parents[2]
MINI = ROOT / "tests" / "data" / "mini"
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "run"
    done = call("audit", MINI, "--hypotheses", f"engine={MINI / 'engine.jsonl'}", "--out", folder)
    assert done.exit_code == 0, done.output
    return folder


def test_the_published_schema_is_that_of_this_version():
    assert call("card", "schema").stdout == (ROOT / "docs" / "card.schema.json").read_text(encoding="utf-8")


def test_a_card_is_valid_by_the_published_schema_and_a_changed_one_is_not(run):
    schema = json.loads((ROOT / "docs" / "card.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads((run / "card.json").read_text())
    jsonschema.validate(found, schema)
    assert {"title", "headlines", "findings", "cells", "sections", "tables", "not_tested", "service"} <= set(found)
    found["service"][0]["paragraphs"][0]["provenance"] = "guessed"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)


def test_init_writes_a_template_once_and_replaces_it_only_if_told(tmp_path):
    path = tmp_path / "card.toml"
    assert call("card", "init", "--out", path).exit_code == 0
    path.write_text("contact = 'mine'")
    refused = call("card", "init", "--out", path)
    assert refused.exit_code == 2
    assert "--force" in refused.output
    assert path.read_text() == "contact = 'mine'"
    assert call("card", "init", "--out", path, "--force", "--template").exit_code == 0
    assert "schema_version = 1" in path.read_text()


def test_on_a_terminal_init_asks_and_keeps_what_was_said_until_the_end(tmp_path):
    outside, inside = pty.openpty()
    command = [sys.executable, "-m", "asrfair", "card", "init", "--out", str(tmp_path / "card.toml")]
    asking = subprocess.Popen(
        command,
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    os.write(outside, b"me@example.org\nfirst page\nsecond page\n\n\n\x04")
    _, said = asking.communicate(timeout=120)
    os.close(outside)
    os.close(inside)
    assert asking.returncode == 0, said
    assert b"Whom does a reader write to?" in said
    text = (tmp_path / "card.toml").read_text()
    assert 'contact = "me@example.org"' in text
    assert 'further_information = ["first page", "second page"]' in text
    assert "# purpose =" in text


def test_a_card_file_is_named_or_found_in_the_run(run, tmp_path):
    named = tmp_path / "mine.toml"
    named.write_text("contact = 'named@example.org'")
    assert call("report", run, "--card", named).exit_code == 0
    assert "named@example.org" in (run / "card.md").read_text()
    (run / "card.toml").write_text("contact = 'found@example.org'")
    try:
        assert call("report", run).exit_code == 0
        assert "found@example.org" in (run / "card.html").read_text()
        (run / "card.toml").write_text("contct = 'x'")
        refused = call("report", run)
        assert refused.exit_code == 2
        assert "contct" in refused.output
        assert "found@example.org" in (run / "card.html").read_text()
    finally:
        (run / "card.toml").unlink()


def test_a_configuration_names_the_card_file_beside_it(tmp_path):
    (tmp_path / "card.toml").write_text("[overview]\nservice = 'Ward notes'")
    config = {"schema_version": 1, "manifest": str(MINI), "out": "run", "card": "card.toml"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in config.items()]
    lines += ["[[hypotheses]]", 'name = "engine"', f"file = {json.dumps(str(MINI / 'engine.jsonl'))}"]
    (tmp_path / "run.toml").write_text("\n".join(lines))
    assert call("run", tmp_path / "run.toml").exit_code == 0
    assert "Ward notes" in (tmp_path / "run" / "card.md").read_text()
    (tmp_path / "card.toml").write_text("x = 1")
    assert call("run", tmp_path / "run.toml").exit_code == 2


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on PATH")
def test_the_card_is_printed_without_a_network(run, tmp_path):
    done = call("card", "pdf", run, "--out", tmp_path / "card.pdf")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "card.pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_or_a_card_it_is_said_what_to_do(run, tmp_path, monkeypatch):
    refused = call("card", "pdf", run, "--browser", tmp_path / "none")
    assert refused.exit_code == 2
    assert "Chromium or Chrome" in refused.output
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho nothing here >&2\n")
    program.chmod(0o755)
    refused = call("card", "pdf", run, "--browser", program)
    assert refused.exit_code == 2
    assert "printed nothing" in refused.output
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = call("card", "pdf", run)
    assert refused.exit_code == 2
    assert "--browser" in refused.output
    assert call("card", "pdf", tmp_path).exit_code == 2
