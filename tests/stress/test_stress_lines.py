"""Lines: band limits, codecs and lost packets."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from asrfair.audio import resample
from asrfair.errors import ConfigError
from asrfair.records import Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, load_environment
from asrfair.stress.coding import CODECS, encoded, made_up_voice
from asrfair.stress.steps.band import Band
from asrfair.stress.steps.codec import Codec
from asrfair.stress.steps.packet_loss import PacketLoss

RATE = 16_000
IN_BASE = ("g711-alaw", "g711-mulaw", "gsm")


def tone(frequency_hz, rate=RATE, seconds=1.0, peak=0.5):
    time = np.arange(round(seconds * rate)) / rate
    return Waveform((peak * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32), rate)


def voice(rate=RATE):
    return Waveform(made_up_voice(rate), rate)


def heard(step, waveform, name="u"):
    return step.apply(waveform, rng_for(0, name, "c"), Scene(name)).samples


def gain_db(step, frequency_hz, rate=RATE):
    """What becomes of a tone, away from its ends."""
    said = tone(frequency_hz, rate).samples
    inner = slice(rate // 4, -rate // 4)
    return 10 * np.log10(np.mean(heard(step, Waveform(said, rate))[inner] ** 2) / np.mean(said[inner] ** 2))


def lag(said, answered):
    """By how many samples the answer is late: the largest cross-correlation within 50 ms."""
    most = 800
    match = np.correlate(answered[most : len(said) - most], said, "valid")
    return most - int(np.argmax(match))


def needs(name):
    if name not in IN_BASE:
        pytest.importorskip("av")


@pytest.mark.parametrize(("low", "high", "rate"), [(300, 3400, 16_000), (300, 3400, 8_000), (50, 7000, 16_000)])
def test_tones_beyond_a_band_die_and_those_inside_stay(low, high, rate):
    band = Band(low_hz=low, high_hz=high)
    for inside in (1.25 * low, 2 * low, 1000, 0.95 * high):
        assert gain_db(band, inside, rate) == pytest.approx(0, abs=0.05)
    for limit in (low, high):
        assert gain_db(band, limit, rate) == pytest.approx(-6, abs=0.3)
    for outside in (0.75 * low, 0.5 * low, *[f for f in (1.05 * high, 1.1 * high) if f < rate / 2]):
        assert gain_db(band, outside, rate) < -59


def test_a_band_limit_is_no_delay():
    said = voice().samples
    assert lag(said, heard(Band(low_hz=300, high_hz=3400), voice())) == 0


def test_a_band_wider_than_the_audio_changes_nothing():
    assert heard(Band(high_hz=8000), voice()) == pytest.approx(voice().samples, abs=1e-6)


@pytest.mark.parametrize("law", ["g711-mulaw", "g711-alaw"])
def test_g711_has_the_signal_to_noise_ratio_of_its_law(law):
    """A step of a segment is 1/16 of a doubling, so the ratio hardly depends on level: about 38 dB (ITU-T G.711)."""
    ratios = []
    for peak in (0.9, 0.3, 0.1):
        said = Waveform(rng_for(1, "gauss", "test").normal(0, peak / 4, 16_000).clip(-1, 1).astype(np.float32), 8_000)
        error = heard(Codec(codec=law), said) - said.samples
        ratios.append(10 * np.log10(np.mean(said.samples**2) / np.mean(error**2)))
    assert ratios == pytest.approx([37.5] * 3, abs=1.5)


@pytest.mark.parametrize("name", IN_BASE)
def test_too_loud_speech_is_clipped_and_never_wrapped(name):
    """libsndfile turns float samples beyond full scale round: full scale must stay full scale."""
    said = Waveform(np.ones(8000, dtype=np.float32), 8_000)
    square = Waveform(np.where(np.arange(8000) // 40 % 2, 1.0, -1.0).astype(np.float32), 8_000)
    assert np.corrcoef(heard(Codec(codec=name), square), square.samples)[0, 1] > 0.9
    if name != "gsm":
        assert heard(Codec(codec=name), said).min() > 0.95


LEAST_CORRELATION = {"amr-nb": 0.88, "opus": 0.85, "g726": 0.92, "mp3": 0.95, "gsm": 0.97, "g722": 0.99}


@pytest.mark.parametrize("name", sorted(CODECS))
@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_a_voice_stays_itself_and_where_it_is(name, end, rate):
    needs(name)
    said = resample(resample(voice(rate), CODECS[name].rate_hz), rate).samples if CODECS[name].rate_hz < rate else None
    said = voice(rate).samples if said is None else said
    answered = heard(Codec(codec=name, bitrate_kbps=CODECS[name].bitrates_kbps[end]), voice(rate))
    assert abs(lag(said, answered)) <= rate / 1000
    assert np.corrcoef(said, answered)[0, 1] > LEAST_CORRELATION.get(name, 0.999)
    assert answered.dtype == np.float32
    assert len(answered) == 2 * rate
    assert np.isfinite(answered).all()
    assert np.abs(answered).max() <= 1


@pytest.mark.parametrize("name", ["amr-nb", "opus", "g722", "mp3"])
def test_packets_have_the_bit_rate_that_was_asked_for(name):
    pytest.importorskip("av")
    codec = CODECS[name]
    pcm = np.round(made_up_voice(codec.rate_hz) * 32767).astype(np.int16)
    for kbps in codec.bitrates_kbps[:12]:
        packets = encoded(pcm, name, kbps)
        bits = 8 * (sum(map(len, packets)) - len(packets) * (name == "amr-nb"))  # A byte of each says which mode.
        seconds = len(packets) * {"mp3": 0.036}.get(name, 0.02)
        spare = 8 * len(packets) / seconds / 1000  # Packets are whole bytes.
        assert kbps <= bits / seconds / 1000 + 0.01
        assert bits / seconds / 1000 <= kbps + spare + 0.01


def test_g726_spends_2_to_5_bits_a_sample():
    pytest.importorskip("av")
    pcm = np.round(made_up_voice(8_000) * 32767).astype(np.int16)
    for kbps in (16, 24, 32, 40):
        # Whole packets of at most 4096 samples: the last is filled up.
        assert 2.0 <= 8 * sum(map(len, encoded(pcm, "g726", kbps))) / kbps / 1000 < 2.52


@pytest.mark.parametrize("name", sorted(CODECS))
def test_a_codec_gives_the_same_from_two_threads_and_in_any_order(name):
    needs(name)
    step = Codec(codec=name, bitrate_kbps=CODECS[name].bitrates_kbps[0])
    clips = [Waveform(voice().samples[: RATE // 2] * scale, RATE) for scale in (0.2, 0.6, 1.0)]
    alone = [heard(step, clip).tobytes() for clip in clips]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda clip: heard(step, clip).tobytes(), reversed(clips * 3)))
    assert together == list(reversed(alone * 3))


@pytest.mark.parametrize("name", sorted(CODECS))
def test_a_codec_takes_silence_and_a_single_sample(name):
    needs(name)
    step = Codec(codec=name, bitrate_kbps=CODECS[name].bitrates_kbps[-1])
    for n in (1, 4000):
        quiet = heard(step, Waveform(np.zeros(n, dtype=np.float32), RATE))
        assert quiet.shape == (n,)
        assert np.abs(quiet).max() < 0.01


@pytest.mark.parametrize(("loss", "burst"), [(1, 1.5), (5, 2), (20, 1.25), (30, 5), (60, 3)])
def test_losses_are_as_many_and_as_long_as_asked(loss, burst):
    n = 200_000
    lost = PacketLoss(loss_percent=loss, burst_packets=burst).lost(n, rng_for(1, "loss", "test"))
    share = loss / 100
    # A two-state chain is correlated by 1 - p - r from packet to packet.
    carried = 1 - 1 / burst - share / (1 - share) / burst
    error = np.sqrt(share * (1 - share) / n * (1 + carried) / (1 - carried))
    assert lost.mean() == pytest.approx(share, abs=4 * error)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], lost.astype(int), [0]])))
    lengths = ends[1::2] - ends[::2]
    assert lengths.mean() == pytest.approx(burst, abs=4 * np.sqrt(burst * (burst - 1) / len(lengths)) + 1e-9)


def test_the_first_packet_is_as_likely_lost_as_any_other():
    step = PacketLoss(loss_percent=30, burst_packets=4)
    first = [step.lost(1, rng_for(i, "first", "test"))[0] for i in range(2000)]
    assert np.mean(first) == pytest.approx(0.3, abs=0.04)


def test_a_lost_packet_is_silence_or_the_one_before_fading_within_60_ms():
    size = 320
    said = np.concatenate([np.full(size, level, dtype=np.float32) for level in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)])
    packets = said.reshape(-1, size)
    lost = np.array([False, True, True, True, True, False])
    silent = PacketLoss(loss_percent=10, burst_packets=2, conceal="zeros")._concealed(packets, lost)
    assert np.array_equal(silent.mean(axis=1) > 0, ~lost)
    repeated = PacketLoss(loss_percent=10, burst_packets=2)._concealed(packets, lost)
    assert repeated.mean(axis=1) == pytest.approx([0.1, 0.1 * 5 / 6, 0.1 * 3 / 6, 0.1 * 1 / 6, 0, 0.6], abs=1e-6)
    first = PacketLoss(loss_percent=10, burst_packets=2)._concealed(packets, ~lost)
    assert np.all(first[0] == 0)


@pytest.mark.parametrize("conceal", ["zeros", "repeat"])
def test_without_loss_nothing_changes_and_with_loss_only_the_lost_packets_do(conceal):
    assert np.array_equal(heard(PacketLoss(loss_percent=0, burst_packets=2, conceal=conceal), voice()), voice().samples)
    step = PacketLoss(loss_percent=20, burst_packets=2, conceal=conceal)
    lost = step.lost(100, rng_for(0, "u", "c"))
    changed = (heard(step, voice()) != voice().samples).reshape(100, 320).any(axis=1)
    assert lost.any()
    assert not changed[~lost].any()


def test_opus_conceals_what_it_loses():
    """The packets before a loss are untouched; in it there is something other than silence, and other than was said.

    Of these losses the first, two packets, falls into the loud of a syllable.
    """
    pytest.importorskip("av")
    keys = {"burst_packets": 3, "conceal": "opus", "bitrate_kbps": 24}
    whole = heard(PacketLoss(loss_percent=0, **keys), voice())
    step = PacketLoss(loss_percent=15, **keys)
    answered = heard(step, voice(), "u5")
    lost = step.lost(120, rng_for(0, "u5", "c"))
    first = int(np.argmax(lost))
    assert np.flatnonzero(lost)[:2].tolist() == [37, 38]
    differs = np.abs(answered - whole) > 1e-6
    # Packets run ahead of the speech by the codec's delay (6.5 ms), and the resampler smears a little.
    assert np.argmax(differs) >= first * 320 - 320
    assert np.argmax(differs) < (first + 1) * 320
    assert np.sqrt(np.mean(answered[first * 320 : (first + 1) * 320] ** 2)) > 0.001
    assert np.corrcoef(answered, voice().samples)[0, 1] < np.corrcoef(whole, voice().samples)[0, 1]
    assert lag(voice().samples, answered) == pytest.approx(0, abs=RATE / 1000)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('type = "codec"\ncodec = "speex"', "codec must be one of amr-nb, g711-alaw, g711-mulaw, g722, g726, gsm, mp3"),
        ('type = "codec"\ncodec = "amr-nb"\nbitrate_kbps = 12', r"bitrate_kbps must be 4\.75, 5\.15, .* for amr-nb"),
        ('type = "codec"\ncodec = "amr-nb"', "bitrate_kbps must be"),
        ('type = "codec"\ncodec = "gsm"\nbitrate_kbps = 12', "bitrate_kbps must be 13 for gsm"),
        ('type = "codec"\ncodec = "opus"\nbitrate_kbps = 500', "bitrate_kbps must be 6 to 64 for opus"),
        ('type = "packet-loss"\nloss_percent = 95\nburst_packets = 2', "loss_percent must be 0 to 90"),
        ('type = "packet-loss"\nloss_percent = 80\nburst_packets = 2', "burst_packets must be 4 to 1000"),
        ('type = "packet-loss"\nloss_percent = 5\nburst_packets = 0.5', "burst_packets must be 1 to 1000"),
        ('type = "packet-loss"\nloss_percent = 5\nburst_packets = 2\npacket_ms = 1', r"packet_ms must be 2\.5 to 200"),
        ('type = "packet-loss"\nloss_percent = 5\nburst_packets = 2\nconceal = "magic"', "conceal"),
        ('type = "packet-loss"\nloss_percent = 5\nburst_packets = 2\nconceal = "opus"', "bitrate_kbps must be 6 to 64"),
        ('type = "packet-loss"\nloss_percent = 5\nburst_packets = 2\nbitrate_kbps = 24', "bitrate_kbps is for"),
        ('type = "band"\nlow_hz = 300\nhigh_hz = 400', "high_hz must be at least"),
        ('type = "band"\nlow_hz = -1', "low_hz must be 0, or 10 to"),
        ('type = "telegraph"', "no such type; there are .*band, bit-depth"),
    ],
)
def test_a_line_that_cannot_be_is_refused_with_file_key_and_range(tmp_path, keys, says):
    path = tmp_path / "line.toml"
    head = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'
    path.write_text(f"{head}[[steps]]\n{keys}\n")
    with pytest.raises(ConfigError, match=rf"line\.toml: .*{says}"):
        load_environment(str(path))
