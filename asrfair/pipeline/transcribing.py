"""The verb transcribe: a manifest under conditions by systems into a run folder; and what it would ask for."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from asrfair import config as configuration
from asrfair.adapters import Adapter, TranscriptSource, check_options, engine_class
from asrfair.errors import InputError
from asrfair.files import made_folder
from asrfair.manifest import Manifest, load_manifest
from asrfair.pipeline.hypotheses import taken_in, transcript_source
from asrfair.pipeline.joints import Rows, begun, condition_record, failures, selected, system_record
from asrfair.pipeline.results import Outcome
from asrfair.provenance import RUN_FILE, RunRecord, VerbClock, write_record
from asrfair.records import CLEAN, Condition, SystemInfo
from asrfair.store import HypothesisStore, read_hypotheses, read_repeats

if TYPE_CHECKING:
    from asrfair.stress import Environment
    from asrfair.transcribe.plan import Plan, SystemUnderTest
    from asrfair.transcribe.prices import PriceTable

Progress = Callable[[int, int, int], None]


def transcribe(
    manifest: str | Path,
    out: str | Path,
    *,
    systems: Sequence[str | configuration.SystemSpec],
    conditions: Sequence[str] = (CLEAN,),
    limit: int | None = None,
    seed: int = 0,
    save_audio: bool = False,
    prices: str | Path | None = None,
    store: str | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> Outcome:
    """Transcribe a manifest under conditions by systems into a run folder; run it again and it continues.

    Args:
        manifest: folder or rows file.
        out: the run folder.
        systems: engines with their options.
        conditions: `clean`, `ENV@LEVEL` or `ENV`; ENV is the name of an environment or the path of its file.
        limit: a seeded sample of so many utterances.
        seed: of the sample and of the noise.
        save_audio: keep copies of what is heard, for people to listen to, in the run folder's `audio/`.
        prices: a price table of one's own; None for the one that comes with asrfair.
        store: URL that the hypotheses are kept at, such as `s3://bucket/prefix`; None for the run folder, or for where
            they are already.
        progress: called with rows ended, rows in all, rows failed.
        **how: further fields of `asrfair.transcribe.plan.Plan`: workers, retries, timeout_s, retry_failed, probes,
            repeats, gpus, budget, breaker, executor, address.

    Raises:
        InputError: a faulty manifest, an unknown engine, option or environment, a run folder in use; a system whose
            engine cannot be loaded or only dies, after the others were transcribed.
    """
    from asrfair.pipeline.surroundings import BANKS_FOLDER
    from asrfair.transcribe.meter import Meter
    from asrfair.transcribe.run import transcribe as transcribe_plan

    clock, folder = VerbClock("transcribe"), Path(out)
    ready = _prepared(manifest, folder, systems, conditions, limit, seed, prices, save_audio, how)
    plan = ready.plan
    with HypothesisStore(folder, store) as rows, ExitStack() as afterwards:
        shutil.rmtree(folder / BANKS_FOLDER, ignore_errors=True)  # Of a run that was killed, perhaps by older code.
        if plan.listening is not None:
            made_folder(plan.listening)
        afterwards.callback(shutil.rmtree, folder / BANKS_FOLDER, ignore_errors=True)
        record = begun(folder, ready.manifest, limit, seed)
        for condition, environment in ready.conditions:
            record.add_condition(condition_record(condition, environment))

        def note(system: SystemUnderTest, info: SystemInfo) -> None:
            names = [condition.condition_id for condition, _ in ready.conditions]
            record.add_system(system_record(system.system_id, system.engine, info), names)
            write_record(folder, record)

        _note_what_was_asked(record, ready.hearing, how)
        sources = {spec.system_id: transcript_source(spec) for spec in ready.sources}
        taken_in(sources, ready.rows, rows, folder, record)
        summary = transcribe_plan(plan, ready.hearing, rows, progress, note)
        record.failures = failures(folder, record, ready.rows, ready.manifest.attributes)
        record.usage = {name: usage.as_dict() for name, usage in Meter(folder).systems.items()}
        record.verbs.append(clock.entry(**summary.facts()))
        write_record(folder, record)
    if summary.broken and not summary.interrupted:
        said = [f"{name}: {error}" for name, error in summary.broken.items()]
        raise InputError("\n".join([*said, "the other systems were heard; the same command tries these again"]))
    return Outcome(summary.as_text(), record.as_dict(), summary.interrupted)


def _note_what_was_asked(record: RunRecord, hearing: Sequence[SystemUnderTest], how: dict[str, Any]) -> None:
    """Keep how the systems were asked for, so that a card can print the command; of a path only the last part."""
    systems = {
        system.system_id: {k: PurePath(v).name if isinstance(v, str) else v for k, v in system.options.items()}
        for system in hearing
    }
    record.config |= {"systems": record.config.get("systems", {}) | systems}
    record.config |= {name: how[name] for name in ("probes", "repeats") if name in how}


def dry_run(
    manifest: str | Path,
    out: str | Path,
    *,
    systems: Sequence[str | configuration.SystemSpec],
    conditions: Sequence[str] = (CLEAN,),
    limit: int | None = None,
    seed: int = 0,
    prices: str | Path | None = None,
    **how: Any,
) -> str:
    """What `transcribe` would ask for: requests, minutes and cost by system. Nothing is asked and nothing written.

    Args:
        manifest: as for `transcribe`, as are the others.
        out: the run folder; it need not be there.
        systems: engines with their options.
        conditions: under which.
        limit: a seeded sample of so many utterances.
        seed: of the sample.
        prices: a price table of one's own.
        **how: as for `transcribe`, as is what is raised.
    """
    from asrfair.transcribe.estimate import estimate
    from asrfair.transcribe.meter import Meter

    folder = Path(out)
    ready = _prepared(manifest, folder, systems, conditions, limit, seed, prices, False, how)
    kept: dict[tuple[str, str], set[str]] = {}
    if (folder / RUN_FILE).exists():
        columns = ["system_id", "condition_id", "utterance_id", "status"]
        for table in (read_hypotheses(folder, columns=columns), read_repeats(folder, columns=columns)):
            done = table.filter(pc.field("status") == "ok").select(columns[:3])
            for system_id, condition_id, utterance_id in zip(*(c.to_pylist() for c in done.columns), strict=True):
                kept.setdefault((system_id, condition_id), set()).add(utterance_id)
    used = Meter(folder).systems
    return "\n".join(e.as_text() for e in estimate(ready.plan, ready.hearing, kept, used)) or "Nothing to ask for."


@dataclass(frozen=True, slots=True)
class _Ready:
    """What was asked for, checked."""

    plan: Plan
    hearing: Sequence[SystemUnderTest]
    sources: Sequence[configuration.SystemSpec]
    conditions: Sequence[tuple[Condition, Environment | None]]
    manifest: Manifest
    rows: pa.Table


def _prepared(
    manifest: str | Path,
    folder: Path,
    systems: Sequence[str | configuration.SystemSpec],
    conditions: Sequence[str],
    limit: int | None,
    seed: int,
    prices: str | Path | None,
    save_audio: bool,
    how: dict[str, Any],
) -> _Ready:
    """Check what was asked for, before anything is loaded or written.

    Raises:
        InputError: whatever of it cannot be used.
    """
    from asrfair.pipeline.surroundings import BANKS_FOLDER, parse_conditions, surroundings
    from asrfair.transcribe.plan import Plan, SystemUnderTest
    from asrfair.transcribe.prices import PriceTable

    for name in ("timeout_s", "budget"):
        if how.get(name) is not None and not 0.0 < how[name] < math.inf:
            raise InputError(f"{name}: {how[name]} is not positive")
    specs = [s if isinstance(s, configuration.SystemSpec) else configuration.parse_system(s) for s in systems]
    _check_how(how)
    table = PriceTable.load(None if prices is None else Path(prices))
    _check_systems(specs, conditions, table if how.get("budget") is not None else None)
    parsed = parse_conditions(conditions, seed)
    sources = [spec for spec in specs if issubclass(engine_class(spec.engine), TranscriptSource)]
    hearing = [
        SystemUnderTest(s.system_id, s.engine, s.options, s.concurrency, s.requests_per_s)
        for s in specs
        if s not in sources
    ]
    loaded = load_manifest(manifest, audio="exists" if hearing else "ignore")
    rows = selected(loaded, limit, seed)
    plan = Plan(
        utterances=Rows(loaded, rows),
        folder=loaded.folder,
        surroundings=surroundings(loaded, parsed, seed),
        banks=folder / BANKS_FOLDER,
        listening=folder / "audio" if save_audio else None,
        prices=table,
        **how,
    )
    return _Ready(plan, hearing, sources, parsed, loaded, rows)


def _check_systems(
    specs: Sequence[configuration.SystemSpec], conditions: Sequence[str], prices: PriceTable | None
) -> None:
    """Refuse what can be seen to be wrong before anything is loaded.

    Args:
        specs: the systems.
        conditions: under which.
        prices: what there is to hold a budget with; None without a budget.

    Raises:
        InputError: an unknown engine or option, two systems of one name, transcripts under a condition, several calls
            at once of an engine that takes one, a budget for a system without a price.
    """
    names = [spec.system_id for spec in specs]
    for spec in specs:
        check_options(spec.engine, spec.options)
        if names.count(spec.system_id) > 1:
            raise InputError(f"two systems are called {spec.system_id!r}; name one: --system {spec.engine},id=NAME,...")
        if issubclass(engine_class(spec.engine), TranscriptSource) and list(conditions) != [CLEAN]:
            raise InputError(f"{spec.engine} looks up transcripts of the audio as it is: --condition clean alone")
        _check_pace(spec)
        if prices is not None:
            _check_price(spec, prices)


def _check_how(how: dict[str, Any]) -> None:
    """Refuse numbers that would let everything fail, or no budget hold, and an address that nobody would go to."""
    for option in ("budget", "timeout_s"):
        value = how.get(option)
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"--{option.removesuffix('_s')} {value}: not a number above 0")
    if how.get("address") is not None and how.get("executor", "local") != "ray":
        raise InputError("--address is that of a Ray cluster: add --executor ray")


def _check_pace(spec: configuration.SystemSpec) -> None:
    """Refuse several calls at once of an engine that takes one."""
    cls = engine_class(spec.engine)
    if (spec.concurrency or 1) > 1 and not (issubclass(cls, Adapter) and cls.concurrency > 1):
        raise InputError(
            f"{spec.system_id}: concurrency={spec.concurrency}: this engine takes one call at a time; use --workers"
        )


def _check_price(spec: configuration.SystemSpec, prices: PriceTable) -> None:
    """Refuse a budget that could not be held."""
    cls = engine_class(spec.engine)
    asks_a_server = issubclass(cls, Adapter) and cls.concurrency > 1
    if asks_a_server and prices.find(spec.engine, spec.options) is None:
        raise InputError(
            f"--budget: the price table of {prices.as_of} has no price for {spec.system_id}; copy asrfair's "
            "transcribe/prices.toml, add a [[price]] (0 if it costs nothing), and name the copy with --prices"
        )
