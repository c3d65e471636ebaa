"""Audio in: files to mono samples, and the levels that noise is mixed by."""

from asrfair.audio.decode import file_duration_s, file_sha256, read_audio
from asrfair.audio.level import ActiveLevel, active_speech_level, energy, rms_dbfs
from asrfair.audio.resample import resample

__all__ = [
    "ActiveLevel",
    "active_speech_level",
    "energy",
    "file_duration_s",
    "file_sha256",
    "read_audio",
    "resample",
    "rms_dbfs",
]
