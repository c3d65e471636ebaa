"""A file that is shorter than its own container says is a failure, whatever libsndfile makes of it."""

import numpy as np
import pytest
import soundfile

from asrfair.audio import file_duration_s, read_audio
from asrfair.errors import AudioError
from asrfair.seeds import rng_for

RATE = 16_000
CONTAINERS = {
    "riff.wav": {"format": "WAV", "subtype": "PCM_16"},
    "rifx.wav": {"format": "WAV", "subtype": "PCM_16", "endian": "BIG"},
    "rf64.wav": {"format": "RF64", "subtype": "PCM_16"},
    "vorbis.ogg": {"format": "OGG", "subtype": "VORBIS"},
    "opus.ogg": {"format": "OGG", "subtype": "OPUS"},
    "a.flac": {"format": "FLAC", "subtype": "PCM_16"},
    "a.mp3": {"format": "MP3"},
}


def written(path, how, seconds=3.0):
    samples = rng_for(1, "promise", "test").uniform(-0.5, 0.5, round(seconds * RATE)).astype(np.float32)
    soundfile.write(path, samples, RATE, **how)
    return path.read_bytes()


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_whole_file_keeps_its_promise_and_a_cut_one_never_passes(tmp_path, name):
    data = written(tmp_path / name, CONTAINERS[name])
    assert read_audio(tmp_path / name)[0].duration_s == pytest.approx(3.0, abs=0.1)
    for share in (0.3, 0.5, 0.9):
        (tmp_path / f"cut-{name}").write_bytes(data[: int(share * len(data))])
        with pytest.raises(AudioError, match=r"truncated|broken"):
            read_audio(tmp_path / f"cut-{name}")


@pytest.mark.parametrize("promise", [0x7FFFFFFF, 0xFFFFFFFF])
def test_a_recording_that_was_streamed_and_promises_no_length_is_read(tmp_path, promise):
    data = bytearray(written(tmp_path / "a.wav", CONTAINERS["riff.wav"]))
    place = data.index(b"data") + 4
    data[place : place + 4] = promise.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert read_audio(tmp_path / "a.wav")[0].duration_s == 3.0


def test_what_follows_the_last_ogg_page_does_not_matter(tmp_path):
    data = written(tmp_path / "a.ogg", CONTAINERS["vorbis.ogg"])
    (tmp_path / "a.ogg").write_bytes(data + b"TAG" + bytes(125))
    assert read_audio(tmp_path / "a.ogg")[0].duration_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("rate", [1, 2**31 - 1])
def test_a_sample_rate_that_no_recorder_has_is_a_broken_header(tmp_path, rate):
    data = bytearray(written(tmp_path / "a.wav", CONTAINERS["riff.wav"], seconds=0.1))
    data[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(AudioError, match="samples a second"):
        read_audio(tmp_path / "a.wav")


def test_bare_samples_are_a_failure_and_not_an_error_of_another_kind(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    with pytest.raises(AudioError, match="convert it"):
        read_audio(tmp_path / "a.raw")


def test_a_message_names_the_file_and_not_where_it_lies(tmp_path):
    (tmp_path / "a.wav").write_text("this is not audio")
    with pytest.raises(AudioError) as caught:
        read_audio(tmp_path / "a.wav")
    assert "a.wav" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_one_channel_that_is_not_finite_spoils_the_file(tmp_path):
    both = np.zeros((RATE, 2), dtype=np.float32)
    both[10, 1] = np.inf
    soundfile.write(tmp_path / "a.wav", both, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not numbers"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["riff.wav", "rf64.wav", "a.flac", "vorbis.ogg"])
def test_damaged_bytes_give_samples_or_an_audio_error_and_nothing_else(tmp_path, name):
    data = written(tmp_path / name, CONTAINERS[name], seconds=0.2)
    for trial in range(60):
        rng = rng_for(trial, name, "damage")
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 400), 4):
            damaged[place] = rng.integers(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            waveform, _ = read_audio(tmp_path / "damaged")
        except AudioError:
            continue
        assert np.isfinite(waveform.samples).all()
        assert np.abs(waveform.samples).max() <= 1.0


def test_bare_samples_have_no_length_either(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(1000))
    with pytest.raises(AudioError, match="bare samples"):
        file_duration_s(tmp_path / "a.raw")
