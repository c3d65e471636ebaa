"""The last mile through the real way: hypotheses under several conditions, scored, set side by side."""

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from stressed_runs import stressed_run

from asrfair.errors import InputError
from asrfair.manifest import Attribute, load_manifest
from asrfair.pipeline.joints import selected
from asrfair.pipeline.last_mile import last_mile, read_difficulty
from asrfair.pipeline.movements import sensitivity
from asrfair.provenance import read_record
from asrfair.scoring.writer import read_metadata
from asrfair.stats.sensitivity import Perturbation
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


def test_without_clean_there_are_curves_but_no_degradation(tmp_path):
    run = stressed_run(tmp_path, {"hum@10dB": (1, 1), "hum@0dB": (3, 6)}, speakers=5)
    tables = analysed(run)
    assert len(tables["degradation"]) == len(tables["interactions"]) == len(tables["collect_next"]) == 0
    assert rows(tables["curves"], measure="penalty")
    assert not rows(tables["curves"], measure="quiet_equals")


def test_one_condition_alone_has_no_curve(tmp_path):
    tables = analysed(stressed_run(tmp_path, {"clean": (1, 1), "fan": (2, 2)}, speakers=5))
    assert len(tables["curves"]) == 0
    assert len(tables["degradation"]) == 3


def test_one_speaker_a_group_is_suppressed_everywhere(tmp_path):
    tables = analysed(stressed_run(tmp_path, SWEEP, speakers=1))
    assert {row["verdict"] for row in tables["interactions"].to_pylist()} == {"suppressed"}
    assert all(row["wer"] is None for row in rows(tables["degradation"]))
    assert {row["group"] for row in tables["collect_next"].to_pylist()} == {"b"}
    assert not rows(tables["curves"], measure="wer")


def test_every_normaliser_has_its_own_family_and_the_headline_alone_says_what_to_collect(tmp_path):
    run = stressed_run(tmp_path, {"clean": (1, 1), "fan": (2, 2.2)}, speakers=4, normalizers=("minimal", "none"))
    tables = analysed(run)
    families = {row["family"] for row in tables["interactions"].to_pylist()}
    assert families == {"interactions|one|accent|minimal", "interactions|one|accent|none"}
    assert {row["normalizer"] for row in tables["collect_next"].to_pylist()} == {"minimal"}


def test_intersections_and_undeclared_specs_are_looked_at(tmp_path):
    run = stressed_run(
        tmp_path, {"clean": (1, 1), "fan": (2, 2)}, speakers=5, room=lambda k: "ward" if k % 2 else "lab"
    )
    table = analysed(run, specs=["accent", "accent*room"])["degradation"]
    assert {row["group"] for row in rows(table, attribute="accent*room")} == {"a*lab", "a*ward", "b*lab", "b*ward"}


def test_the_same_room_simulated_twice_is_alike_and_another_differs(tmp_path):
    factors = {"clean": (1, 1), "sim": (2, 2), "same": (2, 2), "worse": (4, 4)}
    run = stressed_run(tmp_path, factors, speakers=20, utterances=20)
    table = analysed(run, real=[("sim", "same"), ("sim", "worse")])["reality"]
    assert rows(table, real="same", group="all")[0]["verdict"] == "alike"
    assert rows(table, real="worse", group="all")[0]["verdict"] == "differs"
    assert rows(table, real="worse", group="a")[0]["wer_ratio"] == pytest.approx(0.5, abs=0.08)


def test_recordings_of_the_real_room_are_paired_by_speaker(tmp_path):
    room = lambda k: "ward" if k < 3 else "lab"  # noqa: E731
    run = stressed_run(tmp_path, {"clean": (1, 1), "sim": (2, 2)}, speakers=8, room=room)
    table = analysed(run, specs=["accent", "room"], real=[("sim", "room=ward")])["reality"]
    found = rows(table)
    assert {row["attribute"] for row in found} == {"all", "accent"}
    assert all("other_utterances" in row["flags"] for row in found)
    assert rows(table, group="all")[0]["n_speakers"] == 16


def test_real_rooms_that_are_not_there_are_refused(run):
    with pytest.raises(InputError, match="no condition 'sim'"):
        analysed(run, real=[("sim", "fan")])
    with pytest.raises(InputError, match="neither a condition"):
        analysed(run, real=[("fan", "room:ward")])


def test_difficulty_tables_are_refused_at_the_door(tmp_path, run):
    path = tmp_path / "difficulty.csv"
    path.write_text("condition_id,difficulty\nfan,50\nhum@0dB,0\n")
    with pytest.raises(InputError, match=":3: hum@0dB,0"):
        read_difficulty(path)
    for text in ("", "condition_id,difficulty\nfan,50,5\n", "condition_id,difficulty\nfan\n", '"'):
        path.write_text(text)
        with pytest.raises(InputError, match=r"difficulty\.csv:[12]: "):
            read_difficulty(path)
    path.write_text("condition_id,difficulty\n\nfan,50\n\n")
    table = analysed(run, difficulty=read_difficulty(path))["curves"]
    (row,) = rows(table, measure="nwerd", group="all")
    assert row["environment"] == "fan"


