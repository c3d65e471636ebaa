"""The pages of the site: their commands and examples are run, their reference is made anew, and the site is built."""

import contextlib
import csv
import doctest
import importlib
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from spreadsheet import write_spreadsheet

import asrfair
from asrfair.cli import main
from asrfair.manifest.corpora.demo import build_demo_corpus
from asrfair.report.sections import TABLES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
PAGES = sorted(DOCS.glob("*.md"))


def page(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def blocks(name):
    return list(map(re.Match.groupdict, BLOCK.finditer(page(name))))


def run_page(name, desk, monkeypatch):
    """Write the files and run the commands of a page at a desk; returns what they printed."""
    printed = []
    for block in blocks(name):
        mark = block["mark"] or ""
        if mark.startswith("file: "):
            (desk / mark.removeprefix("file: ")).write_text(block["text"])
        for line in block["text"].strip().splitlines() if block["kind"] == "sh" else ():
            verb, *arguments = shlex.split(line)
            assert verb == "asrfair"
            if mark.startswith("not run by the tests"):
                continue
            if mark == "desk: speech" and not (desk / "speech").exists():
                pytest.importorskip("espeakng_loader", reason="the extra demo is not installed")
                build_demo_corpus(desk / "speech", quick=True)
            monkeypatch.chdir(desk)
            done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 0, f"{line}: {done.output}"
            printed.append(done.stdout)
    return printed


@pytest.fixture
def desk(tmp_path):
    """A folder with the spreadsheet of the tutorial, and with what the how-tos add to it."""
    (tmp_path / "ward").mkdir()
    write_spreadsheet(tmp_path / "ward" / "rows.csv")
    dataset = next(block for block in blocks("tutorial") if block["mark"] == "file: ward/dataset.toml")
    (tmp_path / "ward" / "dataset.toml").write_text(dataset["text"])
    return tmp_path


def test_the_tutorial_does_what_it_says(desk, monkeypatch):
    """All its commands, what the audit prints, the rows that it shows, and what a person said, on the card."""
    printed = run_page("tutorial", desk, monkeypatch)
    shown = next(block["text"] for block in blocks("tutorial") if block["mark"] == "output")
    assert any(text.startswith(shown) for text in printed), next(t for t in printed if t.startswith("ours"))
    rows = next(block["text"] for block in blocks("tutorial") if block["text"].startswith("utterance_id,"))
    assert (desk / "ward" / "rows.csv").read_text().replace("\r\n", "\n").startswith(rows)
    card = (desk / "runs" / "first" / "card.md").read_text()
    assert "Fewer than 1 in 10 words wrong for every group." in card
    assert json.loads((desk / "runs" / "heard" / "card.json").read_text())["cells"]


def test_the_page_on_transcripts_does_what_it_says(desk, monkeypatch, capsys):
    with (desk / "ward" / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["shift"] = "night" if int(row["utterance_id"][-1]) % 2 else "day"
    with (desk / "ward" / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with (desk / "ward" / "dataset.toml").open("a") as file:
        file.write('[attributes.shift]\nkind = "acoustic"\nprovenance = "recorded"\n')
    theirs = [json.dumps({"utterance_id": row["utterance_id"], "text": row["reference"][3:]}) for row in rows]
    (desk / "theirs.jsonl").write_text("\n".join(theirs))
    assert any("theirs" in text for text in run_page("transcripts", desk, monkeypatch))
    monkeypatch.chdir(desk)
    code = next(block["text"] for block in blocks("transcripts") if block["kind"] == "python")
    exec(compile(code, "transcripts.md", "exec"), {})
    assert capsys.readouterr().out.endswith("north 1.95\n")


def test_the_page_on_cards_does_what_it_says(desk, monkeypatch):
    asrfair.audit(desk / "ward", {"ours": desk / "ward" / "rows.csv"}, out=desk / "runs" / "first")
    printed = run_page("card", desk, monkeypatch)
    assert json.loads(printed[-1])["title"] == "asrfair service card"


def test_the_python_of_the_reference_runs(capsys):
    code = next(block["text"] for block in blocks("api") if block["kind"] == "python")
    exec(compile(code, "api.md", "exec"), {})
    assert len(capsys.readouterr().out.split()) == 3


def test_every_worked_example_comes_out_as_it_is_printed():
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        found = doctest.testfile(str(DOCS / "worked-examples.md"), module_relative=False)
    assert found.failed == 0, said.getvalue()
    assert found.attempted > 150


def test_every_table_behind_a_card_has_a_worked_example():
    text = page("worked-examples")
    listed = text[text.index("| table |") : text.index("```python")]
    named = set(re.findall(r"`(\w+)`", listed))
    assert {"groups", "disparities", "comparison", *TABLES} <= named
    headings = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    assert set(re.findall(r"\(#([\w-]+)\)", listed)) <= headings


def test_the_reference_of_files_is_what_the_schemas_say():
    """If this fails after a change of a schema: python docs/mkdocs/formats.py, and read what it wrote."""
    spec = importlib.util.spec_from_file_location("formats", DOCS / "mkdocs" / "formats.py")
    formats = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(formats)
    assert formats.render() == page("files"), "write it anew: python docs/mkdocs/formats.py"
    columns = {name.rpartition(".")[2] for name in sys.modules["columns"].COLUMNS}
    assert columns == {name for schema in formats.SCHEMAS.values() for name in schema.names}
    classes = {struct.__name__: struct for structs in formats.STRUCTS.values() for struct in structs}
    for key in sys.modules["keys"].KEYS:
        name, _, field = key.partition(".")
        assert field in classes[name].__struct_fields__, f"{key}: means nothing any more"


def test_every_file_of_a_run_folder_is_in_the_reference(desk):
    out = desk / "run"
    asrfair.audit(desk / "ward", {"ours": desk / "ward" / "rows.csv"}, out=out, deep=True)
    text = page("files")
    for path in (path for path in out.iterdir() if not path.name.startswith(".")):
        is_table = f"\n### {path.stem}\n" in text
        assert is_table or f"`{path.name}`" in text or f"`{path.name}/`" in text, path.name


def test_the_reference_of_python_names_all_public_names_as_they_are():
    found = {}
    for path in re.findall(r"^::: ([\w.]+)$", page("api"), re.MULTILINE):
        module, _, name = path.rpartition(".")
        with contextlib.suppress(ImportError):
            found[name] = getattr(importlib.import_module(module), name)
    for name in asrfair.__all__:
        assert found[name] is getattr(asrfair, name), name


@pytest.mark.parametrize("path", ["README.md", "docs/index.md"])
def test_a_table_of_verbs_names_all_of_them(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    rows = text[text.index("| verb |") :].split("\n\n")[0].splitlines()[2:]
    named = [verb for row in rows for verb in re.findall(r"`(?:asrfair )?(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(set(main.commands))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_of_a_page_lead_to_files_that_there_are(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[)#]", path.read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site, built with every warning as an error."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    pytest.importorskip("mkdocstrings_handlers.python", reason="the extra docs is not installed")
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs/mkdocs.yml", "-d", str(site)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return site


def test_the_site_has_every_page_and_links_to_it(built):
    home = (built / "index.html").read_text(encoding="utf-8")
    for name in [*(path.stem for path in PAGES), "manifests", "environments", "validity"]:
        assert (built / f"{name}.html").exists(), name
        assert f'href="{name}.html"' in home, name
    assert not (built / "mkdocs").exists()


def test_no_page_of_the_site_asks_a_network_for_anything(built):
    """Scripts, styles, pictures and fonts are the site's own; only links to click lead elsewhere."""
    for path in built.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for tag in re.findall(r"<(?:script|link|img|iframe|source|audio|video|object|embed)\b[^>]*>", text):
            assert not re.search(r"(?:src|href|data|srcset)=[\"']?\s*(?:https?:)?//", tag), f"{path.name}: {tag}"
    for path in built.rglob("*.css"):
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", text), path.name


def test_no_page_of_the_site_names_a_machine(built):
    for path in built.rglob("*.html"):
        assert not re.search(r"/(home|root|tmp|Users|work)/", path.read_text(encoding="utf-8")), path.name


def test_what_is_made_elsewhere_is_on_the_site(built):
    """A column of a table, and the docstring of a function."""
    assert "needed_speakers" in (built / "files.html").read_text(encoding="utf-8")
    assert "Score, analyze and report in one" in (built / "api.html").read_text(encoding="utf-8")
