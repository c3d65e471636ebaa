"""`asrfair view`: what its server answers is what the page with transcripts would show, and nothing of it gets out."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from urllib.parse import urlencode

import pytest
import soundfile

pytest.importorskip("duckdb", reason="duckdb is not installed")

from click.testing import CliRunner
from explorer_pages import block
from explorer_runs import make_run as make_heard_run
from view_runs import EVIL, SMALL, Expected, at_once, make_run, some_filters, viewed, write_manifest

from asrfair import pipeline
from asrfair.cli import main
from asrfair.errors import InputError, RunFolderError
from asrfair.pipeline.viewing import CACHE, KEPT, view


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("view"))


@pytest.fixture(scope="module")
def ask(run):
    with viewed(run[0]) as found:
        yield found


@pytest.fixture(scope="module")
def named(run):
    with viewed(run[0], include_ids=True) as found:
        yield found


@pytest.fixture(scope="module")
def expected(run):
    pipeline.report(run[0], include_transcripts=True, include_ids=True)
    return Expected(block((run[0] / "report.html").read_text(), "utterances-data"))


@pytest.mark.parametrize("seed", range(8))
def test_a_filter_gives_the_rows_that_the_page_would_give(named, expected, seed):
    met = 0
    for wanted in some_filters(seed, 40):
        found = named.rows(wanted)
        steps = [row.pop("steps") for row in found["rows"]]
        assert found == expected.query(wanted), wanted
        met += bool(steps)
        for row, made in zip(found["rows"], steps, strict=True):
            kinds = [kind for kind, _, _ in made]
            assert [kinds.count(kind) for kind in "sdi"] == [row[name] for name in list(row)[-3:]]
            assert len(kinds) - kinds.count("i") == row["words"]
    assert met


def test_it_says_of_itself_what_the_block_of_the_page_says(named, expected):
    data, (status, about) = expected.data, named("about")
    assert status == 200
    assert {name: about[name] for name in ("normalizer", "k", "cells")} == {
        name: data[name] for name in ("normalizer", "k", "cells")
    }
    assert about["total"] == len(data["ids"]) * len(data["cells"])
    assert about["audio"] is False
    for one, other in zip(about["attributes"], data["attributes"], strict=True):
        groups = sorted({name for value in other["values"] for name in value})
        assert one == {"name": other["name"], "groups": groups, "withheld": other["codes"].count(0)}


def test_an_utterance_has_its_texts_as_they_were_written(named, run):
    for wanted in run[1][::17]:
        found = named("utterance", id=wanted["utterance_id"])[1]
        assert found["id"] == wanted["utterance_id"]
        assert [result["system"] for result in found["results"]] == ["engine", "other <b>"]
        assert all(result["reference"] in wanted["references"] for result in found["results"])
        assert all((result["hypothesis"] is None) == result["failed"] for result in found["results"])
        groups = dict(found["groups"])
        assert groups.get("tongue", wanted.get("tongue")) in (wanted.get("tongue"), ["missing"])


def test_nobody_is_named_and_no_small_group_is_told(ask):
    everything = json.dumps([ask("about"), ask("rows", limit=1000)])
    names = [row["id"] for row in ask("rows", limit=1000)[1]["rows"]]
    everything += json.dumps([ask("utterance", id=name) for name in names[:40]])
    everything += urllib.request.urlopen(ask.url).read().decode()
    assert "secret/" not in everything
    assert "person-" not in everything
    assert SMALL not in json.dumps([ask("about"), [ask("utterance", id=name) for name in names]])
    assert ask("rows", {"in.accent": SMALL})[1] == {"total": 0, "rows": []}
    assert ask("utterance", id="secret/../1") == (200, None)


@pytest.mark.parametrize(
    "names",
    [
        {"offset": "-1"},
        {"offset": "NaN"},
        {"offset": "1e9"},
        {"offset": "9" * 4_000},
        {"offset": "\u0661"},
        {"limit": "100000"},
        {"limit": "0; DROP TABLE results"},
        {"order": "number); DROP TABLE results --"},
        {"errors": "any OR 1=1"},
        {"words": "a " * 15 + "b c d e f g h i j k l m n o p q r s t u v w"},
        {"and": "1"},
        {"in": "x"},
        [("system", "a"), ("system", "b")],
        {f"in.{at}": "x" for at in range(500)},
    ],
    ids=str,
)
def test_what_the_contract_does_not_have_is_refused_with_a_reason(ask, names):
    status, found = ask("rows", names)
    assert status == 400
    assert found["error"]


EVIL_VALUES = [
    "'; DROP TABLE results; --",
    '" OR ""="',
    "engine' OR '1'='1",
    "\x00",
    "\U0001f600\u202e",
    "../../../etc/passwd",
    "?::UINTEGER[]",
    "(SELECT 1)",
    "%_%",
    "x" * 20_000,
]


@pytest.mark.parametrize("value", EVIL_VALUES, ids=range(len(EVIL_VALUES)))
@pytest.mark.parametrize("name", ["system", "condition", "words", "in.accent", f"in.{EVIL}", "in.a0", "in."])
def test_a_value_is_a_text_and_never_a_statement(ask, name, value):
    assert ask("rows", {name: value}) == (200, {"total": 0, "rows": []})
    assert ask("rows", {f"in.{value}": "x"})[1]["total"] == 0
    assert ask("utterance", id=value) == (200, None)
    assert ask("about")[1]["total"] == ask("rows")[1]["total"] == 240


def test_bytes_that_are_no_text_are_refused(ask):
    for query in ("words=%ff", "in.%80=x", "system=%ed%a0%80"):
        status, _, data = ask.raw("GET", f"{ask.path}api/rows?{query}")
        assert (status, "UTF-8" in json.loads(data)["error"]) == (400, True)


def test_far_beyond_the_end_there_are_no_rows(ask):
    assert ask("rows", offset=10**12)[1] == {"total": 240, "rows": []}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil"])
def test_a_foreign_host_is_refused(ask, host):
    status, _, data = ask.raw("GET", f"{ask.path}api/about", {"Host": host})
    assert status == 403
    assert "address" in json.loads(data)["error"]


def test_the_machine_s_own_name_is_the_host_too(ask):
    assert ask.raw("GET", ask.path, {"Host": f"localhost:{ask.host.partition(':')[2]}"})[0] == 200


@pytest.mark.parametrize("path", ["/", "/api/about", "/x/api/about", "//", "/%00/", "/favicon.ico", "/%E9/api/about"])
def test_without_the_token_nothing_is_told(ask, path):
    status, _, data = ask.raw("GET", path)
    assert status == 403
    assert "token" in json.loads(data)["error"]


@pytest.mark.parametrize("path", ["api/", "api/rows/", "api/../about", "../x", "api/..%2f..%2frun.json", "run.json"])
def test_there_is_nothing_else(ask, path):
    status, _, data = ask.raw("GET", ask.path + path)
    assert (status, list(json.loads(data))) == (404, ["error"])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD", "BREW"])
def test_nothing_can_be_done_but_read(ask, method):
    status, headers, data = ask.raw(method, f"{ask.path}api/about", {"Content-Length": "9"}, b"GET / HTT")
    assert status == 405
    assert headers["Allow"] == "GET"
    assert method == "HEAD" or "GET" in json.loads(data)["error"]


def test_the_page_may_ask_its_own_server_alone_and_is_in_no_frame(ask):
    status, headers, data = ask.raw("GET", ask.path)
    text = data.decode()
    assert status == 200
    assert "connect-src &#39;self&#39;" in text or "connect-src 'self'" in text
    assert 'data-url="api/"' in text
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert "straße" not in text


def test_many_ask_at_once(ask):
    one = [row["id"] for row in ask("rows", limit=3)[1]["rows"]]
    jobs = [lambda at=at: ask("rows", words="the" if at % 2 else "cat", offset=at)[1]["total"] for at in range(24)]
    assert len(set(at_once(jobs))) == 2
    assert at_once([lambda name=name: ask("utterance", id=name)[1]["id"] for name in one]) == one


def test_two_can_look_at_a_run_at_once(run, ask):
    with viewed(run[0]) as other:
        assert other.url != ask.url
        assert other("rows") == ask("rows")
        assert other.raw("GET", ask.path)[0] == 403
    assert ask("about")[0] == 200


def test_audio_is_heard_only_when_it_was_asked_for(tmp_path):
    run, _ = make_heard_run(tmp_path, audio=True)
    with viewed(run) as ask:
        one = ask("rows")[1]["rows"][0]
        place = {name: one[name] for name in ("id", "system", "condition")}
        assert ask("audio", place)[0] == 404
        assert not any(result["audio"] for result in ask("utterance", id=one["id"])[1]["results"])
    with viewed(run, include_audio=True) as ask:
        one = ask("rows")[1]["rows"][0]
        place = {name: one[name] for name in ("id", "system", "condition")}
        assert ask("about")[1]["audio"] is True
        assert all(result["audio"] for result in ask("utterance", id=one["id"])[1]["results"])
        status, headers, data = ask.raw("GET", f"{ask.path}api/audio?{urlencode(place)}")
        assert (status, headers["Content-Type"]) == (200, "audio/ogg")
        samples, rate = soundfile.read(io.BytesIO(data))
        assert len(samples) / rate == pytest.approx(1.0, abs=0.05)
        for wrong in ({"id": "../../../manifest/0-0.wav"}, {"system": "../.."}, {"condition": "../clean"}):
            assert ask("audio", place | wrong)[0] == 404


def test_audio_that_is_not_there_is_refused_at_the_start(run):
    with (
        pytest.raises(InputError, match=r"--include-audio: the manifest names no audio files"),
        view(run[0], include_audio=True),
    ):
        pass


def test_an_index_is_kept_and_is_made_anew_when_the_run_changed(tmp_path):
    run, _ = make_run(tmp_path)
    with viewed(run) as ask:
        before = ask("rows", errors="failed")[1]
    (kept,) = (run / CACHE).iterdir()
    made = kept.stat().st_mtime_ns
    with viewed(run) as ask:
        assert ask("rows", errors="failed")[1] == before
    assert [path.stat().st_mtime_ns for path in (run / CACHE).iterdir()] == [made]
    for at in range(2):
        file = tmp_path / f"{at}.jsonl"
        file.write_text("\n".join(file.read_text().splitlines()[:50]))
    shutil.rmtree(run)
    pipeline.audit(
        tmp_path / "manifest",
        {"engine": tmp_path / "0.jsonl", "other <b>": tmp_path / "1.jsonl"},
        out=run,
        normalizer=["none"],
    )
    (run / CACHE).mkdir()
    shutil.copy(run / "run.json", run / CACHE / kept.name)
    with viewed(run) as ask:
        assert ask("rows", errors="failed")[1]["total"] > before["total"]
    assert len(list((run / CACHE).iterdir())) == 2


def test_only_a_few_indices_are_kept(tmp_path):
    run, _ = make_run(tmp_path)
    for k in range(3, 3 + KEPT + 2):
        with viewed(run, k=k) as ask:
            assert ask("about")[1]["k"] == k
    assert len(list((run / CACHE).iterdir())) == KEPT


def test_where_nothing_can_be_kept_it_is_looked_at_all_the_same(tmp_path):
    run, _ = make_run(tmp_path)
    (run / CACHE).write_text("not a folder")
    with viewed(run) as ask:
        assert ask("rows")[1]["total"] == 240
    assert (run / CACHE).read_text() == "not a folder"


def test_an_index_that_is_damaged_is_made_anew(tmp_path):
    run, _ = make_run(tmp_path)
    with viewed(run):
        pass
    (kept,) = (run / CACHE).iterdir()
    kept.write_bytes(kept.read_bytes()[:5_000])
    with viewed(run) as ask:
        assert ask("rows")[1]["total"] == 240


def test_a_manifest_that_was_changed_after_scoring_is_refused(tmp_path):
    run, _ = make_run(tmp_path)
    write_manifest(tmp_path / "manifest", seed=9)
    with pytest.raises(RunFolderError, match="asrfair score"), view(run):
        pass
    assert not list((run / CACHE).iterdir())


def test_other_transcripts_than_those_that_were_scored_are_refused(tmp_path):
    run, _ = make_run(tmp_path)
    files = {"engine": tmp_path / "0.jsonl", "other <b>": tmp_path / "1.jsonl"}
    files["engine"].write_text(files["engine"].read_text().replace('"}', ' more"}'))
    pipeline.ingest(tmp_path / "manifest", files, tmp_path / "again")
    shutil.rmtree(run / "hypotheses")
    shutil.copytree(tmp_path / "again" / "hypotheses", run / "hypotheses")
    with (
        pytest.raises(RunFolderError, match=r"engine \(clean\): the transcripts are not those that were scored"),
        view(run),
    ):
        pass


def test_a_run_without_scores_is_refused_with_what_to_do(tmp_path):
    rows = write_manifest(tmp_path / "manifest")
    file = tmp_path / "engine.jsonl"
    file.write_text("\n".join(json.dumps({"utterance_id": row["utterance_id"], "text": "x"}) for row in rows))
    pipeline.ingest(tmp_path / "manifest", {"engine": file}, tmp_path / "run")
    for done, remedy in (
        (lambda: None, "asrfair score"),
        (lambda: pipeline.score(tmp_path / "run"), "asrfair analyze"),
    ):
        done()
        result = CliRunner().invoke(main, ["view", str(tmp_path / "run"), "--no-browser"])
        assert result.exit_code == 2
        assert remedy in result.output


@pytest.mark.parametrize(
    ("options", "told"), [(["--k", "2"], "never shown"), (["--port", "70000"], "0<=x<=65535"), (["--card", "x"], "x")]
)
def test_options_that_cannot_be_kept_are_refused(run, options, told):
    result = CliRunner().invoke(main, ["view", str(run[0]), "--no-browser", *options])
    assert result.exit_code == 2
    assert told in result.output


def test_a_port_that_is_taken_is_refused(run, ask):
    port = ask.host.partition(":")[2]
    result = CliRunner().invoke(main, ["view", str(run[0]), "--no-browser", "--port", port])
    assert result.exit_code == 2
    assert f"--port {port}" in result.output


def test_without_duckdb_the_extra_is_named(run):
    code = "import sys; sys.modules['duckdb'] = None; from asrfair.cli import main; main(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, "view", str(run[0])], capture_output=True, text=True)
    assert done.returncode == 2
    assert "asrfair[duckdb]" in done.stderr


def test_the_verb_prints_the_address_and_ends_by_ctrl_c(run):
    command = [sys.executable, "-m", "asrfair", "view", str(run[0]), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        assert b"numbers-data" in urllib.request.urlopen(url).read()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "Single utterances are shown" in err
    assert "Traceback" not in err
