"""The card, the page and the terminal: what people read is what the tables say, and nothing more."""

import json
import re
from html.parser import HTMLParser

import msgspec
import pyarrow as pa
import pytest
from explorer_pages import runs_only_its_own_script

from asrfair.report import Card, card_schema, make_card, render_table, write_report
from asrfair.report.columns import text_table, width
from asrfair.report.findings import findings
from asrfair.stats import analyze_scores
from asrfair.tables import SCORES

RTL = "עברית"
EVIL = "<script>alert(1)</script>"


def scores(groups, words=100, system="engine", failed=()):
    """Score rows from {group: [errors of each speaker]}."""
    rows, labels = [], []
    for group, errors in groups.items():
        for number, n in enumerate(errors):
            speaker = f"secret-{group}-{number}"
            is_failed = (group, number) in failed
            counts = {} if is_failed else {"hits": words - n, "substitutions": n, "deletions": 0, "insertions": 0}
            chars = {} if is_failed else {"n_ref_chars": words * 5, "char_errors": n}
            rows.append(
                {"system_id": system, "condition_id": "clean", "utterance_id": speaker, "normalizer": "minimal"}
                | {"status": "failed" if is_failed else "ok", "speaker_id": speaker}
                | counts
                | chars
            )
            labels.append(group)
    table = pa.Table.from_pylist(rows, schema=SCORES)
    return table, pa.chunked_array([labels])


def run_record(**more):
    attributes = {"accent": {"kind": "accent", "provenance": "self_reported", "baseline": "US"}}
    manifest = {"name": "Set", "version": "1", "digest": "d" * 64, "language": "en", "licence": "CC0-1.0"}
    manifest |= {
        "collection": "asked",
        "consent": "given",
        "n_utterances": 30,
        "n_speakers": 30,
        "attributes": attributes,
    }
    return {
        "asrfair_version": "0.1.0",
        "run_id": "r1",
        "created": "2026-01-01T00:00:00Z",
        "manifest": manifest | more.pop("manifest", {}),
        "systems": [{"system_id": "engine", "name": "engine", "version": "1", "options": {}, "deterministic": True}],
        "conditions": [{"condition_id": "clean"}],
        "cells": [["engine", "clean"]],
        "normalizers": [{"name": "minimal", "version": "1", "digest": "n" * 64}],
        "costs": "levenshtein",
        "seed": 0,
    } | more


GAP = {"US": [5, 6, 4, 7, 5, 6, 4, 5, 6, 7, 5, 4], "Scottish": [10, 12, 9, 11, 13, 8, 10, 12, 11, 9, 10, 12]}


def tables(groups, **kwargs):
    table, labels = scores(groups, **kwargs)
    return analyze_scores(table, {"accent": labels}, ["accent"], {"accent": "US"})


def card(groups, **more):
    return make_card(run_record(**more), *tables(groups), k=None)


def test_a_shown_gap_is_a_sentence_with_ratio_interval_and_speakers():
    (finding,) = card(GAP).findings
    assert finding.verdict == "higher"
    assert finding.text.startswith("Scottish speakers meet 2.0 times the errors of US speakers (95 % interval ")
    assert "12 speakers" in finding.text


def test_where_there_are_few_speakers_it_says_cannot_tell_and_how_many():
    texts = [f.text for f in card(GAP | {"Thai": [9, 8, 12, 5], "Welsh": [40, 50]}).findings]
    assert any(t.startswith("Cannot tell for Thai speakers") and "4 speakers" in t for t in texts)
    assert any(t.startswith("Cannot tell for Welsh speakers") and "2 speakers" in t for t in texts)


def test_no_gap_shown_is_never_called_fair_and_says_what_would_have_been_seen():
    (finding,) = card({"US": GAP["US"], "Irish": GAP["US"][::-1]} | {"US": [4, *GAP["US"][1:]]}).findings
    assert finding.verdict == "not shown"
    assert "would have shown a ratio of" in finding.text
    assert "fair" not in finding.text


def test_groups_of_one_or_two_persons_are_called_confounded():
    texts = [f.text for f in card({"US": [5, 6], "Greek": [9], "German": [1, 2]}).findings]
    assert len(texts) == 1
    assert "confounded" in texts[0]
    assert "1 or 2 speakers" in texts[0]


