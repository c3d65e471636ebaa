"""The service card: the order of published cards, who says what, where every number is from, and nothing invented."""

import json
import re
import shlex
from html.parser import HTMLParser

import msgspec
import pytest
from last_mile_tables import last_mile
from report_tables import EVIL, RTL, gap, group, run_record, tables, under

from asrfair.cli import main
from asrfair.report import QUESTIONS, Stated, make_card, write_report
from asrfair.report.card_page import printed, render_card_page
from asrfair.report.markdown import render_markdown
from asrfair.report.sections import make_sections
from asrfair.report.service import make_service, walk
from asrfair.report.service.design import FAIRNESS, PLACES
from asrfair.report.wording import number, p_value, percent

GROUPS = [group("accent", "US"), group("accent", "Scottish", wer=0.2), group("gender", "f"), group("gender", "m")]
GAPS = [gap("accent", "Scottish"), gap("gender", "f", baseline="rest", ratio=1.1, p=0.6)]
HEADINGS = """
Overview
  In short
  What effective means here
  Intrinsic and confounding variation
  Who is in the data
Intended use and limitations
Design
  Performance expectations
  Test-driven method
  Fairness
  Robustness
  Explainability
  Privacy
  Transparency
  Governance
Deployment practices
  Drift, and testing it again
What was not tested
Normaliser sensitivity
Speed and cost
Who got no transcript
Further information
  Signature of the numbers
Glossary
"""
ALL_ANSWERS = {
    "contact": "a@b",
    "further_information": ["read 1", "read 2"],
    "overview": {"service": "s-service", "version": "s-version", "purpose": "s-purpose", "effective": "s-effective"},
    "intended_use": {
        "use_case": "s-case",
        "stakeholders": ["s-nurses"],
        "workflow": "s-workflow",
        "error_types": ["s-grave", "s-light"],
        "consent": "s-consent",
        "unsupported_uses": ["s-never"],
    },
    "design": {name: f"s-{name}" for name in ("performance", "fairness", "privacy", "transparency", "governance")},
    "deployment": {name: f"s-{name}" for name in ("conditions", "human_review", "drift")},
}


def card(groups=GROUPS, gaps=GAPS, k=5, stated=None, **more):
    return make_card(run_record(**more), *tables(groups, gaps), k=k, stated=stated)


def paragraphs(found):
    return [paragraph for part in walk(found.service) for paragraph in part.paragraphs]


def part(found, name):
    (it,) = [it for it in walk(found.service) if it.id == name]
    return it


def all_tables(found):
    return {table.id: table for it in walk(found.service) for table in it.tables}


