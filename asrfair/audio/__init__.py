"""Audio in: files to mono samples, and the levels that noise is mixed by."""

from asrfair.audio.decode import file_duration_s, file_sha256, read_audio
from asrfair.audio.level import ActiveLevel, active_speech_level, energy, rms_dbfs
from asrfair.audio.resample import resample
from asrfair.audio.reverberation import (
    decay_curve_db,
    direct_tap,
    direct_to_reverberant_db,
    reverberation_time_s,
)

__all__ = [
    "ActiveLevel",
    "active_speech_level",
    "decay_curve_db",
    "direct_tap",
    "direct_to_reverberant_db",
    "energy",
    "file_duration_s",
    "file_sha256",
    "read_audio",
    "resample",
    "reverberation_time_s",
    "rms_dbfs",
]
