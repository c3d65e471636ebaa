"""A card gives no small group away: not by its numbers, not by how many there are, not by subtraction."""

import re

import pyarrow as pa
import pytest
from report_tables import gap, group, run_record, tables, under

from asrfair.errors import InputError
from asrfair.pipeline import report
from asrfair.report import make_card, write_report
from asrfair.tables import SCHEMAS

SMALL = group("accent", "Thai", wer=0.3127, n_speakers=3, words=777, flags=["few_speakers"])
GROUPS = [
    group("accent", "US", n_speakers=20, words=2000),
    SMALL | {"n_utterances": 43},
    group("accent", "Irish", wer=0.1873, n_speakers=7, words=611) | {"n_utterances": 37},
    group("accent", "Welsh", wer=0.2, n_speakers=10, words=612),
]
GAPS = [gap("accent", name, ratio=r) for name, r in (("Thai", 3.13), ("Irish", 1.87), ("Welsh", 2.0))]


def coverage():
    rows = [dict(r, minutes=1.5, words=r["n_ref_words"]) for r in GROUPS]
    return {
        "groups": [
            {k: r[k] for k in ("attribute", "group", "n_utterances", "n_speakers", "minutes", "words")} for r in rows
        ]
    }


def card(k=5, groups=GROUPS, gaps=GAPS, **more):
    return make_card(run_record(**{"coverage": coverage()} | more), *tables(groups, gaps), k=k)


def rows(found):
    return {row.group: row for row in found.cells[0].attributes[0].groups}


def test_a_group_below_k_and_the_next_smallest_lose_every_number():
    found = rows(card())
    for name in ("Thai", "Irish"):
        row = found[name]
        numbers = [
            getattr(row, n) for n in type(row).__struct_fields__ if n not in ("group", "flags", "baseline", "verdict")
        ]
        assert [n for n in numbers if n not in (None, {}, {"minimal": None})] == []
        assert row.verdict == "suppressed"
    assert "complementary" in found["Irish"].flags
    assert found["Welsh"].wer == 0.2


def test_the_files_that_are_written_do_not_have_their_numbers(tmp_path):
    record = run_record(coverage=coverage())
    for path in write_report(tmp_path, record, *tables(GROUPS, GAPS)):
        text = re.sub(r"<style>.*?</style>", "", path.read_text(), flags=re.DOTALL)
        for number in ("31.3", "0.3127", "18.7", "0.1873", "777", "611", "3.13", "1.87"):
            assert not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text), f"{path.name} tells {number}"
        assert "Withheld because they have fewer than 5 speakers" in text


def test_what_is_hidden_under_one_condition_is_hidden_under_all():
    noisy = [under(row) for row in GROUPS]
    noisy[1] |= {"n_speakers": 6}
    found = card(groups=[*GROUPS, *noisy], gaps=[*GAPS, *(under(g) for g in GAPS)])
    assert [cell.attributes[0].groups[1].wer for cell in found.cells] == [None, None]


def test_failures_and_coverage_of_a_withheld_group_are_not_counted_out():
    failures = [
        {
            "system_id": "engine",
            "condition_id": "clean",
            "attribute": "accent",
            "group": g,
            "n_utterances": 60,
            "n_failed": 4,
        }
        | {"kinds": {"timeout": 4}}
        for g in ("Thai", "Welsh")
    ]
    found = card(failures=failures)
    assert [(f["group"], f["n_failed"]) for f in found.failures] == [("Thai", None), ("Welsh", 4)]
    assert [c["words"] for c in found.coverage] == [2000, None, None, 612]


def test_a_withheld_baseline_takes_its_comparisons_with_it():
    found = rows(card(groups=[GROUPS[0] | {"n_speakers": 4}, *GROUPS[2:]]))
    assert found["Welsh"].wer_ratio is None


def test_for_the_public_ten_speakers_are_needed():
    assert rows(card(k=10))["Irish"].wer is None
    assert card(k=10).signature["k_anonymity"] == 10


