"""Devices: level, clipping, dropouts, rate, bits, frequency response; and the speaker's own tempo and pitch."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from asrfair.audio import active_speech_level
from asrfair.errors import AudioError, ConfigError
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, load_environment
from asrfair.stress.coding import made_up_voice
from asrfair.stress.steps.bit_depth import BitDepth
from asrfair.stress.steps.clipping import Clipping
from asrfair.stress.steps.dropouts import Dropouts
from asrfair.stress.steps.gain import Gain
from asrfair.stress.steps.microphone import Microphone
from asrfair.stress.steps.sample_rate import SampleRate
from asrfair.stress.steps.speed import Speed

RATE = 16_000


def tone(frequency_hz, rate=RATE, seconds=1.0, peak=0.5):
    time = np.arange(round(seconds * rate)) / rate
    return Waveform((peak * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32), rate)


def voice(rate=RATE):
    return Waveform(made_up_voice(rate), rate)


def heard(step, waveform, name="u", scene=None):
    return step.apply(waveform, rng_for(0, name, "c"), scene or Scene(name)).samples


def power(samples, rate=RATE):
    """Mean square away from the ends."""
    return float(np.mean(np.square(samples[rate // 8 : -rate // 8], dtype=np.float64)))


def pitch_hz(samples, rate=RATE):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


def test_a_gain_is_a_gain_and_clips_at_full_scale():
    said = tone(440, peak=0.25)
    assert heard(Gain(gain_db=6.0206), said) == pytest.approx(2 * said.samples, abs=1e-5)
    scene = Scene("u")
    loud = heard(Gain(gain_db=40), said, scene=scene)
    assert loud.max() == 1.0
    assert np.mean(np.abs(loud) == 1.0) > 0.9
    assert scene.notes == ["the gain clips the speech"]
    assert np.array_equal(heard(Gain(gain_db=0), said), said.samples)


def test_a_gain_moves_the_active_level_by_itself():
    level = active_speech_level(Waveform(heard(Gain(gain_db=-10), voice()), RATE)).level_dbfs
    assert level == pytest.approx(active_speech_level(voice()).level_dbfs - 10, abs=1e-3)


@pytest.mark.parametrize("percent", [0, 1, 10, 50])
def test_the_stated_share_of_samples_is_clipped(percent):
    clipped = heard(Clipping(share_percent=percent), voice())
    changed = np.mean(clipped != voice().samples)
    assert changed == pytest.approx(percent / 100, abs=0.001)
    assert np.abs(clipped).max() <= np.abs(voice().samples).max()


@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_the_limit_of_clipping_is_above_the_active_level_of_quiet_and_loud_speakers(scale):
    said = Waveform(voice().samples * np.float32(scale), RATE)
    limit = np.abs(heard(Clipping(over_active_db=3), said)).max()
    assert 20 * np.log10(limit) == pytest.approx(active_speech_level(said).level_dbfs + 3, abs=0.01)


def test_silence_has_no_level_to_clip_above_but_a_probe_has():
    silence = Waveform(np.zeros(RATE, dtype=np.float32), RATE)
    with pytest.raises(AudioError, match="silent"):
        heard(Clipping(over_active_db=3), silence)
    assert not heard(Clipping(over_active_db=3), silence, scene=Scene("u", is_speech=False)).any()
    assert not heard(Clipping(share_percent=3), silence).any()


def test_dropouts_come_as_often_and_last_as_long_as_stated():
    said = Waveform(np.ones(600 * 8000, dtype=np.float32), 8000)
    gone = heard(Dropouts(rate_per_minute=30, length_ms=40), said) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
    lengths = edges[1::2] - edges[::2]
    assert len(lengths) == pytest.approx(300, abs=4 * np.sqrt(300))
    assert np.median(lengths) == 0.04 * 8000
    # Independent beginnings overlap: the share of silence is 1 - exp(-rate length).
    assert gone.mean() == pytest.approx(1 - np.exp(-30 / 60 * 0.04), rel=0.25)


def test_dropouts_belong_to_the_utterance_from_any_thread():
    step = Dropouts(rate_per_minute=300, length_ms=30)
    names = [f"u{i}" for i in range(8)]
    alone = [heard(step, voice(), name).tobytes() for name in names]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda name: heard(step, voice(), name).tobytes(), reversed(names)))
    assert together == list(reversed(alone))
    assert len(set(alone)) == 8
    assert np.array_equal(heard(Dropouts(rate_per_minute=0, length_ms=30), voice()), voice().samples)


def test_a_lower_rate_takes_the_upper_band_and_nothing_else():
    step = SampleRate(rate_hz=8000)
    assert power(heard(step, tone(5000))) < 1e-8
    assert heard(step, tone(1000))[2000:-2000] == pytest.approx(tone(1000).samples[2000:-2000], abs=1e-4)
    assert len(heard(SampleRate(rate_hz=11025), tone(1000, seconds=0.333))) == len(tone(1000, seconds=0.333).samples)
    assert np.array_equal(heard(SampleRate(rate_hz=16000), tone(5000)), tone(5000).samples)


@pytest.mark.parametrize("bits", [6, 8, 12])
def test_a_sine_of_full_scale_has_6_db_a_bit(bits):
    """6.02 bits + 1.76 dB (Bennett 1948); dither makes the noise three times as strong, 4.77 dB."""
    said = tone(997.3, peak=1 - 2.0 ** (1 - bits))
    ratios = []
    for dither in (False, True):
        error = heard(BitDepth(bits=bits, dither=dither), said) - said.samples
        ratios.append(10 * np.log10(power(said.samples) / power(error)))
    assert ratios[0] == pytest.approx(6.02 * bits + 1.76, abs=0.3)
    assert ratios[0] - ratios[1] == pytest.approx(4.77, abs=0.3)


def test_few_bits_are_few_values_and_silence_stays_silence():
    assert len(np.unique(heard(BitDepth(bits=3), tone(100, peak=1.0)))) == 8
    assert not heard(BitDepth(bits=8), Waveform(np.zeros(100, dtype=np.float32), RATE)).any()


TABLE = {"frequencies_hz": [100.0, 300.0, 1000.0, 3000.0, 6000.0], "gains_db": [-20.0, -6.0, 0.0, 4.0, -12.0]}


@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_a_microphone_has_the_gains_of_its_table_and_straight_lines_between(rate):
    step = Microphone(**TABLE)
    at = [*TABLE["frequencies_hz"], np.sqrt(300 * 1000), np.sqrt(1000 * 3000)]
    for frequency, gain in zip(at, [*TABLE["gains_db"], -3.0, 2.0], strict=True):
        if frequency < rate / 2:
            said = tone(frequency, rate, peak=0.1)
            measured = 10 * np.log10(power(heard(step, said), rate) / power(said.samples, rate))
            assert measured == pytest.approx(gain, abs=0.5 if frequency > 200 else 1.0)


def test_a_microphone_is_no_delay_and_a_flat_one_is_none():
    said = voice().samples
    answered = heard(Microphone(**TABLE), voice())
    match = np.correlate(answered[800:-800], said, "valid")
    assert np.argmax(match) == 800
    assert heard(Microphone(frequencies_hz=[1000], gains_db=[-6.0206]), voice()) == pytest.approx(said / 2, abs=1e-5)


@pytest.mark.parametrize("percent", [-40, -10, 15, 60])
def test_another_tempo_is_another_length_at_the_same_pitch(percent):
    said = tone(200)
    answered = heard(Speed(rate_percent=percent), said)
    assert len(answered) == round(RATE / (1 + percent / 100))
    assert pitch_hz(answered) == pytest.approx(200, abs=2)
    assert power(answered) == pytest.approx(power(said.samples), rel=0.02)


@pytest.mark.parametrize("percent", [-40, 60])
def test_another_tempo_keeps_what_is_said_in_its_place(percent):
    """The loudness over time of the faster voice is that of the voice, squeezed, to the 10 ms of a shift."""
    answered = heard(Speed(rate_percent=percent), voice())

    def loudness(samples):
        smooth = np.convolve(samples.astype(float) ** 2, np.hanning(len(samples) // 25), "same")
        return np.interp(np.linspace(0, 1, 1000), np.linspace(0, 1, len(samples)), smooth / smooth.max())

    said, again = loudness(voice().samples), loudness(answered)
    assert np.corrcoef(said, again)[0, 1] > 0.98
    assert abs(np.argmax(np.correlate(again - again.mean(), said - said.mean(), "full")) - 999) <= 5


@pytest.mark.parametrize("semitones", [-12, -3, 4, 12])
def test_another_pitch_is_the_same_length(semitones):
    answered = heard(Speed(pitch_semitones=semitones), tone(200))
    assert len(answered) == RATE
    assert pitch_hz(answered) == pytest.approx(200 * 2 ** (semitones / 12), abs=2)


def test_tempo_and_pitch_at_once_are_a_tape_that_runs_faster():
    answered = heard(Speed(rate_percent=100, pitch_semitones=12), tone(200))
    assert answered[500:-500] == pytest.approx(tone(400).samples[500 : RATE // 2 - 500], abs=1e-3)


def test_no_change_of_speed_is_the_same_samples():
    assert np.array_equal(heard(Speed(), voice()), voice().samples)


STEPS = [
    Gain(gain_db=30),
    Clipping(share_percent=20),
    Dropouts(rate_per_minute=100, length_ms=50),
    SampleRate(rate_hz=5000),
    BitDepth(bits=4, dither=True),
    Microphone(**TABLE),
    Microphone(frequencies_hz=[500.0], gains_db=[40.0]),
    Speed(rate_percent=20, pitch_semitones=-2),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_what_comes_out_is_sound(step, rate):
    for said in (voice(rate), Waveform(made_up_voice(rate)[4000:4007], rate)):
        before = said.samples.copy()
        answered = step.apply(said, rng_for(0, "u", "c"), Scene("u"))
        assert answered.sample_rate_hz == rate
        assert answered.samples.dtype == np.float32
        assert np.isfinite(answered.samples).all()
        assert np.abs(answered.samples).max() <= 1
        assert len(answered.samples) <= len(said.samples)
        assert np.array_equal(answered.samples, heard(step, said))
        assert np.array_equal(before, said.samples)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('type = "gain"\ngain_db = 200', "gain_db must be -100 to 100 dB"),
        ('type = "gain"\ngain_db = nan', "gain_db must be a finite number"),
        ('type = "clipping"', "share_percent or over_active_db must be given"),
        ('type = "clipping"\nshare_percent = 1\nover_active_db = 1', "and not both"),
        ('type = "clipping"\nshare_percent = 95', "share_percent must be 0 to 90 %"),
        ('type = "dropouts"\nrate_per_minute = -1\nlength_ms = 10', "rate_per_minute must be 0 to 6000"),
        ('type = "dropouts"\nrate_per_minute = 1\nlength_ms = 0', "length_ms must be 1 to 10000 ms"),
        ('type = "sample-rate"\nrate_hz = 10', "rate_hz must be 1000 to 192000 Hz"),
        ('type = "sample-rate"\nrate_hz = 8000.5', "rate_hz must be a whole number"),
        ('type = "bit-depth"\nbits = 1', "bits must be 2 to 24"),
        ('type = "microphone"\nfrequencies_hz = [100, 50]\ngains_db = [0, 0]', "frequencies_hz must rise"),
        ('type = "microphone"\nfrequencies_hz = [100]\ngains_db = [0, 0]', "gains_db must be 1 numbers"),
        ('type = "microphone"\nfrequencies_hz = [nan]\ngains_db = [0]', "frequencies_hz must be above 0"),
        ('type = "microphone"\nfrequencies_hz = [100]\ngains_db = [nan]', "gains_db must be -100 to 100 dB"),
        ('type = "microphone"\nfrequencies_hz = []\ngains_db = []', "frequencies_hz must be 1 to 1000 numbers"),
        ('type = "speed"\nrate_percent = 300', "rate_percent must be -50 to 100 %"),
        ('type = "speed"\npitch_semitones = 13', "pitch_semitones must be -12 to 12"),
    ],
)
def test_a_device_that_cannot_be_is_refused_with_file_key_and_range(tmp_path, keys, says):
    path = tmp_path / "device.toml"
    head = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'
    path.write_text(f"{head}[[steps]]\n{keys}\n")
    with pytest.raises(ConfigError, match=rf"device\.toml: .*{says}"):
        load_environment(str(path))
