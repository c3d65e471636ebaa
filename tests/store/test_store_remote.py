"""The store at a URL: the same rows, one writer at a time, whole whatever dies, and no credentials in any file."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import msgspec
import pytest

from asrfair.errors import InputError, RunFolderError
from asrfair.records import Hypothesis, Mix
from asrfair.store import HypothesisStore, iter_hypotheses, read_hypotheses, read_mixes, read_probes
from asrfair.store.remote import Remote
from asrfair.store.remote_lock import PREFIX, Owner

REST = ([20.0], [19.0], [-40.0], [0], 0.0, [], "d")


def row(number, text="x", system="s"):
    return Hypothesis(system, "clean", f"u{number}", "k", "ok", text)


def mix(number):
    return Mix("s", "ward@5dB", f"u{number}", "k", 16_000, 1.0, -20.0, 0.9, *REST)


@pytest.fixture(scope="module")
def s3():
    """A server that speaks S3, with a bucket; the address is in the environment as for any other."""
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed: no S3 server to test against")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    address = "http://{}:{}".format(*running.get_host_and_port())
    before = dict(os.environ)
    os.environ.update(
        AWS_ACCESS_KEY_ID="canary-id",
        AWS_SECRET_ACCESS_KEY="canary-secret",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ENDPOINT_URL=address,
    )
    urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT")).close()
    yield "s3://bucket"
    os.environ.clear()
    os.environ.update(before)
    running.stop()


@pytest.fixture(params=["s3", "memory", "file"])
def url(request, tmp_path):
    """A store of each kind, empty."""
    if request.param == "memory":
        pytest.importorskip("fsspec", reason="fsspec is not installed")
        return f"memory://{tmp_path.name}"
    return f"file://{tmp_path}/there" if request.param == "file" else f"{request.getfixturevalue('s3')}/{tmp_path.name}"


def test_a_store_at_a_url_holds_what_a_folder_holds(url, tmp_path):
    for run, where in ((tmp_path / "here", None), (tmp_path / "run", url)):
        with HypothesisStore(run, where) as store:
            for number in range(4):
                store.append([row(i, f"text {number}") for i in range(number, 4)], [mix(number)], [row(number, "hum")])
            store.compact()
            assert store.n_parts() == 1
            assert store.known("s", "clean")["u3"] == ("k", "ok", None)
    for read in (read_hypotheses, read_mixes, read_probes):
        assert read(tmp_path / "run").equals(read(tmp_path / "here")), "the folder tells where the rows are"
        assert read(tmp_path / "run").num_rows == 4
    assert sum(batch.num_rows for batch in iter_hypotheses(tmp_path / "run", ["text"])) == 4
    assert not (tmp_path / "run" / "hypotheses").exists()


def test_a_later_run_goes_on_at_the_url_without_being_told(url, tmp_path):
    with HypothesisStore(tmp_path / "run", url) as store:
        store.append([row(1)])
    with HypothesisStore(tmp_path / "run") as store:
        store.append([row(2)])
        assert store.n_parts() == 2
    assert set(read_hypotheses(tmp_path / "run")["utterance_id"].to_pylist()) == {"u1", "u2"}
    with HypothesisStore(tmp_path / "other", url) as store:
        assert set(store.known("s", "clean")) == {"u1", "u2"}, "another machine continues from the store alone"


def test_rows_of_one_run_are_never_in_two_homes(url, tmp_path):
    with HypothesisStore(tmp_path / "here") as store:
        store.append([row(1)])
    with pytest.raises(RunFolderError, match="of its own"):
        HypothesisStore(tmp_path / "here", url)
    with HypothesisStore(tmp_path / "run", url):
        pass
    with pytest.raises(RunFolderError, match="its hypotheses are at"):
        HypothesisStore(tmp_path / "run", url + "-b")


def test_a_second_writer_is_refused_by_name_and_comes_in_when_the_first_has_left(url, tmp_path):
    with HypothesisStore(tmp_path / "a", url) as first:
        with pytest.raises(RunFolderError, match=rf"process {os.getpid()}"), HypothesisStore(tmp_path / "b", url):
            pass
        first.append([row(1)])
    with HypothesisStore(tmp_path / "b", url) as store:
        store.append([row(2)])
    assert read_hypotheses(tmp_path / "a").num_rows == 2


@pytest.mark.parametrize(("age_s", "is_refused"), [(10.0, True), (200.0, False)])
def test_a_lock_of_another_machine_counts_while_it_is_fresh(age_s, is_refused, tmp_path):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    url = f"memory://{tmp_path.name}"
    owner = Owner("node-7", "elsewhere", 12, "abc", time.time() - age_s)
    remote = Remote(url)
    remote.make("")
    remote.write(PREFIX + "abc", msgspec.json.encode(owner))
    if is_refused:
        with pytest.raises(RunFolderError, match=r"process 12 on node-7.*wait 8\d s"):
            HypothesisStore(tmp_path / "a", url).__enter__()
        assert [info.base_name for info in remote.infos()] == [PREFIX + "abc"], "who is refused leaves no lock"
    else:
        with HypothesisStore(tmp_path / "a", url) as store:
            store.append([row(1)])
        assert not remote.infos()


def test_a_writer_whose_lock_was_taken_away_writes_no_more(tmp_path):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    url = f"memory://{tmp_path.name}"
    with HypothesisStore(tmp_path / "a", url) as store:
        store.append([row(1)])
        lock = store._remote_lock
        (info,) = Remote(url).infos()
        Remote(url).delete(info.base_name)
        lock._beaten -= 1000.0  # As if the machine had slept.
        with pytest.raises(RunFolderError, match="deleted by another"):
            store.append([row(2)])
    assert read_hypotheses(tmp_path / "a").num_rows == 1


WRITER = """
import sys
from asrfair.store import HypothesisStore
from asrfair.records import Hypothesis
from pathlib import Path
with HypothesisStore(Path(sys.argv[1]), sys.argv[2]) as store:
    first = len(store.known("s", "clean"))
    for number in range(first, 100_000):
        store.append([Hypothesis("s", "clean", f"u{number}", "k", "ok", "x" * 5000)])
        print(number, flush=True)
        if number % 7 == 6:
            store.compact()
