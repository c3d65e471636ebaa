"""What rooms do, and to whom: the sentences, the tables and what stays withheld."""

import re

import pyarrow as pa
import pytest
from last_mile_tables import ACCENTS, last_mile, room_of
from report_tables import EVIL, RTL

from asrfair.report import make_card, render_table
from asrfair.report.columns import SCREEN, width
from asrfair.report.environments import at_levels, in_order, rooms
from asrfair.report.markdown import render_markdown
from asrfair.tables import SCHEMAS


@pytest.fixture(scope="module")
def run():
    return last_mile()


@pytest.fixture(scope="module")
def card(run):
    return make_card(*run, k=5)


def with_rows(run, **tables):
    """The run with some of its further tables made of other rows."""
    record, groups, disparities, further = run
    made = {name: pa.Table.from_pylist(rows, schema=SCHEMAS[name]) for name, rows in tables.items()}
    return record, groups, disparities, further | made


def changed(run, table, change):
    """The run with every row of a table changed."""
    return with_rows(run, **{table: [row | change(row) for row in run[3][table].to_pylist()]})


def sentences(card, name):
    (section,) = [section for section in card.sections if section.id == name]
    return section.sentences


def test_the_strongest_amplification_stands_at_the_top_with_both_scales_and_the_test(card):
    (text,) = [line for line in card.headlines if "lose more than" in line]
    assert text.startswith("engine, open-plan-office at 10 dB: Thai speakers lose more than US speakers: 27.0 points")
    assert "(WER 14.3 to 41.3 %) against 5.0 points (WER 6.2 to 11.2 %), 5.4 times as much" in text
    assert "1.60 times as steeply (1.24 to 2.06); 12 speakers, adjusted p 0.012" in text


def test_every_environment_is_one_line_at_the_top_from_its_easy_to_its_hard_end(card):
    assert len(card.headlines) == 3
    assert "imaging-room 9.1 % at 20 dB, 68.8 % at 0 dB" in card.headlines[1]
    assert "lossy-call 13.9 % at 2 %, 62.0 % at 20 %" in card.headlines[1]


def test_where_nothing_is_shown_it_says_what_would_have_been(run):
    """A half-width of log 1.25 shows exp(1.43 x log 1.25) = 1.38 four times in five."""
    nothing = {"verdict": "not shown", "ratio": 1.0, "ratio_low": 0.8, "ratio_high": 1.25, "p_adjusted": 0.4}
    card = make_card(*changed(run, "interactions", lambda row: nothing))
    assert "no group was shown to lose more in any room than its baseline" in card.headlines[-1]
    assert "a rise at least about 1.38 times as steep, four times in five" in card.headlines[-1]
    assert "fair" not in " ".join(card.headlines)


def test_where_nothing_could_be_tested_nothing_is_claimed(run):
    untold = {"verdict": "cannot tell", "ratio": None, "ratio_low": None, "ratio_high": None, "p_adjusted": None}
    card = make_card(*changed(run, "interactions", lambda row: untold))
    assert "cannot be told" in card.headlines[-1]
    assert "shown to lose" not in " ".join(card.headlines)


def test_one_comparison_that_is_mirrored_is_told_once(run):
    rows = [row for row in run[3]["interactions"].to_pylist() if row["verdict"] == "amplifies"][:1]
    other = rows[0] | {"group": rows[0]["baseline"], "baseline": rows[0]["group"], "verdict": "narrows"}
    for pair in ([rows[0], other], [other, rows[0]]):
        pair = [pair[0], pair[1] | {"flags": ["mirrored"]}]
        (text,) = sentences(make_card(*with_rows(run, interactions=pair)), "interactions")
        assert f"{rows[0]['group']} speakers lose more than" in text


def test_scale_dependence_is_explained_in_one_sentence_and_called_no_finding(card):
    (text,) = [text for text in sentences(card, "interactions") if "Depends on the scale" in text]
    assert "no finding" in text


