"""The golden mini-corpus: every number of a whole audit, as it was when tests/data/rebuild.py last ran."""

import csv
from pathlib import Path

import pytest

from asrfair import pipeline

MINI = Path(__file__).parent / "data" / "mini"


@pytest.mark.parametrize("name", ["groups.csv", "disparities.csv"])
def test_an_audit_gives_the_numbers_it_gave(name, tmp_path):
    pipeline.audit(MINI, {"engine": MINI / "engine.jsonl"}, out=tmp_path, by=["accent", "gender", "accent*gender"])
    wanted, found = (list(csv.DictReader(_lines(folder / name))) for folder in (MINI, tmp_path))
    assert len(found) == len(wanted)
    for row, expected in zip(found, wanted, strict=True):
        assert row.keys() == expected.keys()
        for column, value in expected.items():
            assert _close(row[column], value), f"{column} of {expected}"


def _lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def _close(found, wanted):
    try:
        return float(found) == pytest.approx(float(wanted), rel=1e-9)
    except ValueError:
        return found == wanted


def test_the_planted_disparity_is_found_and_no_other():
    with (MINI / "disparities.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {(row["attribute"], row["group"]): row["verdict"] for row in rows if row["normalizer"] == "whisper-en"}
    assert found["accent", "north"] == "higher"
    assert found["accent", "coast"] == "not shown"
    assert found["gender", "female"] == "not shown"
