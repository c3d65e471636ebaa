"""`RunConfig`: one TOML file that says a whole run, and the specifications of the command line.

    schema_version = 1
    manifest = "rows.jsonl"            # or its folder; relative paths count from this file
    out = "runs/ward-7"
    conditions = ["clean", "machine-hum@5dB"]
    by = ["accent", "accent*gender"]

    [baselines]
    accent = "us"

    [[systems]]
    engine = "pocketsphinx"
    options = { padding_s = 0.3 }

    [[families]]                       # optional: what is adjusted together
    name = "accents"
    attributes = ["accent"]
    conditions = ["clean"]

Unknown keys are refused, with the key named.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import msgspec

from asrfair.errors import ConfigError, InputError

K_LEAST = 3
SLOWEST_PER_S = 0.001
EXECUTORS = ("local", "ray")

OptionValue = str | int | float | bool


class SystemSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An engine with its options, and the name that this run gives it.

    Attributes:
        engine: name of the engine.
        id: the `system_id`; empty for the engine's name with its options.
        options: keyword arguments of the engine.
        concurrency: calls at once, of an engine that allows several (those behind a server); its own number by default.
        requests_per_s: highest rate of calls; none by default.
    """

    engine: str
    id: str = ""
    options: dict[str, OptionValue] = {}
    concurrency: int | None = None
    requests_per_s: float | None = None

    @property
    def system_id(self) -> str:
        """What the tables call it; of a path only the last part, because cards are published."""
        if self.id:
            return self.id
        named = {key: PurePath(value).name if isinstance(value, str) else value for key, value in self.options.items()}
        return ",".join([self.engine, *(f"{key}={value}" for key, value in sorted(named.items()))])


class HypothesesSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Transcripts made elsewhere: the system's name and the file."""

    name: str
    file: str


class FamilySpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Comparisons that are adjusted together, declared before looking; an empty list claims everything.

    Attributes:
        name: as it stands in the tables.
        kind: `confirmatory` or `screening`.
        method: `holm` or `max-t`; for a screening also `bh` (its default), `by` or `two-stage`.
        attributes, groups, conditions, systems: what it claims.
    """

    name: str
    kind: str = "confirmatory"
    method: str = ""
    attributes: list[str] = []
    groups: list[str] = []
    conditions: list[str] = []
    systems: list[str] = []


class RunConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole run. `max_failed` is a fraction of the utterances; times are in seconds."""

    schema_version: int
    manifest: str
    out: str
    systems: list[SystemSpec] = []
    hypotheses: list[HypothesesSpec] = []
    conditions: list[str] = msgspec.field(default_factory=lambda: ["clean"])
    limit: int | None = None
    seed: int = 0
    workers: int | None = None
    retries: int = 4
    timeout_s: float = 300.0
    max_failed: float = 0.05
    probes: int = 0
    repeats: int = 1
    save_audio: bool = False
    gpus: int | None = None
    budget: float | None = None
    prices: str | None = None
    breaker: int = 25
    executor: str = "local"
    address: str | None = None
    store: str | None = None
    normalizers: list[str] = []
    costs: str = "levenshtein"
    by: list[str] = []
    baselines: dict[str, str] = {}
    families: list[FamilySpec] = []
    adjust: list[str] = []
    deep: bool = False
    terms: str | None = None
    empty_ref: str = "count"
    design_effect: float | None = None
    threshold: float = 0.3
    real: list[str] = []
    difficulty: str | None = None
    k: int = 5
    card: str | None = None
    include_transcripts: bool = False
    include_audio: bool = False
    include_ids: bool = False