@pytest.mark.parametrize(("room", "first"), [("imaging-room", "5 dB"), ("lossy-call", "10 %")])
def test_the_level_told_is_the_easiest_at_which_errors_double(card, room, first):
    assert [text for text in sentences(card, "degradation") if text.startswith(f"Under {room} at {first}, error rates")]
    found = [row for row in card.tables["degradation"] if row["attribute"] == "all" and row["environment"] == room]
    order = room_of(room, {"conditions": card.signature["conditions"]}).condition_ids
    found.sort(key=lambda row: order.index(row["condition_id"]))
    assert next(row["condition_id"] for row in found if row["wer_ratio"] >= 2).endswith(first.replace(" ", ""))


def test_a_level_where_errors_do_not_double_is_not_said_to(run):
    card = make_card(*changed(run, "degradation", lambda row: {"wer_ratio": 1.2}))
    assert len([text for text in sentences(card, "degradation") if "error rates double nowhere" in text]) == 3


def test_a_disadvantage_in_clean_audio_is_told_as_the_noise_it_equals(card):
    (text,) = [text for text in sentences(card, "curves") if "clean audio" in text and "imaging-room" in text]
    assert text.startswith(
        "Thai speakers in clean audio meet the errors that US speakers meet under imaging-room at 6.3 dB"
    )
    assert "Nigerian speakers those at 7.3 dB" in text


def test_a_level_beyond_the_hardest_is_said_to_be_and_one_beyond_the_easiest_is_no_news(run):
    hard = {"imaging-room": "at_most", "open-plan-office": "at_most", "lossy-call": "at_least"}
    easy = {"imaging-room": "at_least", "open-plan-office": "at_least", "lossy-call": "at_most"}
    beyond = {"value": None, "low": None, "high": None}

    def told(ends):
        def moved(row):
            return beyond | {"censored": ends[row["environment"]]} if row["measure"] == "quiet_equals" else {}

        found = sentences(make_card(*changed(run, "curves", moved)), "curves")
        return [text for text in found if "in clean audio meet" in text]

    assert all("beyond the hardest level tested" in text for text in told(hard))
    assert len(told(hard)) == 6
    assert told(easy) == []


def test_an_environment_without_levels_has_no_end_to_name(run):
    def alone(row):
        return {"condition_id": "fan", "environment": "fan", "level": None, "wer_ratio": 1.5}

    def fan(table):
        rows = [row for row in run[3][table].to_pylist() if row["condition_id"] == "imaging-room@5dB"]
        return [row | alone(row) for row in rows]

    groups = [row for row in run[1].to_pylist() if row["condition_id"] in ("clean", "imaging-room@5dB")]
    groups = [row | ({"condition_id": "fan"} if row["condition_id"] != "clean" else {}) for row in groups]
    further = {"degradation": pa.Table.from_pylist(fan("degradation"), schema=SCHEMAS["degradation"])}
    card = make_card(run[0], pa.Table.from_pylist(groups, schema=run[1].schema), run[2], further)
    assert card.headlines[1] == "engine, word error rate of everybody under fan 30.8 %."
    assert sentences(card, "degradation")[0].startswith("Under fan, error rates do not double: 9.0 % in clean audio")


def test_more_quiet_is_said_of_a_signal_to_noise_ratio_only(card):
    found = [text for text in sentences(card, "curves") if "to stay below 30 % WER" in text]
    assert any("imaging-room" in text and "more quiet than US speakers need" in text for text in found)
    assert not any("quiet" in text for text in found if "lossy-call" in text)


def test_near_a_hundred_per_cent_there_is_a_warning(card):
    (text,) = card.warnings
    assert "imaging-room at 0 dB and open-plan-office at 0 dB" in text
    assert "no room left" in text


def test_simulated_against_real_names_for_whom_it_holds(card):
    (text,) = sentences(card, "reality")
    assert "alike for" in text
    assert "differs for Thai speakers" in text


