"""What the page with utterances holds, and what it does not: read from its source, as whoever gets the file could."""

import json
import re

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from explorer_pages import Scripts, block, runs_only_its_own_script
from explorer_runs import EVIL_TEXTS, FORMULA, MARKUP, RTL, SMALL, make_run, unpacked

from asrfair import pipeline
from asrfair.cli import main
from asrfair.errors import InputError
from asrfair.pipeline import clips

K = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("explorer"), audio=True)


@pytest.fixture(scope="module")
def page(run):
    pipeline.report(run[0], k=K, include_transcripts=True)
    return (run[0] / "report.html").read_text()


@pytest.fixture(scope="module")
def data(page):
    return unpacked(block(page, "utterances-data"))


def test_utterances_stay_out_unless_they_are_asked_for(run):
    pipeline.report(run[0], k=K)
    text = (run[0] / "report.html").read_text()
    assert block(text, "utterances-data") is None
    for secret in ("six seven", "person-1", "secret-1"):
        assert secret not in text
    assert runs_only_its_own_script(text)


def test_the_page_lets_only_its_own_script_run_and_asks_nobody(page):
    assert runs_only_its_own_script(page)
    assert "connect-src" not in page[: page.index("<style>")]
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", block(page, "utterances-data"))
    assert not set("<>&") & set(block(page, "numbers-data"))


def test_no_name_of_an_utterance_or_a_speaker_is_in_the_page(page, data):
    both = page + json.dumps(data, ensure_ascii=False)
    assert "secret-" not in both
    assert "person-" not in both
    assert "salt" not in data


def test_ids_are_there_when_they_are_asked_for_and_speakers_are_not(run):
    pipeline.report(run[0], k=K, include_transcripts=True, include_ids=True)
    found = unpacked(block((run[0] / "report.html").read_text(), "utterances-data"))
    assert found["ids"] == [row["utterance_id"] for row in run[1]]
    assert "person-" not in json.dumps(found)


def test_every_report_calls_the_utterances_otherwise(run, data):
    pipeline.report(run[0], k=K, include_transcripts=True)
    again = unpacked(block((run[0] / "report.html").read_text(), "utterances-data"))
    assert not set(again["ids"]) & set(data["ids"])
    assert sorted(again["lengths"]) == sorted(data["lengths"])


def test_a_small_group_is_no_value_of_any_row(data):
    assert SMALL not in json.dumps(data)
    accent = next(one for one in data["attributes"] if one["name"] == "accent")
    assert {name for value in accent["values"] for name in value} <= {MARKUP, FORMULA, RTL}
    assert 0 in accent["codes"]


def test_every_combination_of_values_is_shared_by_k_speakers(data):
    speakers = {}
    for row in zip(data["speakers"], *(one["codes"] for one in data["attributes"]), strict=True):
        speakers.setdefault(row[1:], set()).add(row[0])
    assert len(speakers) > 1
    assert min(map(len, speakers.values())) >= K


def test_the_steps_are_as_many_as_the_scores_say(run, data):
    scores = pq.read_table(run[0] / "scores.parquet").filter(pc.field("normalizer") == data["normalizer"])
    for (system, condition), part in zip(data["cells"], data["results"], strict=True):
        mine = scores.filter((pc.field("system_id") == system) & (pc.field("condition_id") == condition))
        for kind, name in enumerate(("substitutions", "deletions", "insertions")):
            assert sum(step % 3 == kind for step in part["steps"]) == pc.sum(mine[name]).as_py()
        assert part["written"].count(None) == pc.sum(pc.equal(mine["status"], "failed")).as_py() > 0


def test_texts_are_in_the_page_as_they_were_written(data):
    shown = {" ".join(_words(data, at)) if text == 0 else text for at, text in enumerate(data["written"])}
    assert shown == set(EVIL_TEXTS)


def _words(data, at):
    start = sum(data["lengths"][:at])
    return [data["words"][number] for number in data["spoken"][start : start + data["lengths"][at]]]


