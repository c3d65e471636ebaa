import numpy as np
import pytest
import soundfile

from asrfair.audio import file_sha256, read_audio, resample
from asrfair.errors import AudioError
from asrfair.records import Waveform
from asrfair.seeds import rng_for

RATE = 16_000


def sound(seconds=1.0, rate=RATE, hz=440.0):
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "fmt", "subtype", "tolerance"),
    [
        ("a.wav", "WAV", "PCM_16", 1e-4),
        ("a.flac", "FLAC", "PCM_16", 1e-4),
        ("a.mp3", "MP3", None, 0.1),
        ("a.ogg", "OGG", "VORBIS", 0.1),
        ("a.opus", "OGG", "OPUS", 0.1),
    ],
)
def test_every_format_is_read_as_the_sound_that_was_written(tmp_path, name, fmt, subtype, tolerance):
    rate = 48_000 if subtype == "OPUS" else RATE
    soundfile.write(tmp_path / name, sound(rate=rate), rate, format=fmt, subtype=subtype)
    waveform, digest = read_audio(tmp_path / name)
    assert waveform.samples.dtype == np.float32
    assert waveform.duration_s == pytest.approx(1.0, abs=0.1)
    middle = waveform.samples[len(waveform.samples) // 3 : -len(waveform.samples) // 3]
    assert np.max(np.abs(middle)) == pytest.approx(0.4, abs=tolerance)
    assert digest == file_sha256(tmp_path / name)


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([sound(), np.zeros(RATE)], axis=1), RATE, subtype="FLOAT")
    waveform, _ = read_audio(tmp_path / "a.wav")
    assert waveform.samples == pytest.approx(sound() / 2, abs=1e-6)


def test_a_segment_is_that_part_of_the_file(tmp_path):
    whole = rng_for(1, "segment", "test").uniform(-0.9, 0.9, 3 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", whole, RATE, subtype="FLOAT")
    waveform, _ = read_audio(tmp_path / "a.wav", offset_s=0.5, duration_s=1.25)
    assert np.array_equal(waveform.samples, whole[RATE // 2 : RATE // 2 + 5 * RATE // 4])


def _empty(path):
    path.write_bytes(b"")


def _text(path):
    path.write_text("this is not audio")


def _no_samples(path):
    soundfile.write(path, np.zeros(0, dtype=np.float32), RATE)


def _truncated(path):
    soundfile.write(path, sound(), RATE, format="WAV", subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-9000])


def _truncated_flac(path):
    noise = rng_for(1, "flac", "test").uniform(-0.9, 0.9, 4 * RATE)
    soundfile.write(path, noise, RATE, format="FLAC")
    path.write_bytes(path.read_bytes()[:40_000])


def _nan(path):
    soundfile.write(path, np.full(RATE, np.nan, dtype=np.float32), RATE, format="WAV", subtype="FLOAT")


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("a.wav", _empty, "empty"),
        ("a.wav", _text, "not audio"),
        ("a.wav", _no_samples, "no samples"),
        ("a.wav", _truncated, "truncated"),
        ("a.flac", _truncated_flac, "truncated|broken"),
        ("a.wav", _nan, "not numbers"),
        ("a.wav", lambda path: None, "missing"),
    ],
)
def test_audio_that_cannot_be_used_says_why(tmp_path, name, make, says):
    make(tmp_path / name)
    with pytest.raises(AudioError, match=says):
        read_audio(tmp_path / name)


def test_a_segment_outside_the_file_is_a_failure(tmp_path):
    soundfile.write(tmp_path / "a.wav", sound(), RATE)
    with pytest.raises(AudioError, match=r"ends at 1\.00 s"):
        read_audio(tmp_path / "a.wav", duration_s=1.5)
    with pytest.raises(AudioError, match="before the segment begins"):
        read_audio(tmp_path / "a.wav", offset_s=2.0)
    waveform, _ = read_audio(tmp_path / "a.wav", duration_s=1.02)
    assert waveform.duration_s == 1.0


def test_another_file_than_was_promised_is_a_failure(tmp_path):
    soundfile.write(tmp_path / "a.wav", sound(), RATE)
    with pytest.raises(AudioError, match="changed"):
        read_audio(tmp_path / "a.wav", expected_sha256="0" * 64)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_a_tone_and_kills_what_is_above_the_band(rate):
    kept = resample(Waveform(sound(rate=rate, hz=1000), rate), RATE).samples[2000:-2000]
    assert np.sqrt(2 * np.mean(kept**2)) == pytest.approx(0.4, rel=1e-3)
    if rate > 2 * RATE:
        gone = resample(Waveform(sound(rate=rate, hz=9_600), rate), RATE).samples[2000:-2000]
        assert np.sqrt(np.mean(gone**2)) < 1e-5