class Page(HTMLParser):
    """Tags, links, ids, headings, and whether elements close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.headings, self.open, self.faults = [], [], [], [], [], []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.links += [found[name] for name in ("href", "src", "xlink:href", "action") if found.get(name)]
        self.ids += [found["id"]] if "id" in found else []
        self.faults += [name for name in found if name.startswith("on")]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([tag, ""])
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> is out of place")

    def handle_data(self, data):
        self.text += data
        if any(re.fullmatch("h[1-6]", tag) for tag in self.open):
            self.headings[-1][1] += data


def test_the_headings_stand_in_the_order_of_published_cards():
    text = render_markdown(card())
    found = ["  " * (len(marks) - 2) + title for marks, title in re.findall(r"^(##|###) (.*)$", text, re.MULTILINE)]
    assert found == HEADINGS.strip("\n").splitlines()


def test_text_and_page_have_the_same_headings_and_tables():
    found = make_card(*last_mile(), k=5)
    headings = re.findall(r"^#+ (.*)$", render_markdown(found), re.MULTILINE)
    page = Page(render_card_page(found))
    assert [title.replace("\\", "") for title in headings] == [title for _, title in page.headings]
    assert page.tags.count("table") == len(all_tables(found))


def test_what_nobody_stated_is_not_stated_and_nothing_is_put_in_its_place():
    found = card(stated=None)
    silent = [paragraph for paragraph in paragraphs(found) if paragraph.provenance == "not_stated"]
    assert {paragraph.text for paragraph in silent} == {"not stated"}
    assert {paragraph.source.field for paragraph in silent} == {question.key for question in QUESTIONS}
    assert render_markdown(found).count("*not stated*") == len(QUESTIONS)
    stated = [p for p in paragraphs(found) if p.provenance == "stated"]
    assert {paragraph.source.file for paragraph in stated} == {"dataset.toml"}


def test_what_a_person_stated_stands_in_every_form_as_it_was_said():
    found = card(stated=msgspec.convert(ALL_ANSWERS, Stated))
    assert not [p for p in paragraphs(found) if p.provenance == "not_stated"]
    said = re.findall(r"s-\w+|read \d|a@b", json.dumps(ALL_ANSWERS))
    for text in said:
        assert text in [p.text for p in paragraphs(found) if p.provenance == "stated"]
        assert text in render_card_page(found)
        assert re.sub("_", r"\\_", text) in render_markdown(found)
    assert "1. s-grave\n2. s-light" in render_markdown(found)


def test_attributes_are_intrinsic_or_confounding_by_their_kind():
    attributes = {"accent": {"kind": "accent", "provenance": "self_reported"}, "room": {"kind": "acoustic"}}
    texts = [p.text for p in part(card(manifest={"attributes": attributes}), "variation").paragraphs]
    intrinsic, confounding = (
        next(i for i, t in enumerate(texts) if t.startswith(s)) for s in ("Intrinsic", "Confound")
    )
    places = [next(i for i, t in enumerate(texts) if t.startswith(s)) for s in ("accent: ", "room: ")]
    assert intrinsic < places[0] < confounding < places[1]


def test_every_row_of_a_table_of_groups_has_its_numbers_from_the_row_that_it_names():
    found, groups, gaps = card(), *(table.to_pylist() for table in tables(GROUPS, GAPS))
    seen = 0
    for name in ("table-groups-1-1", "table-groups-1-2"):
        for line, source in zip(all_tables(found)[name].rows, all_tables(found)[name].sources, strict=True):
            keys = ("system_id", "condition_id", "normalizer", "attribute", "group")
            here = {key: getattr(source, key) for key in keys}
            (row,) = [row for row in groups if here.items() <= row.items()]
            assert line[3] == percent(row["wer"])
            assert source.signature == found.cells[0].signature
            if "disparities" in source.file:
                (other,) = [row for row in gaps if here.items() <= row.items()]
                numbers = [percent(other["wer_difference"]), number(other["wer_ratio"]), p_value(other["p_adjusted"])]
                assert [line[5], line[7], line[9]] == numbers
                seen += 1
    assert seen == 2


def test_every_row_of_a_further_table_names_rows_that_exist():
    """What a source names is in the table of the run, and where it names a system it has that system's signature."""
    run, groups, gaps, further = last_mile(systems=("one", "two"))
    found = make_card(run, groups, gaps, further, k=None)
    rows = {"groups": groups.to_pylist(), **{name: table.to_pylist() for name, table in further.items()}}
    named = 0
    for table in all_tables(found).values():
        assert len(table.sources) == len(table.rows)
        for source in table.sources:
            name = source.file.split()[0].removesuffix(".parquet")
            here = {
                key: value
                for key in ("system_id", "condition_id", "attribute", "group")
                if (value := getattr(source, key)) is not None
            }
            if name in rows:
                assert here, f"{table.id}: a row without a source"
                assert any(here.items() <= row.items() for row in rows[name]), (table.id, here)
                named += 1
            mine = [cell for cell in found.cells if source.system_id in (None, cell.system_id)]
            signed = (source.signature or "").split()
            assert name == "run.json" or (signed and set(signed) <= {cell.signature for cell in mine})
    assert named > 200