def moved(run, **options):
    record = read_record(run)
    manifest = load_manifest(run.parent)
    rows_of = selected(manifest, None, 0)
    options.setdefault("specs", ["accent"])
    return sensitivity(
        run,
        record,
        rows_of,
        options.pop("specs"),
        manifest.attributes,
        {"accent": "a"},
        normalizer="minimal",
        **options,
    )


def test_transcripts_move_more_where_noise_is_worse_and_the_floor_is_subtracted(tmp_path):
    factors = {"clean": (1, 1), "again": (1, 1), "hum@0dB": (1, 4)}
    run = stressed_run(tmp_path, factors, deterministic=False)
    table = moved(run)
    (b,) = rows(table, condition_id="hum@0dB", group="b")
    (a,) = rows(table, condition_id="hum@0dB", group="a")
    assert b["floor"] > 0.1
    assert a["low"] < 0.0 < a["high"]
    assert b["difference"] == pytest.approx(b["sensitivity"] - a["sensitivity"])
    assert b["difference_low"] > 0.0
    assert b["p"] < 0.001
    assert {row["condition_id"] for row in rows(table)} == {"hum@0dB"}


def test_a_deterministic_system_has_no_floor_and_a_sampling_one_an_unknown_one(tmp_path):
    factors = {"clean": (1, 1), "fan": (2, 2), "hum@0dB": (2, 2)}
    (steady,) = rows(moved(stressed_run(tmp_path / "d", factors)), condition_id="fan", group="all")
    run = stressed_run(tmp_path / "s", factors, deterministic=False)
    (sampled,) = rows(moved(run), condition_id="fan", group="all")
    assert (steady["floor"], steady["flags"]) == (0.0, [])
    assert (sampled["floor"], sampled["flags"]) == (None, ["floor_unknown"])
    assert steady["sensitivity"] == sampled["sensitivity"]


def test_the_declared_set_is_accumulated_by_weight_and_size(tmp_path):
    run = stressed_run(tmp_path, {"clean": (1, 1), "fan": (2, 2), "hum@0dB": (3, 3)})
    declared = {"fan": Perturbation(1.0, 2.0), "hum@0dB": Perturbation(3.0, 1.0)}
    table = moved(run, declared=declared)
    fan, hum, both = (rows(table, condition_id=c, group="all")[0]["sensitivity"] for c in ("fan", "hum@0dB", "all"))
    assert both == pytest.approx(0.25 * fan / 2 + 0.75 * hum)


def rewritten(run, change):
    """The same scores, every cell changed and written as a block of its own."""
    path = run / "scores.parquet"
    table = pq.read_table(path)
    with pq.ParquetWriter(path, table.schema) as writer:
        for condition in pc.unique(table["condition_id"]).to_pylist():
            writer.write_table(change(condition, table.filter(pc.equal(table["condition_id"], condition))))
    return run


def test_rows_are_joined_by_utterance_whatever_their_order_and_absent_ones_are_no_pairs(tmp_path):
    run = stressed_run(tmp_path, SWEEP, speakers=6)
    before = analysed(run)
    shuffled = rewritten(run, lambda c, rows: rows.take(list(range(len(rows)))[::-1]) if c == "fan" else rows)
    after = analysed(shuffled)
    assert all(before[name].equals(after[name]) for name in before)
    cut = analysed(rewritten(run, lambda c, rows: rows.slice(0, 50) if c == "fan" else rows))
    assert rows(cut["degradation"], condition_id="fan", group="all")[0]["n_pairs"] == 50


def test_unknown_speakers_have_rates_but_no_intervals(tmp_path):
    def unknown(_, table):
        at = table.schema.get_field_index("speaker_id")
        return table.set_column(at, table.schema.field(at), pa.nulls(len(table), pa.string()))

    tables = analysed(rewritten(stressed_run(tmp_path, SWEEP, speakers=5), unknown))
    assert all(row["wer"] > 0 and row["difference_low"] is None for row in rows(tables["degradation"]))
    assert {row["verdict"] for row in rows(tables["interactions"])} == {"cannot tell"}
    assert all(row["low"] is None for row in rows(tables["curves"]))
    assert len(tables["collect_next"]) == 0


def test_an_utterance_of_two_groups_counts_in_both_and_one_of_none_is_missing(tmp_path):
    def mixed(_, table):
        at = table.schema.get_field_index("accent")
        values = {"a0": "a|b", "a1": None}
        new = [
            values.get(s, g) for s, g in zip(table["speaker_id"].to_pylist(), table["accent"].to_pylist(), strict=True)
        ]
        return table.set_column(at, table.schema.field(at), pa.array(new))

    run = rewritten(stressed_run(tmp_path, {"clean": (1, 1), "fan": (2, 2)}, speakers=6), mixed)
    tables = analysed(run)
    pairs = {row["group"]: row["n_pairs"] for row in rows(tables["degradation"], attribute="accent")}
    assert pairs == {"a": 50, "b": 70, "missing": 10}
    (row,) = rows(tables["interactions"])
    assert "paired" in row["flags"]
