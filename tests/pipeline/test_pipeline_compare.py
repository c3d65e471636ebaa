"""Two releases on the same people: what got worse is named, for whom, and whether a gap grew."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from audits import made

import asrfair
from asrfair.errors import ConfigError, InputError
from asrfair.pipeline.comparing import compare
from asrfair.pipeline.gate_rules import Rule, read_rules
from asrfair.pipeline.gating import gate
from asrfair.stats.gate import Measured, decide


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """`old` is as good for both accents; `new` makes twice the errors for the accent b."""
    folder = tmp_path_factory.mktemp("releases")
    runs = {}
    for name, harder in (("old", 1.0), ("new", 2.0)):
        files = made(folder / f"{name}-data", speakers=20, harder=harder)
        runs[name] = folder / name
        asrfair.audit(folder / f"{name}-data", files, out=runs[name], by=["accent", "room"], normalizer=["minimal"])
    return runs


@pytest.fixture(scope="module")
def found(releases, tmp_path_factory):
    return compare(releases["old"], releases["new"], out=tmp_path_factory.mktemp("out"))


def row_of(found, group):
    return next(row for row in found.rows if row["group"] == group)


def test_the_group_that_got_worse_is_named_and_the_other_is_not(found):
    assert row_of(found, "b")["verdict"] == "worse"
    assert row_of(found, "b")["gap_verdict"] == "grew"
    assert row_of(found, "a")["wer_difference"] == 0
    assert row_of(found, "a")["verdict"] not in ("better", "worse")
    told = " ".join(found.sentences())
    assert re.search(r"accent .?b.?, clean audio: WORSE", told)
    assert "grew" in told


def test_the_numbers_are_those_of_the_scores_of_both_runs(releases, found):
    rates = {}
    for name, run in releases.items():
        rows = [row for row in pq.read_table(run / "scores.parquet").to_pylist() if row["accent"] == "b"]
        errors = sum(row["substitutions"] + row["deletions"] + row["insertions"] for row in rows)
        rates[name] = errors / sum(row["hits"] + row["substitutions"] + row["deletions"] for row in rows)
    row = row_of(found, "b")
    assert row["old_wer"] == pytest.approx(rates["old"])
    assert row["wer"] == pytest.approx(rates["new"])
    assert row["wer_difference"] == pytest.approx(rates["new"] - rates["old"])


def test_a_release_against_itself_is_no_change_anywhere(releases):
    found = compare(releases["new"], releases["new"])
    assert {row["wer_difference"] for row in found.rows} == {0.0}
    assert not {row["verdict"] for row in found.rows} & {"better", "worse"}


def test_what_one_side_failed_is_not_compared_and_is_told(releases, tmp_path):
    files = made(tmp_path / "data", speakers=20, harder=2.0)
    lines = files["one"].read_text().splitlines()
    files["one"].write_text("\n".join(lines[5:]))
    asrfair.audit(tmp_path / "data", files, out=tmp_path / "run", by=["accent"], normalizer=["minimal"])
    found = compare(releases["new"], tmp_path / "run")
    assert found.lost["clean"]["failed_in_one"] == 5
    assert row_of(found, "all")["n_pairs"] == 320 - 5
    assert row_of(found, "a")["wer_difference"] == 0
    assert "5 one side failed" in found.as_text()


def test_other_data_is_compared_with_a_warning_and_only_where_it_is_the_same(releases, tmp_path):
    files = made(tmp_path / "data", speakers=20, harder=2.0)
    rows = (tmp_path / "data" / "rows.jsonl").read_text().splitlines()
    (tmp_path / "data" / "rows.jsonl").write_text("\n".join(rows[40:]))
    lines = files["one"].read_text().splitlines()
    files["one"].write_text("\n".join(lines[40:]))
    asrfair.audit(tmp_path / "data", files, out=tmp_path / "run", by=["accent"], normalizer=["minimal"])
    found = compare(releases["new"], tmp_path / "run")
    assert "manifests are not the same" in found.differences[0]
    assert found.lost["clean"]["only_old"] == 40


def test_two_systems_of_one_run_are_named_with_a_colon(tmp_path):
    files = made(tmp_path / "data", speakers=12, systems=("one", "two"))
    asrfair.audit(tmp_path / "data", files, out=tmp_path / "run", by=["accent"], normalizer=["minimal"])
    assert compare(f"{tmp_path}/run:one", f"{tmp_path}/run:two").new.system_id == "two"
    with pytest.raises(InputError, match="has 2 systems"):
        compare(tmp_path / "run", tmp_path / "run")
    with pytest.raises(InputError, match="no system 'three'"):
        compare(f"{tmp_path}/run:one", f"{tmp_path}/run:three")


def test_a_group_of_few_speakers_is_in_no_row_and_no_file(releases, tmp_path):
    files = made(tmp_path / "data", speakers=4)
    for name in ("old", "new"):
        asrfair.audit(tmp_path / "data", files, out=tmp_path / name, by=["accent"], normalizer=["minimal"])
    found = compare(tmp_path / "old", tmp_path / "new", by=["accent"], out=tmp_path / "out")
    assert {row["attribute"] for row in found.rows} == {"all"}
    assert found.signature["withheld"] == 2
    assert '"group": "a"' not in (tmp_path / "out" / "comparison.json").read_text()


def test_the_files_hold_the_same_as_the_tables(releases, tmp_path):
    found = compare(releases["old"], releases["new"], out=tmp_path)
    data = json.loads((tmp_path / "comparison.json").read_text())
    assert data["rows"] == json.loads(found.as_json())["rows"]
    assert pq.read_table(tmp_path / "comparison.parquet").num_rows == len(data["rows"])
    assert "WORSE" in (tmp_path / "comparison.md").read_text()


def outcomes(gated):
    return {(d.rule, d.measured.place[3], d.measured.place[4]): d.outcome for d in gated.decisions}


def test_a_planted_regression_fails_the_gate_and_names_group_gap_and_interval(releases):
    rules = [Rule(metric="max_regression", limit=0.03), Rule(metric="max_gap_growth", limit=1.2)]
    gated = gate(releases["new"], rules, against=releases["old"])
    assert gated.outcome == "violated"
    assert outcomes(gated)["max_regression", "accent", "b"] == "violated"
    assert outcomes(gated)["max_gap_growth", "accent", "b"] == "violated"
    assert outcomes(gated)["max_regression", "accent", "a"] == "kept", "not one word of theirs changed"
    said = gated.as_text()
    assert re.search(
        r"FAIL  max_regression: .*accent .?b.?: [\d.]+ points \([\d.]+ to [\d.]+\), limit 3.0 points", said
    )


def test_a_gap_is_held_to_its_limit_by_its_interval(releases):
    run = releases["new"]
    assert gate(run, [Rule(metric="max_ratio", limit=1.2, attributes=["accent"])]).outcome == "violated"
    assert gate(run, [Rule(metric="max_ratio", limit=4.0, attributes=["accent"])]).outcome == "kept"
    assert gate(run, [Rule(metric="max_gap", limit=0.02, groups=["b"])]).outcome == "violated"
    assert gate(run, [Rule(metric="min_completion", limit=1.0)]).outcome == "kept"


def test_on_too_little_data_the_gate_cannot_tell(tmp_path):
    files = made(tmp_path / "data", speakers=6, prompts=1)
    asrfair.audit(tmp_path / "data", files, out=tmp_path / "run", by=["accent"], normalizer=["minimal"])
    gated = gate(tmp_path / "run", [Rule(metric="max_ratio", limit=1.3)])
    assert gated.outcome == "cannot tell"
    assert "cannot tell" in gated.as_text()


@pytest.mark.parametrize("speakers", [1, 2, 4])
def test_where_no_group_has_enough_speakers_the_gate_cannot_tell_and_names_nobody(tmp_path, speakers):
    files = made(tmp_path / "data", speakers=speakers, prompts=3)
    asrfair.audit(tmp_path / "data", files, out=tmp_path / "run", by=["accent"], normalizer=["minimal"])
    for rule in (Rule(metric="max_ratio", limit=1.3), Rule(metric="max_group_wer", limit=0.2, groups=["a"])):
        gated = gate(tmp_path / "run", [rule])
        assert gated.outcome == "cannot tell"
        assert {d.measured.value for d in gated.decisions} == {None}
        assert "accent a" not in gated.as_text() + gated.as_junit().decode() + gated.as_annotations()
    with pytest.raises(InputError, match="mars"):
        gate(tmp_path / "run", [Rule(metric="max_wer", limit=0.5, conditions=["mars"])])


def test_junit_is_valid_xml_with_every_decision(releases):
    rules = [Rule(metric="max_ratio", limit=1.2, name="a <rule> & \x07"), Rule(metric="min_completion", limit=0.5)]
    gated = gate(releases["new"], rules)
    root = ElementTree.fromstring(gated.as_junit())
    assert root.tag == "testsuites"
    assert sum(int(suite.get("tests")) for suite in root) == len(gated.decisions) == len(root.findall(".//testcase"))
    failed = sum(d.outcome == "violated" for d in gated.decisions)
    assert len(root.findall(".//failure")) == failed == sum(int(suite.get("failures")) for suite in root)


def test_annotations_are_one_line_each_whatever_a_rule_is_called(releases):
    gated = gate(releases["new"], [Rule(metric="max_ratio", limit=1.2, name="::set-env\n::error::x%")])
    lines = gated.as_annotations().splitlines()
    assert lines
    assert all(re.match(r"::(error|warning) title=asrfair gate%3A [^:]*::", line) for line in lines)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([], "no rule"),
        ([Rule(metric="max_sadness", limit=1.0)], "max_ratio"),
        ([Rule(metric="min_completion", limit=2.0)], "between 0 and 1"),
        ([Rule(metric="max_wer", limit=float("nan"))], "not between"),
        ([Rule(metric="max_regression", limit=0.1)], "--against"),
        ([Rule(metric="max_ratio", limit=1.0, attributes=["shoe size"])], "shoe size"),
    ],
)
def test_rules_that_say_nothing_are_refused(releases, rules, says):
    with pytest.raises(InputError, match=re.escape(says)):
        gate(releases["new"], rules)


def test_a_file_of_rules_is_read_and_its_faults_are_named(tmp_path):
    path = tmp_path / "gate.toml"
    path.write_text('schema_version = 1\n[[rules]]\nmetric = "max_ratio"\nlimit = 1.5\nattributes = ["accent"]\n')
    assert read_rules(path) == [Rule(metric="max_ratio", limit=1.5, attributes=["accent"])]
    path.write_text('schema_version = 1\n[[rules]]\nmetric = "max_ratio"\nlimits = 1.5\n')
    with pytest.raises(ConfigError, match=r"gate\.toml: .*limits"):
        read_rules(path)


def test_a_gate_at_the_true_ratio_fails_about_as_often_as_it_may():
    """Twelve groups whose true value is the limit: a violation is shown for any of them in at most about 5 %."""
    rng = np.random.Generator(np.random.Philox(key=3))
    fails = 0
    for _ in range(400):
        values = []
        for group in range(12):
            sample = rng.normal(np.log(1.5), 0.3, 20)
            mean, half = sample.mean(), 2.093 * sample.std(ddof=1) / np.sqrt(20)
            ends = [float(np.exp(mean + sign * half)) for sign in (-1, 1)]
            place = ("s", "clean", "n", "accent", str(group))
            values.append(Measured(place, float(np.exp(mean)), *ends, 19.0, "ratio"))
        fails += any(d.outcome == "violated" for d in decide("r", 1.5, values))
    assert 0.02 <= fails / 400 <= 0.08


def asked(*arguments):
    command = [sys.executable, "-m", "asrfair", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_exit_code_says_what_the_gate_says(releases, tmp_path):
    limits = ("gate", releases["new"], "--attribute", "accent")
    failed = asked(*limits, "--max-ratio", "1.2", "--junit", tmp_path / "sub" / "gate.xml", "--github")
    assert failed.returncode == 1
    assert re.search(r"^FAIL  max_ratio: .*accent .?b.?", failed.stdout, re.MULTILINE)
    assert "::error title=" in failed.stdout
    assert ElementTree.parse(tmp_path / "sub" / "gate.xml").getroot().get("name") == "asrfair gate"
    assert asked(*limits, "--max-ratio", "9").returncode == 0
    assert asked(*limits, "--max-ratio", "2").returncode == 3
    assert asked(*limits).returncode == 2
    regression = asked("gate", releases["new"], "--against", releases["old"], "--max-regression", "0.02")
    assert regression.returncode == 1


def test_compare_prints_for_people_and_for_machines(releases):
    said = asked("compare", releases["old"], releases["new"], "--by", "accent", "--baseline", "accent=a")
    assert said.returncode == 0
    assert "WORSE" in said.stdout
    data = json.loads(asked("compare", releases["old"], releases["new"], "--json").stdout)
    assert {row["verdict"] for row in data["rows"] if row["group"] == "b"} == {"worse"}
    assert asked("compare", releases["old"], releases["new"], "--condition", "mars").returncode == 2