def test_a_simulation_that_differs_for_everybody_is_a_warning(run):
    card = make_card(*changed(run, "reality", lambda row: {"verdict": "differs", "wer_ratio": 0.6}))
    assert any("does not do what the real room clinic-recording does" in text for text in card.warnings)


def test_words_written_when_nobody_speaks_are_told_by_the_hour(card):
    (text,) = sentences(card, "probes")
    assert "900 (540 to 1470) with open-plan-office at 5 dB" in text


def test_a_system_that_stays_silent_is_said_to(run):
    silent = {"n_words": 0, "words_per_hour": 0.0, "share_with_words": 0.0, "examples": []}
    (text,) = sentences(make_card(*changed(run, "probes", lambda row: silent)), "probes")
    assert text == "engine wrote no word in 78 minutes without speech."


def test_conditions_that_were_asked_for_and_have_no_result_are_named(card):
    assert "Asked for, but without any result: imaging-room at -5 dB." in card.not_tested
    assert any("lossy-call at 2, 5, 10 and 20 %; no other room, line or device." in text for text in card.not_tested)


def test_a_system_without_any_result_is_named(run):
    record = run[0] | {"cells": [*run[0]["cells"], ["silent-engine", "clean"]]}
    assert "No result of silent-engine, though asked for." in make_card(record, *run[1:]).not_tested


KENYAN = {"Kenyan": (3, 0.0871, 3.0)}


def small_run():
    """A run with a group of three, whom the next smallest must keep company."""
    return last_mile(accents=KENYAN)


def test_a_withheld_group_is_in_no_row_and_no_sentence_of_the_last_mile():
    card = make_card(*small_run(), k=5)
    about = {
        (row["attribute"], row[name])
        for rows in card.tables.values()
        for row in rows
        for name in ("group", "baseline")
        if name in row
    }
    assert {group for _, group in about} >= {"Thai", "US", "all"}
    for name in ("Kenyan", "Welsh"):  # Welsh is the next smallest
        assert ("accent", name) not in about
        assert not any(
            name in text for section in card.sections for text in [*section.sentences, *map(str, section.rows)]
        )
        assert not any(name in line for line in card.headlines)


def test_of_withheld_groups_nothing_is_denied_and_that_they_are_withheld_is_said_once(run):
    """Where the group that loses most may not be reported, it is not said that no group loses more."""
    nothing = {"verdict": "not shown", "ratio": 1.0, "ratio_low": 0.8, "ratio_high": 1.25, "p_adjusted": 0.4}
    whole = changed(small_run(), "interactions", lambda row: nothing)
    assert "no group was shown to lose more" in make_card(*whole, k=None).headlines[-1]
    card = make_card(*whole, k=5)
    assert "no group that may be reported was shown to lose more" in card.headlines[-1]
    assert len([f for f in card.findings if f.group == "Kenyan"]) == 13
    assert len([line for line in render_markdown(card).splitlines() if "Cannot tell for Kenyan" in line]) == 1


def test_withheld_groups_stand_in_the_plain_tables_without_a_number():
    card = make_card(*small_run(), k=5)
    lines = [line for line in render_markdown(card).splitlines() if line.startswith("| Kenyan |")]
    assert lines
    assert not any(re.search(r"\d", line) for line in lines if "withheld" in line and "speakers" not in line)


def test_nothing_is_withheld_from_eyes_that_see_the_tables():
    assert any(row["group"] == "Kenyan" for row in make_card(*small_run(), k=None).tables["degradation"])


@pytest.mark.parametrize("table", ["degradation", "curves", "sensitivity", "reality"])
def test_a_group_that_failures_made_small_is_withheld_with_the_next_smallest(run, table):
    """Everybody and seven of eight groups would tell the eighth by subtraction."""
    few = changed(run, table, lambda row: {"n_speakers": 4} if row["group"] == "Brazilian" else {})
    names = {row["group"] for row in make_card(*few, k=5).tables[table] if row["attribute"] == "accent"}
    assert names == set(ACCENTS) - {"Brazilian", "Welsh"}


