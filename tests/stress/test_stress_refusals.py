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


def test_a_level_goes_into_keys_that_are_whole_numbers_too(tmp_path):
    step = {"snr_db": "5.0", "harmonics": '"level"'}
    path = environment(tmp_path, step, level_unit='" tones"', levels="[1, 8]", hardest='"highest"')
    condition, loaded = parse_condition(f"{path}@3", 0)
    assert [stressor.harmonics for stressor in loaded.stressors(condition.level)] == [3]
    with pytest.raises(ConfigError, match="harmonics"):
        parse_condition(f"{path}@2.5", 0)
