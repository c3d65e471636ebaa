"""The verb profile: a recording of a room becomes an environment, with a picture of how near its synthesis comes."""

from __future__ import annotations

import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import soundfile

from asrfair import __version__
from asrfair.audio import resample
from asrfair.errors import InputError
from asrfair.files import write_aside
from asrfair.records import Waveform
from asrfair.report.figures import svg
from asrfair.report.room_page import render_room_page
from asrfair.report.room_pictures import RoomPictures, png, room_figure
from asrfair.report.room_text import render_room
from asrfair.seeds import rng_for
from asrfair.stress.lab.environment_file import environment_toml, recorded_toml, room_name
from asrfair.stress.lab.match import Match, compare, spectrogram_db
from asrfair.stress.lab.measure import measure
from asrfair.stress.lab.profile import Profile
from asrfair.stress.lab.recording import Recording, joined, read_recordings
from asrfair.stress.lab.spectrum import without_rumble
from asrfair.stress.lab.synthesis import synthesise

SCHEMA_VERSION = 1
LEVEL_DB = 10
SHORTEST_S, LONGEST_S = 2.0, 3600.0
SHOWN_S = 10.0
SHOWN_PERIODS = 24
RATES_HZ = (4_000, 192_000)


@dataclass(frozen=True, slots=True)
class ProfileOutcome:
    """What a profile has brought.

    Attributes:
        name: of the environment.
        profile: what was measured.
        match: how near the synthesis comes.
        files: what was written; the first is the environment.
    """

    name: str
    profile: Profile
    match: Match
    files: tuple[Path, ...]

    @property
    def command(self) -> str:
        """What to run next."""
        environment = shlex.quote(str(self.files[0]))
        return (
            f"asrfair transcribe MANIFEST --system NAME --condition clean --condition {environment}@{LEVEL_DB}dB "
            "--out RUN"
        )

    def as_text(self) -> str:
        """For people."""
        profile, match = msgspec.to_builtins(self.profile), msgspec.to_builtins(self.match)
        return render_room(profile, match, self.name, [str(file) for file in self.files], self.command)

    def as_json(self) -> str:
        """For machines: what stands in `NAME.json`."""
        return _json(self.name, self.profile, self.match).decode()


def profile(
    recordings: Sequence[str | Path],
    *,
    out: str | Path,
    name: str | None = None,
    seconds: float = 60.0,
    synthesise_wav: bool = True,
    with_recording: bool = False,
    rate_hz: int | None = None,
    seed: int = 0,
) -> ProfileOutcome:
    """Profile a room and synthesise it.

    Args:
        recordings: audio files of one room, 10 s or more together are good, 2 s each the least.
        out: folder to write to; made if absent.
        name: of the environment; from the first file's name unless given.
        seconds: length of the synthesis that is compared and written.
        synthesise_wav: write it as `NAME.wav`.
        with_recording: also write `NAME-recorded.toml` with the recordings as FLAC beside it.
        rate_hz: sample rate of the synthesis; that of the recording unless given.
        seed: of the synthesis.

    Returns:
        What was measured, how near the synthesis comes, and the files: NAME.toml, NAME.json, NAME.png, NAME.html,
        NAME.wav.

    Raises:
        InputError: a recording that cannot be used, or a name, length or rate that cannot be.
    """
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise InputError(f"--seconds {seconds}: {SHORTEST_S:g} to {LONGEST_S:g}")
    if rate_hz is not None and not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise InputError(f"--rate {rate_hz}: {RATES_HZ[0]} to {RATES_HZ[1]} samples a second")
    taken = read_recordings(recordings)
    name = room_name(name, taken[0].path.stem)
    found = measure(taken)
    original = without_rumble(joined(taken))
    rate = rate_hz or original.sample_rate_hz
    made = Waveform(synthesise(found, seconds, rate, rng_for(seed, name, "profile")), rate)
    match = compare(original, made)
    folder = _folder(Path(out))
    files = _content(name, found, match, (original, made), synthesise_wav, with_recording, taken)
    outcome = ProfileOutcome(name, found, match, tuple(folder / file for file in (*files, f"{name}.html")))
    files[f"{name}.html"] = _page(outcome, (original, made)).encode()
    for file, data in files.items():
        write_aside(folder / file, data)
    return outcome


def _folder(out: Path) -> Path:
    """The folder, made if absent."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be made: {error.strerror}") from error
    return out


def _content(
    name: str,
    found: Profile,
    match: Match,
    sounds: tuple[Waveform, Waveform],
    synthesise_wav: bool,
    with_recording: bool,
    taken: Sequence[Recording],
) -> dict[str, bytes]:
    """All files but the page, by name."""
    files = {
        f"{name}.toml": environment_toml(found, name, __version__).encode(),
        f"{name}.json": _json(name, found, match),
        f"{name}.png": png(room_figure(_pictures(found, match, sounds))),
    }
    if synthesise_wav:
        files[f"{name}.wav"] = _wav(sounds[1])
    if with_recording:
        number = {index: f"-{index + 1}" if len(taken) > 1 else "" for index in range(len(taken))}
        copies = {f"{name}-recorded{number[index]}.flac": _flac(one.waveform) for index, one in enumerate(taken)}
        files[f"{name}-recorded.toml"] = recorded_toml(found, f"{name}-recorded", list(copies), __version__).encode()
        files |= copies
    return files


def _json(name: str, found: Profile, match: Match) -> bytes:
    """`NAME.json`."""
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "asrfair": __version__,
        "profile": found,
        "match": match,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _page(outcome: ProfileOutcome, sounds: tuple[Waveform, Waveform]) -> str:
    """`NAME.html`."""
    picture = svg(room_figure(_pictures(outcome.profile, outcome.match, sounds)), "room")
    return render_room_page(
        msgspec.to_builtins(outcome.profile),
        msgspec.to_builtins(outcome.match),
        outcome.name,
        picture,
        [file.name for file in outcome.files],
        outcome.command,
    )


def _pictures(found: Profile, match: Match, sounds: tuple[Waveform, Waveform]) -> RoomPictures:
    """What is drawn: of a room that repeats some periods, of another 10 s."""
    period = None if found.repetition is None else found.repetition.period_s
    shown = SHOWN_S if period is None else float(np.clip(SHOWN_PERIODS * period, 1.0, SHOWN_S))
    rate = min(sound.sample_rate_hz for sound in sounds)
    both = [resample(sound, rate) for sound in sounds]
    (first, edges), (second, _) = (spectrogram_db(sound, shown) for sound in both)
    return RoomPictures(
        band_hz=match.band_hz,
        levels_dbfs=(match.original_dbfs, match.synthesis_dbfs),
        modulation_hz=match.modulation_hz,
        modulations_db=(match.original_modulation_db, match.synthesis_modulation_db),
        spectrograms_db=(first, second),
        edges_hz=edges,
        seconds=(min(shown, both[0].duration_s), min(shown, both[1].duration_s)),
    )


def _wav(sound: Waveform) -> bytes:
    """24 bits; turned down as a whole if crests would be clipped."""
    peak = float(np.max(np.abs(sound.samples), initial=0.0))
    out = io.BytesIO()
    soundfile.write(out, sound.samples / max(1.0, peak), sound.sample_rate_hz, format="WAV", subtype="PCM_24")
    return out.getvalue()


def _flac(sound: Waveform) -> bytes:
    """24 bits, without loss for recordings of so many."""
    out = io.BytesIO()
    soundfile.write(out, sound.samples, sound.sample_rate_hz, format="FLAC", subtype="PCM_24")
    return out.getvalue()
