"""The profile of a room: what was measured in its recording, as data that a person can read and a program can refuse.

It stands inside an environment file (`[steps.profile]` of a step of type `profiled`) and in `NAME.json`. Levels are in
dB relative to full scale of the recording: how loud the room is for a person is not in a recording without calibration.
Unknown keys, numbers that are not finite and lists that do not fit each other are refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from asrfair.stress.lab.bands import FINE_EDGES_HZ, OCTAVES_HZ
from asrfair.stress.lab.cycles import MOST_POINTS

SCHEMA_VERSION = 1
QUANTILES = (0.005, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 0.995)
"""Of the slow changes of the level: how a profile holds their distribution."""

LARGEST_DB = 200.0
MOST_TONES = 1000


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a profile; refuses numbers that are not finite and what its own rules say."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not all(math.isfinite(number) for number in _numbers(getattr(self, name))):
                raise ValueError(f"{name} must be finite numbers")
        for rule, holds in self._rules().items():
            if not holds:
                raise ValueError(rule)

    def _rules(self) -> Mapping[str, bool]:
        """What must hold, and whether it does."""
        return {}


class Source(_Part, frozen=True, kw_only=True):
    """A recording: its file's name and digest, its date, length and rate; never where it lay."""

    file: str
    sha256: str
    recorded: str
    seconds: float
    rate_hz: int


class Level(_Part, frozen=True, kw_only=True):
    """How loud: root mean square from 17.8 Hz up, and levels exceeded 10, 50 and 90 % of the time (frames of 0.125 s).

    Attributes:
        dbfs: root mean square level, dB relative to full scale.
        l10_dbfs, l50_dbfs, l90_dbfs: exceeded by 10, 50, 90 % of the frames.
        crest_factor_db: peak over root mean square.
        kurtosis: of the samples; 3 for Gaussian noise.
        clipped_share: share of the samples in clipped crests.
    """

    dbfs: float
    l10_dbfs: float
    l50_dbfs: float
    l90_dbfs: float
    crest_factor_db: float
    kurtosis: float
    clipped_share: float


class Bands(_Part, frozen=True, kw_only=True):
    """The long-term spectrum.

    Attributes:
        highest_hz: half the sample rate: nothing is known above.
        tilt_db_per_octave: of third-octave levels from 100 Hz to 8 kHz; left out where there are too few.
        third_octave_hz, third_octave_dbfs: nominal centres (IEC 61260) and levels of everything, tones included.
        noise_dbfs: levels without the tones in twelfths of an octave from 17.8 Hz up (`1000 10^(j/40)` Hz, j >= -70).
    """

    highest_hz: float
    tilt_db_per_octave: float | None = None
    third_octave_hz: tuple[float, ...]
    third_octave_dbfs: tuple[float, ...]
    noise_dbfs: tuple[float, ...]

    def _rules(self) -> Mapping[str, bool]:
        most = len(FINE_EDGES_HZ) - 1
        return {
            "highest_hz must be positive": self.highest_hz > 0,
            f"noise_dbfs must be 1 to {most} levels": 1 <= len(self.noise_dbfs) <= most,
            f"noise_dbfs must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": _within(self.noise_dbfs, LARGEST_DB),
            "third_octave_dbfs must be as many as third_octave_hz": (
                len(self.third_octave_hz) == len(self.third_octave_dbfs)
            ),
        }


class Tone(_Part, frozen=True, kw_only=True):
    """A tone: frequency, level (root mean square), and how far it stands out of the noise around it in 0.5-Hz bins."""

    hz: float
    dbfs: float
    prominence_db: float

    def _rules(self) -> Mapping[str, bool]:
        return {
            "hz must be positive": self.hz > 0,
            f"dbfs must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": abs(self.dbfs) <= LARGEST_DB,
        }


class Series(_Part, frozen=True, kw_only=True):
    """A harmonic series: its fundamental, which multiples are there, and its share of the power of all tones."""

    fundamental_hz: float
    multiples: tuple[int, ...]
    share: float


class Repetition(_Part, frozen=True, kw_only=True):
    """What comes again and again.

    Attributes:
        period_s: from one to the next.
        strength: height of the autocorrelation of the envelope at the period, 0 to 1.
        jitter: standard deviation of the time between beginnings, as a share of the period.
        duty_cycle: share of the period above half the swing.
        envelope_db: octave centre (Hz, as text) -> power over its mean through one period, evenly spaced, dB.
    """

    period_s: float
    strength: float
    jitter: float
    duty_cycle: float
    envelope_db: dict[str, tuple[float, ...]]

    def _rules(self) -> Mapping[str, bool]:
        rows = list(self.envelope_db.values())
        return {
            "period_s must be 0.001 to 60 s": 0.001 <= self.period_s <= 60,
            "jitter must be at least 0 and below 0.5": 0 <= self.jitter < 0.5,
            f"envelope_db must have rows of 2 to {MOST_POINTS} points": bool(rows)
            and all(2 <= len(row) <= MOST_POINTS for row in rows),
            "envelope_db must have rows of one length": len({len(row) for row in rows}) == 1,
            f"envelope_db must have rows for the octaves {_OCTAVES} Hz": set(self.envelope_db) <= set(_NAMES),
            f"envelope_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": all(_within(row, LARGEST_DB) for row in rows),
        }


