import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


def babble(seconds, seed=1):
    return rng_for(seed, "babble", "test").normal(0, 0.05, round(seconds * RATE)).astype(np.float32)


def test_sound_without_pauses_has_its_rms_as_active_level():
    level = active_speech_level(Waveform(babble(5), RATE))
    assert level.level_dbfs == pytest.approx(rms_dbfs(babble(5)), abs=0.2)
    assert level.activity == pytest.approx(1.0, abs=0.05)


def test_pauses_change_the_rms_and_not_the_active_level():
    spoken = babble(4)
    paused = np.concatenate([spoken, np.zeros(4 * RATE, dtype=np.float32)])
    level = active_speech_level(Waveform(paused, RATE))
    assert rms_dbfs(paused) == pytest.approx(rms_dbfs(spoken) - 10 * math.log10(2), abs=0.01)
    assert level.level_dbfs == pytest.approx(rms_dbfs(spoken), abs=0.5)
    assert level.activity == pytest.approx(0.5, abs=0.06)


@given(st.floats(-40, 10))
def test_gain_moves_the_level_by_itself_and_leaves_activity(gain_db):
    samples = np.concatenate([babble(1), np.zeros(RATE // 2, dtype=np.float32)])
    quiet = active_speech_level(Waveform(samples, RATE))
    loud = active_speech_level(Waveform((samples * 10 ** (gain_db / 20)).astype(np.float32), RATE))
    assert loud.level_dbfs - quiet.level_dbfs == pytest.approx(gain_db, abs=0.01)
    assert loud.activity == pytest.approx(quiet.activity, abs=1e-3)


def test_silence_has_no_level():
    assert rms_dbfs(np.zeros(100, dtype=np.float32)) is None
    assert active_speech_level(Waveform(np.zeros(RATE, dtype=np.float32), RATE)) is None
