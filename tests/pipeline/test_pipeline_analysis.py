"""The verb analyze from the outside: what it writes, what it refuses, what it leaves behind."""

import json

import pyarrow.parquet as pq
import pytest
from audits import made

import asrfair
from asrfair.config import FamilySpec
from asrfair.errors import InputError
from asrfair.pipeline import analyze, ingest, plan, report, score
from asrfair.report import render_table
from asrfair.tables import SCHEMAS


@pytest.fixture
def run(tmp_path):
    """A scored run in which accent b was recorded in the noisy room more often, and is not harder."""
    hypotheses = made(tmp_path / "data", noisy_share=(0.1, 0.9))
    ingest(tmp_path / "data", hypotheses, tmp_path / "run")
    score(tmp_path / "run")
    return tmp_path / "run"


def table(run, name):
    return pq.read_table(run / f"{name}.parquet").to_pylist()


def test_every_table_of_the_run_folder_keeps_its_named_schema(run):
    analyze(run, deep=True, adjust=["room"])
    for path in run.glob("*.parquet"):
        if path.stem != "scores":
            assert pq.read_schema(path).names == SCHEMAS[path.stem].names, path.name


def test_a_gap_that_the_room_makes_is_gone_among_utterances_of_one_room(run):
    analyze(run, by=["accent"], adjust=["room"])
    b = next(r for r in table(run, "adjusted") if r["group"] == "b" and r["normalizer"] == "whisper-en")
    assert b["total_low"] > 1.1
    assert b["adjusted_low"] < 1.0 < b["adjusted_high"]
    assert b["covariates"] == "room"


def test_numbers_are_held_equal_as_numbers(run):
    analyze(run, by=["accent"], adjust=["snr_db"])
    assert any(0.8 < r["adjusted_ratio"] < 1.25 for r in table(run, "adjusted") if r["group"] == "b")


def test_an_attribute_is_not_said_to_be_held_equal_to_itself(run):
    analyze(run, by=["room", "accent"], adjust=["room"])
    assert {r["attribute"] for r in table(run, "adjusted")} == {"accent"}
    analyze(run, by=["room", "accent"], adjust=["room", "accent"])
    report(run)
    assert "With other things held equal: accent, room" in (run / "card.md").read_text()


def test_what_cannot_be_told_apart_is_said_and_does_not_stop_the_analysis(tmp_path):
    hypotheses = made(tmp_path / "data", noisy_share=(0.0, 1.0))
    ingest(tmp_path / "data", hypotheses, tmp_path / "run")
    score(tmp_path / "run", normalizer=["none"])
    analyze(tmp_path / "run", by=["accent"], adjust=["room"])
    (found,) = table(tmp_path / "run", "adjusted")
    assert found["flags"] == ["not_estimable"]
    assert "room" in found["note"]
    report(tmp_path / "run")
    assert (tmp_path / "run" / "card.md").read_text().count("No model for accent") == 1


def test_matched_prompts_and_quality_shares_are_measured_when_asked(run):
    analyze(run, by=["accent"], deep=True)
    matched = [r for r in table(run, "matched") if r["normalizer"] == "whisper-en"]
    assert {r["n_prompts"] for r in matched} == {8}
    measures = {r["measure"] for r in table(run, "measures")}
    assert {"omnibus", "between_sd", "share_above_0.25", "share_above_0.25_same_prompts", "w1", "energy"} <= measures
    assert {"barycentre_1", "barycentre_2_excess"} <= measures


def test_who_gets_unusable_transcripts_is_told_apart_from_where_they_were_recorded(run):
    """Accent b has more utterances above 25 % WER, and no more than accent a in the same room."""
    analyze(run, by=["accent", "room"], baseline={"accent": "a"}, deep=True)
    shares = {
        (r["measure"], r["group"]): r["value"]
        for r in table(run, "measures")
        if r["attribute"] == "accent" and r["normalizer"] == "minimal" and r["measure"].startswith("share_above_0.25")
    }
    plain = shares["share_above_0.25", "b"] / shares["share_above_0.25", "a"]
    same_room = shares["share_above_0.25_same_room", "b"] / shares["share_above_0.25_same_room", "a"]
    assert plain > 1.5 > same_room


def test_faas_is_told_with_its_warning_and_stands_on_no_card(run):
    analyze(run, deep=True)
    found = [r for r in table(run, "measures") if r["measure"] == "faas_paper"]
    assert {tuple(r["flags"]) for r in found} == {("not_recommended",)}
    report(run)
    assert "faas" not in (run / "card.md").read_text().lower()


def test_what_is_not_asked_for_again_does_not_stay_behind(run):
    analyze(run, deep=True, adjust=["room"])
    analyze(run)
    assert not list(run.glob("adjusted.*")) + list(run.glob("matched.*"))


def test_families_of_the_configuration_and_of_the_command_line_are_not_mixed(run):
    with pytest.raises(InputError, match="declared twice"):
        analyze(run, families=[FamilySpec(name="f")], confirm=["accent"])
    with pytest.raises(InputError, match="add --by shoe"):
        analyze(run, confirm=["shoe"])
    with pytest.raises(InputError, match="two are called 'f'"):
        analyze(run, families=[FamilySpec(name="f"), FamilySpec(name="f")])