def test_two_speakers_are_never_published(tmp_path):
    with pytest.raises(InputError, match="never published"):
        report(tmp_path, k=2)


def measure(name, value, group=None, p=None, method="descriptive"):
    row = {"system_id": "engine", "condition_id": "clean", "normalizer": "minimal", "attribute": "accent"}
    row |= {"measure": name, "group": group, "value": value, "low": None, "high": None, "p": p}
    return row | {"method": method, "flags": []}


def further(rows, name="measures"):
    return {name: pa.Table.from_pylist(rows, schema=SCHEMAS[name])}


def test_a_range_does_not_tell_the_rate_of_a_withheld_group():
    """Thai is the worst: the lowest published rate and the range would be its rate."""
    rows = [measure("omnibus", None, p=0.01, method="permutation"), measure("range", 0.2127)]
    rows += [measure("barycentre_1", 0.05, method="speaker permutation, 999"), measure("between_sd", 0.0777)]
    rows += [measure("gap_to_best", 0.873, "Welsh"), measure("share_above_0.5", 0.3, "Welsh", method="jackknife")]
    found = make_card(run_record(coverage=coverage()), *tables(GROUPS, GAPS), further(rows), k=5)
    assert [row["measure"] for row in found.tables["measures"]] == ["omnibus", "share_above_0.5"]
    (spread,) = [section for section in found.sections if section.id == "spread"]
    assert spread.rows[0][3:6] == ["\N{EM DASH}", "\N{EM DASH}", "0.010"]


def test_the_rest_does_not_tell_the_rate_of_those_who_are_missing():
    """Everybody less the rest of Welsh less Welsh would be two persons who gave no accent."""
    groups = [GROUPS[0], *GROUPS[2:], group("accent", "missing", n_speakers=2)]
    gaps = [gap("accent", name, baseline="rest", ratio=1.3) for name in ("US", "Welsh")]
    gaps += [gap("gender", name, baseline="rest", ratio=1.3) for name in ("f", "m")]
    groups += [group("gender", name, n_speakers=20) for name in ("f", "m")]
    found = card(groups=groups, gaps=gaps)
    accent, gender = found.cells[0].attributes
    assert {(r.wer_ratio, r.wer_difference) for r in accent.groups if r.baseline == "rest"} == {(None, None)}
    assert {r.wer_ratio for r in gender.groups} == {1.3}
    assert any("name a baseline group" in finding.text for finding in found.findings)


def test_a_harm_that_fewer_speakers_could_meet_is_not_published():
    """All twenty US speakers are published; the three of them who said a term are not."""
    harm = dict.fromkeys(SCHEMAS["harms"].names) | {"system_id": "engine", "condition_id": "clean", "flags": []}
    harm |= {"normalizer": "minimal", "attribute": "accent", "group": "US", "baseline": "US", "rate": 0.4}
    rows = [harm | {"harm": "keyword_misses", "n_speakers": 3}, harm | {"harm": "failures", "n_speakers": 20}]
    found = make_card(run_record(coverage=coverage()), *tables(GROUPS, GAPS), further(rows, "harms"), k=5)
    assert [row["harm"] for row in found.tables["harms"]] == ["failures"]


def test_a_larger_group_that_is_withheld_with_a_small_one_is_not_said_to_be_small():
    found = card()
    assert "Not reported for accent Thai: too few speakers." in found.not_tested
    assert "fewer than 5 speakers" in found.flags["suppressed"]
    assert "withheld" in found.flags["complementary"]


def test_four_utterances_of_unknown_speakers_are_of_four_people_at_most():
    unknown = {"n_speakers": None, "flags": ["speakers_unknown"]}
    groups = [group("accent", name) | unknown for name in ("US", "Irish", "Welsh")]
    groups += [group("accent", "Thai", wer=0.3127) | unknown | {"n_utterances": 6, "n_failed": 2}]
    found = rows(card(groups=groups, gaps=[], coverage={}))
    assert found["Thai"].wer is None
    assert sum(row.wer is not None for row in found.values()) == 2
