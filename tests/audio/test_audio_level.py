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


def test_a_steady_tone_has_its_rms_as_active_level():
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    assert active_speech_level(Waveform(tone, RATE)).level_dbfs == pytest.approx(20 * math.log10(0.3 / 2**0.5), abs=0.1)


def recommendation(samples, rate_hz):
    """ITU-T P.56, method B, as the recommendation words it: sample by sample, thresholds from full scale downwards."""
    keep, hangover = math.exp(-1 / (rate_hz * 0.03)), math.ceil(rate_hz * 0.2)
    thresholds = [2.0 ** (number - 15) for number in range(15)]
    active, waited, once, twice, power = [0] * 15, [hangover] * 15, 0.0, 0.0, 0.0
    for sample in samples.tolist():
        power += sample * sample
        once = keep * once + (1 - keep) * abs(sample)
        twice = keep * twice + (1 - keep) * once
        for number, threshold in enumerate(thresholds):
            waited[number] = 0 if twice >= threshold else waited[number] + 1
            active[number] += waited[number] <= hangover
    points = []
    for count, threshold in zip(active, thresholds, strict=True):
        level = 10 * math.log10(power / count)
        points.append((level, level - 20 * math.log10(threshold) - 15.9))
        if points[-1][1] <= 0:
            (before, above), (after, below) = points[-2:]
            return before + (after - before) * above / (above - below)
    raise AssertionError("this signal is too loud for the definition")


@pytest.mark.parametrize("gain", [0.03, 0.2, 1.0])
def test_it_is_the_level_of_the_recommendation(gain):
    rate = 8_000
    rng = rng_for(2, "syllables", "test")
    syllables = np.repeat(rng.uniform(0, 1, 16) ** 2, rate // 8)
    samples = (gain * 0.15 * syllables * rng.normal(0, 1, len(syllables))).astype(np.float32)
    samples[rate // 2 : rate] = 0
    level = active_speech_level(Waveform(samples, rate))
    assert level.level_dbfs == pytest.approx(recommendation(samples, rate), abs=0.1)
