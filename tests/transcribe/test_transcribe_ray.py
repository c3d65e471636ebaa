"""The loop over Ray, on a cluster of this machine: the same rows as without, whatever is killed, and nothing lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sounds import DATASET, tone, write_wav

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio
from asrfair.errors import InputError
from asrfair.seeds import rng_for
from asrfair.store import read_hypotheses, read_mixes

ray = pytest.importorskip("ray", reason="ray is not installed: the executor ray is not tested")

SLOW_S = 0.04


@pytest.fixture(scope="module")
def cluster():
    """A cluster with room for two actors, started once; its address."""
    from asrfair.transcribe.ray_session import connected

    with connected(None, 2):
        yield ray.get_runtime_context().gcs_address


@pytest.fixture
def calm(tones, tmp_path):
    """A manifest of 60 tones with a script, and what the local executor says of it."""
    folder = tones(60)
    script = tmp_path / "script.jsonl"
    script.write_text("".join(_line(folder, i, f"word {i}") for i in range(60)))
    system = f"scripted,id=s,script={script},delay_s={SLOW_S},batch_size=3,log={tmp_path / 'log'}"
    pipeline.transcribe(folder, tmp_path / "calm", systems=[system.replace(str(SLOW_S), "0.0")], workers=1)
    (tmp_path / "log").unlink()
    return folder, system, rows_of(tmp_path / "calm")


def _line(folder, number, text="", error=None):
    digest = waveform_digest(read_audio(folder / f"{number}.wav")[0])
    end = f'"error": "{error}"' if error else f'"text": "{text}"'
    return f'{{"waveform": "{digest}", {end}}}\n'


def rows_of(run, read=read_hypotheses):
    """All columns but the latency, by place: the order of rows is not promised."""
    rows = [{k: v for k, v in row.items() if k != "latency_s"} for row in read(Path(run)).to_pylist()]
    return {(row["system_id"], row["condition_id"], row["utterance_id"]): row for row in rows}


def asked(log):
    return Counter(Path(log).read_text().split()).total() if Path(log).exists() else 0


def actors(parent):
    """Process ids of the actors below a process."""
    found = []
    for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::RayActor"):
                found.append(int(pid))
            found += actors(pid)
        except FileNotFoundError:
            continue
    return found


def test_two_actors_give_the_rows_of_the_local_executor(cluster, tones, tmp_path):
    folder = tones(14)
    (folder / "3.wav").write_bytes(b"")
    (folder / "4.wav").write_bytes((folder / "5.wav").read_bytes())
    script = tmp_path / "script.jsonl"
    script.write_text("".join(_line(folder, i, f"word {i}") for i in range(14) if i not in (3, 6)))
    with script.open("a") as file:
        file.write(_line(folder, 6, error="permanent"))
    how = {
        "systems": [f"scripted,id=a,script={script},batch_size=4"],
        "conditions": ["clean", "machine-hum@10dB"],
        "probes": 2,
    }
    here = pipeline.transcribe(folder, tmp_path / "here", workers=1, **how)
    there = pipeline.transcribe(folder, tmp_path / "there", workers=2, executor="ray", **how)
    assert rows_of(tmp_path / "there") == rows_of(tmp_path / "here")
    assert rows_of(tmp_path / "there", read_mixes) == rows_of(tmp_path / "here", read_mixes)
    assert there.n_failed == here.n_failed > 0
    assert len({row["text"] for row in rows_of(tmp_path / "there").values()}) > 10


def test_an_utterance_that_kills_or_hangs_its_actor_fails_and_no_other(cluster, tones, tmp_path):
    folder, script = tones(9), tmp_path / "script.jsonl"
    script.write_text(_line(folder, 2, error="crash") + _line(folder, 6, error="hang"))
    system = f"scripted,id=a,text=x,script={script},batch_size=2"
    pipeline.transcribe(folder, tmp_path / "run", systems=[system], workers=2, executor="ray", timeout_s=1.0)
    rows = {name: row for (_, _, name), row in rows_of(tmp_path / "run").items()}
    assert rows["u2"]["error"].startswith("crash: ")
    assert rows["u6"]["error"] == "timeout: no transcript within 1 s"
    assert {name for name, row in rows.items() if row["status"] == "ok"} == {f"u{i}" for i in (0, 1, 3, 4, 5, 7, 8)}


def test_actors_killed_at_random_moments_lose_nothing(cluster, calm, tmp_path):
    folder, system, expected = calm
    killed, ended = [], threading.Event()
    rng = rng_for(9, "kill", "actors")

    def kill():
        while not ended.wait(float(rng.uniform(0.2, 0.9))):
            if asked(tmp_path / "log") and len(killed) < 3 and (pids := actors(os.getpid())):
                killed.append(pids[int(rng.integers(len(pids)))])
                os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = pipeline.transcribe(folder, tmp_path / "run", systems=[system], workers=2, executor="ray")
    finally:
        ended.set()
        killer.join()
    assert len(killed) >= 2, "the run was over before anything was killed"
    assert done.n_failed == 0
    assert rows_of(tmp_path / "run") == expected
    in_flight = 2 * 3
    assert asked(tmp_path / "log") <= 60 + len(killed) * in_flight * 2


DRIVER = """
import sys
from asrfair import pipeline
manifest, run, system, address = sys.argv[1:]
pipeline.transcribe(manifest, run, systems=[system], workers=2, executor="ray", address=address)
"""


def test_a_driver_killed_in_the_middle_leaves_a_store_that_goes_on_to_the_same_rows(cluster, calm, tmp_path):
    folder, system, expected = calm
    command = [sys.executable, "-c", DRIVER, str(folder), str(tmp_path / "run"), system, cluster]
    driver = subprocess.Popen(command)
    while not list((tmp_path / "run").glob("hypotheses/*.parquet")) and driver.poll() is None:
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    assert 0 < len(rows_of(tmp_path / "run")) < 60
    pipeline.transcribe(folder, tmp_path / "run", systems=[system], workers=2, executor="ray")
    assert rows_of(tmp_path / "run") == expected


def test_an_engine_that_cannot_start_there_is_one_clear_error(cluster, tones, tmp_path):
    with pytest.raises(InputError, match="script cannot be read"):
        pipeline.transcribe(
            tones(2), tmp_path / "run", systems=["scripted,script=absent.jsonl"], workers=1, executor="ray"
        )


def test_audio_that_another_machine_does_not_see_is_missing_there_and_not_bad_audio(tmp_path):
    """The actor's own class, without a cluster: the file goes after it was digested."""
    from asrfair.records import Condition
    from asrfair.transcribe.hearing import Kit
    from asrfair.transcribe.jobs import Job
    from asrfair.transcribe.ray_actor import RayActor
    from asrfair.transcribe.worker import WorkerTask

    (tmp_path / "dataset.toml").write_text(DATASET)
    write_wav(tmp_path / "0.wav", tone(0))
    actor = RayActor(WorkerTask("scripted", {"text": "x"}, Kit(), 0), "elsewhere")
    actor._loaded()
    jobs = [Job(f"u{i}", tmp_path / f"{i}.wav", None, None, None, Condition()) for i in range(2)]
    heard, absent = actor._heard(jobs)
    assert heard.waveform.duration_s == pytest.approx(0.3)
    assert absent.startswith("missing: the machine ")
