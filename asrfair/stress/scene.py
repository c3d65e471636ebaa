"""The scene of one utterance under one condition: what its steps may draw from, and what they have to tell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import ActiveLevel, active_speech_level, rms_dbfs
from asrfair.errors import AudioError
from asrfair.records import Waveform
from asrfair.stress.banks import Banks
from asrfair.stress.stretch import Stretch

NOMINAL_SPEECH_DBFS = -26.0
"""Where nobody is to speak (a probe), noise is set against the nominal level of telephony (ITU-T P.56, P.800)."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A recording of one speaker, for babble.

    Attributes:
        speaker_id: who speaks; never mixed with that speaker's own utterances.
        group: the speaker's group in the attribute over which babble is balanced.
        path: the audio file.
        offset_s, duration_s: the segment, seconds; None for the start, or the end, of the file.
        audio_sha256: digest of the file.
    """

    speaker_id: str
    group: str
    path: Path
    offset_s: float | None
    duration_s: float | None
    audio_sha256: str


@dataclass(frozen=True, slots=True)
class Voices:
    """The speakers that babble is made of, the same for every utterance of a run.

    Attributes:
        attribute: over whose groups babble is balanced.
        voices: several of each speaker, speakers of every group.
    """

    attribute: str
    voices: Sequence[Voice]

    @property
    def digest(self) -> str:
        """Of everything that the babble depends on; part of the key of every hypothesis that hears it."""
        said = [(v.speaker_id, v.group, v.offset_s, v.duration_s, v.audio_sha256) for v in self.voices]
        return hashlib.sha256(repr((self.attribute, said)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Mixed:
    """What one noise step did.

    Attributes:
        snr_asked_db: as the step says.
        snr_db: measured on the samples of the mix: active speech level minus noise level.
        noise_dbfs: level of the noise in the mix.
        piece: which piece of a recorded noise; None for other noise.
    """

    snr_asked_db: float
    snr_db: float | None
    noise_dbfs: float | None
    piece: int | None


@dataclass(slots=True)
class Scene:
    """One utterance under one condition.

    Attributes:
        utterance_id: whose noise is drawn.
        seed: of the run.
        speaker_id: who speaks, for what must not be mixed with it; None where it is not known.
        turn: how many utterances of this speaker the manifest has before this one: recorded noise is cut into pieces
            that each speaker, and so each group, goes through in turn.
        is_speech: false for a probe: nobody speaks, and noise is set against `NOMINAL_SPEECH_DBFS`.
        banks: sounds that are made once.
        voices: what babble is made of; None where no step needs it.
        clip, clip_level: the audio before the first step and its level, where they are known already.
        mix, mix_level: what the last noise step made, and the level of the speech in it: noise steps in a row are all
            set against the same speech, never against speech and noise.
        spectra: of `clip`, by the size of its blocks; whoever puts one clip into several rooms hands one dict to all.
        piece: set by a step that took a piece of a recording, for the `Mixed` of that step.
        taken: the stretch of a pool that was taken last.
        mixed: what the noise steps did, in order.
        gain_db: by how much the mix was turned down so that it does not clip, dB (0 or negative).
        speech_dbfs, activity: active speech level before the first noise, and the share of time with speech.
        notes: what a listener should know, e.g. that a noise was looped.
    """

    utterance_id: str
    seed: int = 0
    speaker_id: str | None = None
    turn: int = 0
    is_speech: bool = True
    banks: Banks = field(default_factory=Banks)
    voices: Voices | None = None
    clip: Waveform | None = None
    clip_level: ActiveLevel | None = None
    mix: Waveform | None = None
    mix_level: ActiveLevel | None = None
    spectra: dict[tuple[int, int], NDArray[np.complex64]] = field(default_factory=dict)
    piece: int | None = None
    taken: Stretch | None = None
    mixed: list[Mixed] = field(default_factory=list)
    gain_db: float = 0.0
    speech_dbfs: float | None = None
    activity: float | None = None
    notes: list[str] = field(default_factory=list)

    def speech_level_dbfs(self, waveform: Waveform) -> float:
        """The active speech level that an SNR is set by.

        Args:
            waveform: the speech as it is when the noise comes to it.

        Raises:
            AudioError: there is no speech, so that an SNR is not defined.
        """
        if not self.is_speech:
            return NOMINAL_SPEECH_DBFS
        known = self.clip_level if waveform is self.clip else self.mix_level if waveform is self.mix else None
        return self.speaks_at(known or active_speech_level(waveform))

    def speaks_at(self, level: ActiveLevel | None) -> float:
        """Take note of the active speech level that a noise is set against; the first counts.

        Args:
            level: as measured; None for digital silence.

        Raises:
            AudioError: there is no speech, so that an SNR is not defined.
        """
        if level is None:
            raise AudioError("the speech is silent (every sample is 0), so a signal-to-noise ratio is not defined")
        if self.speech_dbfs is None:
            self.speech_dbfs, self.activity = level.level_dbfs, level.activity
        return level.level_dbfs

    def noise_level_dbfs(self, noise: NDArray[np.floating[Any]]) -> float:
        """The level of a noise before its gain: known already where it is the stretch that was taken last.

        Raises:
            AudioError: it is silent.
        """
        known = self.taken.level_dbfs if self.taken is not None and noise is self.taken.samples else None
        level = rms_dbfs(noise) if known is None else known
        if level is None:
            raise AudioError("the noise is silent: it has no level to set")
        return level

    def note(self, text: str) -> None:
        """Tell something once."""
        if text not in self.notes:
            self.notes.append(text)
