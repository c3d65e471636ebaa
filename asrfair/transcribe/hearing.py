"""What an engine hears: audio read, resampled and put into its surroundings, in the prefetch thread of a worker.

An utterance comes under all its conditions in a row, so its file is read, resampled and measured once (`_Clip`).
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from asrfair.audio import ActiveLevel, active_speech_level, read_audio, resample
from asrfair.errors import AudioError, InputError, RunFolderError
from asrfair.files import made_folder, written_aside
from asrfair.records import Condition, Mix, Waveform
from asrfair.stress import Banks, Environment, Scene, Voices
from asrfair.transcribe.jobs import Job

FEWEST_CLIPS = 4
LONGEST_NAME = 120
READY_S = 0.5
"""Length of the silence that everything is tried on beforehand."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the engine is to hear, and what is told of it; None for clean audio."""

    waveform: Waveform
    mix: Mix | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """What a worker needs for making mixes.

    Attributes:
        system_id: that the mixes are for.
        conditions: that there will be.
        environments: name -> environment.
        banks: sounds that are made once and shared by the workers.
        voices: what babble is made of.
        listening: folder for copies of what was heard, for people to listen to; None for none.
    """

    system_id: str = ""
    conditions: Sequence[Condition] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    banks: Banks = field(default_factory=Banks)
    voices: Voices | None = None
    listening: Path | None = None


@dataclass(slots=True)
class _Clip:
    """An utterance as it is, with its level and its spectra where they were needed."""

    waveform: Waveform
    level: ActiveLevel | None = None
    is_measured: bool = False
    spectra: dict[tuple[int, int], NDArray[np.complex64]] = field(default_factory=dict)


class Hearing:
    """Makes what an engine hears; may be asked by several threads.

    Args:
        kit: what there is.
        rate_hz: that the engine wants.
        batch_size: that the engine likes: so many utterances come under all conditions in a row.
    """

    def __init__(self, kit: Kit, rate_hz: int, batch_size: int = 1) -> None:
        self._kit, self._rate_hz = kit, rate_hz
        self._most = max(FEWEST_CLIPS, 2 * batch_size)
        self._clips: OrderedDict[tuple[object, ...], _Clip] = OrderedDict()
        self._lock = threading.Lock()

    def get_ready(self) -> None:
        """Make the banks and load the libraries that the conditions need, before any clock runs.

        What cannot be made here is met again, and told, with the first utterance that needs it.
        """
        noisy = [condition for condition in self._kit.conditions if condition.environment is not None]
        if noisy:
            active_speech_level(Waveform(np.ones(1, np.float32), self._rate_hz))
        for condition in noisy:
            self.hear(Job("", None, None, READY_S, None, condition, is_speech=False, is_probe=True))
        self._clips.clear()

    def hear(self, job: Job) -> Heard | str:
        """The waveform of a job, or `KIND: why there is none`."""
        try:
            return self._heard(job)
        except AudioError as error:
            return f"audio: {error}"
        except (InputError, OSError) as error:
            return f"transient: {error}"  # a full disk, a recording or a library that is gone: another run may find it
        except MemoryError:
            return "audio: too long for this machine's memory; cut it into segments"
        except Exception as error:  # noqa: BLE001 - a decoder may raise anything; a dead thread would hang the run
            return f"audio: {type(error).__name__}: {error}"

    def _heard(self, job: Job) -> Heard:
        clip = self._clip(job)
        name = job.condition.environment
        if name is None:
            return self._kept(job, Heard(clip.waveform))
        if job.is_speech and not clip.is_measured:
            clip.level, clip.is_measured = active_speech_level(clip.waveform), True
        kit = self._kit
        scene = Scene(
            job.utterance_id,
            seed=job.condition.seed,
            speaker_id=job.speaker_id,
            turn=job.turn,
            is_speech=job.is_speech,
            banks=kit.banks,
            voices=kit.voices,
            clip=clip.waveform,
            clip_level=clip.level,
            spectra=clip.spectra,
        )
        waveform = kit.environments[name].apply(clip.waveform, job.condition, job.utterance_id, scene)
        return self._kept(job, Heard(waveform, _mix(kit.system_id, job, waveform, scene)))

    def _clip(self, job: Job) -> _Clip:
        """The utterance as it is, from the last ones or from its file."""
        place = (job.path, job.offset_s, job.duration_s)
        with self._lock:
            clip = self._clips.pop(place, None)
        clip = clip or _Clip(self._read(job))
        with self._lock:
            clip = self._clips.setdefault(place, clip)
            if len(self._clips) > self._most:
                self._clips.popitem(last=False)
        return clip

    def _read(self, job: Job) -> Waveform:
        """The utterance from its file, or silence for a probe."""
        if job.is_probe:
            return Waveform(np.zeros(round((job.duration_s or 0.0) * self._rate_hz), np.float32), self._rate_hz)
        if job.path is None:
            raise AudioError("the manifest names no audio for this utterance")
        segment = {"offset_s": job.offset_s, "duration_s": job.duration_s}
        waveform, _ = read_audio(job.path, **segment, expected_sha256=job.audio_sha256)
        return resample(waveform, self._rate_hz)

    def _kept(self, job: Job, heard: Heard) -> Heard:
        """Write a copy for listening, where that is wanted."""
        if self._kit.listening is not None and job.utterance_id:
            import soundfile

            names = [self._kit.system_id, job.condition.condition_id, *(["probes"] if job.is_probe else [])]
            folder = self._kit.listening.joinpath(*(file_name(name, safe="@") for name in names))
            made_folder(folder)
            path = folder / f"{file_name(job.utterance_id)}.flac"
            samples, rate = heard.waveform.samples, heard.waveform.sample_rate_hz
            try:
                with written_aside(path) as aside:
                    soundfile.write(aside, samples, rate, format="FLAC", subtype="PCM_24")
            except soundfile.LibsndfileError as error:
                raise RunFolderError(f"{path}: cannot be written (a full disk?): {error.error_string}") from error
        return heard


def file_name(text: str, *, safe: str = "") -> str:
    """A file name for any text: its own letters where they are harmless, a digest in place of what is too long."""
    name = quote(text, safe=safe)
    name = name.replace(".", "%2E") if name.startswith(".") else name
    return name if len(name) <= LONGEST_NAME else hashlib.sha256(name.encode()).hexdigest()


def _mix(system_id: str, job: Job, waveform: Waveform, scene: Scene) -> Mix:
    """What is told of a mix."""
    samples = np.ascontiguousarray(waveform.samples, dtype="<f4")
    return Mix(
        system_id,
        job.condition.condition_id,
        job.utterance_id,
        job.key,
        waveform.sample_rate_hz,
        waveform.duration_s,
        scene.speech_dbfs,
        scene.activity,
        [mixed.snr_asked_db for mixed in scene.mixed],
        [mixed.snr_db for mixed in scene.mixed],
        [mixed.noise_dbfs for mixed in scene.mixed],
        [mixed.piece for mixed in scene.mixed],
        scene.gain_db,
        list(scene.notes),
        hashlib.sha256(samples.data).hexdigest(),
    )