def test_confirmed_attributes_are_one_family_and_the_rest_is_screened(run):
    found = analyze(run, by=["accent", "room"], confirm=["accent"], screening="by").disparities.to_pylist()
    families = {(r["attribute"], r["family"].split("|")[0]) for r in found}
    assert families == {("accent", "confirmatory"), ("room", "screening")}
    assert all(r["verdict"] == "higher" for r in found if r["group"] == "ward")


def test_max_t_is_refused_for_what_a_speaker_is_in_more_than_once(run):
    with pytest.raises(InputError, match="several groups of room"):
        analyze(run, by=["room"], screening="max-t")


@pytest.mark.parametrize("claim", [{"groups": ["nope"]}, {"conditions": ["hum@5dB"]}, {"systems": ["two"]}])
def test_a_family_that_names_what_does_not_occur_is_refused(run, claim):
    with pytest.raises(InputError, match=r"family 'f': no (group|condition|system) .* there are"):
        analyze(run, families=[FamilySpec(name="f", **claim)])


def test_a_covariate_that_is_not_declared_is_refused(run):
    with pytest.raises(InputError, match="--adjust mood"):
        analyze(run, adjust=["mood"])


def test_systems_are_compared_and_the_card_says_for_whom(tmp_path):
    hypotheses = made(tmp_path / "data", systems=("one", "two"))
    audit = asrfair.audit(tmp_path / "data", hypotheses, out=tmp_path / "run", by=["accent"])
    pairs = {(r["system_id"], r["other_system_id"]) for r in audit.system_gaps.to_pylist()}
    assert pairs == {("two", "one")}
    card = json.loads((tmp_path / "run" / "card.json").read_text())
    (section,) = [s for s in card["sections"] if s["id"] == "systems"]
    assert section["sentences"][0].startswith("two against one, clean audio: ")
    assert len(section["rows"]) == 3


def test_systems_that_failed_on_other_utterances_are_not_compared_in_silence(tmp_path):
    """As many failures, but of other speakers: a system that gives up on the hard ones looks better."""
    hypotheses = made(tmp_path / "data", systems=("one", "two"))
    for file, accent in zip(hypotheses.values(), "ab", strict=True):
        lines = [line for line in file.read_text().splitlines() if f'"{accent}0-' not in line]
        file.write_text("\n".join(lines))
    asrfair.audit(tmp_path / "data", hypotheses, out=tmp_path / "run", by=["accent"])
    assert "the systems failed on other utterances" in (tmp_path / "run" / "card.md").read_text()


def test_the_card_says_how_p_was_adjusted(run):
    analyze(run, by=["accent"])
    report(run)
    assert "adjusted by Holm's method for all groups" in (run / "card.md").read_text()
    found = analyze(run, by=["accent"], screening="two-stage")
    report(run)
    assert "screening (groups first, then inside them" in (run / "card.md").read_text()
    assert "Holm" not in render_table(found.groups, found.disparities, found.run)


def test_a_plan_of_a_run_measures_what_a_plan_of_a_manifest_assumes(run, tmp_path):
    measured, assumed = plan(run), plan(tmp_path / "data")
    assert measured.measured
    assert not assumed.measured
    assert measured.sigma != assumed.sigma
    assert [g.group for g in assumed.groups if g.attribute == "accent"] == ["a", "b"]
    assert {g.n_speakers for g in assumed.groups if g.attribute == "accent"} == {12}
    assert all(g.shared and g.mde_ratio is None for g in assumed.groups if g.attribute == "room")


def test_what_a_plan_is_told_counts_before_what_was_measured_even_nought(run):
    assert plan(run, sigma=0.0).sigma == 0.0


def test_a_plan_needs_numbers_or_a_manifest():
    with pytest.raises(InputError, match="--wer"):
        plan()
    with pytest.raises(InputError, match="ratio 1"):
        plan(wer=0.1, words=100, ratio=1.0)
    assert plan(wer=0.2, words=1050, ratio=1.5, sigma=0.4, phi=1.84, cv=0.6).speakers == (25,)


def test_an_audit_with_one_normaliser_scores_a_second_beside_it(tmp_path):
    hypotheses = made(tmp_path / "data")
    audit = asrfair.audit(tmp_path / "data", hypotheses, normalizer=["none"])
    assert list(dict.fromkeys(audit.groups["normalizer"].to_pylist())) == ["none", "minimal"]
    assert len(audit.normalizer_gaps)


def test_the_second_opinion_agrees_with_the_disparity_table(tmp_path):
    hypotheses = made(tmp_path / "data", harder=2.0)
    ingest(tmp_path / "data", hypotheses, tmp_path / "run")
    score(tmp_path / "run", normalizer=["none"])
    gap = analyze(tmp_path / "run", by=["accent", "room"], deep=True).disparities.to_pylist()[0]
    found = [r for r in table(tmp_path / "run", "measures") if r["measure"] == "permutation"]
    accents = [r for r in found if r["attribute"] == "accent"]
    assert [r["p"] for r in accents] == [accents[0]["p"]] * 2
    assert accents[0]["p"] <= 0.001
    assert gap["p"] < 0.001
    assert all(r["flags"] == ["crossed"] and r["p"] is None for r in found if r["attribute"] == "room")
