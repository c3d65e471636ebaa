import multiprocessing
import os
import resource
import signal

import pytest

from asrfair.errors import RunFolderError
from asrfair.records import Hypothesis, Word
from asrfair.store import HypothesisStore, iter_hypotheses, read_hypotheses
from asrfair.store import parts as store_module


def row(number, text="x", key="k", system="s"):
    return Hypothesis(system, "clean", f"u{number}", key, "ok", text, words=[Word(text, 0.0, 1.0, 0.5)])


def test_what_was_appended_is_read_back_whole(tmp_path):
    with HypothesisStore(tmp_path) as store:
        store.append([row(1), Hypothesis("s", "clean", "u2", "k2", "failed", error="audio: broken")])
    first, second = read_hypotheses(tmp_path).to_pylist()
    assert first["words"] == [{"text": "x", "start_s": 0.0, "end_s": 1.0, "confidence": 0.5}]
    assert (second["status"], second["text"], second["error"]) == ("failed", None, "audio: broken")


def test_a_later_row_supersedes_an_earlier_one_before_and_after_merging(tmp_path):
    with HypothesisStore(tmp_path) as store:
        for number in range(5):
            store.append([row(i, f"text {number}") for i in range(number, 5)])
        before = read_hypotheses(tmp_path).to_pylist()
        store.compact()
        assert store.n_parts() == 1
    by_id = {r["utterance_id"]: r["text"] for r in read_hypotheses(tmp_path).to_pylist()}
    assert by_id == {f"u{i}": f"text {i}" for i in range(5)} == {r["utterance_id"]: r["text"] for r in before}
    assert sum(batch.num_rows for batch in iter_hypotheses(tmp_path, ["utterance_id"])) == 5


def test_a_crash_between_merging_and_deleting_loses_and_doubles_nothing(tmp_path, monkeypatch):
    with HypothesisStore(tmp_path) as store:
        for number in range(4):
            store.append([row(number, f"text {number}")])
        monkeypatch.setattr(store_module.Path, "unlink", _die)
        with pytest.raises(KeyboardInterrupt):
            store.compact()
    monkeypatch.undo()
    assert sorted(r["text"] for r in read_hypotheses(tmp_path).to_pylist()) == [f"text {i}" for i in range(4)]


def _die(*_args, **_kwargs):
    raise KeyboardInterrupt


def test_cells_are_read_by_themselves(tmp_path):
    with HypothesisStore(tmp_path) as store:
        store.append([row(1, system="a"), row(1, system="b")])
        assert store.known("a", "clean") == {"u1": ("k", "ok", None)}
    assert read_hypotheses(tmp_path, columns=["text"], system_id="b").num_rows == 1
    assert read_hypotheses(tmp_path, system_id="none").num_rows == 0


def _hold(folder, ready, done):
    with HypothesisStore(folder):
        ready.set()
        done.wait(30)


def test_a_second_writer_is_refused_and_told_who_writes(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready, done))
    process.start()
    ready.wait(30)
    with pytest.raises(RunFolderError, match=rf"process {process.pid}.*--out"), HypothesisStore(tmp_path):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with HypothesisStore(tmp_path) as store:
        store.append([row(1)])


def test_a_damaged_part_is_named_and_never_skipped(tmp_path):
    with HypothesisStore(tmp_path) as store:
        store.append([row(1)])
        store.append([row(2)])
    part = tmp_path / "hypotheses" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(RunFolderError, match=r"part-000001\.parquet: damaged"):
        read_hypotheses(tmp_path)


def test_half_written_parts_of_a_dead_process_are_swept_up(tmp_path):
    with HypothesisStore(tmp_path) as store:
        store.append([row(1)])
    (tmp_path / "hypotheses" / ".part-000002.parquet.123.tmp").write_bytes(b"half")
    with HypothesisStore(tmp_path) as store:
        store.append([row(2)])
    assert sorted(p.name for p in (tmp_path / "hypotheses").iterdir()) == ["part-000001.parquet", "part-000002.parquet"]


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_there(tmp_path):
    with HypothesisStore(tmp_path) as store:
        store.append([row(1)])
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
        try:
            with pytest.raises(RunFolderError, match="cannot be written"):
                store.append([row(i, f"much text {i}") for i in range(500)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        store.append([row(3)])
    assert {r["utterance_id"] for r in read_hypotheses(tmp_path).to_pylist()} == {"u1", "u3"}