class Swell(_Part, frozen=True, kw_only=True):
    """Slow changes of the level that have no period.

    Attributes:
        deviation_db: standard deviation of the level over frames of 0.05 s, beyond what steady noise has.
        time_s: time in which the level forgets where it was (autocorrelation falls to 1/e).
        together: how much octaves change together: correlation, 0 to 1.
        level_db: octave centre (Hz, as text) -> the change that 0.5, 2, 10, 25, 50, 75, 90, 98, 99.5 % of the time
            stay below.
    """

    deviation_db: float
    time_s: float
    together: float
    level_db: dict[str, tuple[float, ...]]

    def _rules(self) -> Mapping[str, bool]:
        rows = list(self.level_db.values())
        return {
            "time_s must be positive": self.time_s > 0,
            "together must be 0 to 1": 0 <= self.together <= 1,
            f"level_db must have rows of {len(QUANTILES)} levels": all(len(row) == len(QUANTILES) for row in rows),
            "level_db must have rows that rise": all(list(row) == sorted(row) for row in rows),
            f"level_db must have rows for the octaves {_OCTAVES} Hz": set(self.level_db) <= set(_NAMES),
            f"level_db must be -{LARGEST_DB:g} to {LARGEST_DB:g} dB": all(_within(row, LARGEST_DB) for row in rows),
        }


class Impulses(_Part, frozen=True, kw_only=True):
    """Knocks, clicks and clatter.

    Attributes:
        per_minute: how many stand out of the room by 8 dB or more over all bands.
        height_db: how far, median.
        spread_db: standard deviation of their energies.
        decay_s: time for 60 dB in which they die away, median.
        share: octave centre (Hz, as text) -> share of the power of the noise there that is in impulses.
    """

    per_minute: float
    height_db: float
    spread_db: float
    decay_s: float
    share: dict[str, float]

    def _rules(self) -> Mapping[str, bool]:
        return {
            "per_minute must be above 0 and at most 6000": 0 < self.per_minute <= 6000,
            "spread_db must be 0 to 30 dB": 0 <= self.spread_db <= 30,
            "decay_s must be 0.001 to 20 s": 0.001 <= self.decay_s <= 20,
            "share must be 0 to 1": all(0 <= share <= 1 for share in self.share.values()),
            f"share must be for the octaves {_OCTAVES} Hz": set(self.share) <= set(_NAMES),
        }


class Decay(_Part, frozen=True, kw_only=True):
    """Reverberation, blind, from free decays of the recording: an estimate from above; no time without a reason."""

    decay_time_s: float | None = None
    n_decays: int
    reason: str | None = None


class Profile(_Part, frozen=True, kw_only=True):
    """A room, as it was recorded.

    Attributes:
        schema_version: of this data.
        recordings: what it is from.
        warnings: what its reader must know.
        level, bands, tones, series, repetition, swell, impulses, reverberation: see there; None where there is none.
    """

    schema_version: int = SCHEMA_VERSION
    recordings: tuple[Source, ...]
    warnings: tuple[str, ...] = ()
    level: Level
    bands: Bands
    tones: tuple[Tone, ...] = ()
    series: Series | None = None
    repetition: Repetition | None = None
    swell: Swell | None = None
    impulses: Impulses | None = None
    reverberation: Decay

    def _rules(self) -> Mapping[str, bool]:
        return {
            f"schema_version must be {SCHEMA_VERSION}": self.schema_version == SCHEMA_VERSION,
            f"tones must be {MOST_TONES} or fewer": len(self.tones) <= MOST_TONES,
        }


_NAMES = tuple(str(octave) for octave in OCTAVES_HZ)
_OCTAVES = ", ".join(_NAMES)


def _within(values: tuple[float, ...], largest: float) -> bool:
    """Whether no value is further from 0."""
    return all(abs(value) <= largest for value in values)


def _numbers(value: Any) -> list[float]:
    """The numbers of a field that is a number, a row or a mapping of those."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, Mapping):
        return [number for one in value.values() for number in _numbers(one)]
    if isinstance(value, tuple):
        return [number for one in value for number in _numbers(one)]
    return []
