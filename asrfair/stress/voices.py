"""The voices that babble is made of: a short loop of each speaker, all equally loud, none of them pausing.

At most `MOST_SPEAKERS` speakers, of the groups in turn, and `LONGEST_S` seconds of each. A speaker's recordings are
resampled, each brought to the same active speech level (ITU-T P.56), and joined. Pauses longer than `PAUSE_S` are
shortened to it: else babble of people who pause (who read word by word, say) would be thinner than babble of people who
do not, and how loud an utterance's babble is would hang on whom it drew. A pause is where the level of 20 ms is more
than 15.9 dB (the margin of P.56) below the active level. Recordings that cannot be read or are silent are left out;
what is told of a mix says of how many speakers that was true of all recordings.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import active_speech_level, read_audio, resample
from asrfair.audio.level import MARGIN_DB
from asrfair.errors import AudioError, InputError
from asrfair.records import Waveform
from asrfair.seeds import stable_hash
from asrfair.stress.banks import Banks
from asrfair.stress.join import joined
from asrfair.stress.pool import FADE_S, looped
from asrfair.stress.scene import NOMINAL_SPEECH_DBFS, Voice, Voices

MOST_SPEAKERS = 60
LONGEST_S = 20.0
"""Of each speaker: 60 speakers take 77 MB at 16 kHz."""

PAUSE_S = 0.3
FRAME_S = 0.02
CUT_FADE_S = 0.01
"""Cross-fade where a pause was shortened."""


@dataclass(frozen=True, slots=True)
class Talker:
    """A speaker of the babble.

    Attributes:
        speaker_id, group: who, and of which group.
        loop: the voice, float32, shape (n,); its end goes on at its beginning.
    """

    speaker_id: str
    group: str
    loop: NDArray[np.float32]


def check_voices(voices: Voices) -> None:
    """Refuse voices of which no balanced babble can be made for every utterance of the manifest.

    Args:
        voices: all that there are.

    Raises:
        InputError: fewer than 2 groups or 3 speakers, or no two groups are left without a group's only speaker.
    """
    chosen = _speakers(voices)
    groups = Counter(group for _, group in chosen)
    place = f"babble over the groups of {voices.attribute!r}"
    remedy = "balance it over another attribute, or use another noise"
    if len(groups) < 2 or len(chosen) < 3:
        raise InputError(
            f"{place} needs speakers of at least 2 groups, and 3 speakers or more: there are {len(chosen)} speakers of "
            f"{len(groups)} groups ({', '.join(sorted(groups)) or 'none'}); {remedy}"
        )
    alone = sorted(group for group, count in groups.items() if count == 1)
    if len(groups) == 2 and alone:
        raise InputError(
            f"{place}: the utterances of the only speaker of {alone[0]!r} could have no babble but of the other group; "
            f"{remedy}"
        )


def talkers_of(voices: Voices, rate_hz: int, banks: Banks) -> list[Talker]:
    """The voices as loops, made once for a run and a rate.

    Args:
        voices: of the run.
        rate_hz: the engine's.
        banks: where they are held: all samples in one array, the lengths in another.

    Returns:
        Talkers in an order that depends on the voices alone; those of whom nothing could be used have an empty loop.

    Raises:
        AudioError: none of the recordings can be used.
    """
    chosen, key = _speakers(voices), f"babble {voices.digest} {rate_hz} Hz"

    def loops() -> list[NDArray[np.float32]]:
        return [_voice(spoken, rate_hz) for spoken in chosen.values()]

    samples = banks.get(key, lambda: _packed(loops()))
    count = len(chosen)
    ends = count + np.cumsum(samples[:count].astype(np.int64))
    starts = [count, *ends[:-1].tolist()]
    return [
        Talker(speaker, group, samples[start:end])
        for (speaker, group), start, end in zip(chosen, starts, ends.tolist(), strict=True)
    ]


def _packed(loops: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """All samples in one array, after the length of each (exact in float32 up to 16 million)."""
    if not any(len(loop) for loop in loops):
        raise AudioError("babble: none of the voices can be used: their audio is missing, broken or silent")
    lengths = np.array([len(loop) for loop in loops], dtype=np.float32)
    return np.concatenate([lengths, *loops])


def _speakers(voices: Voices) -> dict[tuple[str, str], list[Voice]]:
    """(speaker, group) -> recordings: of the groups in turn, speakers in an order that depends on the names alone.

    A speaker who is in several groups counts in the one that is named first.
    """
    groups: dict[str, str] = {}
    spoken: dict[str, list[Voice]] = {}
    for voice in voices.voices:
        groups.setdefault(voice.speaker_id, voice.group)
        spoken.setdefault(voice.speaker_id, []).append(voice)
    queues: dict[str, list[str]] = {group: [] for group in sorted(set(groups.values()))}
    for speaker in sorted(spoken, key=lambda name: (stable_hash(name), name)):
        queues[groups[speaker]].append(speaker)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*queues.values()))
    chosen = itertools.islice((speaker for speaker in turns if speaker is not None), MOST_SPEAKERS)
    return {(speaker, groups[speaker]): spoken[speaker] for speaker in chosen}


def _voice(spoken: Sequence[Voice], rate_hz: int) -> NDArray[np.float32]:
    """A speaker's loop at the nominal active level; empty if no recording can be used."""
    parts, length = [], 0
    for part in _usable(spoken, rate_hz):
        parts.append(part)
        length += len(part)
        if length >= LONGEST_S * rate_hz:
            break
    if not parts:
        return np.zeros(0, dtype=np.float32)
    loop = looped(joined(parts, rate_hz, FADE_S)[: round(LONGEST_S * rate_hz)], rate_hz)
    level = active_speech_level(Waveform(loop, rate_hz))
    return loop if level is None else _scaled(loop, level.level_dbfs)


