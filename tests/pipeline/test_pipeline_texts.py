"""What transcripts tell beyond counts: by group, without a word of a small group."""

import json

import pyarrow.parquet as pq
import pytest
from audits import DATASET

from asrfair.errors import InputError
from asrfair.pipeline import analyze, ingest, report, score


def _write(folder, rows, heard, dataset=DATASET):
    folder.mkdir()
    (folder / "dataset.toml").write_text(dataset)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "one.jsonl").write_text("\n".join(map(json.dumps, heard)))


@pytest.fixture
def run(tmp_path):
    """Six speakers an accent: `b` is skipped, has words made up on silence, loses the drug, and is trusted too much."""
    rows, heard = [], []
    said = "please give the patient some warfarin in the morning before she eats"
    for accent in "ab":
        for s in range(6):
            for k in range(3):
                utterance = f"{accent}{s}-{k}"
                silent = k == 2
                text = "" if silent else said
                rows.append(
                    {
                        "utterance_id": utterance,
                        "reference": text or "<no-speech>",
                        "speaker_id": f"{accent}{s}",
                        "accent": accent,
                    }
                    | {"room": "ward", "snr_db": 20.0, "duration_s": 4.0 + s}
                )
                if accent == "b" and s == 0 and k == 1:
                    continue  # no transcript
                made = text
                if accent == "b":
                    made = "thank you for watching" if silent and s % 2 else text.replace("warfarin in the morning", "")
                words = [[w, 0.0, 0.1, 0.9 - 0.1 * (s % 3)] for w in made.split()]
                words = [w if (i + s) % 7 else [w[0] + "x", *w[1:]] for i, w in enumerate(words)]
                heard.append({"utterance_id": utterance, "text": " ".join(w[0] for w in words), "words": words})
    _write(tmp_path / "data", rows, heard)
    ingest(tmp_path / "data", {"one": tmp_path / "data" / "one.jsonl"}, tmp_path / "run")
    score(tmp_path / "run", normalizer=["minimal"])
    (tmp_path / "terms.txt").write_text("Warfarin  # the drug\n\nbefore she eats\n")
    analyze(tmp_path / "run", by=["accent"], deep=True, terms=tmp_path / "terms.txt")
    return tmp_path / "run"


def table(run, name, **wanted):
    rows = pq.read_table(run / f"{name}.parquet").to_pylist()
    return [r for r in rows if all(r[key] == value for key, value in wanted.items())]


def test_skipped_speech_and_made_up_words_are_told_apart(run):
    skipped = {r["group"]: r["rate"] for r in table(run, "harms", harm="deletion_runs")}
    assert skipped["b"] > 200 > skipped["a"]
    silence = {r["group"]: r for r in table(run, "harms", harm="words_on_silence")}
    assert silence["a"]["rate"] == 0
    assert silence["b"]["rate"] == pytest.approx(12 / (sum(4.0 + s for s in range(6)) / 3600))


def test_terms_are_recalled_by_group(run):
    missed = {r["group"]: r["rate"] for r in table(run, "harms", harm="keyword_misses")}
    assert missed["b"] >= 0.5 > missed["a"]


def test_an_utterance_without_transcript_is_a_failure_and_no_deletion(run):
    failed = {r["group"]: r for r in table(run, "harms", harm="failures")}
    assert (failed["b"]["events"], failed["b"]["exposure"]) == (1, 18)
    assert failed["a"]["rate"] == 0


def test_the_parts_of_a_gap_add_up(run):
    parts = {r["part"]: r["difference"] for r in table(run, "error_types", group="b")}
    kinds = parts["substitutions"] + parts["deletions"] + parts["insertions"]
    assert kinds == pytest.approx(parts["all"])
    assert sum(parts[c] for c in ("hesitation", "number", "compound", "other") if c in parts) == pytest.approx(kinds)


def test_confidences_flow_to_calibration_by_group(run):
    over = {r["group"]: r["value"] for r in table(run, "calibration", measure="overconfidence")}
    assert set(over) == {"a", "b"}
    assert {r["at"] for r in table(run, "calibration", measure="bin_accuracy", group="a")} >= {0.7, 0.9}
    assert table(run, "calibration", measure="reviewed_of_10%")


