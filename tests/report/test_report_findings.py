"""Sentences: what was found, what could not be told and why, and what was not tested at all."""

import pytest
from report_tables import RTL, gap, group, run_record, tables, under

from asrfair.report import make_card
from asrfair.report.notes import SHORT, WITHHOLDING, notes
from asrfair.report.wording import p_value, ratio_digits
from asrfair.stats import policy


def card(groups, gaps=(), **more):
    return make_card(run_record(**more), *tables(groups, gaps), k=None)


def texts(groups, gaps=()):
    return [finding.text for finding in card(groups, gaps).findings]


US, SCOTTISH = group("accent", "US"), group("accent", "Scottish", wer=0.2)


def test_a_gap_is_one_sentence_with_ratio_interval_speakers_and_adjusted_p():
    assert texts([US, SCOTTISH], [gap("accent", "Scottish", ratio=1.8, p=0.003)]) == [
        "Scottish speakers meet 1.8 times the errors of US speakers (95 % interval 1.3 to 2.5; 12 speakers; adjusted p "
        "0.003): WER 20.0 % against 10.0 %, clean audio."
    ]


def test_shown_gaps_come_first_the_widest_first_then_what_cannot_be_told_then_what_was_not_shown():
    groups = [US, *(group("accent", name) for name in "ABCDEF")]
    gaps = [
        gap("accent", "A", ratio=1.2, p=0.4),
        gap("accent", "B", ratio=1.5),
        gap("accent", "C", ratio=0.5),
        gap("accent", "D", ratio=3.0),
        gap("accent", "E", p=None, flags=["few_speakers"]),
        gap("accent", "F", ratio=0.4),
    ]
    assert [finding.group for finding in card(groups, gaps).findings] == ["D", "B", "F", "C", "E", "A"]


def test_no_gap_shown_says_which_gap_would_have_been_and_never_that_it_is_fair():
    (text,) = texts([US, SCOTTISH], [gap("accent", "Scottish", ratio=1.4, p=0.2)])
    assert text.startswith("No gap shown between Scottish speakers and US speakers: ")
    assert "would have shown a ratio of 1.7 or more" in text
    assert "fair" not in text


@pytest.mark.parametrize(
    ("row", "difference", "why"),
    [
        (
            group("accent", "A", wer=None, n_speakers=2, flags=["suppressed"]),
            {},
            "2 speakers, too few to report a rate",
        ),
        (
            group("accent", "A", n_speakers=4, flags=["few_speakers"]),
            {},
            "4 speakers, too few or too unequal for a test",
        ),
        (group("accent", "A", n_speakers=None, flags=["speakers_unknown"]), {}, "does not say who speaks"),
        (group("accent", "A", wer=0.0, words=476, flags=["no_errors"]), {}, "no errors in 476 words of 12 speakers"),
        (group("accent", "A", flags=["no_spread"]), {}, "all speakers have the same rate"),
        (
            group("accent", "A"),
            {"flags": ["baseline_no_errors"]},
            "on the side of US speakers, no errors in 1,000 words",
        ),
        (
            group("accent", "A"),
            {"flags": ["baseline_few_speakers"], "baseline": "rest"},
            "on the side of everybody else",
        ),
    ],
)
def test_where_nothing_can_be_told_the_reason_is_the_one_that_withholds_the_number(row, difference, why):
    (text,) = texts([US, row], [gap("accent", "A", p=None, ratio=None) | difference])
    assert text.startswith("Cannot tell for A speakers against ")
    assert why in text


def test_a_baseline_that_is_merely_fragile_is_not_blamed():
    fragile = group("accent", "US", flags=["fragile"])
    few = group("accent", "A", n_speakers=4, flags=["few_speakers"])
    (text,) = texts([fragile, few], [gap("accent", "A", p=None, flags=["baseline_fragile"])])
    assert "4 speakers" in text
    assert "side of" not in text


def test_two_groups_that_are_each_others_rest_make_one_sentence_about_the_one_with_more_errors():
    groups = [group("gender", "female", wer=0.2), group("gender", "male")]
    gaps = [
        gap("gender", "male", baseline="rest", ratio=0.5),
        gap("gender", "female", baseline="rest", ratio=2.0, flags=["mirrored"]),
    ]
    (text,) = texts(groups, gaps)
    assert text.startswith("Female speakers meet 2.0 times the errors of male speakers")
    assert "WER 20.0 % against 10.0 %" in text


