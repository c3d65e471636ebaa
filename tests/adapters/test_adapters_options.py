"""How engines and their options are found, and what is said of what is missing."""

import pytest

from asrfair.adapters import available_engines, check_options, describe_options, load_engine
from asrfair.adapters._base import Adapter
from asrfair.adapters._cloud import CloudAdapter
from asrfair.errors import AdapterError, InputError, TransientError
from asrfair.records import SystemInfo, Transcript


class Asking(CloudAdapter):
    """An engine behind a server, of libraries inside packages that are not there."""

    EXTRA = "ghost"
    LIBRARIES = ("no_such_package.inside.it", "json")
    CREDENTIALS = (("ASRFAIR_TEST_GHOST_KEY",),)

    def describe(self):
        return SystemInfo("ghost", "1")

    def ask(self, waveform):
        return Transcript("")


class Hearing(Adapter):
    """The same on this machine."""

    EXTRA, LIBRARIES = Asking.EXTRA, Asking.LIBRARIES

    def describe(self):
        return SystemInfo("ghost", "1")

    def transcribe_batch(self, batch):
        return [Transcript("") for _ in batch]


def test_a_library_inside_a_package_that_is_absent_is_missing_like_any_other():
    install = "install no_such_package.inside.it: pip install 'asrfair[ghost]'"
    assert Hearing.missing() == [install]
    assert Asking.missing() == [install, "set ASRFAIR_TEST_GHOST_KEY"]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_failures_of_either_http_library_are_told_apart(library):
    http = pytest.importorskip(library, reason=f"{library} is not installed")
    request = http.Request("POST", "http://127.0.0.1/")
    refused = http.HTTPStatusError("no", request=request, response=http.Response(429, text="slow", request=request))
    for error, kind in (
        (http.ReadTimeout("", request=request), "timeout"),
        (http.ConnectError("", request=request), "connection"),
        (http.DecodingError("", request=request), "malformed"),
        (refused, "rate_limit"),
    ):
        wrapped = RuntimeError("the SDK's own")
        wrapped.__cause__ = error
        assert [Asking().failure(each).kind for each in (error, wrapped)] == [kind, kind]
    assert isinstance(Asking().failure(refused), TransientError)
    assert isinstance(Asking().failure(http.DecodingError("")), AdapterError)
    assert Asking().failure(RuntimeError("nothing of HTTP")) is None


def test_none_is_none_and_not_the_word():
    assert check_options("scripted", {"script": None, "batch_audio_s": None}) == {"script": None, "batch_audio_s": None}
    with pytest.raises(InputError, match="text=None is not a str"):
        check_options("scripted", {"text": None})
    with pytest.raises(InputError, match="batch_size=None is not a int"):
        check_options("scripted", {"batch_size": None})


def test_the_engines_of_this_version_are_found():
    assert {"pocketsphinx", "precomputed", "scripted"} <= set(available_engines())


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="scripted"):
        load_engine("no-such-engine", {})


@pytest.mark.parametrize(
    ("options", "says"),
    [({"colour": "red"}, "colour"), ({"delay_s": "soon"}, "delay_s"), ({"batch_size": "2.5"}, "int")],
)
def test_an_option_that_does_not_fit_is_refused_with_those_that_do(options, says):
    with pytest.raises(InputError, match=says):
        load_engine("scripted", options)


def test_options_from_a_command_line_become_what_the_engine_wants():
    engine = load_engine("scripted", {"delay_s": "0.25", "batch_size": "4", "script": "none"})
    assert engine.batch_size == 4
    assert "delay_s (float" in describe_options("scripted")


def test_an_engine_of_another_package_is_found_by_its_entry_point(monkeypatch, tmp_path):
    (tmp_path / "other_engine.py").write_text(
        "from asrfair.adapters import Adapter\n"
        "from asrfair.records import SystemInfo, Transcript\n"
        "class Parrot(Adapter):\n"
        "    def describe(self):\n        return SystemInfo('parrot', '1')\n"
        "    def transcribe_batch(self, batch):\n        return [Transcript('hello') for _ in batch]\n"
    )
    info = tmp_path / "other_engine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-engine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[asrfair.adapters]\nparrot = other_engine:Parrot\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "parrot" in available_engines()
    assert load_engine("parrot", {}).describe().name == "parrot"
