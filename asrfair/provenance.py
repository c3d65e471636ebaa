"""`run.json`: where the numbers of a run folder come from. Every verb reads it, adds what it did, and writes it back.

Numbers without a signature cannot be signed: versions, manifest digest, systems, conditions, normalisers, seed, machine
and times are all here, and the card prints them. The file is written aside, synced and renamed.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from asrfair import __version__
from asrfair.errors import RunFolderError
from asrfair.files import write_aside

RUN_FILE = "run.json"
PACKAGES = (
    *("numpy", "scipy", "pyarrow", "rapidfuzz", "msgspec", "soundfile", "soxr", "pocketsphinx", "espeakng-loader"),
    *("pyroomacoustics", "av", "audiomentations"),
)


class ManifestRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The manifest that a run was made from, and what its attributes mean."""

    path: str
    digest: str
    name: str
    version: str
    licence: str
    language: str
    collection: str
    consent: str
    notes: str | None = None
    n_utterances: int
    n_speakers: int
    attributes: dict[str, dict[str, Any]] = {}
    undeclared: list[str] = []


class SystemRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A system under test: the engine's own description, and how this run names it."""

    system_id: str
    name: str
    version: str
    options: dict[str, Any] = {}
    deterministic: bool = True
    engine: str = ""


class ConditionRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A condition, with the environment that it stands for: its digest, its source, and its level as a number."""

    condition_id: str
    environment: str | None = None
    level: str | None = None
    seed: int = 0
    environment_digest: str | None = None
    description: str | None = None
    source: str | None = None
    level_value: float | None = None
    level_unit: str = ""
    hardest: str = "lowest"


class NormalizerRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A normaliser, its version and the digest of its rules."""

    name: str
    version: str
    digest: str


class RunRecord(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything in `run.json`."""

    schema_version: int = 1
    run_id: str
    created: str
    asrfair_version: str = __version__
    manifest: ManifestRecord | None = None
    systems: list[SystemRecord] = []
    conditions: list[ConditionRecord] = []
    cells: list[tuple[str, str]] = []
    normalizers: list[NormalizerRecord] = []
    costs: str = "levenshtein"
    seed: int = 0
    limit: int | None = None
    config: dict[str, Any] = {}
    machine: dict[str, Any] = {}
    verbs: list[dict[str, Any]] = []
    coverage: dict[str, Any] = {}
    failures: list[dict[str, Any]] = []
    usage: dict[str, dict[str, Any]] = {}

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, as in the file."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def add_system(self, system: SystemRecord, condition_ids: list[str]) -> None:
        """Note that a system is run under these conditions.

        Raises:
            RunFolderError: the run folder already has another system of that name.
        """
        for known in self.systems:
            if known.system_id == system.system_id and known != system:
                raise RunFolderError(
                    f"system {system.system_id!r} of this run folder is {known.name} {known.version} {known.options}, "
                    f"not {system.name} {system.version} {system.options}; "
                    "give the new one a name of its own (--system ENGINE,id=NAME,...) or use another --out"
                )
        if system not in self.systems:
            self.systems.append(system)
        self.cells += [(system.system_id, c) for c in condition_ids if (system.system_id, c) not in self.cells]

    def add_condition(self, condition: ConditionRecord) -> None:
        """Note a condition.

        Raises:
            RunFolderError: the run folder already has another condition of that name.
        """
        for known in self.conditions:
            if known.condition_id == condition.condition_id and known != condition:
                raise RunFolderError(
                    f"condition {condition.condition_id!r} of this run folder was made with another seed or another "
                    "version of its environment; use another --out"
                )
        if condition not in self.conditions:
            self.conditions.append(condition)


def new_record(seed: int = 0) -> RunRecord:
    """A record for a run folder that has none yet."""
    return RunRecord(run_id=uuid.uuid4().hex[:12], created=now(), machine=machine(), seed=seed)


def read_record(folder: Path) -> RunRecord:
    """Read `run.json`.

    Raises:
        RunFolderError: there is none, or it is not one of this version.
    """
    path = folder / RUN_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunFolderError(f"{folder}: not a run folder (no {RUN_FILE}); make one with asrfair transcribe") from error
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path}: not a run file of this version of asrfair: {error}") from error


def open_record(folder: Path, seed: int = 0) -> RunRecord:
    """Read `run.json`, or begin one."""
    return read_record(folder) if (folder / RUN_FILE).exists() else new_record(seed)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `run.json`, aside first, so that a crash leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(record), indent=2)
    write_aside(folder / RUN_FILE, data)


class VerbClock:
    """Notes when a verb started and how long it took."""

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.started = now()
        self._tick = time.monotonic()

    def entry(self, **facts: Any) -> dict[str, Any]:
        """The verb's entry for `RunRecord.verbs`, with further facts."""
        seconds = round(time.monotonic() - self._tick, 3)
        return {"verb": self.verb, "started": self.started, "finished": now(), "seconds": seconds, **facts}


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def machine() -> dict[str, Any]:
    """Platform, processors and the versions of the packages that numbers may depend on. No host or user name."""
    from importlib import metadata

    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cpu_count": os.cpu_count(),
        "packages": packages,
    }
