"""Recorded noise: any audio file, heard by every speaker alike, at the level that was asked for."""

import multiprocessing
from collections import Counter

import numpy as np
import pytest
from stress_noises import RATE, measured_snr_db, noise, speech, written

from asrfair.audio import rms_dbfs
from asrfair.errors import AudioError
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Scene
from asrfair.stress.join import joined
from asrfair.stress.pool import PIECE_S
from asrfair.stress.steps.recorded import Recorded, audible_pieces, piece_bounds


def recorded(*files, snr_db=5.0, **keys):
    return Recorded(snr_db=snr_db, files=files, **keys)


@pytest.fixture
def room(tmp_path):
    """Forty seconds of a room: four pieces."""
    return written(tmp_path / "room.wav", noise(40))


def heard(step, clean, name="u1", **scene):
    scene = Scene(name, **scene)
    return step.apply(clean, rng_for(scene.seed, name, "room@5dB"), scene), scene


def the_loop(banks):
    """The recording as it is drawn from: the longest of the arrays that were made."""
    return max(banks._held.values(), key=len)


@pytest.mark.parametrize("pauses", [0.0, 0.5])
@pytest.mark.parametrize("snr_db", [-5.0, 5.0, 20.0])
def test_a_mix_measures_what_was_asked_for_even_if_half_of_the_time_is_a_pause(room, pauses, snr_db):
    clean = speech(pauses=pauses)
    mixed, scene = heard(recorded(room, snr_db=snr_db), clean)
    assert measured_snr_db(clean, mixed) == pytest.approx(snr_db, abs=0.2)
    assert scene.mixed[0].snr_db == pytest.approx(snr_db, abs=0.02)


def test_speakers_who_pause_hear_noise_as_loud_as_speakers_who_do_not(room):
    steady, pausing = speech(12, pauses=0.0), speech(12, pauses=0.5)
    loud = [rms_dbfs(heard(recorded(room), clean)[0].samples - clean.samples) for clean in (steady, pausing)]
    assert loud[1] == pytest.approx(loud[0], abs=0.4)  # Over the whole file it would be 3 dB less.


def test_every_speaker_hears_every_piece_equally_often(room):
    """A multiple of four utterances each: four speakers of two groups, exactly as often, wherever they begin."""
    step, banks, clean = recorded(room), Banks(), speech(0.5)
    counts = {}
    for number, speaker in enumerate(("a1", "a2", "b1", "b2")):
        for turn in range(4 * (1 + number % 2)):
            _, scene = heard(step, clean, f"{speaker}-{turn}", speaker_id=speaker, turn=turn, banks=banks)
            counts.setdefault(speaker, Counter())[scene.mixed[0].piece] += 1
    assert [dict(counts[speaker]) for speaker in ("a1", "b1")] == [{0: 1, 1: 1, 2: 1, 3: 1}] * 2
    assert [dict(counts[speaker]) for speaker in ("a2", "b2")] == [{0: 2, 1: 2, 2: 2, 3: 2}] * 2


def test_what_is_heard_begins_in_the_piece_that_is_told(room):
    """The recording counts upwards, so that a sample says where it was."""
    step, banks = recorded(room), Banks()
    heard(step, speech(0.5), banks=banks)
    loop = the_loop(banks)
    places = []
    for turn in range(8):
        scene = Scene(f"u{turn}", speaker_id="s", turn=turn, banks=banks)
        taken = step.sound(1000, RATE, rng_for(0, f"u{turn}", "c"), scene)
        start = next(place for place in np.flatnonzero(loop == taken[0]) if np.array_equal(loop[place:][:9], taken[:9]))
        bounds = piece_bounds(len(loop), RATE)
        assert bounds[scene.piece] <= start < bounds[scene.piece + 1]
        places.append(int(start))
    assert len(set(places)) == 8


def test_pieces_are_about_ten_seconds_long():
    for seconds in (1, 9, 14, 16, 123, 3600):
        lengths = np.diff(piece_bounds(seconds * RATE, RATE)) / RATE
        assert lengths.sum() == pytest.approx(seconds)
        assert seconds < PIECE_S or (lengths.min() > 2 / 3 * PIECE_S and lengths.max() < 1.5 * PIECE_S)


def test_a_silent_piece_is_nobodys_turn_and_a_silent_stretch_is_not_taken(tmp_path):
    """Ten seconds of sound, ten of silence, then silence with one knock of 0.2 s."""
    sound = noise(40, dbfs=-20)
    sound[round(9.9 * RATE) : 20 * RATE] = 0
    sound[20 * RATE : 24 * RATE] = 0
    sound[round(24.2 * RATE) : 40 * RATE] = 0
    step = recorded(written(tmp_path / "knock.wav", sound))
    banks, clean, pieces = Banks(), speech(0.5), set()
    for turn in range(60):
        mixed, scene = heard(step, clean, f"u{turn}", speaker_id="s", turn=turn, banks=banks)
        assert measured_snr_db(clean, mixed) == pytest.approx(5, abs=0.2)
        pieces.add(scene.mixed[0].piece)
    assert pieces == {0, 2}
    loop = the_loop(banks)
    assert audible_pieces(loop, RATE).tolist() == [0, 2]


def test_noise_shorter_than_the_speech_goes_round_and_the_scene_says_so(tmp_path):
    step = recorded(written(tmp_path / "short.wav", noise(1.0)))
    clean = speech(3.0)
    mixed, scene = heard(step, clean)
    assert scene.notes == ["noise shorter than the speech: looped with a cross-fade"]
    added = mixed.samples - clean.samples
    period = RATE - round(0.05 * RATE)
    assert np.allclose(added[:period], added[period : 2 * period], atol=1e-6)
    assert heard(step, speech(0.5))[1].notes == []