"""


def test_killed_in_the_middle_of_an_append_every_committed_row_is_there_and_the_store_is_readable(s3, tmp_path):
    url, run, committed = f"{s3}/{tmp_path.name}", tmp_path / "run", set()
    for seconds in (0.05, 0.13, 0.31):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(run), url], stdout=subprocess.PIPE, text=True)
        lines = [writer.stdout.readline()]
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        lines += writer.communicate()[0].splitlines()
        committed |= {f"u{int(line)}" for line in lines if line.strip()}
        names = read_hypotheses(run)["utterance_id"].to_pylist()
        assert committed <= set(names)
        assert len(names) == len(set(names))
    with HypothesisStore(run) as store:  # The lock of the dead process of this machine does not have to get old.
        store.compact()
    assert set(names) == set(read_hypotheses(run)["utterance_id"].to_pylist())


@pytest.mark.parametrize(
    "bad",
    [
        "s3://canary-id:canary-secret@bucket/x",
        "s3://bucket/x?access_key=canary-id&secret_key=canary-secret",
        "s3://bucket/x?endpoint_override=canary-id:canary-secret@host:1",
        "abfss://box:canary-secret@account.dfs.core.windows.net/x",
    ],
)
def test_credentials_in_a_url_are_refused_and_not_repeated(bad, tmp_path):
    with pytest.raises(InputError, match="credentials") as caught:
        HypothesisStore(tmp_path / "run", bad)
    assert "canary" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("bad", "says"), [("bucket/x", "no URL"), ("nonesuch://x", "nonesuch")])
def test_what_is_no_store_is_refused_before_anything_is_written(bad, says, tmp_path):
    with pytest.raises(InputError, match=says):
        HypothesisStore(tmp_path / "run", bad)
    assert not (tmp_path / "run").exists()


def test_a_bucket_that_is_not_there_is_one_clear_error(s3, tmp_path):
    with (
        pytest.raises(RunFolderError, match=r"s3://nobody.*cannot be"),
        HypothesisStore(tmp_path / "run", "s3://nobody/x"),
    ):
        pass


def test_no_file_of_the_run_holds_a_credential(s3, tmp_path):
    with HypothesisStore(tmp_path / "run", f"{s3}/{tmp_path.name}") as store:
        store.append([row(1)])
    assert (tmp_path / "run" / "store.json").exists()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"canary" in p.read_bytes()]


def test_a_damaged_part_is_named_with_its_url(tmp_path):
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    url = f"memory://{tmp_path.name}"
    with HypothesisStore(tmp_path / "run", url) as store:
        store.append([row(1)])
    Remote(url).write("hypotheses/part-000001.parquet", b"PAR1 and no more")
    with pytest.raises(RunFolderError, match=r"memory://.*/hypotheses/part-000001\.parquet: damaged"):
        read_hypotheses(tmp_path / "run")
