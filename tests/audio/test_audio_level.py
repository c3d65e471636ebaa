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


def definition(samples, rate_hz):
    """The envelope at every sample, thresholds counted from the peak: what blocks stand for."""
    from scipy.signal import lfilter

    keep, hangover = math.exp(-1 / (rate_hz * 0.03)), round(rate_hz * 0.2)
    samples = samples.astype(float) / np.abs(samples).max()
    envelope = np.abs(samples)
    for _ in range(2):
        envelope = lfilter([1 - keep], [1, -keep], envelope)
    before = None
    for number in range(14, -1, -1):
        above = np.flatnonzero(envelope >= 2.0**-number)
        active = len(above) + np.minimum(np.diff(above, append=len(samples)) - 1, hangover).sum()
        level = 10 * math.log10(np.sum(samples**2) / active)
        excess = level + 20 * number * math.log10(2) - 15.9
        if excess <= 0:
            return before[0] - before[1] * (level - before[0]) / (excess - before[1])
        before = level, excess
    raise AssertionError("this signal has no level by the definition")


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_an_envelope_of_block_means_moves_the_level_by_less_than_a_fiftieth_of_a_decibel(rate):
    differences = []
    for seed in range(12):
        rng = rng_for(seed, "syllables", str(rate))
        n = round(rate * rng.uniform(1, 5))
        loud = np.interp(np.arange(n) / rate * rng.uniform(2, 8), np.arange(50), rng.uniform(0, 1, 50) ** 3)
        samples = (0.1 * loud * rng.normal(0, 1, n)).astype(np.float32)
        samples[n // 3 : n // 2] *= rng.choice([0.0, 0.01, 0.1])
        measured = active_speech_level(Waveform(samples, rate)).level_dbfs - 20 * math.log10(np.abs(samples).max())
        differences.append(abs(measured - definition(samples, rate)))
    assert max(differences) < 0.02


@pytest.mark.parametrize("power", [-100, -24, -1, 1, 60])
def test_a_gain_of_a_power_of_two_changes_not_a_single_bit_of_the_activity(power):
    samples = np.concatenate([babble(1), np.zeros(RATE // 2, dtype=np.float32), babble(0.3, seed=2)])
    level = active_speech_level(Waveform(samples, RATE))
    scaled = active_speech_level(Waveform(samples * np.float32(2.0**power), RATE))
    assert scaled.activity == level.activity
    assert scaled.level_dbfs - level.level_dbfs == pytest.approx(20 * power * math.log10(2), abs=1e-9)


@pytest.mark.parametrize("size", [1e-36, 1e-25, 1e-3, 1.0, 1e25])
def test_a_power_neither_underflows_nor_overflows(size):
    assert rms_dbfs(np.full(3000, size, dtype=np.float32)) == pytest.approx(20 * math.log10(size), abs=1e-5)


def test_a_loud_end_does_not_lift_the_level_of_a_clip_above_its_end():
    """A threshold that only the last few samples reach says nothing: levels are looked for from the lowest up."""
    for seed in range(60):
        samples = babble(1.0, seed=seed)
        samples[:-400] *= 0.3
        assert active_speech_level(Waveform(samples, RATE)).level_dbfs == pytest.approx(rms_dbfs(samples), abs=0.5)