def test_a_suppressed_group_leaks_no_number_anywhere(tmp_path):
    groups, disparities = tables(GAP | {"Welsh": [37, 41]}, words=1000)
    files = write_report(tmp_path, run_record(), groups, disparities)
    for text in [path.read_text() for path in files] + [render_table(groups, disparities, run_record())]:
        assert "Welsh" in text
        for leak in ("3.9", "37", "41", "0.039", "78"):
            assert not re.search(rf"Welsh[^\n]*\b{re.escape(leak)}\b", text)
    (welsh,) = [
        r
        for r in json.loads((tmp_path / "card.json").read_text())["cells"][0]["attributes"][0]["groups"]
        if r["group"] == "Welsh"
    ]
    assert welsh["wer"] is welsh["wer_ratio"] is welsh["cer"] is welsh["wer_macro"] is None
    assert set(welsh["wer_by_normalizer"].values()) == {None}


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href") and value]


def page(tmp_path, groups):
    write_report(tmp_path, run_record(), *tables(groups))
    text = (tmp_path / "report.html").read_text()
    parser = _Page()
    parser.feed(text)
    return text, parser


def test_the_page_needs_no_network(tmp_path):
    text, parsed = page(tmp_path, GAP)
    assert all(link.startswith("#") for link in parsed.links)
    assert "default-src 'none'" in text
    assert "url(http" not in text


def test_names_from_data_are_inert_in_every_form(tmp_path):
    text, _ = page(tmp_path, GAP | {EVIL: GAP["US"], RTL: GAP["US"], "a $x^2$ _c_": GAP["US"]})
    assert runs_only_its_own_script(text)
    markdown = (tmp_path / "card.md").read_text()
    assert "<script>" not in markdown
    assert r"\_c\_" in markdown
    assert f"<bdi>{RTL}</bdi>" in (tmp_path / "report.html").read_text()


def test_speaker_ids_and_paths_stay_out_of_what_is_published(tmp_path):
    record = run_record(manifest={"path": "/home/somebody/private/rows.jsonl"})
    for path in write_report(tmp_path, record, *tables(GAP)):
        assert "secret-" not in path.read_text()
        assert "/home/somebody" not in path.read_text()


def test_the_card_is_valid_by_its_own_schema_and_refuses_unknown_keys(tmp_path):
    write_report(tmp_path, run_record(), *tables(GAP))
    data = (tmp_path / "card.json").read_bytes()
    assert msgspec.json.decode(data, type=Card).schema_version == 1
    assert "Card" in card_schema()["$defs"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(data.replace(b'"schema_version"', b'"schema_versionn"', 1), type=Card)


def test_the_same_run_gives_the_same_bytes(tmp_path):
    texts = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        texts.append([p.read_bytes() for p in write_report(tmp_path / name, run_record(), *tables(GAP))])
    assert texts[0] == texts[1]


def test_every_number_has_a_signature_that_moves_with_what_it_depends_on():
    signatures = {
        card(GAP).cells[0].signature,
        card(GAP, seed=1).cells[0].signature,
        card(GAP, costs="sclite").cells[0].signature,
        card(GAP, manifest={"digest": "e" * 64}).cells[0].signature,
        card(GAP, normalizers=[{"name": "minimal", "version": "2", "digest": "x"}]).cells[0].signature,
    }
    assert len(signatures) == 5


def test_what_was_not_tested_is_said():
    said = " ".join(card(GAP | {"Welsh": [4]}, manifest={"undeclared": ["shoe_size"], "notes": "Made up."}).not_tested)
    for expected in ("Made up.", "shoe_size", "Welsh", "no noise", "No other language than en"):
        assert expected in said


def test_no_findings_are_made_where_nothing_was_compared():
    table, _ = scores(GAP)
    empty = make_card(run_record(), *analyze_scores(table, {}, [], {}))
    assert findings(empty.cells, {}) == []
    assert "No attribute was analysed" in " ".join(empty.not_tested)


def test_a_table_is_aligned_whatever_the_script():
    lines = text_table(
        ["group", "n"], [["日本", "1"], [RTL, "22"], ["é\u0301", "333"], ["a\x1b[31m\n", "4"]]
    ).splitlines()
    assert len({width(line) for line in lines}) == 1
    assert "\x1b" not in "".join(lines)
