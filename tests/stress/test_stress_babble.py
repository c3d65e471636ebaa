"""Babble is of other speakers, of all groups alike, and all of them equally loud."""

import multiprocessing
from collections import Counter

import numpy as np
import pytest
import soundfile
from stress_noises import RATE, measured_snr_db, speech

from asrfair.audio import active_speech_level, rms_dbfs
from asrfair.errors import AudioError, ConfigError, InputError
from asrfair.records import Condition, Waveform
from asrfair.seeds import rng_for
from asrfair.stress import Banks, Scene, Voice, Voices, load_environment
from asrfair.stress.steps.babble import Babble
from asrfair.stress.voices import MOST_SPEAKERS, check_voices, talkers_of, without_pauses


def tone_hz(number):
    """Each speaker is a tone with syllables, so that one can hear who talks."""
    return 300 + 37 * number


@pytest.fixture
def people(tmp_path):
    """Makes voices: how many speakers each group has; a recording each, of very different levels."""

    def make(sizes, seconds=3.0):
        voices, number = [], 0
        for group, size in sizes.items():
            for member in range(size):
                n = round(seconds * RATE)
                loudness = np.repeat(rng_for(number, "loud", "t").uniform(0.5, 1, n // 800 + 1), 800)[:n]
                sound = loudness * np.sin(2 * np.pi * tone_hz(number) * np.arange(n) / RATE)
                path = tmp_path / f"{group}{member}.wav"
                soundfile.write(path, 10 ** (-(10 + 7 * (number % 6)) / 20) * sound, RATE, subtype="FLOAT")
                voices.append(Voice(f"{group}{member}", group, path, None, None, f"digest {number}"))
                number += 1
        return Voices("accent", tuple(voices))

    return make


def scene_of(voices, speaker="a0", name="u1", banks=None):
    return Scene(name, speaker_id=speaker, voices=voices, banks=banks or Banks())


def drawn(step, voices, speaker, name, banks):
    return step.drawn(RATE, rng_for(1, name, "babble@5dB"), scene_of(voices, speaker, name, banks))


@pytest.mark.parametrize(
    ("sizes", "talkers"), [({"a": 4, "b": 2, "c": 2}, 8), ({"a": 2, "b": 2}, 7), ({"a": 2, "b": 9}, 4)]
)
def test_nobody_hears_themselves_and_no_group_is_more_than_one_talker_ahead(people, sizes, talkers):
    voices, banks = people(sizes, 0.5), Banks()
    firsts = Counter()
    for number in range(40):
        speaker = voices.voices[number % len(voices.voices)].speaker_id
        chosen = drawn(Babble(snr_db=5, talkers=talkers), voices, speaker, f"u{number}", banks)
        assert len(chosen) == talkers
        assert speaker not in {talker.speaker_id for talker in chosen}
        counts = Counter(talker.group for talker in chosen)
        assert len(counts) == len(sizes)
        assert max(counts.values()) - min(counts.values()) <= 1
        firsts[chosen[0].group] += 1
    assert len(firsts) == len(sizes)  # The group that is one ahead is not always the same.


def test_more_groups_than_talkers_are_drawn_from_in_turn(people):
    voices, banks = people(dict.fromkeys("abcdef", 2), 0.5), Banks()
    counts = Counter()
    for number in range(60):
        chosen = drawn(Babble(snr_db=5, talkers=3), voices, "a0", f"u{number}", banks)
        assert len({talker.group for talker in chosen}) == 3
        counts.update(talker.group for talker in chosen)
    assert set(counts) == set("abcdef")
    assert max(counts.values()) < 2 * min(counts.values())


def test_the_speaker_is_not_in_the_sound_either(people):
    """The speaker's tone is not in the spectrum of the babble; everybody else's is, equally loud."""
    voices, banks = people({"a": 3, "b": 3}), Banks()
    step = Babble(snr_db=5, talkers=5)
    sound = np.zeros(RATE)
    for number in range(40):
        name = f"u{number}"
        taken = step.sound(2 * RATE, RATE, rng_for(1, name, "c"), scene_of(voices, "b1", name, banks))
        sound += np.abs(np.fft.rfft(taken * np.hanning(2 * RATE)))[:-1] ** 2
    levels = [10 * np.log10(sound[2 * tone_hz(number) - 12 : 2 * tone_hz(number) + 13].sum()) for number in range(6)]
    own = levels.pop(4)
    assert own < min(levels) - 25
    assert max(levels) - min(levels) < 3


def test_every_voice_is_equally_loud_however_it_was_recorded(people):
    """Recordings lie 35 dB apart; the active levels of the loops do not."""
    loops = [talker.loop for talker in talkers_of(people({"a": 3, "b": 3}), RATE, Banks())]
    levels = [active_speech_level(Waveform(np.array(loop), RATE)).level_dbfs for loop in loops]
    assert levels == pytest.approx([-26.0] * 6, abs=0.05)


def test_long_pauses_are_shortened_and_short_ones_are_not():
    clean = speech(4, pauses=0.5)
    level = active_speech_level(clean).level_dbfs
    cut = without_pauses(clean.samples, RATE, level)
    assert len(cut) / RATE == pytest.approx(2.3, abs=0.05)
    brief = speech(4, pauses=0.06)
    assert len(without_pauses(brief.samples, RATE, level)) == pytest.approx(4 * RATE, abs=400)
    silence = np.zeros(1000, dtype=np.float32)
    assert without_pauses(silence, RATE, -26.0) is silence


@pytest.mark.parametrize("pauses", [0.0, 0.5])
@pytest.mark.parametrize("talkers", [2, 7, 40])
def test_a_mix_at_5_db_measures_5_db_over_active_speech(people, talkers, pauses):
    clean, scene = speech(5, pauses=pauses), scene_of(people({"a": 3, "b": 2}))
    mixed = Babble(snr_db=5, talkers=talkers).apply(clean, rng_for(1, "u", "c"), scene)
    assert measured_snr_db(clean, mixed) == pytest.approx(5.0, abs=0.2)
    assert scene.notes == ["voices shorter than the speech: looped with a cross-fade"]


def sounds(folder, voices, names):
    """The bytes of the babble of some utterances, in this order."""
    banks, step = Banks(folder), Babble(snr_db=5, talkers=4)
    return {
        name: step.apply(speech(0.5), rng_for(3, name, "c"), scene_of(voices, "a0", name, banks)).samples.tobytes()
        for name in names
    }


def test_the_same_seed_is_the_same_babble_in_any_order_with_any_banks_and_in_another_process(people, tmp_path):
    voices = people({"a": 3, "b": 3})
    wanted = sounds(None, voices, ["u1", "u2", "u3"])
    assert sounds(None, voices, ["u2"])["u2"] == wanted["u2"]
    assert sounds(tmp_path / "banks", voices, ["u3", "u1", "u2"]) == wanted
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(sounds, (tmp_path / "banks", voices, ["u2", "u3", "u1"])) == wanted
        assert pool.apply(sounds, (tmp_path / "others", voices, ["u3", "u1", "u2"])) == wanted
    assert len(set(wanted.values())) == 3


def test_voices_are_limited_to_sixty_speakers_of_all_groups_and_twenty_seconds_each(people, tmp_path):
    long = people({"a": 2, "b": 1}, seconds=23)
    assert all(len(talker.loop) <= 20 * RATE for talker in talkers_of(long, RATE, Banks()))
    missing = tmp_path / "none.wav"
    crowd = [
        Voice(f"{group}{n}", group, missing, None, None, "")
        for group, size in (("x", 300), ("y", 20))
        for n in range(size)
    ]
    chosen = talkers_of(Voices("accent", (*long.voices, *crowd)), RATE, Banks())
    assert len(chosen) == MOST_SPEAKERS
    assert Counter(talker.group for talker in chosen) == {"a": 2, "b": 1, "x": 37, "y": 20}


def test_a_voice_that_cannot_be_read_is_left_out_and_told(people, tmp_path):
    voices = people({"a": 3, "b": 3}, 0.5)
    voices.voices[1].path.write_text("not audio")
    soundfile.write(voices.voices[4].path, np.zeros(100), RATE)
    scene = scene_of(voices)
    chosen = Babble(snr_db=5, talkers=12).drawn(RATE, rng_for(1, "u", "c"), scene)
    assert {talker.speaker_id for talker in chosen} == {"a2", "b0", "b2"}
    assert scene.notes == ["babble without 2 of 6 speakers, whose audio cannot be used"]


def test_a_speaker_with_a_broken_recording_talks_from_the_others(people, tmp_path):
    voices = people({"a": 2, "b": 2}, 0.5)
    broken = Voice("a0", "a", tmp_path / "none.wav", None, None, "")
    loops = [len(talker.loop) for talker in talkers_of(Voices("accent", (broken, *voices.voices)), RATE, Banks())]
    assert min(loops) > 0.4 * RATE


@pytest.mark.parametrize(
    ("sizes", "speaker", "says"),
    [
        ({"a": 3, "b": 2}, None, "not known"),
        ({"a": 3}, "a0", "at least 2 groups"),
        ({"a": 1, "b": 3}, "a0", "those of b"),
        (None, "a0", "none here"),
    ],
)
def test_babble_that_could_not_be_balanced_fails_that_utterance_with_the_reason(people, sizes, speaker, says):
    voices = people(sizes, 0.5) if sizes else None
    with pytest.raises(AudioError, match=says):
        Babble(snr_db=5, talkers=4).apply(speech(0.5), rng_for(1, "u", "c"), scene_of(voices, speaker))


def test_where_nobody_speaks_babble_needs_no_speaker(people):
    scene = Scene("probe", is_speech=False, voices=people({"a": 2, "b": 1}, 0.5))
    silence = Waveform(np.zeros(RATE, dtype=np.float32), RATE)
    heard = Babble(snr_db=5, talkers=3).apply(silence, rng_for(1, "u", "c"), scene)
    assert rms_dbfs(heard.samples) == pytest.approx(-31.0, abs=0.1)


def test_voices_that_nobodys_babble_can_be_made_of_are_refused_before_the_run(people):
    check_voices(people({"a": 2, "b": 2}, 0.1))
    check_voices(people({"a": 1, "b": 1, "c": 1}, 0.1))
    for sizes, says in (
        ({"a": 5}, "1 groups"),
        ({"a": 1, "b": 1}, "2 speakers"),
        ({"a": 1, "b": 4}, "only speaker of 'a'"),
        ({}, "none"),
    ):
        with pytest.raises(InputError, match=says):
            check_voices(people(sizes, 0.1))


@pytest.mark.parametrize(
    ("talkers", "says"), [("1", "2 to 40"), ("41", "2 to 40"), ("2.5", "talkers"), ('"few"', "talkers")]
)
def test_a_number_of_talkers_that_is_no_babble_is_refused_with_file_and_key(tmp_path, talkers, says):
    path = tmp_path / "x.toml"
    path.write_text(
        'schema_version = 1\nname = "x"\nversion = "1"\ndescription = "d"\nsource = "s"\n'
        f'[[steps]]\ntype = "babble"\nsnr_db = 5\ntalkers = {talkers}\n'
    )
    with pytest.raises(ConfigError, match=rf"x\.toml: .*talkers.*{says}" if says != "talkers" else "talkers"):
        load_environment(str(path))


@pytest.mark.parametrize("name", ["babble", "open-office", "drive-through"])
def test_the_environments_with_people_are_as_loud_as_their_level_says(people, name):
    clean, scene = speech(4, pauses=0.4), scene_of(people({"a": 3, "b": 3}))
    heard = load_environment(name).apply(clean, Condition(name, "5dB"), "u1", scene)
    assert measured_snr_db(clean, heard) == pytest.approx(5, abs=0.25)


def test_babble_of_real_speakers_is_at_its_level(shared):
    import json

    folder = shared / "data" / "commonvoice"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()[:12]]
    voices = Voices(
        "gender",
        tuple(Voice(r["speaker_id"], r["gender"], folder / r["audio"], None, None, r["utterance_id"]) for r in rows),
    )
    clean = speech(6, pauses=0.5)
    mixed = Babble(snr_db=5, talkers=6).apply(clean, rng_for(1, "u", "c"), scene_of(voices, rows[0]["speaker_id"]))
    assert measured_snr_db(clean, mixed) == pytest.approx(5.0, abs=0.2)
