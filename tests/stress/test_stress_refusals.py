"""An environment that could not be applied, or not be told from another, is refused before any audio is read."""

import pytest

from asrfair.errors import ConfigError, InputError
from asrfair.stress import load_environment, parse_condition

STEP = {"type": '"tonal"', "snr_db": '"level"', "fundamental_hz": "100.0"}


def environment(tmp_path, step=(), **head):
    """An environment file of which some lines are other than they should be."""
    top = {"schema_version": "1", "name": '"x"', "version": '"1"', "description": '"d"', "source": '"s"'}
    top |= {"level_unit": '"dB"', "levels": "[10, 5]"} | head
    lines = [f"{key} = {value}" for key, value in top.items() if value is not None]
    lines += ["[[steps]]", *(f"{key} = {value}" for key, value in (STEP | dict(step)).items())]
    path = tmp_path / "room.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ({"name": '"clean"'}, "without an environment"),
        ({"name": '"a@5dB"'}, "name"),
        ({"name": '""'}, "name"),
        ({"name": '"a|b"'}, "name"),
        ({"schema_version": "2"}, "schema_version"),
        ({"levels": "[nan]"}, "finite"),
        ({"levels": None}, "levels: missing"),
        ({"levels": "[10, 500]"}, "snr_db"),
    ],
)
def test_the_head_of_a_file_is_held_to_its_rules(tmp_path, head, says):
    with pytest.raises(ConfigError, match=rf"room\.toml: .*{says}"):
        load_environment(str(environment(tmp_path, **head)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("snr_db", "nan"),
        ("snr_db", "-400"),
        ("fundamental_hz", "inf"),
        ("harmonics", "100000000000"),
        ("rolloff_db", "-1e6"),
        ("repetition_hz", "inf"),
        ("repetition_hz", "1e9"),
        ("jitter", "nan"),
        ("duty_cycle", "0"),
        ("colour", "1"),
    ],
)
def test_a_step_that_would_overflow_or_fill_the_memory_is_refused_with_file_and_key(tmp_path, key, value):
    levels = None if key == "snr_db" else "[10, 5]"
    with pytest.raises(ConfigError, match=rf"room\.toml: .*{key}"):
        load_environment(str(environment(tmp_path, {key: value}, levels=levels)))


def test_levels_that_change_nothing_are_refused(tmp_path):
    """Else `x@5dB` and `x@20dB` would be two names of the same room."""
    with pytest.raises(ConfigError, match="no step has a key"):
        load_environment(str(environment(tmp_path, {"snr_db": "5"})))


@pytest.mark.parametrize("level", ["nandB", "inf", "1e400dB", "5dBdB", "-1e6dB", "101dB"])
def test_a_level_that_no_sound_can_have_is_refused_before_the_run(level):
    with pytest.raises(InputError, match=r"not a level|snr_db"):
        parse_condition(f"machine-hum@{level}", 0)


def test_one_level_has_one_name():
    ids = {parse_condition(f"machine-hum@{level}", 0)[0].condition_id for level in ("0", "-0dB", "0.0dB", "+0 dB")}
    assert ids == {"machine-hum@0dB"}


def test_a_path_may_contain_the_sign_of_levels(tmp_path):
    folder = tmp_path / "rooms@home"
    folder.mkdir()
    steady = environment(folder, {"snr_db": "5"}, levels=None)
    assert parse_condition(str(steady), 0)[0].condition_id == "x"
    swept = environment(folder)
    assert parse_condition(f"{swept}@5dB", 0)[0].condition_id == "x@5dB"


def test_clean_audio_has_no_levels():
    with pytest.raises(InputError, match="clean audio has no levels: write clean"):
        parse_condition("clean@5dB", 0)


def test_a_level_goes_into_keys_that_are_whole_numbers_too(tmp_path):
    step = {"snr_db": "5.0", "harmonics": '"level"'}
    path = environment(tmp_path, step, level_unit='"tones"', levels="[1, 8]", hardest='"highest"')
    condition, loaded = parse_condition(f"{path}@3", 0)
    assert [stressor.harmonics for stressor in loaded.stressors(condition.level)] == [3]
    with pytest.raises(ConfigError, match="harmonics"):
        parse_condition(f"{path}@2.5", 0)


@pytest.mark.parametrize("unit", ["0", "5", "e3", "@", "\\n", "<script>", "-", ".", "dB".rjust(30, "d")])
def test_a_unit_that_could_be_read_as_part_of_a_level_or_a_name_is_refused(tmp_path, unit):
    with pytest.raises(ConfigError, match=r"room\.toml: level_unit .*letters"):
        load_environment(str(environment(tmp_path, level_unit=f'"{unit}"')))


@pytest.mark.parametrize("unit", ["", "dB", "%", "kbit/s", "µs", "°"])
def test_a_unit_of_letters_and_signs_is_taken(tmp_path, unit):
    assert load_environment(str(environment(tmp_path, level_unit=f'"{unit}"'))).levels == (f"10{unit}", f"5{unit}")


def test_a_name_that_no_folder_can_have_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"room\.toml: name .* at most 100"):
        load_environment(str(environment(tmp_path, name=f'"{"a" * 101}"')))


def test_zero_has_no_sign_among_the_levels_that_are_told(tmp_path):
    assert load_environment(str(environment(tmp_path, levels="[-0.0]"))).levels == ("0dB",)


def test_a_file_that_an_editor_marked_as_utf_8_is_read(tmp_path):
    path = environment(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_environment(str(path)).name == "x"


@pytest.mark.parametrize("nested", ["a = " + "[" * 5000, "a = " + "[" * 500 + "]" * 500])
def test_a_file_that_nests_without_end_is_refused_and_not_followed(tmp_path, nested):
    path = tmp_path / "room.toml"
    path.write_text(nested)
    with pytest.raises(ConfigError, match=r"room\.toml: "):
        load_environment(str(path))


@pytest.mark.parametrize("name", ["a\0b.toml", "a\0b@5dB"])
def test_a_name_that_no_file_can_have_is_refused(name):
    with pytest.raises(ConfigError, match="null"):
        parse_condition(name, 0)


def test_a_machine_beyond_all_hearing_is_refused_and_does_not_overflow(tmp_path):
    with pytest.raises(ConfigError, match=r"fundamental_hz must be positive and at most 100000 Hz"):
        load_environment(str(environment(tmp_path, {"fundamental_hz": "1e308"})))
