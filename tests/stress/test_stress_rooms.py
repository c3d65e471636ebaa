"""Rooms, measured and simulated: what a response is and does to sound; and the environments of this part."""

import threading

import numpy as np
import pytest
import soundfile

from asrfair.audio import decay_curve_db, direct_to_reverberant_db, reverberation_time_s
from asrfair.errors import ConfigError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Scene, available_environments, load_environment
from asrfair.stress.coding import made_up_voice
from asrfair.stress.steps.impulse_response import ImpulseResponse
from asrfair.stress.steps.shoebox import Shoebox

RATE = 16_000
ROOM = {"length_m": 6.0, "width_m": 5.0, "height_m": 3.0, "rt60_s": 0.3, "distance_m": 1.0}


def noise(seconds=1.0, seed=1, rate=RATE):
    samples = rng_for(seed, "noise", "test").normal(0, 0.1, round(seconds * rate))
    return Waveform(samples.astype(np.float32), rate)


def decay(rt60_s, seconds, rate=RATE, floor=0.0):
    """Noise that falls by 60 dB in `rt60_s`, above a floor, after a direct sound."""
    rng = rng_for(2, "decay", "test")
    time = np.arange(round(seconds * rate)) / rate
    samples = rng.normal(0, 0.1, len(time)) * 10 ** (-3 * time / rt60_s) + rng.normal(0, 1, len(time)) * 0.1 * floor
    samples[0] = 1.0
    return samples


def response(step, rate=RATE, scene=None, rng=None):
    return step.response(rate, rng or rng_for(0, "u", "c"), scene or Scene("u"))


def slope_s(taps, rate, from_db, to_db):
    """RT60 between two levels of the decay curve: the definition, worked again."""
    curve = decay_curve_db(taps)
    inside = np.flatnonzero((curve <= from_db) & (curve >= to_db))
    return -60 / np.polyfit(inside / rate, curve[inside], 1)[0]


@pytest.mark.parametrize("rt60_s", [0.2, 0.5, 1.5])
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_the_reverberation_time_of_an_exponential_decay_is_its_own(rt60_s, rate):
    assert reverberation_time_s(decay(rt60_s, 2 * rt60_s, rate), rate) == pytest.approx(rt60_s, rel=0.06)


@pytest.mark.parametrize("floor_db", [-70, -55, -45])
def test_the_noise_of_a_measurement_does_not_stretch_the_decay(floor_db):
    measured = reverberation_time_s(decay(0.5, 2.0, floor=10 ** (floor_db / 20)), RATE)
    assert measured == pytest.approx(0.5, rel=0.08)


def test_a_decay_lost_in_noise_and_silence_have_no_reverberation_time():
    assert reverberation_time_s(decay(0.5, 2.0, floor=10 ** (-15 / 20)), RATE) is None
    assert reverberation_time_s(np.zeros(RATE), RATE) is None
    assert reverberation_time_s(np.array([1.0]), RATE) is None


def test_direct_against_reverberant_energy_by_hand():
    taps = np.zeros(1000)
    taps[10], taps[500] = 1.0, 0.5
    assert direct_to_reverberant_db(taps, RATE) == pytest.approx(10 * np.log10(1 / 0.25))
    assert direct_to_reverberant_db(taps[:400], RATE) is None


@pytest.mark.parametrize("rt60_s", [0.3, 0.6, 1.0])
def test_a_simulated_room_has_the_reverberation_time_that_was_asked_for(rt60_s):
    pytest.importorskip("pyroomacoustics")
    taps, _ = response(Shoebox(**ROOM | {"rt60_s": rt60_s}), 8_000)
    assert slope_s(taps, 8_000, -5, -25) == pytest.approx(rt60_s, rel=0.15)
    assert slope_s(taps, 8_000, -5, -35) == pytest.approx(rt60_s, rel=0.1)
    assert reverberation_time_s(taps, 8_000) == pytest.approx(rt60_s, rel=0.1)


