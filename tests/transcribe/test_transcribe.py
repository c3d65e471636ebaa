"""The loop, with the engine that says what it is told: nothing lost, nothing twice, every failure a row."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio
from asrfair.config import load_config
from asrfair.errors import InputError
from asrfair.store import HypothesisStore, read_hypotheses


def script(folder, n, path, **special):
    """A script that says `word i` to tone i; `special` says otherwise: u3={"error": "crash"}."""
    lines = []
    for i in range(n):
        waveform, _ = read_audio(folder / f"{i}.wav")
        lines.append({"waveform": waveform_digest(waveform), "text": f"word {i}"} | special.get(f"u{i}", {}))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def rows_of(run):
    return {row["utterance_id"]: row for row in read_hypotheses(Path(run)).to_pylist()}


def calls(log):
    return Counter(Path(log).read_text().split()) if Path(log).exists() else Counter()


def test_every_utterance_gets_the_text_of_its_own_audio_whatever_the_batches(tones, tmp_path):
    folder = tones(24)
    said = script(folder, 24, tmp_path / "script.jsonl")
    texts = []
    for workers, batch_size in ((1, 1), (2, 5)):
        out = tmp_path / f"run{workers}"
        system = f"scripted,id=s,script={said},batch_size={batch_size}"
        done = pipeline.transcribe(folder, out, systems=[system], workers=workers)
        assert done.n_failed == 0
        texts.append({name: row["text"] for name, row in rows_of(out).items()})
    assert texts[0] == texts[1] == {f"u{i}": f"word {i}" for i in range(24)}


def test_a_second_run_transcribes_nothing_and_a_new_system_only_itself(tones, tmp_path):
    folder, log, out = tones(6), tmp_path / "log", tmp_path / "run"
    pipeline.transcribe(folder, out, systems=[f"scripted,id=a,text=x,log={log}"], workers=1)
    pipeline.transcribe(folder, out, systems=[f"scripted,id=a,text=x,log={log}"], workers=1)
    assert calls(log).total() == 6
    pipeline.transcribe(
        folder, out, systems=[f"scripted,id=a,text=x,log={log}", f"scripted,id=b,text=y,log={log}"], workers=1
    )
    assert calls(log).total() == 12


def test_an_option_that_changes_the_output_is_not_taken_for_the_same_system(tones, tmp_path):
    folder, out = tones(3), tmp_path / "run"
    pipeline.transcribe(folder, out, systems=["scripted,id=a,text=x"], workers=1)
    with pytest.raises(InputError, match="id=NAME"):
        pipeline.transcribe(folder, out, systems=["scripted,id=a,text=y"], workers=1)


def test_the_same_audio_under_another_name_is_not_transcribed_again(tones, tmp_path):
    folder, log = tones(4), tmp_path / "log"
    (folder / "3.wav").write_bytes((folder / "0.wav").read_bytes())
    pipeline.transcribe(folder, tmp_path / "run", systems=[f"scripted,id=a,text=x,log={log}"], workers=1)
    assert calls(log).total() == 3
    assert rows_of(tmp_path / "run")["u3"]["text"] == "x"


def test_changed_audio_is_transcribed_again(tones, tmp_path):
    folder, log, out = tones(4), tmp_path / "log", tmp_path / "run"
    for _ in range(2):
        pipeline.transcribe(folder, out, systems=[f"scripted,id=a,text=x,log={log}"], workers=1)
        (folder / "2.wav").write_bytes((folder / "1.wav").read_bytes()[:-400] + b"\1" * 400)
    assert calls(log).total() == 5


def test_broken_audio_is_that_utterance_s_failure_and_never_reaches_the_engine(tones, tmp_path):
    folder, log = tones(5), tmp_path / "log"
    (folder / "1.wav").write_bytes(b"")
    (folder / "2.wav").write_bytes((folder / "2.wav").read_bytes()[:500])
    (folder / "3.wav").write_text("not audio")
    done = pipeline.transcribe(folder, tmp_path / "run", systems=[f"scripted,id=a,text=x,log={log}"], workers=1)
    rows = rows_of(tmp_path / "run")
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {"u1", "u2", "u3"}
    assert all(row["error"].startswith("audio: ") and row["text"] is None for row in rows.values() if row["error"])
    assert calls(log).total() == 2
    assert done.n_failed == 3
    assert done.failed_share == pytest.approx(0.6)


def test_a_passing_fault_is_retried_and_a_lasting_one_is_not(tones, tmp_path):
    folder, log = tones(3), tmp_path / "log"
    special = {"u0": {"error": "transient", "times": 1}, "u1": {"error": "permanent"}}
    said = script(folder, 3, tmp_path / "script.jsonl", **special)
    pipeline.transcribe(folder, tmp_path / "run", systems=[f"scripted,id=a,script={said},log={log}"], workers=1)
    rows = rows_of(tmp_path / "run")
    assert rows["u0"]["text"] == "word 0"
    assert rows["u1"]["error"] == "engine: the script says: refused"
    assert sorted(calls(log).values()) == [1, 1, 2]


def test_what_failed_for_good_is_left_alone_unless_asked_for(tones, tmp_path):
    folder, log, out = tones(2), tmp_path / "log", tmp_path / "run"
    said = script(folder, 2, tmp_path / "script.jsonl", u0={"error": "permanent"}, u1={"error": "transient"})
    system = f"scripted,id=a,script={said},log={log}"
    pipeline.transcribe(folder, out, systems=[system], workers=1, retries=0)
    assert rows_of(out)["u1"]["error"].startswith("transient: ")
    pipeline.transcribe(folder, out, systems=[system], workers=1, retries=0)
    assert sorted(calls(log).values()) == [1, 2]
    pipeline.transcribe(folder, out, systems=[system], workers=1, retries=0, retry_failed=True)
    assert sorted(calls(log).values()) == [2, 3]


def test_an_engine_that_dies_or_hangs_costs_one_utterance_each(tones, tmp_path):
    folder = tones(8)
    said = script(folder, 8, tmp_path / "script.jsonl", u2={"error": "crash"}, u5={"error": "hang"})
    system = f"scripted,id=a,script={said},batch_size=3"
    pipeline.transcribe(folder, tmp_path / "run", systems=[system], workers=2, timeout_s=1.0)
    rows = rows_of(tmp_path / "run")
    assert rows["u2"]["error"].startswith("crash: ")
    assert rows["u5"]["error"].startswith("timeout: ")
    assert {name for name, row in rows.items() if row["status"] == "ok"} == {f"u{i}" for i in (0, 1, 3, 4, 6, 7)}


def test_an_engine_that_cannot_start_is_one_clear_error(tones, tmp_path):
    with pytest.raises(InputError, match="script cannot be read"):
        pipeline.transcribe(tones(2), tmp_path / "run", systems=["scripted,script=absent.jsonl"], workers=1)


def test_a_limit_takes_the_same_utterances_for_every_system(tones, tmp_path):
    folder, out = tones(20), tmp_path / "run"
    pipeline.transcribe(folder, out, systems=["scripted,id=a", "scripted,id=b,text=y"], workers=1, limit=6, seed=2)
    chosen = {}
    for row in read_hypotheses(out).to_pylist():
        chosen.setdefault(row["system_id"], set()).add(row["utterance_id"])
    assert chosen["a"] == chosen["b"]
    assert len(chosen["a"]) == 6


def _start(folder, out, log):
    system = f"scripted,id=a,text=x,delay_s=0.02,log={log}"
    command = [sys.executable, "-m", "asrfair", "transcribe", str(folder), "--system", system, "--out", str(out)]
    return subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _wait_for(process, log, n_calls):
    """Wait until the engine was asked so many times, so that a busy machine does not decide what is tested."""
    while process.poll() is None and calls(log).total() < n_calls:
        time.sleep(0.02)
    assert process.poll() is None, "it ended before it could be stopped"


def test_killed_at_any_moment_it_loses_at_most_what_a_second_brought_and_goes_on(tones, tmp_path):
    folder, out, log = tones(400), tmp_path / "run", tmp_path / "log"
    for n_calls in (1, 200, 380):
        process = _start(folder, out, log)
        _wait_for(process, log, n_calls)
        process.kill()
        process.communicate()
        time.sleep(0.3)
    last = _start(folder, out, log)
    last.communicate()
    assert last.returncode == 0
    assert {name: row["text"] for name, row in rows_of(out).items()} == {f"u{i}": "x" for i in range(400)}
    twice = calls(log).total() - 400
    in_flight, a_second_s_worth = 2 * 2, 2 / 0.02
    assert twice <= 3 * (in_flight + a_second_s_worth), "more was lost than what was in flight or not yet committed"


def test_workers_do_not_outlive_a_killed_run(tones, tmp_path):
    process = _start(tones(200), tmp_path / "run", tmp_path / "log")
    _wait_for(process, tmp_path / "log", 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.communicate()
    time.sleep(1.0)
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists() and _runs(pid)]


def _runs(pid):
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_ctrl_c_stops_cleanly_and_keeps_what_was_finished(tones, tmp_path):
    out, log = tmp_path / "run", tmp_path / "log"
    process = _start(tones(300), out, log)
    _wait_for(process, log, 20)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"same command continues" in err
    finished = len(rows_of(out))
    assert finished >= calls(log).total() - 2 * 2 - 4
    assert finished < 300


def test_two_runs_at_once_do_not_touch_each_other(tones, tmp_path):
    """The first is this process, so that no race decides whether it still runs when the second comes."""
    folder, out = tones(6), tmp_path / "run"
    with HypothesisStore(out):
        second = _start(folder, out, tmp_path / "log")
        _, err = second.communicate()
        assert second.returncode == 2
        assert f"process {os.getpid()}".encode() in err
    third = _start(folder, out, tmp_path / "log")
    third.communicate()
    assert third.returncode == 0
    assert len(rows_of(out)) == 6
    assert os.path.exists(out / "run.json")


def test_a_headerless_file_is_a_failure_and_never_hangs_the_run(tones, tmp_path):
    folder = tones(3)
    (folder / "1.raw").write_bytes((folder / "1.wav").read_bytes())
    rows = (folder / "rows.jsonl").read_text().replace('"1.wav"', '"1.raw"')
    (folder / "rows.jsonl").write_text(rows)
    pipeline.transcribe(folder, tmp_path / "run", systems=["scripted,id=a,text=x"], workers=1)
    assert rows_of(tmp_path / "run")["u1"]["error"].startswith("audio: ")


def test_scores_of_a_killed_run_are_those_of_a_calm_one_to_the_byte(tones, tmp_path):
    folder = tones(60)
    for name in ("calm", "killed"):
        log = tmp_path / f"{name}.log"
        for n_calls in (1, 15, 35) if name == "killed" else ():
            process = _start(folder, tmp_path / name, log)
            _wait_for(process, log, n_calls)
            process.kill()
            process.communicate()
            time.sleep(0.3)
        _start(folder, tmp_path / name, log).communicate()
        pipeline.score(tmp_path / name)
    assert (tmp_path / "calm" / "scores.parquet").read_bytes() == (tmp_path / "killed" / "scores.parquet").read_bytes()


def test_a_model_s_folder_is_found_beside_the_configuration_that_names_it(tmp_path):
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "en").mkdir()
    (tmp_path / "night.toml").write_text(
        'schema_version = 1\nmanifest = "m"\nout = "o"\n[[systems]]\nengine = "transformers"\n'
        'options = { model = "models/tiny", language = "en", revision = "models/none" }\n'
    )
    (spec,) = load_config(tmp_path / "night.toml").systems
    assert spec.options == {"model": str(tmp_path / "models/tiny"), "language": "en", "revision": "models/none"}
    assert spec.system_id == "transformers,language=en,model=tiny,revision=none"
