"""The engine contract (DESIGN section 5), held to every engine that is found."""

import importlib.util
import json

import numpy as np
import pytest

from asrfair.adapters import Adapter, available_engines, describe_options, engine_class, load_engine
from asrfair.errors import AdapterError, InputError
from asrfair.records import SystemInfo, Transcript, Waveform
from asrfair.seeds import rng_for

NEEDS = {"pocketsphinx": "pocketsphinx"}
HEARING = [name for name in available_engines() if issubclass(engine_class(name), Adapter)]


@pytest.fixture(params=HEARING)
def engine(request):
    library = NEEDS.get(request.param)
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed: pip install 'asrfair[demo]'")
    made = load_engine(request.param, {})
    yield made
    made.close()


def noise(seconds, seed, rate):
    samples = rng_for(seed, "noise", "test").normal(0, 0.05, round(seconds * rate))
    return Waveform(samples.astype(np.float32), rate)


def test_the_engines_of_this_version_are_found():
    assert {"pocketsphinx", "precomputed", "scripted"} <= set(available_engines())


def test_silence_gives_text_not_an_error(engine):
    silence = Waveform(np.zeros(engine.sample_rate_hz, dtype=np.float32), engine.sample_rate_hz)
    (transcript,) = engine.transcribe_batch([silence])
    assert isinstance(transcript, Transcript)
    assert isinstance(transcript.text, str)


def test_a_batch_equals_one_by_one_in_any_order(engine):
    batch = [noise(seconds, seed, engine.sample_rate_hz) for seconds, seed in ((0.5, 1), (1.2, 2), (0.8, 3))]
    alone = [engine.transcribe_batch([waveform])[0].text for waveform in batch]
    assert [t.text for t in engine.transcribe_batch(batch)] == alone
    assert [t.text for t in engine.transcribe_batch(batch[::-1])] == alone[::-1]


def test_the_same_input_twice_gives_the_same_text_or_the_engine_says_that_it_samples(engine):
    heard = noise(1.0, 7, engine.sample_rate_hz)
    first, second = (engine.transcribe_batch([heard])[0].text for _ in range(2))
    assert first == second or not engine.describe().deterministic


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(16_000, np.nan), np.full(16_000, np.inf)])
def test_broken_audio_raises(engine, samples):
    with pytest.raises(AdapterError):
        engine.transcribe_batch([Waveform(samples.astype(np.float32), engine.sample_rate_hz)])


def test_an_engine_says_all_that_changes_its_output(engine):
    info = engine.describe()
    assert isinstance(info, SystemInfo)
    assert info == engine.describe()
    assert info.version
    json.dumps(dict(info.options))


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


def test_a_missing_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(InputError, match=r"asrfair\[demo\]"):
        load_engine("pocketsphinx", {})


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