def test_any_rate_any_channels_and_ogg_make_the_same_noise_at_the_engines_rate(tmp_path):
    """One hum of 440 Hz in three formats: after resampling it is a hum of 440 Hz."""
    for name, rate, channels in (
        ("a.wav", 44_100, 1),
        ("b.wav", 48_000, 2),
        ("c.ogg", 22_050, 2),
        ("d.flac", 8_000, 1),
    ):
        tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
        file = written(tmp_path / name, np.stack([tone] * channels, axis=1).astype(np.float32), rate)
        for engine_rate in (8_000, 16_000):
            taken = recorded(file).sound(engine_rate, engine_rate, rng_for(1, "u", "c"), Scene("u"))
            assert np.argmax(np.abs(np.fft.rfft(taken))) == pytest.approx(440, abs=1)


def test_files_are_heard_at_the_same_level_whatever_their_gain(tmp_path):
    quiet, loud = (
        written(tmp_path / "q.wav", noise(10, dbfs=-60)),
        written(tmp_path / "l.wav", noise(10, dbfs=-10, seed=2)),
    )
    banks = Banks()
    heard(recorded(quiet, loud), speech(0.5), banks=banks)
    loop = the_loop(banks)
    assert rms_dbfs(loop[: 9 * RATE]) == pytest.approx(rms_dbfs(loop[11 * RATE : 19 * RATE]), abs=0.2)


def test_a_join_neither_dips_nor_clicks():
    whole = joined([noise(1, seed=seed) for seed in range(5)], RATE, 0.1)
    assert len(whole) == 5 * RATE - 4 * 1600
    levels = [rms_dbfs(whole[start : start + 800]) for start in range(0, len(whole) - 800, 400)]
    assert max(levels) - min(levels) < 1.5
    steady = joined([np.ones(9000, dtype=np.float32)] * 2, RATE, 0.1)
    assert np.abs(np.diff(steady)).max() < 0.002


def test_a_constant_offset_is_no_sound(tmp_path):
    sound = noise(2, dbfs=-40)
    shifted = written(tmp_path / "offset.wav", sound + np.float32(0.3))
    taken = recorded(shifted).sound(RATE, RATE, rng_for(1, "u", "c"), Scene("u"))
    assert abs(taken.mean()) < 0.05 * taken.std()
    with pytest.raises(AudioError, match="silent"):
        heard(recorded(written(tmp_path / "flat.wav", np.full(RATE, 0.5, dtype=np.float32))), speech(0.5))


def test_the_high_pass_takes_out_what_is_below_and_leaves_what_is_above(tmp_path):
    file = written(tmp_path / "white.wav", noise(12))
    clean, levels = speech(0.1), {}
    for cut in (None, 300.0):
        banks = Banks()
        heard(recorded(file, highpass_hz=cut), clean, banks=banks)
        loop = the_loop(banks)
        power = np.abs(np.fft.rfft(loop)) ** 2
        hz = np.fft.rfftfreq(len(loop), 1 / RATE)
        levels[cut] = {at: 10 * np.log10(power[(hz > at * 0.97) & (hz < at * 1.03)].mean()) for at in (75, 300, 3000)}
    change = {at: levels[300.0][at] - levels[None][at] for at in (75, 300, 3000)}
    # Order 4: -48 dB two octaves below, -3 dB at the cut, nothing above.
    assert change == {
        75: pytest.approx(-48.2, abs=1.5),
        300: pytest.approx(-3, abs=0.6),
        3000: pytest.approx(0, abs=0.01),
    }
    with pytest.raises(AudioError, match="highpass_hz"):
        recorded(file, highpass_hz=9000.0).sound(100, RATE, rng_for(1, "u", "c"), Scene("u"))


def sounds(folder, file, names):
    """The bytes of the mixes of some utterances, in this order."""
    banks, mixes = Banks(folder), {}
    for name in names:
        mixed, _ = heard(recorded(file), speech(0.5), name, speaker_id="s", turn=int(name[1:]), banks=banks, seed=9)
        mixes[name] = mixed.samples.tobytes()
    return mixes


def test_the_same_seed_is_the_same_audio_in_any_order_with_any_banks_and_in_another_process(room, tmp_path):
    wanted = sounds(None, room, ["u1", "u2", "u3"])
    assert sounds(None, room, ["u2"])["u2"] == wanted["u2"]
    assert sounds(tmp_path / "banks", room, ["u3", "u1", "u2"]) == wanted
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(sounds, (tmp_path / "others", room, ["u3", "u2", "u1"])) == wanted
    assert len(set(wanted.values())) == 3


def test_a_real_kitchen_is_cut_into_twelve_pieces_and_mixes_at_its_level(shared):
    folder = shared / "data" / "noise" / "noise"
    files = [str(folder / name) for name in ("kitchen.wav", "hens.ogg", "room_noise_one.wav")]
    banks, clean = Banks(), speech(4, pauses=0.5)
    pieces = set()
    for turn in range(14):
        mixed, scene = heard(recorded(*files), clean, f"u{turn}", speaker_id="s", turn=turn, banks=banks)
        assert measured_snr_db(clean, mixed) == pytest.approx(5, abs=0.2)
        pieces.add(scene.mixed[0].piece)
    assert pieces == set(range(14))