def test_of_several_references_the_closest_is_shown(tmp_path):
    folder, run = tmp_path / "manifest", tmp_path / "run"
    folder.mkdir()
    (folder / "dataset.toml").write_text(
        'schema_version = 1\nname = "m"\nversion = "1"\nlicence = "x"\nlanguage = "en"\n'
        'collection = "x"\nconsent = "x"\n'
        '[attributes.accent]\nkind = "accent"\nprovenance = "recorded"\n'
    )
    rows = [
        {"utterance_id": f"u{n}", "references": ["a b c", "d e f"], "speaker_id": f"s{n}", "accent": "x"}
        for n in range(6)
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    heard = tmp_path / "e.jsonl"
    heard.write_text("\n".join(json.dumps({"utterance_id": f"u{n}", "text": "d e g"}) for n in range(6)))
    pipeline.audit(folder, {"engine": heard}, out=run, normalizer=["none"])
    pipeline.report(run, include_transcripts=True)
    found = unpacked(block((run / "report.html").read_text(), "utterances-data"))
    assert found["results"][0]["steps"] == [2 * 3] * 6
    assert [found["written"][at] or _words(found, at) for _, at in found["results"][0]["against"]] == [
        ["d", "e", "f"]
    ] * 6


def test_audio_comes_only_when_asked_for_and_only_as_data(run, page):
    assert block(page, "audio-data") is None
    assert "media-src" not in Scripts(page).policy
    pipeline.report(run[0], k=K, include_transcripts=True, include_audio=True)
    text = (run[0] / "report.html").read_text()
    heard = json.loads(block(text, "audio-data"))
    assert set(heard) == set(unpacked(block(text, "utterances-data"))["ids"])
    assert all(part["clean"].startswith("data:audio/ogg;base64,") for part in heard.values())
    assert "media-src data:" in Scripts(text).policy


def test_more_audio_than_a_page_may_hold_is_refused(run, monkeypatch):
    monkeypatch.setattr(clips, "MOST_BYTES", 20_000)
    with pytest.raises(InputError, match=r"--include-audio: .* all that a page may hold"):
        pipeline.report(run[0], include_transcripts=True, include_audio=True)


@pytest.mark.parametrize("option", ["--include-audio", "--include-ids"])
def test_what_goes_with_transcripts_is_refused_without_them(run, option):
    done = CliRunner().invoke(main, ["report", str(run[0]), option])
    assert done.exit_code == 2
    assert f"{option}: goes with --include-transcripts" in done.output


def test_a_manifest_that_was_changed_after_scoring_is_refused(tmp_path):
    run, _ = make_run(tmp_path)
    rows = tmp_path / "manifest" / "rows.jsonl"
    rows.write_text(rows.read_text().replace("one two", "won too"))
    with pytest.raises(InputError, match="changed after scoring"):
        pipeline.report(run, include_transcripts=True)


def test_the_numbers_in_the_page_are_those_of_the_card(run, page):
    table = json.loads(block(page, "numbers-data"))
    card = json.loads((run[0] / "card.json").read_text())
    rates = [row["wer"] for cell in card["cells"] for part in cell["attributes"] for row in part["groups"]]
    column = table["columns"].index("wer")
    assert [row[column] for row, anchor in zip(table["rows"], table["anchors"], strict=True) if anchor] == rates
    assert all(f'id="{anchor}"' in page for anchor in table["anchors"] if anchor)
    small = [row for row in table["rows"] if SMALL in row[3]]
    assert small
    assert all(row[at] is None for row in small for at in range(4, 11))


@pytest.mark.parametrize(("keys", "code"), [("include_transcripts = true", 0), ("include_audio = true", 2)])
def test_a_configuration_asks_for_transcripts_too(tmp_path, keys, code):
    _, rows = make_run(tmp_path)
    config = tmp_path / "run.toml"
    config.write_text(
        f'schema_version = 1\nmanifest = "manifest"\nout = "again"\nmax_failed = 1.0\n{keys}\n'
        '[[hypotheses]]\nname = "engine"\nfile = "4.jsonl"\n'
    )
    done = CliRunner().invoke(main, ["run", str(config)])
    assert done.exit_code == code, done.output
    if code:
        assert "add include_transcripts = true" in done.output
    else:
        found = unpacked(block((tmp_path / "again" / "report.html").read_text(), "utterances-data"))
        assert len(found["ids"]) == len(rows)