def test_farther_from_the_talker_there_is_less_direct_sound():
    """Six dB with each doubling of the distance, give or take what echoes do."""
    pytest.importorskip("pyroomacoustics")
    ratios = [direct_to_reverberant_db(response(Shoebox(**ROOM | {"distance_m": d}))[0], RATE) for d in (0.5, 1, 2)]
    assert np.diff(ratios) == pytest.approx([-6, -6], abs=1.5)


def test_a_simulated_room_leaves_the_speech_where_it_is_with_unit_energy():
    pytest.importorskip("pyroomacoustics")
    for rate in (8_000, 16_000):
        taps, delay = response(Shoebox(**ROOM | {"distance_m": 0.5}), rate)
        assert np.argmax(np.abs(taps)) == delay
        assert np.sum(taps.astype(float) ** 2) == pytest.approx(1)
        assert len(taps) <= 0.31 * rate
    said = noise()
    heard = Shoebox(**ROOM | {"distance_m": 0.5}).apply(said, rng_for(0, "u", "c"), Scene("u"))
    match = np.correlate(heard.samples[1000:9000], said.samples[900:9100], "valid")
    assert np.argmax(match) == 100
    assert len(heard.samples) == len(said.samples)


def test_places_are_drawn_by_the_utterance_and_are_in_the_room():
    pytest.importorskip("pyroomacoustics")
    room, scene = Shoebox(**ROOM | {"places": 4}), Scene("u")
    drawn = [response(room, scene=scene, rng=rng_for(0, f"u{i}", "c"))[0] for i in range(12)]
    again = [response(room, scene=Scene("u"), rng=rng_for(0, f"u{i}", "c"))[0] for i in reversed(range(12))]
    assert all(np.array_equal(a, b) for a, b in zip(drawn, reversed(again), strict=True))
    assert len({taps.tobytes() for taps in drawn}) == 4
    for place in range(4):
        talker, microphone = room._placed(place)
        assert np.linalg.norm(talker - microphone) == pytest.approx(1.0)
        assert np.all((talker > 0) & (microphone > 0) & (talker < [6, 5, 3]) & (microphone < [6, 5, 3]))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rt60_s": 0.05}, r"rt60_s must be 0\.15 to 1\.35 s"),
        ({"rt60_s": 3.0}, r"rt60_s must be 0\.15 to 1\.35 s"),
        ({"distance_m": 9.0}, r"distance_m must be 0\.1 to 5\.03 m"),
        ({"height_m": 0.5}, r"height_m must be 1\.5 to 100 m"),
        ({"places": 0}, "places must be 1 to 64"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_room_that_cannot_be_is_refused_with_file_key_and_range(tmp_path, wrong, says):
    path = tmp_path / "room.toml"
    keys = "\n".join(f"{key} = {value}" for key, value in (ROOM | wrong).items())
    head = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'
    path.write_text(f'{head}[[steps]]\ntype = "shoebox"\n{keys}\n')
    with pytest.raises(ConfigError, match=rf"room\.toml: .*shoebox.*{says}"):
        load_environment(str(path))


@pytest.mark.parametrize("rt60_s", [0.15, 0.5])
def test_a_small_room_has_its_shortest_reverberation_and_a_long_one_as_asked(rt60_s):
    pytest.importorskip("pyroomacoustics")
    room = Shoebox(length_m=3, width_m=2.5, height_m=2.4, rt60_s=rt60_s, distance_m=1)
    taps, delay = response(room, 8_000)
    assert slope_s(taps[delay + 20 :], 8_000, -5, -25) == pytest.approx(rt60_s, rel=0.15)


def recording(path, direct=700, rate=RATE, second=1200):
    """An impulse response with silence before its direct sound, and one echo."""
    samples = np.zeros(4000, dtype=np.float32)
    samples[direct], samples[second] = 0.5, 0.25
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return str(path)


def test_a_measured_room_is_an_echo_and_no_delay(tmp_path):
    said = noise()
    heard = ImpulseResponse(file=recording(tmp_path / "a.wav")).apply(said, rng_for(0, "u", "c"), Scene("u")).samples
    expected = said.samples.copy()
    expected[500:] += 0.5 * said.samples[:-500]
    assert heard == pytest.approx(expected / np.sqrt(1.25), abs=1e-5)


def test_a_measured_room_is_resampled_to_the_engine(tmp_path):
    step = ImpulseResponse(file=recording(tmp_path / "a.wav", rate=48_000, second=2140))
    taps, delay = response(step, 16_000)
    assert delay <= 0.0025 * 16_000
    assert np.argsort(np.abs(taps))[-1] == delay
    assert np.argmax(np.abs(taps[delay + 100 :])) + 100 == pytest.approx((2140 - 700) / 3, abs=1)
    assert np.sum(taps.astype(float) ** 2) == pytest.approx(1)


def test_each_speaker_goes_through_the_rooms_in_turn(tmp_path):
    files = [recording(tmp_path / f"{i}.wav", second=1200 + 100 * i) for i in range(3)]
    step = ImpulseResponse(files=files)

    def heard(speaker, turn, seed=0):
        scene = Scene("u", seed=seed, speaker_id=speaker, turn=turn)
        return response(step, scene=scene)[0].tobytes()

    for speaker in ("anna", "ben", "cleo"):
        assert len({heard(speaker, turn) for turn in range(3)}) == 3
        assert heard(speaker, 0) == heard(speaker, 3)
    assert len({heard(f"speaker {i}", 0) for i in range(20)}) == 3


def test_recordings_are_found_beside_the_environment_and_refused_where_they_are_not(tmp_path):
    head = 'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n[[steps]]\n'
    path = tmp_path / "room.toml"
    recording(tmp_path / "a.wav")
    path.write_text(head + 'type = "impulse-response"\nfile = "a.wav"\n')
    load_environment(str(path)).apply(noise(), Condition("x", None, 0), "u")
    for keys, says in (('file = "b.wav"', "missing"), ("", "file or files"), ("files = []", "file or files")):
        path.write_text(head + f'type = "impulse-response"\n{keys}\n')
        with pytest.raises(ConfigError, match=rf"room\.toml: .*{says}"):
            load_environment(str(path))


def test_two_threads_hear_the_same_room(tmp_path):
    pytest.importorskip("pyroomacoustics")
    step, scene = Shoebox(**ROOM), Scene("u")
    heard = {}

    def listen(name):
        heard[name] = step.apply(noise(0.5), rng_for(0, "u", "c"), scene).samples

    threads = [threading.Thread(target=listen, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(heard[0], heard[1])
    assert np.array_equal(heard[0], step.apply(noise(0.5), rng_for(0, "u", "c"), Scene("v")).samples)


MINE = ("again", "amr-line", "cheap-handset", "gsm-handset", "meeting-room", "telephone", "voip-loss")
EXTRAS = {"amr-line": "av", "voip-loss": "av", "meeting-room": "pyroomacoustics"}


@pytest.mark.parametrize("name", MINE)
@pytest.mark.parametrize("rate", [16_000, 8_000])
def test_the_environments_can_be_heard_at_every_level(name, rate):
    assert name in available_environments()
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    environment = load_environment(name)
    said = Waveform(made_up_voice(rate)[:rate], rate)
    answers = []
    for level in environment.levels or (None,):
        condition = Condition(name, level, seed=1)
        answer = environment.apply(said, condition, "u1")
        assert (len(answer.samples), answer.sample_rate_hz) == (rate, rate)
        assert answer.samples.dtype == np.float32
        assert np.isfinite(answer.samples).all()
        assert np.abs(answer.samples).max() <= 1
        assert np.array_equal(answer.samples, environment.apply(said, condition, "u1").samples)
        answers.append(answer.samples.tobytes())
    assert (name == "again") == (answers[0] == said.samples.tobytes())