def test_the_card_tells_the_harms_and_no_transcript(run):
    report(run)
    card = (run / "card.md").read_text()
    assert "## Other harms than word errors" in card
    assert "## What the confidences are worth" in card
    assert "warfarin" not in card
    assert "watching" not in (run / "card.json").read_text() + (run / "report.html").read_text()


def test_terms_that_cannot_be_used_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="goes with --deep"):
        analyze(run, terms=tmp_path / "terms.txt")
    (tmp_path / "none.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match="no term"):
        analyze(run, deep=True, terms=tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be read"):
        analyze(run, deep=True, terms=tmp_path / "absent.txt")


def test_words_on_silence_can_be_told_apart_from_the_rate(run):
    def insertions(**options):
        return {r["group"]: r["insertions"] for r in analyze(run, by=["accent"], **options).groups.to_pylist()}

    counted, separate = insertions(), insertions(empty_ref="separate")
    assert counted["b"] - separate["b"] == 12
    assert counted["a"] == separate["a"]
    with pytest.raises(InputError, match="empty_ref"):
        analyze(run, empty_ref="drop")


def test_what_is_told_apart_from_the_rate_is_in_no_part_of_the_gap(run):
    found = analyze(run, by=["accent"], deep=True, empty_ref="separate")
    rates = {r["group"]: r["wer"] for r in found.groups.to_pylist()}
    (whole,) = table(run, "error_types", group="b", part="all")
    (inserted,) = table(run, "error_types", group="b", part="insertions")
    assert whole["rate"] == pytest.approx(rates["b"])
    assert inserted["rate"] == 0


def test_without_speakers_and_without_what_was_made_up_the_interval_holds_the_rate(tmp_path):
    rows = [{"utterance_id": f"u{i}", "reference": "a b c d e" if i % 2 else "<no-speech>"} for i in range(40)]
    rows = [row | {"accent": "x", "room": "r"} for row in rows]
    heard = [
        {"utterance_id": f"u{i}", "text": f"a b c d{' e' if i % 3 else ''}" if i % 2 else "w " * 9} for i in range(40)
    ]
    _write(tmp_path / "data", rows, heard)
    ingest(tmp_path / "data", {"one": tmp_path / "data" / "one.jsonl"}, tmp_path / "run")
    score(tmp_path / "run", normalizer=["none"])
    everybody = analyze(tmp_path / "run", by=["accent"], empty_ref="separate", design_effect=2.0).groups.to_pylist()[0]
    assert everybody["wer_low"] < everybody["wer"] < everybody["wer_high"] < 1


def test_without_speakers_there_is_an_interval_only_under_a_stated_design_effect(tmp_path):
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    rows = [
        {"utterance_id": f"u{i}", "reference": " ".join(words), "accent": "ab"[i % 2], "room": "r"} for i in range(40)
    ]
    heard = [{"utterance_id": f"u{i}", "text": " ".join(words[: 10 - i % 7 // 2 - 2 * (i % 2)])} for i in range(40)]
    _write(tmp_path / "data", rows, heard)
    ingest(tmp_path / "data", {"one": tmp_path / "data" / "one.jsonl"}, tmp_path / "run")
    score(tmp_path / "run", normalizer=["none"])

    def found(**options):
        audit = analyze(tmp_path / "run", by=["accent"], **options)
        return audit.groups.to_pylist()[1], audit.disparities.to_pylist()[0]

    group, gap = found()
    assert (group["wer_low"], gap["ratio_low"], gap["verdict"]) == (None, None, "cannot tell")
    one, gap_one = found(design_effect=1.0)
    four, gap_four = found(design_effect=4.0)
    assert one["wer_low"] > four["wer_low"] > 0
    assert gap_four["ratio_high"] / gap_four["ratio_low"] == pytest.approx(
        (gap_one["ratio_high"] / gap_one["ratio_low"]) ** 2
    )
    assert (gap_four["p"], gap_four["verdict"]) == (None, "cannot tell")
    assert "design_effect_assumed" in four["flags"]
    with pytest.raises(InputError, match="must be 1 or more"):
        found(design_effect=0.5)
