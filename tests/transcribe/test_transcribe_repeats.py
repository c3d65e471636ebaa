"""Asked again, asked for eight systems of which one is broken, ended as it should be: the loop from end to end."""

import json
import threading
from collections import Counter
from pathlib import Path

import pytest

from asrfair import pipeline
from asrfair.adapters.scripted import waveform_digest
from asrfair.audio import read_audio
from asrfair.errors import InputError
from asrfair.records import Condition
from asrfair.store import read_hypotheses, read_repeats
from asrfair.transcribe.hearing import Heard, Hearing, Kit
from asrfair.transcribe.jobs import Job


def calls(log):
    return Counter(Path(log).read_text().split()) if Path(log).exists() else Counter()


def script(folder, n, path, **special):
    lines = []
    for i in range(n):
        digest = waveform_digest(read_audio(folder / f"{i}.wav")[0])
        lines.append({"waveform": digest, "text": f"word {i}"} | special.get(f"u{i}", {}))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def twice(rows_path):
    """The same audio under another name, at the end of the manifest."""
    first = json.loads(rows_path.read_text().splitlines()[0])
    with rows_path.open("a") as file:
        file.write(json.dumps(first | {"utterance_id": "again"}) + "\n")


@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_utterance_is_asked_so_many_times_and_never_more(tones, tmp_path, batch_size):
    folder, out, log = tones(6), tmp_path / "run", tmp_path / "log"
    twice(folder / "rows.jsonl")
    system = f"scripted,id=s,text=yes,log={log},batch_size={batch_size}"
    for _ in range(2):
        done = pipeline.transcribe(folder, out, systems=[system], repeats=3)
        assert set(calls(log).values()) == {3}, "of the same audio under two names too"
        assert len(calls(log)) == 6
    assert done.n_failed == 0
    assert len(read_hypotheses(out)) == 7
    names = Counter(read_repeats(out)["system_id"].to_pylist())
    assert names == {"s#2": 7, "s#3": 7}
    pipeline.transcribe(folder, out, systems=[system], repeats=4)
    assert set(calls(log).values()) == {4}, "one more time is one more time"


def test_what_failed_the_second_time_is_asked_again_by_the_next_run(tones, tmp_path):
    folder, out, log = tones(3), tmp_path / "run", tmp_path / "log"
    said = script(folder, 3, tmp_path / "script.jsonl", u1={"error": "server", "times": 2})
    system = f"scripted,id=s,script={said},log={log}"
    for failed in (2, 0):
        pipeline.transcribe(folder, out, systems=[system], repeats=2, retries=0)
        statuses = read_hypotheses(out)["status"].to_pylist() + read_repeats(out)["status"].to_pylist()
        assert statuses.count("failed") == failed
        assert len(statuses) == 6


def test_one_system_that_cannot_be_loaded_does_not_keep_the_others_from_being_heard(tones, tmp_path):
    """It was left alone over night: in the morning all others are there, and it is said which one is not."""
    folder, out = tones(4), tmp_path / "run"
    broken = f"scripted,id=broken,script={tmp_path / 'absent.jsonl'}"
    systems = ["scripted,id=one,text=a", broken, "scripted,id=two,text=b"]
    with pytest.raises(InputError, match=r"broken: .*absent\.jsonl.*\nthe other systems were heard") as caught:
        pipeline.transcribe(folder, out, systems=systems)
    assert "one:" not in str(caught.value)
    rows = read_hypotheses(out)
    assert Counter(rows["system_id"].to_pylist()) == {"one": 4, "two": 4}
    record = json.loads((out / "run.json").read_text())
    assert list(record["verbs"][-1]["broken"]) == ["broken"]
    assert {entry["system_id"] for entry in record["failures"]} == {"one", "two"}


@pytest.mark.parametrize("how", [{"budget": float("nan")}, {"timeout_s": 0.0}, {"timeout_s": float("nan")}])
def test_a_bound_that_bounds_nothing_is_refused(tones, tmp_path, how):
    with pytest.raises(InputError, match="is not positive"):
        pipeline.transcribe(tones(1), tmp_path / "run", systems=["scripted,text=a"], **how)


def test_hearing_is_safe_for_threads(tones):
    """Eight readers share few clips: each gets its own audio, and no reading fails."""
    folder = tones(24)
    hearing = Hearing(Kit(), 16_000)
    clean = Condition(None, None, 0)
    wrong = []

    def read(seed):
        for step in range(200):
            number = (seed * 7 + step * (1 + seed)) % 24
            heard = hearing.hear(Job(f"u{number}", folder / f"{number}.wav", None, None, None, clean))
            own = read_audio(folder / f"{number}.wav")[0]
            if not isinstance(heard, Heard) or waveform_digest(heard.waveform) != waveform_digest(own):
                wrong.append(heard)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


ENGINES = '''
"""Engines that others ship: one notes that it is closed, one breaks the rules of a thread."""

import os
from asrfair.adapters import Adapter
from asrfair.records import SystemInfo, Transcript


class Closing(Adapter):
    """Notes that it is closed."""

    def __init__(self, log: str) -> None:
        self.log = log

    def describe(self):
        return SystemInfo("closing", "1", {})

    def transcribe_batch(self, batch):
        return [Transcript("x") for _ in batch]

    def close(self):
        with open(self.log, "a") as file:
            file.write("closed ")


class Leaving(Closing):
    """Several calls at once, of which one ends its thread the first time."""

    concurrency = 4

    def __init__(self, log: str) -> None:
        super().__init__(log)

    def transcribe_batch(self, batch):
        try:
            os.close(os.open(self.log, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return [Transcript("x") for _ in batch]
        raise SystemExit
'''


@pytest.fixture
def engines(tmp_path, monkeypatch):
    """A package with two engines, installed beside asrfair."""
    package = tmp_path / "site"
    info = package / "others-1.dist-info"
    info.mkdir(parents=True)
    (package / "others.py").write_text(ENGINES)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1\n")
    entries = "[asrfair.adapters]\nclosing = others:Closing\nleaving = others:Leaving\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("PYTHONPATH", f"{package}:{Path(__file__).parents[2]}")


@pytest.mark.usefixtures("engines")
def test_every_engine_is_closed_when_all_is_done(tones, tmp_path):
    log = tmp_path / "log"
    pipeline.transcribe(tones(6), tmp_path / "run", systems=[f"closing,log={log}"], workers=1)
    assert log.read_text() == "closed "


@pytest.mark.usefixtures("engines")
def test_a_thread_that_ends_is_noticed_and_nothing_hangs(tones, tmp_path):
    done = pipeline.transcribe(tones(12), tmp_path / "run", systems=[f"leaving,log={tmp_path / 'log'}"])
    assert done.n_failed == 0
    assert len(read_hypotheses(tmp_path / "run")) == 12
