"""The profile as an environment file: TOML that a person can read, with every number that the synthesis needs.

`NAME.toml` holds the profile itself (step type `profiled`), so that it can be passed on without the recording: what
people said in the room is not in it. `NAME-recorded.toml` is the room as it was recorded (step type `recorded`), and
needs the copy of the recording beside it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from asrfair.errors import InputError
from asrfair.records import CLEAN
from asrfair.stress.lab.profile import Profile

LEVELS_DB = (20, 15, 10, 5, 0)
WIDTH = 118
PLACE = "steps.profile"
LONGEST_NAME = 80
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")

_TOLD = {
    "level": "Root mean square from 17.8 Hz up, and levels exceeded 10, 50, 90 % of the time, dB re full scale.",
    "bands": "Third octaves (IEC 61260) of everything; noise_dbfs: without the tones, in twelfths of an octave "
    "from 17.8 Hz up.",
    "series": "Tones that are multiples of one fundamental.",
    "repetition": "What comes again and again. Below: power over its mean through one period, by octave (Hz), dB.",
    "swell": "Slow changes of the level. Below: changes that 0.5, 2, 10, 25, 50, 75, 90, 98, 99.5 % of the time stay "
    "below, by octave (Hz), dB.",
    "impulses": "Knocks and clatter. Below: share of the power of the noise that is in them, by octave (Hz).",
    "reverberation": "Blind, from free decays in the recording: an estimate from above.",
}


def room_name(wanted: str | None, file_stem: str) -> str:
    """The name of an environment.

    Args:
        wanted: as the user says; None for one made from the name of the file.
        file_stem: name of the recording.

    Raises:
        InputError: it cannot be one.

    >>> room_name(None, "MRI room (2nd take)")
    'MRI-room-2nd-take'
    """
    if wanted is None:
        made = re.sub(r"[^A-Za-z0-9._]+", "-", file_stem).strip("-._")[:LONGEST_NAME].strip("-._") or "room"
        return f"{made}-room" if made == CLEAN else made
    if not _NAME.fullmatch(wanted) or wanted == CLEAN:
        raise InputError(
            f"--name {wanted[: LONGEST_NAME + 1]!r}: at most {LONGEST_NAME} letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    return wanted


def environment_toml(profile: Profile, name: str, version: str) -> str:
    """The environment that synthesises the room.

    Args:
        profile: of the room.
        name: of the environment.
        version: of asrfair, which the source tells.
    """
    content = msgspec.to_builtins(profile)
    lines = [
        *_head(profile, name, f"{name}: synthesised from the profile of a recording. {_summary(profile)}", version),
        "[[steps]]",
        'type = "profiled"',
        'snr_db = "level"',
        "",
    ]
    plain = {key: value for key, value in content.items() if not isinstance(value, Mapping) and value is not None}
    parts = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    lines += [f"[{PLACE}]", *_pairs(plain)]
    for key, part in parts.items():
        lines += ["", f"# {_TOLD[key]}", *_table(f"{PLACE}.{key}", part)]
    return "\n".join(lines) + "\n"


def recorded_toml(profile: Profile, name: str, files: Sequence[str], version: str) -> str:
    """The environment that uses the recording itself.

    Args:
        profile: of the room.
        name: of the environment.
        files: names of the copies of the recordings, beside the environment file.
        version: of asrfair.
    """
    lines = [
        *_head(profile, name, f"{name}: pieces of the recording itself. {_summary(profile)}", version),
        "[[steps]]",
        'type = "recorded"',
        'snr_db = "level"',
        *_pairs({"files": list(files)}),
    ]
    return "\n".join(lines) + "\n"


def _head(profile: Profile, name: str, description: str, version: str) -> list[str]:
    """What every environment file begins with."""
    taken = "; ".join(
        f"{one.file} ({one.seconds:.1f} s at {one.rate_hz} Hz, recorded {one.recorded}, sha256 {one.sha256})"
        for one in profile.recordings
    )
    head = {
        "schema_version": 1,
        "name": name,
        "version": "1",
        "description": description,
        "source": f"Measured by asrfair {version} (asrfair profile) in {taken}. The SNR is over active speech "
        "(ITU-T P.56).",
        "level_unit": "dB",
        "levels": list(LEVELS_DB),
    }
    return [*_pairs(head), ""]


def _summary(profile: Profile) -> str:
    """What kind of room it is, in a few words."""
    parts = [f"{len(profile.tones)} tones" if profile.tones else "no tones"]
    if profile.series is not None:
        parts[0] += f" (series on {profile.series.fundamental_hz:.1f} Hz)"
    repetition = profile.repetition
    parts.append(
        "no repetition"
        if repetition is None
        else f"repeats every {repetition.period_s:.3f} s, {repetition.duty_cycle:.0%} of it on"
    )
    if profile.impulses is not None:
        parts.append(f"{profile.impulses.per_minute:.0f} impulses a minute")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _table(place: str, part: Mapping[str, Any]) -> Iterator[str]:
    """A table and the tables in it."""
    yield f"[{place}]"
    yield from _pairs({key: value for key, value in part.items() if not isinstance(value, Mapping)})
    for key, inner in part.items():
        if isinstance(inner, Mapping):
            yield ""
            yield from _table(f"{place}.{key}", inner)


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    """Keys with their values; what is None is left out."""
    for key, value in values.items():
        if value is None:
            continue
        line = f"{key} = {_value(value)}"
        if len(line) <= WIDTH or not isinstance(value, (list, tuple)):
            yield line
        else:
            yield f"{key} = ["
            yield from _rows(value)
            yield "]"


def _rows(values: Sequence[Any]) -> Iterator[str]:
    """The items of a long list, as many on a line as fit."""
    line = " "
    for value in values:
        item = f" {_value(value)},"
        if len(line) + len(item) > WIDTH and line.strip():
            yield line
            line = " "
        line += item
    yield line


def _value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode("utf-8")
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items() if one is not None) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return repr(value)
