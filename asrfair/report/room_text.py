"""A room in plain words: what was measured in its recording, and how near its synthesis comes.

Takes the profile and the match as plain mappings, as they stand in `NAME.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asrfair.report.columns import wrapped

MOST_TONES = 8
NEAR_DB, FAR_DB = 2.0, 4.0
"""A synthesis is called near where no band that matters is further off than the first, far beyond the second."""


def room_sentences(profile: Mapping[str, Any], match: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, as pairs of a heading and a sentence.

    Args:
        profile: as in `NAME.json`.
        match: as in `NAME.json`.
    """
    said = [
        ("Recording", _recording(profile)),
        ("Level", _level(profile["level"])),
        ("Spectrum", _spectrum(profile["bands"])),
        ("Tones", _tones(profile)),
        ("Repetition", _repetition(profile["repetition"])),
        ("Slow changes", _swell(profile["swell"])),
        ("Impulses", _impulses(profile["impulses"], profile["level"])),
        ("Reverberation", _decay(profile["reverberation"])),
        ("Match", _match(match)),
    ]
    return [*(("Mind", warning) for warning in profile["warnings"]), *said]


def render_room(
    profile: Mapping[str, Any], match: Mapping[str, Any], name: str, files: Sequence[str], command: str
) -> str:
    """A profile for a terminal.

    Args:
        profile: as in `NAME.json`.
        match: as in `NAME.json`.
        name: of the environment.
        files: what was written.
        command: what to run next.
    """
    lines = [f"The room {name}"]
    lines += [wrapped(text, first=f"- {heading}: ") for heading, text in room_sentences(profile, match)]
    # Paths and commands are not broken: they are to be copied.
    return "\n".join([*lines, "", "Written", *(f"  {file}" for file in files), "", "Next", f"  {command}"])


def _recording(profile: Mapping[str, Any]) -> str:
    """What it is from."""
    taken = [
        f"{one['file']}, {one['seconds']:.1f} s at {one['rate_hz']} Hz, {one['recorded']}"
        for one in profile["recordings"]
    ]
    return "; ".join(taken) + "."


def _level(level: Mapping[str, Any]) -> str:
    """How loud."""
    return (
        f"{level['dbfs']:.1f} dB re full scale; above {level['l10_dbfs']:.1f} dB for a tenth of the time, above "
        f"{level['l50_dbfs']:.1f} for half of it, above {level['l90_dbfs']:.1f} for nine tenths. Without calibration "
        "of the microphone this says nothing about how loud the room is for a person."
    )


def _spectrum(bands: Mapping[str, Any]) -> str:
    """Where the power is."""
    levels = bands["third_octave_dbfs"]
    loudest = bands["third_octave_hz"][max(range(len(levels)), key=levels.__getitem__)]
    tilt = bands["tilt_db_per_octave"]
    slope = "" if tilt is None else f"; third octaves {_slope(tilt)} from 100 Hz to 8 kHz"
    return f"loudest third octave at {loudest:g} Hz{slope}. Nothing is known above {bands['highest_hz']:.0f} Hz."


def _slope(tilt: float) -> str:
    """A tilt in words."""
    if abs(tilt) < 0.5:
        return "are level (as pink noise)"
    return f"{'rise' if tilt > 0 else 'fall'} by {abs(tilt):.1f} dB per octave"


def _tones(profile: Mapping[str, Any]) -> str:
    """Which tones."""
    tones, series = profile["tones"], profile["series"]
    if not tones:
        return "none stands out of the noise."
    strongest = sorted(sorted(tones, key=lambda tone: -tone["dbfs"])[:MOST_TONES], key=lambda tone: float(tone["hz"]))
    listed = ", ".join(f"{tone['hz']:.1f} Hz ({tone['dbfs']:.0f} dB)" for tone in strongest)
    text = f"{len(tones)}: {listed}" if len(tones) <= MOST_TONES else f"{len(tones)}, the strongest {listed}"
    if series is None:
        return f"{text}; no harmonic series."
    return (
        f"{text}; a harmonic series on {series['fundamental_hz']:.2f} Hz with {len(series['multiples'])} multiples, "
        f"{series['share'] * 100:.0f} % of the power of the tones."
    )


def _repetition(found: Mapping[str, Any] | None) -> str:
    """What comes again."""
    if found is None:
        return "none: the envelope has no period from 0.04 to 10 s (or a quarter of the recording)."
    return (
        f"every {found['period_s']:.4f} s ({1 / found['period_s']:.2f} a second), strength {found['strength']:.2f} of "
        f"1, on for {found['duty_cycle'] * 100:.0f} % of the time, jitter {found['jitter'] * 100:.1f} % of the period."
    )


def _swell(found: Mapping[str, Any] | None) -> str:
    """How the level wanders."""
    if found is None:
        return "none beyond what steady noise has."
    return (
        f"the level wanders by up to {found['deviation_db']:.1f} dB (standard deviation, the octave that wanders "
        f"most) and forgets where it was in {found['time_s']:.2f} s."
    )


def _impulses(found: Mapping[str, Any] | None, level: Mapping[str, Any]) -> str:
    """What knocks."""
    peaks = f"Kurtosis {level['kurtosis']:.1f} (3 for Gaussian noise), crest factor {level['crest_factor_db']:.0f} dB."
    if found is None:
        return f"none. {peaks}"
    return (
        f"{found['per_minute']:.0f} a minute, {found['height_db']:.0f} dB out of the room (median), dying away by 60 "
        f"dB in {found['decay_s']:.2f} s. {peaks}"
    )


def _decay(found: Mapping[str, Any]) -> str:
    """How long sound stays."""
    if found["decay_time_s"] is None:
        return f"not known: {found['reason']}."
    return (
        f"about {found['decay_time_s']:.2f} s or less for 60 dB, blind, from {found['n_decays']} decays in the "
        "recording; an impulse response tells more."
    )


def _match(match: Mapping[str, Any]) -> str:
    """How near the synthesis comes."""
    largest = abs(match["largest_db"])
    judged = "near" if largest <= NEAR_DB else "fair" if largest <= FAR_DB else "far: use the recording itself"
    return (
        f"{judged}. Third octaves differ by {match['rms_db']:.1f} dB (root mean square), at most by "
        f"{match['largest_db']:+.1f} dB; the envelope spectrum by {match['modulation_rms_db']:.1f} dB; levels exceeded "
        f"10, 50, 90 % of the time by {match['l10_db']:+.1f}, {match['l50_db']:+.1f}, {match['l90_db']:+.1f} dB."
    )