def test_comparisons_with_a_withheld_baseline_are_left_out(run):
    few = with_rows(run)
    groups = [row | ({"n_speakers": 4} if row["group"] == "male" else {}) for row in run[1].to_pylist()]
    card = make_card(few[0], pa.Table.from_pylist(groups, schema=run[1].schema), *few[2:], k=5)
    assert not [row for row in card.tables["interactions"] if row["attribute"] == "gender"]


def test_the_rest_does_not_tell_of_those_who_are_missing(run):
    record, groups, disparities, further = changed(run, "interactions", lambda row: {"baseline": "rest"})
    few = [row | {"group": "missing", "n_speakers": 2} for row in groups.to_pylist() if row["group"] == "Welsh"]
    groups = pa.Table.from_pylist([*groups.to_pylist(), *few], schema=groups.schema)
    card = make_card(record, groups, disparities, further, k=5)
    assert {row["attribute"] for row in card.tables["interactions"]} == {"gender"}


def test_without_the_tables_of_the_last_mile_a_card_is_as_it_was(run):
    record, groups, disparities, further = run
    card = make_card(record, groups, disparities)
    assert len(card.headlines) == 13
    assert card.sections == []
    assert "Ceiling" not in card.definitions
    assert "Under noise" not in render_markdown(card)
    clean = groups.filter(pa.compute.equal(groups["condition_id"], "clean"))
    empty = {name: table.schema.empty_table() for name, table in further.items()}
    assert make_card(record, clean, disparities, empty).headlines == make_card(record, clean, disparities).headlines


def test_a_terminal_shows_clean_in_full_and_the_rooms_in_short_within_its_width():
    names = {RTL: (12, 0.12, 2.0), EVIL: (13, 0.11, 1.5), "a\x1b[31m" + 40 * "b": (11, 0.09, 3.0)}
    record, groups, disparities, further = last_mile(("engine", "other"), names)
    text = render_table(groups, disparities, record, further)
    assert max(width(line) for line in text.splitlines()) <= SCREEN
    assert "\x1b" not in text
    assert text.count("(normaliser minimal)") == 2
    assert "engine, lossy-call, % (harder to the right)\nWER %" in text
    assert re.search(r"Thai +14\.3 +26\.1 +32\.9 +48\.8 +77\.4\n", text)
    assert text.index("imaging-room, dB") < text.index("Last mile") < text.index("Findings")


def test_markdown_has_every_group_under_every_condition_in_one_table(card):
    text = render_markdown(card)
    assert "| group | clean audio | imaging-room at 20 dB | imaging-room at 10 dB |" in text
    assert "| Thai | 14.3 | 14.5 | 26.7 | 60.2 | 82.9 | 14.9 |" in text


def test_environments_run_from_easy_to_hard_whichever_end_that_is():
    names = ["loss@1%", "hum@0dB", "clean", "hum@-5dB", "loss@20%", "hum@10dB", "booth"]
    known = [{"condition_id": f"loss@{n}%", "environment": "loss", "hardest": "highest"} for n in (1, 20)]
    found = rooms(known, names)
    ordered = ["clean", "loss@1%", "loss@20%", "hum@10dB", "hum@0dB", "hum@-5dB", "booth"]
    assert in_order(found, names) == ordered
    assert [at_levels(room, names) for room in found] == ["loss at 1 and 20 %", "hum at 10, 0 and -5 dB", "booth"]


def test_texts_of_probes_are_shown_as_they_are_and_cut(run):
    card = make_card(*changed(run, "probes", lambda row: {"examples": [EVIL, "word " * 40, "c", "d"], "n_words": 9}))
    (section,) = [section for section in card.sections if section.id == "probes"]
    assert section.rows[0][-1].startswith(f"{EVIL} / word word")
    assert "…" in section.rows[0][-1]
    assert " d" not in section.rows[0][-1]
