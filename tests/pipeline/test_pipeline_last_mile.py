"""The last mile through the real way: hypotheses under several conditions, scored, set side by side."""

import msgspec
import pytest
from stressed_runs import stressed_run

from asrfair.manifest import Attribute
from asrfair.pipeline.last_mile import last_mile
from asrfair.provenance import read_record
from asrfair.scoring.writer import read_metadata
from asrfair.tables import SCHEMAS

SWEEP = {"clean": (1, 1), "hum@10dB": (1.5, 2.5), "hum@0dB": (2.5, 4), "fan": (1.5, 1.5)}


def analysed(run, **options):
    path = run / "scores.parquet"
    metadata = read_metadata(path)
    attributes = msgspec.convert(metadata["attributes"], dict[str, Attribute])
    headline = metadata["normalizers"][0]["name"]
    baselines = {name: a.baseline for name, a in attributes.items() if a.baseline}
    options.setdefault("specs", ["accent"])
    specs = options.pop("specs")
    return last_mile(path, read_record(run), specs, attributes, baselines, normalizer_headline=headline, **options)


def rows(table, **wanted):
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stressed_run(tmp_path_factory.mktemp("sweep"), SWEEP)


def test_every_table_keeps_its_schema(run):
    for name, table in analysed(run).items():
        assert table.schema.equals(SCHEMAS[name]), name


def test_a_planted_interaction_is_found_where_it_is(run):
    tables = analysed(run)
    (found,) = rows(tables["interactions"], condition_id="hum@0dB")
    (none,) = rows(tables["interactions"], condition_id="fan")
    assert found["verdict"] == "amplifies"
    assert none["verdict"] == "not shown"
    assert (found["environment"], found["level"]) == ("hum", 0.0)
    assert none["level"] is None


def test_a_failed_utterance_is_no_pair_and_no_deletion(tmp_path):
    drop = {("hum@0dB", f"b0-{k}") for k in range(5)}
    factors = {"clean": (1, 1), "hum@0dB": (2, 2)}
    run = stressed_run(tmp_path, factors, speakers=5, drop=drop)
    (row,) = rows(analysed(run)["degradation"], group="b")
    assert row["n_pairs"] == 45
    assert row["n_ref_words"] == 45 * 30
