"""What is made once and used often gives what making it each time would give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Scene
from asrfair.stress.convolve import block_sizes, convolved
from asrfair.stress.mix import mix_at_snr
from asrfair.stress.pool import taken_from
from asrfair.stress.stretch import stretch_of

RATE = 16_000
BANKS = Banks()
POOL = BANKS.get("noise", lambda: rng_for(1, "pool", "test").normal(0, 0.1, 5000).astype(np.float32))


def sounds(n, seed=1):
    return rng_for(seed, "sounds", "test").normal(0, 0.05, n).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 20_000), st.integers(1, 17_000))
def test_a_stretch_is_the_pool_round_and_round_and_its_energy_that_of_its_samples(start, n):
    stretch = stretch_of(POOL, start, n, BANKS)
    assert np.array_equal(stretch.samples, POOL[(start + np.arange(n)) % len(POOL)])
    assert stretch.energy == pytest.approx(float(np.sum(stretch.samples.astype(float) ** 2)), rel=2e-6)
    assert stretch.level_dbfs == pytest.approx(rms_dbfs(stretch.samples), abs=2e-5)


def test_a_stretch_of_silence_has_no_level_and_one_beside_it_has():
    pool = np.concatenate([np.zeros(4096, np.float32), np.full(100, 1e-9, np.float32)])
    pool.flags.writeable = False
    assert stretch_of(pool, 10, 4000, BANKS).level_dbfs is None
    assert stretch_of(pool, 10, 4187, BANKS).level_dbfs == pytest.approx(-180 - 10 * np.log10(4187 / 100))


def test_what_is_derived_from_a_bank_is_made_once_and_from_other_arrays_each_time():
    banks, made = Banks(), []

    def make():
        made.append(1)
        return len(made)

    assert [banks.derived(POOL, "x", make), banks.derived(POOL, "x", make), banks.derived(POOL, "y", make)] == [1, 1, 2]
    assert banks.derived(POOL[1:], "x", make) == 3
    own = np.zeros(3, np.float32)
    assert [banks.derived(own, "x", make), banks.derived(own, "x", make)] == [4, 5]


@pytest.mark.parametrize("n", [1, 100, 8_000, 70_001])
@pytest.mark.parametrize("taps", [1, 7, 1024, 1025, 9_600])
def test_blocks_give_the_convolution_of_the_definition(n, taps):
    said, response = sounds(n), sounds(taps, seed=taps) / taps**0.5
    for delay in {0, taps // 3, taps - 1}:
        heard = convolved(Waveform(said, RATE), response, delay, Scene("u")).samples
        whole = signal.convolve(said.astype(float), response.astype(float), method="fft")[delay : delay + n]
        assert heard.shape == (n,)
        assert np.abs(heard - whole).max() < 2e-7


def test_the_spectrum_of_a_clip_is_shared_over_its_conditions_and_changes_nothing():
    clip, spectra = Waveform(sounds(30_000), RATE), {}
    for taps in (300, 500, 9_000):
        response = sounds(taps, seed=taps)
        shared = convolved(clip, response, 5, Scene("u", clip=clip, spectra=spectra))
        assert np.array_equal(shared.samples, convolved(clip, response, 5, Scene("u")).samples)
    assert set(spectra) == {block_sizes(30_000, 300), block_sizes(30_000, 9_000)}
    other = Waveform(sounds(30_000, seed=2), RATE)
    heard = convolved(other, sounds(300, seed=300), 5, Scene("u", clip=clip, spectra=spectra))
    assert np.array_equal(heard.samples, convolved(other, sounds(300, seed=300), 5, Scene("u")).samples)


def test_the_ratio_is_the_same_whether_the_level_of_the_noise_is_known_or_measured():
    speech = Waveform(sounds(9_000), RATE)
    scene = Scene("u", banks=BANKS)
    noise = taken_from(POOL, 9_000, rng_for(1, "u", "c"), scene)
    assert scene.taken.samples is noise
    known, measured = mix_at_snr(speech, noise, 3.0, scene), mix_at_snr(speech, noise.copy(), 3.0, Scene("u"))
    assert np.abs(known.samples - measured.samples).max() < 1e-6
    assert scene.mixed[0].snr_db == pytest.approx(3.0, abs=1e-4)
    assert scene.speech_dbfs == active_speech_level(speech).level_dbfs