def test_every_sentence_that_sends_to_a_table_sends_to_one_that_is_there():
    found = make_card(*last_mile(), k=5)
    sent = {p.see for p in paragraphs(found) if p.see}
    assert sent
    assert sent <= set(all_tables(found))
    page = Page(render_card_page(found))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_nothing_of_the_former_card_is_lost():
    """Every part, cell, finding and sentence stands somewhere; a part that is not placed stands with fairness."""
    found = make_card(*last_mile(), k=5)
    assert {section.id for section in found.sections} <= {it.id for it in walk(found.service)} | {
        "usage",
        "normalizers",
    }
    texts = {p.text for p in paragraphs(found)}
    for section in found.sections:
        assert {section.about, *section.sentences} <= texts
        assert [section.rows] == [t.rows for t in all_tables(found).values() if t.id == f"table-{section.id}"] or (
            not section.rows
        )
    assert set(found.headlines) | set(found.not_tested) | set(found.warnings) <= texts
    n_parts = sum(len(cell.attributes) for cell in found.cells)
    assert len([name for name in all_tables(found) if re.fullmatch(r"table-groups-\d+-\d+", name)]) == n_parts
    unknown = msgspec.structs.replace(found.sections[0], id="new-part")
    bare = msgspec.structs.replace(found, sections=[unknown])
    (fairness,) = [it for it in walk(make_service(bare, run_record(), Stated())) if it.id == FAIRNESS]
    assert fairness.parts[-1].id == "new-part"
    assert set(PLACES.values()) <= {
        "performance",
        "robustness",
        "explainability",
        "normaliser-sensitivity",
        "speed-and-cost",
    }
    assert make_sections({}, None) == []


def test_the_worst_group_is_named_with_its_interval_and_the_warning():
    texts = [p.text for p in part(card(), "worst-group").paragraphs]
    assert "Scottish speakers meet the most errors: WER 20.0 % (95 % interval 16.0 to 26.0; 12 speakers" in texts[0]
    assert "one is the worst by chance alone" in texts[-1]


def test_what_could_not_be_told_says_how_many_speakers_it_would_take():
    (table,) = part(card(), "cannot-tell").tables
    (row,) = table.rows
    told = dict(zip(table.header, row, strict=True))
    assert told["group"] == "gender: f"
    assert told["would have shown, times"] == "1.7"
    assert int(told["speakers a group to show 1.5 times"]) > 12


def test_a_withheld_group_has_no_number_in_any_part():
    small = group("accent", "Thai", wer=0.3127, n_speakers=3, words=777, flags=["few_speakers"]) | {"n_utterances": 43}
    found = card([*GROUPS, small], [*GAPS, gap("accent", "Thai", ratio=3.13)])
    for table in all_tables(found).values():
        for row, source in zip(table.rows, table.sources, strict=True):
            if source.group == "Thai":
                assert not re.search(r"\d", " ".join(row[1:]))
    for text in (render_markdown(found), render_card_page(found), msgspec.json.encode(found.service).decode()):
        assert not re.search(r"(?<![\d.])(31\.3|0\.3127|777|3\.13)(?!\d)", text)


HOSTILE = [
    EVIL,
    '" onload="x',
    "</svg></style><b>",
    "{{ 7 * 7 }}",
    "=cmd()|x",
    "1. x\n# y",
    "\u202eabc",
    "x" * 10_000,
    "```\n~~~",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_from_data_and_from_people_is_text(text):
    answers = {
        name: {key: [text] if isinstance(v, list) else text for key, v in of.items()}
        for name, of in ALL_ANSWERS.items()
        if isinstance(of, dict)
    }
    stated = msgspec.convert(answers | {"contact": text, "further_information": [text]}, Stated)
    attributes = {"accent": {"kind": "accent", "baseline": text, "description": text}}
    named = [group("accent", text), group("accent", RTL, wer=0.2)]
    found = card(
        named,
        [gap("accent", RTL, baseline=text)],
        stated=stated,
        config={"by": [text]},
        manifest={"attributes": attributes, "notes": text, "name": text},
        cells=[["engine", "clean"]],
    )
    page = Page(render_card_page(found))
    assert not page.faults
    assert not page.open
    assert {"script", "b", "img"}.isdisjoint(page.tags)
    assert {link for link in page.links if not link.startswith("#")} == set()
    markdown = render_markdown(found)
    plain = re.sub(r"^(`{3,})sh\n.*?^\1$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)<", plain)
    assert "\n# y" not in markdown
    assert "\u202e" not in plain
    assert len(re.findall(r"^# ", plain, re.MULTILINE)) == 1


def test_the_page_is_whole_and_asks_nobody_for_anything():
    text = render_card_page(make_card(*last_mile(), k=5))
    page = Page(text)
    assert not page.faults
    assert "script" not in page.tags
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)|@import", text)
    assert page.tags.count("svg") >= 3


