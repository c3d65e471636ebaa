"""A batch on a device gives what one clip after the other gives on the CPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrfair.audio import active_speech_level
from asrfair.errors import AudioError, InputError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Filter, Noise, Scene, Stressor, load_environment
from asrfair.stress.pool import looped, taken_from

torch = pytest.importorskip("torch")

from asrfair.stress.batch import Asked  # noqa: E402
from asrfair.stress.batched import Batched  # noqa: E402
from asrfair.stress.log_mel import log_mel  # noqa: E402
from asrfair.stress.tensors import active_levels  # noqa: E402

torch.set_num_threads(1)  # The rows are short: threads only wait for each other.
RATE = 16_000
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class Hiss(Noise, frozen=True):
    """A pool of two seconds, which longer clips go round."""

    def sound(self, n, rate_hz, rng, scene):
        pool = scene.banks.get("hiss", lambda: rng_for(1, "hiss", "t").normal(0, 0.2, 2 * rate_hz).astype(np.float32))
        return taken_from(looped(pool, rate_hz) if n % 2 else pool, n, rng, scene)


class Fresh(Noise, frozen=True):
    """Noise that is in no pool."""

    def sound(self, n, rate_hz, rng, scene):
        return rng.normal(0, 0.1, n)


class Silent(Noise, frozen=True):
    """Noise of zeros."""

    def sound(self, n, rate_hz, rng, scene):
        return np.zeros(n, np.float32)


class Hall(Filter, frozen=True):
    """A tail of its own for each utterance, whose direct sound is not the first tap."""

    taps: int = 3000
    gain: float = 1.0

    def response(self, rate_hz, rng, scene):
        tail = rng.normal(0, 1, self.taps) * np.exp(-np.arange(self.taps) / self.taps * 7)
        delay = int(rng.integers(0, self.taps))
        tail[delay] += 3
        return (self.gain * tail / np.sqrt(np.sum(tail**2))).astype(np.float32), delay


class Shared(Filter, frozen=True):
    """One response for all, held by a bank."""

    def response(self, rate_hz, rng, scene):
        return scene.banks.get("band", lambda: rng_for(2, "band", "t").normal(0, 0.2, 301).astype(np.float32)), 150


class Cut(Stressor, frozen=True):
    """Neither noise nor filter, and it changes the length."""

    share: float = 0.5

    def apply(self, waveform, rng, scene):
        scene.note("cut")
        n = round(len(waveform.samples) * self.share * rng.uniform(0.5, 1.0))
        return Waveform(np.resize(waveform.samples, n), waveform.sample_rate_hz)


class Place:
    """A chain of steps as an environment."""

    def __init__(self, *steps):
        self.steps = steps

    def stressors(self, level):
        return self.steps


PLACES = {
    "hiss": Place(Hiss(snr_db=5.0)),
    "loud": Place(Hiss(snr_db=-30.0)),
    "fresh": Place(Fresh(snr_db=10.0)),
    "hall": Place(Hall()),
    "echo": Place(Hall(taps=9000, gain=40.0), Fresh(snr_db=3.0), Shared()),
    "shared": Place(Shared()),
    "two": Place(Hiss(snr_db=20.0), Fresh(snr_db=20.0)),
    "line": Place(Shared(), Cut(), Hiss(snr_db=0.0), Hall(taps=50)),
    "long": Place(Cut(share=4.0), Hiss(snr_db=0.0)),
    "nothing": Place(Cut(share=0.0)),
    "silent": Place(Silent(snr_db=0.0)),
    "hum": load_environment("machine-hum"),
}
IDS = [Condition(), *(Condition(name, "5dB" if name == "hum" else None, seed=3) for name in PLACES)]


def speech(seconds, seed):
    rng = rng_for(seed, "speech", "test")
    n = round(seconds * RATE)
    samples = rng.normal(0, 0.08, n) * np.repeat(rng.uniform(0.0, 1.0, n // 800 + 1), 800)[:n]
    samples[n // 2 : n // 2 + n // 5] = 0
    return Waveform(samples.astype(np.float32), RATE)


CLIPS = {f"u{number}": speech(seconds, number) for number, seconds in enumerate((0.35, 1.1, 2.6, 1.7))}
BANKS = Banks()


def scene_of(name, **more):
    return Scene(name, seed=3, banks=BANKS, **more)


def one_by_one(clip, condition, name, scene):
    """What `Environment.apply` does."""
    rng, heard = rng_for(condition.seed, name, condition.condition_id), clip
    steps = PLACES[condition.environment].stressors(condition.level) if condition.environment else ()
    try:
        for step in steps:
            heard = step.apply(heard, rng, scene)
        if not len(heard.samples):
            raise AudioError(f"nothing is left of the audio in the environment {condition.environment}")
    except AudioError as error:
        return error
    return heard


def same(found, expected, told, scene):
    """Samples within 2e-6, levels within 0.001 dB, the rest equal."""
    if isinstance(expected, AudioError):
        assert str(found) == str(expected)
        return
    assert found.samples.shape == expected.samples.shape
    assert found.samples.dtype == np.float32
    assert np.abs(found.samples).max() <= 1.0
    assert np.abs(found.samples - expected.samples).max() < 2e-6
    assert told.notes == scene.notes
    assert told.gain_db == pytest.approx(scene.gain_db, abs=1e-3)
    assert (told.speech_dbfs, told.activity) == pytest.approx((scene.speech_dbfs, scene.activity), abs=1e-3)
    assert [one.snr_asked_db for one in told.mixed] == [one.snr_asked_db for one in scene.mixed]
    for mine, theirs in zip(told.mixed, scene.mixed, strict=True):
        assert (mine.snr_db, mine.noise_dbfs) == pytest.approx((theirs.snr_db, theirs.noise_dbfs), abs=1e-3)
        assert mine.piece == theirs.piece


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("is_known", [False, True])
def test_every_utterance_in_every_condition_at_once_is_what_it_is_alone_on_the_cpu(device, is_known):
    asked = []
    for name, clip in CLIPS.items():
        known = {"clip": clip, "clip_level": active_speech_level(clip)} if is_known else {}
        asked += [Asked(clip, condition, name, scene_of(name, **known)) for condition in IDS]
    batch = Batched(PLACES, device).apply(asked)
    assert batch.on_cpu == ("Cut", "Shared")
    for one, found, n in zip(asked, batch.waveforms(), batch.lengths, strict=True):
        scene = scene_of(one.utterance_id)
        expected = one_by_one(one.waveform, one.condition, one.utterance_id, scene)
        assert n == (0 if isinstance(expected, AudioError) else len(expected.samples))
        same(found, expected, one.scene, scene)
    beyond = batch.samples.cpu().numpy()
    assert not any(row[n:].any() for row, n in zip(beyond, batch.lengths, strict=True))


@pytest.mark.parametrize("device", DEVICES)
def test_a_row_is_the_same_alone_and_beside_others(device):
    path = Batched(PLACES, device)
    asked = [Asked(clip, c, name, scene_of(name)) for name, clip in CLIPS.items() for c in IDS]
    together = path.apply(asked).waveforms()
    for number in range(3, len(asked), 5):
        one = asked[number]
        alone_scene = scene_of(one.utterance_id)
        alone = path.apply([Asked(one.waveform, one.condition, one.utterance_id, alone_scene)]).waveforms()[0]
        same(together[number], alone, one.scene, alone_scene)


@pytest.mark.parametrize("device", DEVICES)
def test_the_ratio_that_was_asked_for_is_the_one_that_is_heard(device):
    asked = [Asked(clip, Condition("hiss", seed=3), name, scene_of(name)) for name, clip in CLIPS.items()]
    heard = Batched(PLACES, device).apply(asked).waveforms()
    for one, found in zip(asked, heard, strict=True):
        noise = found.samples.astype(float) - one.waveform.samples
        by_hand = active_speech_level(one.waveform).level_dbfs - 10 * np.log10(np.mean(noise**2))
        assert by_hand == pytest.approx(5.0, abs=1e-3)
        assert one.scene.mixed[0].snr_db == pytest.approx(by_hand, abs=1e-3)


def test_a_step_of_the_cpu_is_given_the_last_bit_of_what_it_would_be_given_there():
    """A codec turns a rounding difference into another code word."""

    class Rounding(Cut, frozen=True):
        def apply(self, waveform, rng, scene):
            return Waveform(np.frombuffer(waveform.samples.tobytes(), np.uint8).astype(np.float32) / 256, RATE)

    places = {"chain": Place(Shared(), Fresh(snr_db=5.0), Rounding())}
    scene, clip = scene_of("u1"), CLIPS["u1"]
    batch = Batched(places).apply([Asked(clip, Condition("chain", seed=3), "u1", scene_of("u1"))])
    rng, expected = rng_for(3, "u1", "chain"), clip
    for step in places["chain"].steps:
        expected = step.apply(expected, rng, scene)
    assert np.array_equal(batch.waveforms()[0].samples, expected.samples)
    assert batch.on_cpu == ("Fresh", "Rounding", "Shared")


def test_where_nobody_speaks_noise_is_set_against_the_nominal_level():
    quiet, scene = Waveform(np.zeros(RATE, np.float32), RATE), scene_of("p", is_speech=False)
    heard = Batched(PLACES).apply([Asked(quiet, Condition("hiss"), "p", scene)]).waveforms()[0]
    assert 10 * np.log10(np.mean(heard.samples.astype(float) ** 2)) == pytest.approx(-31.0, abs=1e-3)
    silent = Batched(PLACES).apply([Asked(quiet, Condition("hiss"), "p", scene_of("p"))])
    assert "silent" in str(silent.errors[0])
    assert silent.lengths == (0,)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.02, 3.0), min_size=1, max_size=5), st.sampled_from([8_000, 11_025, 16_000]))
def test_the_active_level_of_a_batch_is_that_of_each_row(lengths, rate):
    clips = [speech(seconds, number) for number, seconds in enumerate(lengths)]
    clips.append(Waveform(np.zeros(40, np.float32), rate))
    together = np.zeros((len(clips), max(len(clip.samples) for clip in clips)), np.float32)
    for row, clip in zip(together, clips, strict=True):
        row[: len(clip.samples)] = clip.samples
    found = active_levels(torch.from_numpy(together), [len(clip.samples) for clip in clips], rate)
    for clip, level in zip(clips, found, strict=True):
        alone = active_speech_level(Waveform(clip.samples, rate))
        assert (level is None) == (alone is None)
        if level is not None:
            assert (level.level_dbfs, level.activity) == pytest.approx((alone.level_dbfs, alone.activity), abs=1e-4)


def test_several_rates_and_no_rows_are_refused():
    other = Waveform(np.ones(80, np.float32), 8_000)
    mixed = [Asked(CLIPS["u0"], Condition(), "u0", scene_of("u0")), Asked(other, Condition(), "v", scene_of("v"))]
    for asked in (mixed, []):
        with pytest.raises(InputError, match="one sample rate"):
            Batched(PLACES).apply(asked)
    with pytest.raises(InputError, match="resample"):
        log_mel(Batched(PLACES).apply(mixed[1:]))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("bands", [80, 128])
def test_features_are_those_that_whisper_was_trained_on(device, bands):
    pytest.importorskip("torchaudio")
    transformers = pytest.importorskip("transformers")
    extractor = transformers.WhisperFeatureExtractor(feature_size=bands)
    asked = [Asked(c, Condition("hiss"), name, scene_of(name)) for name, c in CLIPS.items()]
    asked.append(Asked(CLIPS["u1"], Condition(), "u1", scene_of("u1")))
    batch = Batched(PLACES, device).apply(asked)
    heard = [waveform.samples for waveform in batch.waveforms()]
    theirs = extractor(heard, sampling_rate=RATE, return_tensors="np", device="cpu").input_features
    ours = log_mel(batch, n_mels=bands).cpu().numpy()
    assert ours.shape == theirs.shape == (5, bands, 3000)
    assert np.abs(ours - theirs).max() < 5e-5
    assert log_mel(batch, padded_s=None).shape == (5, 80, max(batch.lengths) // 160)