def test_an_attribute_that_is_one_with_the_person_is_said_to_be_so_once_for_all_conditions():
    groups = [group("accent", name, wer=None, n_speakers=n, flags=["suppressed"]) for name, n in (("US", 2), ("A", 1))]
    (text,) = texts([*groups, *map(under, groups)])
    assert "confounded" in text
    assert "1 or 2 speakers" in text
    assert "cannot be told apart" in text


def test_a_condition_is_named_in_words_and_the_system_where_there_are_several():
    groups = [US, SCOTTISH]
    noisy = [under(row, system_id="other") for row in groups]
    found = gap("accent", "Scottish")
    said = texts([*groups, *noisy], [under(found, system_id="other")])
    assert said[0].endswith("other, machine-hum at 5 dB.")


def test_right_to_left_names_are_isolated_in_a_sentence():
    (text,) = texts([US, group("accent", RTL)], [gap("accent", RTL)])
    assert text.startswith(f"\N{FIRST STRONG ISOLATE}{RTL}\N{POP DIRECTIONAL ISOLATE} speakers")


def test_the_first_lines_give_the_rate_of_everybody_and_the_ends_of_each_attribute():
    groups = [US, SCOTTISH, group("accent", "missing", wer=0.9), group("accent", "X", wer=None, flags=["suppressed"])]
    (line,) = card(groups).headlines
    assert line == (
        "engine, clean audio: word error rate 10.0 % (95 % interval 8.0 to 13.0; 40 speakers). "
        "By accent from 10.0 % (US) to 20.0 % (Scottish)."
    )


def test_no_p_value_reads_as_the_other_side_of_the_level():
    for p in (0.0499, 0.04996, 0.049999, 0.050001, 0.05004, 0.0503, 0.0001, 1.0):
        shown = float(p_value(p).strip("<"))
        assert shown != policy.ALPHA
        assert (shown < policy.ALPHA) is (p < policy.ALPHA)


def test_a_bound_next_to_1_is_given_with_the_decimals_that_show_its_side():
    assert ratio_digits(1.9, 1.02, 3.5) == 2
    assert ratio_digits(1.8, 1.3, 2.4) == 1


def test_every_flag_of_the_policy_has_a_few_words():
    assert set(SHORT) == {rule.flag for rule in policy.RULES} | {*policy.CONTRAST_FLAGS, *policy.FURTHER_FLAGS}
    refusing = {rule.flag for rule in policy.RULES if rule.refuses_p}
    assert refusing <= set(WITHHOLDING)


def test_notes_say_why_a_number_is_absent():
    groups = [US, group("accent", "A", wer=0.0, words=476, flags=["no_errors", "few_words"])]
    gaps = [gap("accent", "A", p=None, ratio=None, flags=["baseline_few_speakers", "baseline_fragile"])]
    row = card(groups, gaps).cells[0].attributes[0].groups[1]
    assert notes(row) == ["no errors in 476 words", "under 500 words", "baseline: too few speakers for a test"]


def test_what_was_not_tested_names_attributes_conditions_groups_languages_and_rules():
    groups = [US, SCOTTISH, group("accent", "Welsh", wer=None, n_speakers=1, flags=["suppressed"])]
    groups.append(group("accent", "missing") | {"n_utterances": 30})
    manifest = {"undeclared": ["shoe_size"], "notes": "Synthetic voices are no evidence about people."}
    coverage = {"notes": [{"attribute": "accent", "code": "aligned", "text": "accent and prompt go together"}]}
    said = " ".join(card(groups, manifest=manifest, coverage=coverage).not_tested)
    for expected in (
        "Synthetic voices are no evidence about people.",
        "Not analysed by gender",
        "Not analysed by shoe_size",
        "accent is missing for 50 % of the utterances.",
        "Not reported for accent Welsh: too few speakers.",
        "Accent and prompt go together.",
        "no noise, room, line or device was added",
        "Only one normaliser, minimal",
        "No other language than en.",
    ):
        assert expected in said


def test_a_condition_that_one_system_did_not_meet_is_named():
    groups = [US, under(US), under(US, "clean", "other")]
    said = card(groups).not_tested
    assert "other was not run under machine-hum at 5 dB." in said
    assert any(sentence.startswith("Noise only as in machine-hum at 5 dB") for sentence in said)


def test_noise_without_clean_audio_is_said_to_leave_the_noise_unjudged():
    assert any("what the noise alone does" in sentence for sentence in card([under(US)]).not_tested)