def _usable(spoken: Sequence[Voice], rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """A speaker's recordings at the nominal active level, without long pauses."""
    for voice in spoken:
        try:
            waveform, _ = read_audio(voice.path, offset_s=voice.offset_s, duration_s=voice.duration_s)
        except AudioError:
            continue
        waveform = resample(waveform, rate_hz)
        level = active_speech_level(waveform)
        if level is not None:
            yield _scaled(without_pauses(waveform.samples, rate_hz, level.level_dbfs), level.level_dbfs)


def _scaled(samples: NDArray[np.float32], level_dbfs: float) -> NDArray[np.float32]:
    """Samples at the nominal level of speech."""
    return samples * np.float32(10 ** ((NOMINAL_SPEECH_DBFS - level_dbfs) / 20))


def without_pauses(samples: NDArray[np.float32], rate_hz: int, level_dbfs: float) -> NDArray[np.float32]:
    """Speech whose pauses longer than `PAUSE_S` are shortened to it, silence before and after it included.

    Args:
        samples: speech, float32, shape (n,).
        rate_hz: samples a second.
        level_dbfs: its active speech level.

    Returns:
        float32; the speech as it is if it is shorter than 20 ms or all of it is a pause.
    """
    frame = round(FRAME_S * rate_hz)
    count = len(samples) // frame
    power = np.square(samples[: count * frame], dtype=np.float64).reshape(count, frame).mean(axis=1)
    speaking = np.flatnonzero(power > 10 ** ((level_dbfs - MARGIN_DB) / 10))
    if not len(speaking):
        return samples
    half = round(PAUSE_S / 2 / FRAME_S)
    breaks = np.flatnonzero(np.diff(speaking) - 1 > 2 * half)
    first = np.concatenate([speaking[:1], speaking[breaks + 1]]) - half
    last = np.concatenate([speaking[breaks], speaking[-1:]]) + 1 + half
    kept = [samples[max(0, a) * frame : b * frame] for a, b in zip(first.tolist(), last.tolist(), strict=True)]
    return joined(kept, rate_hz, CUT_FADE_S)
