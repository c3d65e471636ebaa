"""Figures and tables for papers: the numbers of the tables, nothing of who is withheld, the same bytes twice."""

import msgspec
import pyarrow.parquet as pq
import pytest
from report_tables import gap, group, run_record, tables, under

from asrfair.errors import InputError
from asrfair.report.published import METRICS, published

HUM = "machine-hum@5dB"
CONDITIONS = [{"condition_id": c} for c in ("clean", HUM, "machine-hum@20dB")]


def run_of(folder, groups, gaps=(), **more):
    """A run folder with these tables."""
    folder.mkdir(exist_ok=True)
    made = tables(groups, gaps)
    for name, table in zip(("groups", "disparities"), made, strict=True):
        pq.write_table(table, folder / f"{name}.parquet")
    (folder / "run.json").write_bytes(msgspec.json.encode(run_record(**more)))
    return folder


def three(**more):
    """Three accents, one of them with too few speakers, and one gap."""
    rows = [group("accent", "US", wer=0.1, **more), group("accent", "Welsh", wer=0.2, **more)]
    rows += [group("accent", "Scots", wer=0.15, **more), group("accent", "Manx", wer=0.7, n_speakers=1)]
    gaps = [
        gap("accent", "Welsh", ratio=2.0),
        gap("accent", "Scots", ratio=1.5, p=0.2),
        gap("accent", "Manx", ratio=7.0),
    ]
    return rows, gaps


def stressed():
    """The same under two levels of a hum."""
    rows, gaps = three()
    more = [under(row, c, wer=row["wer"] * f) for c, f in ((HUM, 2.0), ("machine-hum@20dB", 1.5)) for row in rows]
    return [*rows, *more], [*gaps, *(under(row) for row in gaps)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("runs") / "run", *stressed(), conditions=CONDITIONS)


def test_published_numbers_are_those_of_the_tables(run):
    found = {(n.metric, n.condition_id, n.group): n for n in published(run).numbers()}
    assert found["wer", "clean", "Welsh"].value == 0.2
    assert found["wer", HUM, "Welsh"].value == 0.4
    assert found["wer_low", "clean", "Welsh"].value == pytest.approx(0.16)
    ratio = found["wer_ratio", "clean", "Welsh"]
    assert (ratio.value, ratio.baseline, ratio.verdict, ratio.normalizer) == (2.0, "US", "higher", "minimal")
    assert found["wer", "clean", "US"].baseline is None
    assert found["n_ref_words", "clean", "all"].value == 4000
    assert {metric for metric, _, _ in found} == set(METRICS)
    assert len({n.signature for n in found.values()}) == 3


def test_a_withheld_group_is_in_no_published_number_and_in_no_cell(run):
    found = published(run)
    assert "Manx" not in repr(found.cells)
    assert "Manx" not in repr(list(found.numbers()))
    assert "7.0" not in repr(list(found.numbers()))
    assert {n.group for n in found.numbers()} <= {"all", "US", "Welsh", "Scots"}


def test_who_was_compared_with_a_withheld_group_is_compared_with_nothing(tmp_path):
    rows, gaps = three()
    gaps = [row | {"baseline": "Manx"} for row in gaps[:2]]
    rows = [*rows, group("accent", "Irish", n_speakers=3)]
    found = published(run_of(tmp_path / "run", rows, gaps))
    numbers = list(found.numbers())
    assert numbers
    assert {n.baseline for n in numbers} == {n.verdict for n in numbers} == {None}
    assert "wer_ratio" not in {n.metric for n in numbers}
    assert "Manx" not in repr(found.cells)
    assert "Irish" not in repr(found.cells)


def test_k_is_that_of_the_last_card_and_never_below_3(tmp_path):
    rows = [group("accent", name, n_speakers=n) for name, n in (("US", 12), ("Scots", 9), ("Irish", 4), ("Manx", 4))]
    verbs = [{"verb": "report", "k": k, "finished": "2026-01-01T00:00:00Z"} for k in (3, 10)]
    folder = run_of(tmp_path / "run", rows, verbs=verbs)
    shown = {k: {n.group for n in published(folder, k=k).numbers()} for k in (None, 3, 5)}
    assert "Scots" not in shown[None]
    assert shown[3] == {"all", "US", "Scots", "Irish", "Manx"}
    assert shown[5] == {"all", "US", "Scots"}
    with pytest.raises(InputError, match="fewer than 3"):
        published(folder, k=2)


def test_an_unusable_run_folder_is_named(tmp_path, run):
    with pytest.raises(InputError, match="not a run folder"):
        published(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        published(tmp_path)
    (tmp_path / "run.json").write_bytes((run / "run.json").read_bytes())
    with pytest.raises(InputError, match="asrfair analyze"):
        published(tmp_path)
