import resource
import signal

import pytest

from asrfair.errors import RunFolderError
from asrfair.files import write_aside, written_aside


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "card.json"
    write_aside(path, b"old")
    with pytest.raises(ZeroDivisionError):
        _write_half(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"]


def _write_half(path):
    with written_aside(path) as aside:
        aside.write_bytes(b"half")
        raise ZeroDivisionError


def test_a_full_disk_is_a_clear_error_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "card.json"
    write_aside(path, b"old")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RunFolderError, match="cannot be written"):
            write_aside(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["card.json"]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_aside(tmp_path / "absent" / "card.json", b"x")


def test_a_name_that_no_file_can_have_is_a_clear_error(tmp_path):
    with pytest.raises(RunFolderError, match="cannot be written: File name too long"):
        write_aside(tmp_path / ("x" * 300), b"data")
