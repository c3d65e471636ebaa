"""The engine contract (DESIGN section 5), held to every engine that is found; `opened` says how each is opened."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import opened as openers
import pytest

from asrfair.adapters import Adapter, available_engines, engine_class, load_engine
from asrfair.adapters._base import absent_of
from asrfair.errors import AdapterError, InputError
from asrfair.records import SystemInfo, Transcript, Waveform
from asrfair.seeds import rng_for

HEARING = [name for name in available_engines() if issubclass(engine_class(name), Adapter)]
WITH_LIBRARIES = [name for name in HEARING if engine_class(name).LIBRARIES]
THREADS = 8
OF_THE_MACHINE = {"device", "threads", "cpu_threads", "batch_size", "batch_audio_s", "timeout_s", "concurrency"}


@pytest.fixture(scope="module", params=[name for name in HEARING if name not in openers.UNOPENED])
def opened(request, tmp_path_factory):
    name, cls = request.param, engine_class(request.param)
    if name not in openers.OPENERS:
        pytest.fail(f"nobody knows how to open the engine {name}: add it to OPENERS in tests/adapters/opened.py")
    if absent := absent_of(cls.LIBRARIES):
        pytest.skip(f"{name}: {', '.join(absent)} is not installed: pip install 'asrfair[{cls.EXTRA}]'")
    if absent := absent_of(openers.OPENERS[name].needs):
        pytest.skip(f"{name}: its model or server is made with {', '.join(absent)}: pip install 'asrfair[dev]'")
    with openers.opened(name, tmp_path_factory.mktemp(name)) as made:
        yield made


@pytest.fixture
def engine(opened):
    return opened.engine


def noise(seconds, seed, rate):
    samples = rng_for(seed, "noise", "test").normal(0, 0.05, round(seconds * rate))
    return Waveform(samples.astype(np.float32), rate)


def texts(engine, batch):
    return [transcript.text for transcript in engine.transcribe_batch(batch)]


@pytest.mark.parametrize("name", openers.UNOPENED)
def test_an_engine_that_is_not_opened_has_a_reason(name):
    assert name in HEARING
    pytest.skip(f"{name} is not held to the contract: {openers.UNOPENED[name]}")


def test_silence_gives_text_not_an_error(engine):
    silence = Waveform(np.zeros(engine.sample_rate_hz, dtype=np.float32), engine.sample_rate_hz)
    (transcript,) = engine.transcribe_batch([silence])
    assert isinstance(transcript, Transcript)
    assert isinstance(transcript.text, str)


def test_a_batch_equals_one_by_one_in_any_order(engine):
    batch = [noise(seconds, seed, engine.sample_rate_hz) for seconds, seed in ((0.5, 1), (1.2, 2), (0.8, 3))]
    alone = [texts(engine, [waveform])[0] for waveform in batch]
    assert texts(engine, batch) == alone
    assert texts(engine, batch[::-1]) == alone[::-1]
    assert engine.transcribe_batch([]) == []


def test_the_same_input_twice_gives_the_same_text_or_the_engine_says_that_it_samples(engine):
    heard = noise(1.0, 7, engine.sample_rate_hz)
    assert texts(engine, [heard]) == texts(engine, [heard]) or not engine.describe().deterministic


@pytest.mark.parametrize("samples", [np.zeros(0), np.full(16_000, np.nan), np.full(16_000, np.inf)])
def test_broken_audio_raises_and_goes_to_no_server(opened, samples):
    engine, requests = opened.engine, opened.setting.requests or (lambda: 0)
    before = requests()
    with pytest.raises(AdapterError):
        engine.transcribe_batch([Waveform(samples.astype(np.float32), engine.sample_rate_hz)])
    assert requests() == before
    engine.transcribe_batch([noise(0.3, 8, engine.sample_rate_hz)])
    assert requests() > before or opened.setting.requests is None, "else the server could not have shown it"


def test_an_engine_says_all_that_changes_its_output_and_nothing_else(opened):
    info = opened.engine.describe()
    assert isinstance(info, SystemInfo)
    assert info.name.replace("-", "_") == opened.name
    assert info.version
    assert info == opened.engine.describe()
    assert not OF_THE_MACHINE & set(info.options)
    written = json.dumps([info.name, info.version, dict(info.options)])
    assert not [secret for secret in opened.setting.secrets if secret in written]
    another = opened.another()
    assert another.describe() == info
    another.close()


def test_threads_at_once_get_their_own_answers(opened):
    engine = opened.engine
    if engine.concurrency == 1:
        pytest.skip(f"{opened.name} is asked by one thread at a time")
    batch = [noise(0.2 + 0.02 * number, 10 + number, engine.sample_rate_hz) for number in range(THREADS)]
    alone = [texts(engine, [waveform])[0] for waveform in batch]
    assert len(set(alone)) == THREADS, "an answer names what was heard"
    together = threading.Barrier(THREADS, timeout=10)

    def ask(waveform):
        together.wait()
        return texts(engine, [waveform])[0]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, batch)) == alone


def test_with_everything_there_nothing_is_to_be_installed(opened):
    assert not [line for line in type(opened.engine).missing() if line.startswith("install")]


@pytest.mark.parametrize("name", HEARING)
def test_what_is_missing_is_a_list_of_sentences(name):
    found = engine_class(name).missing()
    assert isinstance(found, list)
    assert all(isinstance(line, str) and line.startswith(("install ", "set ")) for line in found)


@pytest.mark.parametrize("name", available_engines())
def test_an_unknown_option_is_refused_by_name(name):
    with pytest.raises(InputError, match="no_such_option"):
        load_engine(name, {"no_such_option": 1})


@pytest.fixture(scope="module")
def bare():
    program = Path(__file__).with_name("without_libraries.py")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", WITH_LIBRARIES)
def test_a_missing_library_names_the_extra(bare, name):
    cls = engine_class(name)
    for library in cls.LIBRARIES:
        kind, extra, message = bare[name]["raised"][library]
        todo = bare[name]["missing"][library][0]
        assert todo.startswith("install ")
        if cls.EXTRA is None:
            assert (kind, todo in message) == ("InputError", True)
        else:
            assert (kind, extra) == ("MissingExtraError", cls.EXTRA), f"without {library}"
            assert f"asrfair[{cls.EXTRA}]" in message
            assert library in todo
            assert f"asrfair[{cls.EXTRA}]" in todo