def load_config(path: Path) -> RunConfig:
    """Read a run configuration; relative paths in it count from its folder.

    Raises:
        ConfigError: absent, not TOML, an unknown or absent key, a value of the wrong type or range.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file in UTF-8: {error}") from error
    try:
        config = msgspec.convert(data, RunConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}; the keys are {', '.join(RunConfig.__struct_fields__)}") from error
    faults = list(_faults(config))
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    base = path.parent
    return msgspec.structs.replace(
        config,
        manifest=str(base / config.manifest),
        out=str(base / config.out),
        terms=None if config.terms is None else str(base / config.terms),
        difficulty=None if config.difficulty is None else str(base / config.difficulty),
        card=None if config.card is None else str(base / config.card),
        prices=None if config.prices is None else str(base / config.prices),
        conditions=[_found(condition, base) for condition in config.conditions],
        hypotheses=[msgspec.structs.replace(spec, file=str(base / spec.file)) for spec in config.hypotheses],
        systems=[_anchored(spec, base) for spec in config.systems],
    )


def _faults(config: RunConfig) -> list[str]:
    """What is wrong with the values of a configuration."""
    found = []
    if config.schema_version != 1:
        found.append(f"schema_version: {config.schema_version} is not known; this version reads 1")
    if not config.systems and not config.hypotheses:
        found.append("systems: none given; name at least one [[systems]] or [[hypotheses]]")
    ids = [spec.system_id for spec in config.systems] + [spec.name for spec in config.hypotheses]
    found += [f"systems: two are called {name!r}; give one an id" for name in _repeated(ids)]
    found += [
        f"{name}: {value} is no number above 0"
        for name, value in _positive(config)
        if value is not None and not 0 < value < math.inf
    ]
    found += [
        f"{name}: {getattr(config, name)} is negative" for name in ("probes", "retries") if getattr(config, name) < 0
    ]
    if config.executor not in EXECUTORS:
        found.append(f"executor: {config.executor!r} is not known; write one of {', '.join(EXECUTORS)}")
    found += [f"systems: {spec.system_id}: {fault}" for spec in config.systems for fault in _spec_faults(spec)]
    if not 0 <= config.max_failed <= 1:
        found.append(f"max_failed: {config.max_failed} is not a fraction between 0 and 1")
    return [*found, *_faults_of_analysis(config)]


def _spec_faults(spec: SystemSpec) -> Iterator[str]:
    """What is wrong with what a system is called, and with how fast it is to be asked."""
    if not spec.system_id.isprintable():
        yield f"the name {spec.system_id!r} cannot be printed; give it another: id=NAME"
    if spec.concurrency is not None and spec.concurrency < 1:
        yield f"concurrency: {spec.concurrency} is not 1 or more"
    if spec.requests_per_s is not None and not SLOWEST_PER_S <= spec.requests_per_s < math.inf:
        yield f"requests_per_s: {spec.requests_per_s} is not {SLOWEST_PER_S} or more, a call in a quarter of an hour"


def _faults_of_analysis(config: RunConfig) -> Iterator[str]:
    """What would be refused after everything is transcribed, as far as it can be seen before."""
    if config.k < K_LEAST:
        yield f"k: {config.k} is too small; a group of fewer than {K_LEAST} speakers is never published"
    for name, allowed in (("empty_ref", ("count", "separate")), ("costs", ("levenshtein", "sclite"))):
        if getattr(config, name) not in allowed:
            yield f"{name}: {getattr(config, name)!r} is not known; write one of {', '.join(allowed)}"
    if config.design_effect is not None and not config.design_effect >= 1.0:
        yield f"design_effect: {config.design_effect} is below 1"
    if not 0.0 < config.threshold < math.inf:
        yield f"threshold: {config.threshold} is no word error rate above 0, such as 0.3"
    if (config.include_audio or config.include_ids) and not config.include_transcripts:
        yield f"{'include_audio' if config.include_audio else 'include_ids'}: add include_transcripts = true"
    if config.terms is not None and not config.deep:
        yield "terms: they need the transcripts; add deep = true"
    names = [family.name for family in config.families]
    yield from (f"families: two are called {name!r}; give each its own name" for name in _repeated(names))
    if "" in names:
        yield "families: one has an empty name"


def _repeated(names: Sequence[str]) -> list[str]:
    """Those that occur more than once."""
    return sorted({name for name in names if names.count(name) > 1})


def _positive(config: RunConfig) -> list[tuple[str, float | None]]:
    """The values that must be positive where they are given."""
    names = ("limit", "workers", "timeout_s", "repeats", "gpus", "budget", "breaker")
    return [(name, getattr(config, name)) for name in names]


def _anchored(spec: SystemSpec, base: Path) -> SystemSpec:
    """Options that name a file or folder beside the configuration become a path to it; the system's name stays."""
    options = {
        key: str(base / value) if isinstance(value, str) and _is_beside(value, base) else value
        for key, value in spec.options.items()
    }
    return msgspec.structs.replace(spec, options=options, id=spec.system_id)


def _is_beside(value: str, base: Path) -> bool:
    """Whether a text names a file there, or, if it is written as a path, a folder: `en` may be a language."""
    return bool(value) and ((base / value).is_file() or ("/" in value and (base / value).is_dir()))


def _found(condition: str, base: Path) -> str:
    """A condition; if it names an environment's own file, from the configuration's folder."""
    name, sign, level = (condition, "", "") if condition.endswith(".toml") else condition.rpartition("@")
    return str(base / name) + sign + level if name.endswith(".toml") else condition


def parse_system(text: str) -> SystemSpec:
    """Read `NAME[,k=v]...`; the keys `id`, `concurrency` and `requests_per_s` are the run's, the others the engine's.

    Raises:
        InputError: a part that is not `key=value`, a number that is none.

    >>> parse_system("pocketsphinx,id=ps,padding_s=0.3").system_id
    'ps'
    """
    engine, *parts = text.split(",")
    options: dict[str, OptionValue] = {}
    for part in parts:
        key, sign, value = part.partition("=")
        if not sign or not key:
            raise InputError(f"--system {text}: {part!r} is not KEY=VALUE; write --system {engine or 'NAME'},KEY=VALUE")
        options[key.strip()] = value
    if not engine:
        raise InputError(f"--system {text}: no engine named; asrfair systems lists them")
    taken = {name: _number(text, name, options.pop(name, None)) for name in ("concurrency", "requests_per_s")}
    spec = SystemSpec(
        engine=engine,
        id=str(options.pop("id", "")),
        options=options,
        concurrency=None if taken["concurrency"] is None else int(taken["concurrency"]),
        requests_per_s=taken["requests_per_s"],
    )
    for fault in _spec_faults(spec):
        raise InputError(f"--system {text}: {fault}")
    return spec


def _number(text: str, name: str, value: OptionValue | None) -> float | None:
    """An option of the run as a number."""
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError as error:
        raise InputError(f"--system {text}: {name}={value} is not a number") from error
    if name == "concurrency" and not number.is_integer():
        raise InputError(f"--system {text}: {name}={value} is not a whole number")
    return number


def parse_pair(text: str, option: str, form: str) -> tuple[str, str]:
    """Read `NAME=VALUE` as in `--hypotheses NAME=FILE` and `--baseline ATTR=GROUP`.

    Raises:
        InputError: there is no `=`, or nothing on one side of it.
    """
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise InputError(f"{option} {text}: not {form}")
    return name, value