def test_a_printed_table_stands_its_intervals_under_their_numbers_and_says_once_what_all_rows_share():
    found = card()
    shown = printed(found, all_tables(found)["table-groups-1-1"], 1)
    assert [column.name for column in shown.columns].count("95 % interval") == 0
    assert ("20.0", "16.0 to 26.0") in shown.rows[1]
    noisy = make_card(*last_mile(), k=5)
    shown = printed(noisy, all_tables(noisy)["table-degradation"], 1)
    assert "system: engine" in shown.common
    assert "system" not in [column.name for column in shown.columns]


def test_the_commands_that_test_it_again_are_commands_of_asrfair():
    config = {"by": ["accent"], "baselines": {"accent": "it's US"}, "families": [], "adjust": ["gender"], "deep": True}
    config |= {"threshold": 0.3, "systems": {"engine": {"padding_s": 0.3}}, "probes": 3, "empty_ref": "count"}
    found = card(config=config, cells=[["engine", "clean"]], limit=10)
    lines = [p.text for p in paragraphs(found) if p.form == "command"]
    assert [line.split()[1] for line in lines] == ["transcribe", "score", "analyze", "report", "compare", "gate"]
    for line in lines:
        _, verb, *words = shlex.split(line)
        if verb in main.commands:
            main.commands[verb].make_context(verb, words)
    assert "--system engine,id=engine,padding_s=0.3" in lines[0]
    assert "--limit 10 --seed 0 --probes 3" in lines[0]
    assert """--baseline 'accent=it'"'"'s US'""" in lines[2]


def test_what_is_not_known_of_transcripts_made_elsewhere_is_not_claimed():
    system = {"system_id": "engine", "engine": "precomputed", "name": "precomputed", "version": "abc", "options": {}}
    found = card(systems=[system], cells=[["engine", "clean"]])
    text = render_markdown(found)
    assert "saw audio and nothing else" not in text
    assert "what the system saw and how it was set is not known" in text
    assert "asrfair score MANIFEST --hypotheses engine=TRANSCRIPTS" in text


EMPTY = {"wer": None, "words": 0}
BOTH = ("US", "Thai")
UNHEARD = [group("accent", name, **EMPTY, flags=["no_words"]) for name in BOTH]
FAILED = [group("accent", name, **EMPTY, n_failed=60, flags=["all_failed"]) for name in BOTH]
MANY = [group("accent", f"g{n}") for n in range(500)]
RUNS = {
    "nothing": ([], []),
    "one group": ([group("accent", "US")], []),
    "one speaker": ([group("accent", "US", n_speakers=1, flags=["few_speakers"])], []),
    "no references": (UNHEARD, [gap("accent", "Thai", ratio=None, p=None)]),
    "only failures": (FAILED, []),
    "500 groups": (MANY, [gap("accent", f"g{n}", baseline="g0") for n in range(1, 500)]),
}


@pytest.mark.parametrize("name", RUNS)
def test_whatever_there_is_of_a_run_there_is_a_card_that_says_so(name, tmp_path):
    groups, gaps = RUNS[name]
    paths = write_report(tmp_path, run_record(), *tables(groups, gaps))
    assert [path.name for path in paths] == ["card.json", "card.md", "card.html", "report.html"]
    text = (tmp_path / "card.md").read_text()
    for title in HEADINGS.split("\n"):
        assert title.strip() in text
    assert len(text) < 1_000_000
    said = {
        "nothing": "No attribute was analysed",
        "one group": "Nothing was compared",
        "one speaker": "fewer than 5 speakers",
        "no references": "no reference words",
        "only failures": "nothing was transcribed",
        "500 groups": "more sentences of this kind: see the tables",
    }
    assert said[name] in text.replace("\\", "")


def test_under_several_conditions_that_were_not_analysed_as_rooms_every_table_stands_open():
    found = card([*GROUPS, *map(under, GROUPS)])
    assert len([n for n in all_tables(found) if n.startswith("table-groups-2")]) == 4
    assert "was not told apart" in part(found, "robustness").paragraphs[0].text
