"""The card says by group and in words who got no transcript, and by system what it took and cost."""

import re

import pytest
from explorer_pages import runs_only_its_own_script
from report_tables import EVIL, gap, group, run_record, tables, under

from asrfair.records import Hypothesis
from asrfair.report import make_card
from asrfair.report.failures import KINDS, completion
from asrfair.report.markdown import render_markdown
from asrfair.report.page import render_page

KEY = {"system_id": "engine", "condition_id": "clean"}
USED = {"rows": 240, "requests": 251, "retries": 11, "audio_s": 9000.0, "engine_s": 250.0, "wall_s": 540.0}
PRICED = {"rtfx": 36.0, "cost": 3.6, "currency": "USD", "priced_as_of": "2026-11-21"}


def entry(attribute, name, n_failed, kinds, **more):
    counts = {"attribute": attribute, "group": name, "n_utterances": 60, "n_failed": n_failed, "kinds": kinds}
    return KEY | counts | more


FAILURES = [
    entry("all", "all", 9, {"timeout": 6, "refused": 2, "odd": 1}, n_utterances=240),
    entry("accent", "Thai", 9, {"timeout": 6, "refused": 2, "odd": 1}),
]


def card(groups=None, **run):
    found = groups or [group("accent", name, n_speakers=n) for name, n in (("US", 16), ("Thai", 12), ("Welsh", 12))]
    return make_card(run_record(**{"coverage": {}} | run), *tables(found, [gap("accent", "Thai")]))


def test_every_group_of_an_attribute_that_failures_hit_is_told_with_its_share():
    rows = {row[2]: row[3:] for row in completion(card(failures=FAILURES)).rows}
    assert rows["everybody"] == ["9 of 240", "3.8", "timeout 6, refused 2, odd 1"]
    assert rows["accent: Thai"] == ["9 of 60", "15.0", "timeout 6, refused 2, odd 1"]
    assert rows["accent: US"] == rows["accent: Welsh"] == ["0 of 60", "0.0", ""]


def test_a_withheld_group_has_no_numbers_there_whether_it_failed_or_not():
    groups = [group("accent", "US"), group("accent", "Thai", n_speakers=4), group("accent", "Irish", n_speakers=4)]
    hit = [FAILURES[0], entry("accent", "Thai", 2, {"timeout": 2}), entry("accent", "US", 7, {"timeout": 7})]
    rows = {row[2]: row[3:] for row in completion(card(groups, failures=hit)).rows}
    assert rows["accent: Thai"] == rows["accent: Irish"] == ["—", "—", ""]
    assert rows["accent: US"][0] == "7 of 60"


def test_conditions_without_a_failure_are_not_listed():
    both = [group("accent", "US"), under(group("accent", "US"))]
    places = {(row[0], row[1]) for row in completion(card(both, failures=FAILURES)).rows}
    assert places == {("engine", "clean audio")}


@pytest.mark.parametrize("render", [render_markdown, render_page])
def test_the_card_says_that_failures_are_no_errors_and_what_each_kind_is(render):
    text = render(card(failures=FAILURES))
    assert "failures are in no word error rate" in text
    assert "no answer came in time" in text
    assert "as the system calls it" in text, "a kind of a system of one's own"
    assert KINDS["budget"] not in text, "only the kinds that occur"


@pytest.mark.parametrize("render", [render_markdown, render_page])
def test_without_failures_the_card_says_so(render):
    assert "Every utterance was transcribed by every system" in render(card())


def test_every_kind_of_failure_that_a_row_may_have_is_explained():
    """The kinds are those that `Hypothesis.error` names."""
    told = re.search(r"KIND is (.*?\))\.", " ".join(Hypothesis.__doc__.split())).group(1)
    kinds = {name for part in re.sub(r"\(.*?\)", "", told).split(";") for name in part.replace(" ", "").split(",")}
    assert {kind for kind in kinds if kind} == set(KINDS)


def test_names_and_kinds_from_data_are_not_obeyed():
    failures = [entry("all", "all", 1, {EVIL: 1}), entry(EVIL, EVIL, 1, {EVIL: 1})]
    found = card([group(EVIL, EVIL)], failures=failures, usage={EVIL: USED | PRICED | {"currency": EVIL}})
    assert runs_only_its_own_script(render_page(found))
    assert "<script>" not in render_markdown(found)


def section(found):
    return next((part for part in found.sections if part.id == "usage"), None)


def test_speed_and_cost_stand_by_system():
    found = section(card(usage={"engine": USED | PRICED}))
    assert found.rows == [
        ["engine", "240", "2.50", "36.0", "0.150", "251", "11", "3.60 USD", "2026-11-21"],
    ]
    (sentence,) = found.sentences
    assert "2.50 hours of audio, transcribed at 36.0 times the speed at which it plays" in sentence
    assert "251 requests, 11 of them retries; 3.60 USD at the list prices of 2026-11-21" in sentence
    assert "without start-up and retries" in found.about


def test_what_costs_nothing_or_is_not_known_is_a_dash():
    free = USED | {"rtfx": None, "cost": None, "currency": "USD", "priced_as_of": "2026-11-21"}
    found = section(card(usage={"engine": free}))
    assert found.rows[0][3] == found.rows[0][7] == found.rows[0][8] == "—"
    assert "USD" not in found.sentences[0]


def test_where_nothing_was_transcribed_there_is_no_such_part():
    assert section(card()) is None
    assert section(card(usage={})) is None
    assert section(card(usage={"engine": USED | PRICED | {"requests": 0}})) is None


def test_usage_is_in_the_cards_numbers_and_in_both_its_forms():
    found = card(usage={"engine": USED | PRICED})
    assert found.tables["usage"] == [{"system_id": "engine"} | USED | PRICED]
    assert "Speed and cost" in render_markdown(found)
    assert "Speed and cost" in render_page(found)
