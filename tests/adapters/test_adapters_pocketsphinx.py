import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("pocketsphinx", reason="the extra demo is not installed")
pytest.importorskip("espeakng_loader", reason="the extra demo is not installed")

from asrfair.adapters.pocketsphinx import PocketSphinx
from asrfair.audio import read_audio, resample
from asrfair.errors import AdapterError, InputError
from asrfair.manifest.corpora.demo import grammar, load_recipe
from asrfair.manifest.corpora.espeak import Request, speak_all
from asrfair.records import Waveform

TEXTS = ["peter got three large desks", "lucy sees two old rings", "nina wins ten red sofas"]


@pytest.fixture(scope="module")
def voices(tmp_path_factory):
    folder = tmp_path_factory.mktemp("voices")
    (folder / "grammar.jsgf").write_text(grammar(load_recipe().slots))
    speak_all(
        [
            Request(path=str(folder / f"{i}.wav"), text=text, voice="en-us+klatt4", rate_wpm=150, pitch=50)
            for i, text in enumerate(TEXTS)
        ]
    )
    return folder, [resample(read_audio(folder / f"{i}.wav")[0], 16_000) for i in range(3)]


def test_it_recognises_what_was_said_in_any_order(voices):
    folder, waveforms = voices
    engine = PocketSphinx(grammar=str(folder / "grammar.jsgf"))
    forward = [t.text for t in engine.transcribe_batch(waveforms)]
    right = sum(
        a == b
        for said, text in zip(forward, TEXTS, strict=True)
        for a, b in zip(said.split(), text.split(), strict=True)
    )
    assert right >= 12, "at most 3 of the 15 words may be wrong"
    assert [t.text for t in engine.transcribe_batch(waveforms[::-1])] == forward[::-1]


def test_order_never_changes_a_text_of_the_language_model_either(voices):
    _, waveforms = voices
    engine = PocketSphinx()
    alone = [PocketSphinx().transcribe_batch([w])[0].text for w in waveforms[:2]]
    assert [t.text for t in engine.transcribe_batch(waveforms[:2])] == alone


def test_words_have_their_times_inside_the_audio(voices):
    folder, waveforms = voices
    engine = PocketSphinx(grammar=str(folder / "grammar.jsgf"), padding_s=0.2)
    (transcript,) = engine.transcribe_batch(waveforms[:1])
    assert " ".join(word.text for word in transcript.words) == transcript.text
    times = [t for word in transcript.words for t in (word.start_s, word.end_s)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= waveforms[0].duration_s + 0.1


def test_grammar_and_padding_are_part_of_what_was_tested(voices, tmp_path):
    folder, _ = voices
    other = tmp_path / "other.jsgf"
    other.write_text(grammar([["yes", "no"]]))
    infos = [
        PocketSphinx().describe(),
        PocketSphinx(padding_s=0.3).describe(),
        PocketSphinx(grammar=str(folder / "grammar.jsgf")).describe(),
        PocketSphinx(grammar=str(other)).describe(),
    ]
    assert len({str(info) for info in infos}) == 4


def test_a_wrong_file_or_rate_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        PocketSphinx(grammar=str(tmp_path / "absent.jsgf"))
    broken = tmp_path / "broken.jsgf"
    broken.write_text("this is no grammar")
    with pytest.raises(InputError, match="does not accept"):
        PocketSphinx(grammar=str(broken))
    with pytest.raises(AdapterError, match="Hz"):
        PocketSphinx().transcribe_batch([Waveform(np.zeros(800, dtype=np.float32), 8_000)])


@pytest.mark.parametrize("padding_s", [-0.1, float("nan"), float("inf"), 1e6])
def test_padding_that_cannot_be_is_refused_before_the_run(padding_s):
    with pytest.raises(InputError, match="padding_s"):
        PocketSphinx(padding_s=padding_s)


def test_another_model_under_the_same_version_is_another_system(tmp_path):
    """The library follows POCKETSPHINX_PATH; a cache that did not see it would mix two recognisers."""
    import pocketsphinx

    model = tmp_path / "model"
    shutil.copytree(pocketsphinx.get_model_path(), model)
    with (model / "en-us" / "cmudict-en-us.dict").open("a", encoding="utf-8") as file:
        file.write("asrfair EY S AA R F EH R\n")
    script = (
        "import json; from asrfair.adapters.pocketsphinx import PocketSphinx as P;"
        "info = P().describe(); print(json.dumps([info.version, dict(info.options)]))"
    )
    told = [
        json.loads(subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True).stdout)
        for env in ({**os.environ}, {**os.environ, "POCKETSPHINX_PATH": str(model)})
    ]
    assert told[0][0] == told[1][0]
    assert told[0][1]["model_sha256"] != told[1][1]["model_sha256"]


def test_the_recogniser_knows_every_word_of_the_demo():
    decoder = PocketSphinx()._decoder
    words = [word for slot in load_recipe().slots for word in slot]
    assert [word for word in words if decoder.lookup_word(word) is None] == []
