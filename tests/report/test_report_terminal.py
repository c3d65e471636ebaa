"""Tables for a terminal: they fit, they line up, and they obey nobody."""

from hypothesis import given
from hypothesis import strategies as st
from report_tables import EVIL, RTL, gap, group, run_record, tables, under

from asrfair.report import render_failures, render_table
from asrfair.report.columns import SCREEN, shortened, text_table, width, wrapped

LONG = "First language Tok Pisin, raised in the Eastern Highlands and schooled abroad"
NAMES = ["US", LONG, RTL, "日本語話者", EVIL, "a\x1b[31m\u202eb", "West Midlands*female"]


def test_no_line_is_wider_than_the_screen_and_no_character_is_obeyed():
    groups = [group("accent", name, words=12_345_678, wer=1.2) for name in NAMES]
    groups += [under(row, system_id=LONG) for row in groups]
    text = render_table(*tables(groups, [gap("accent", name, ratio=123.4) for name in NAMES[1:]]), run_record())
    assert max(width(line) for line in text.splitlines()) <= SCREEN
    assert not {"\x1b", "\u202e", "\u2068"} & set(text)


def test_the_table_says_what_its_columns_mean_and_then_what_was_found():
    text = render_table(*tables([group("accent", "US"), group("accent", "A")], [gap("accent", "A")]), run_record())
    order = [
        "engine, clean audio (normaliser minimal)",
        "accent against US",
        "WER: wrong words per 100",
        "Findings\n- A",
    ]
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)


def test_failures_are_told_by_system_condition_and_group_with_their_kinds():
    entry = {"system_id": "engine", "condition_id": "machine-hum@5dB", "attribute": "accent", "group": "US"}
    lines = render_failures([entry | {"n_utterances": 40, "n_failed": 2, "kinds": {"timeout": 2}}]).splitlines()
    assert lines[1] == "engine, machine-hum at 5 dB"
    assert lines[2].split() == ["accent:", "US", "40", "2", "5.0", "timeout", "2"]
    assert render_failures([entry | {"n_utterances": 40, "n_failed": 0, "kinds": {}}]) == "No failures."


@given(st.lists(st.tuples(st.text(max_size=50), st.integers(0, 10**9)), min_size=1, max_size=8))
def test_columns_line_up_whatever_the_script(rows):
    lines = text_table(["group", "n"], [[name, str(n)] for name, n in rows]).splitlines()
    assert len(lines) == len(rows) + 1
    assert len({width(line) for line in lines}) == 1


@given(st.text(max_size=400))
def test_wrapping_loses_no_word(text):
    words = wrapped(text, first="- ").split()
    assert words[:1] == ["-"]
    assert " ".join(words[1:]) == " ".join(shortened(text, 10**6).split())
