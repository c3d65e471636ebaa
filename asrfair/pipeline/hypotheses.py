"""The verbs that fill a run folder with hypotheses: by engines, or from transcripts made elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from asrfair import config as configuration
from asrfair.adapters import TranscriptSource, check_options, engine_class, load_engine
from asrfair.errors import InputError
from asrfair.files import made_folder
from asrfair.manifest import load_manifest
from asrfair.pipeline.joints import (
    Rows,
    begun,
    condition_record,
    failures,
    loaded_manifest,
    selected,
    system_record,
)
from asrfair.pipeline.results import Outcome
from asrfair.provenance import ConditionRecord, RunRecord, VerbClock, write_record
from asrfair.records import CLEAN, SystemInfo
from asrfair.store import HypothesisStore

if TYPE_CHECKING:
    from asrfair.transcribe.plan import SystemUnderTest

Progress = Callable[[int, int, int], None]
Hypotheses = Mapping[str, str | Path]


def transcribe(
    manifest: str | Path,
    out: str | Path,
    *,
    systems: Sequence[str | configuration.SystemSpec],
    conditions: Sequence[str] = (CLEAN,),
    limit: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    retries: int = 4,
    timeout_s: float = 300.0,
    retry_failed: bool = False,
    probes: int = 0,
    save_audio: bool = False,
    executor: str = "local",
    ray_address: str | None = None,
    store: str | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Transcribe a manifest under conditions by systems into a run folder; run it again and it continues.

    Args:
        manifest: folder or rows file.
        out: the run folder.
        systems: engines with their options.
        conditions: `clean`, `ENV@LEVEL` or `ENV`; ENV is the name of an environment or the path of its file.
        limit: a seeded sample of so many utterances.
        seed: of the sample and of the noise.
        workers: processes.
        retries: for faults that may pass.
        timeout_s: for one utterance, seconds.
        retry_failed: try again what failed for good before.
        probes: how many times ten seconds of silence are heard under each condition.
        save_audio: keep copies of what is heard, for people to listen to, in the run folder's `audio/`.
        executor: `local` or `ray`.
        ray_address: of the Ray cluster, `auto` or `ray://HOST:10001`; None starts one on this machine.
        store: URL that the hypotheses are kept at; None for the run folder, or for where they are already.
        progress: called with rows ended, rows in all, rows failed.

    Raises:
        InputError: a faulty manifest, an unknown engine, option or environment, a run folder in use.
    """
    from asrfair.pipeline.surroundings import BANKS_FOLDER, parse_conditions, surroundings
    from asrfair.transcribe.plan import Plan, SystemUnderTest
    from asrfair.transcribe.run import transcribe as transcribe_plan

    clock, folder = VerbClock("transcribe"), Path(out)
    specs = [s if isinstance(s, configuration.SystemSpec) else configuration.parse_system(s) for s in systems]
    _check_systems(specs, conditions)
    parsed = parse_conditions(conditions, seed)
    sources = {s.system_id: _source(s) for s in specs if issubclass(engine_class(s.engine), TranscriptSource)}
    hearing = [SystemUnderTest(s.system_id, s.engine, s.options) for s in specs if s.system_id not in sources]
    loaded = load_manifest(manifest, audio="exists" if hearing else "ignore")
    rows = selected(loaded, limit, seed)
    plan = Plan(
        utterances=Rows(loaded, rows),
        folder=loaded.folder,
        surroundings=surroundings(loaded, parsed, seed),
        workers=workers,
        retries=retries,
        timeout_s=timeout_s,
        retry_failed=retry_failed,
        probes=probes,
        banks=folder / BANKS_FOLDER,
        listening=folder / "audio" if save_audio else None,
        executor=executor,
        ray_address=ray_address,
    )
    with HypothesisStore(folder, store) as rows_store, ExitStack() as afterwards:
        shutil.rmtree(folder / BANKS_FOLDER, ignore_errors=True)  # Of a run that was killed, perhaps by older code.
        if plan.listening is not None:
            made_folder(plan.listening)
        afterwards.callback(shutil.rmtree, folder / BANKS_FOLDER, ignore_errors=True)
        record = begun(folder, loaded, limit, seed)
        for condition, environment in parsed:
            record.add_condition(condition_record(condition, environment))

        def note(system: SystemUnderTest, info: SystemInfo) -> None:
            record.add_system(system_record(system.system_id, system.engine, info), [c.condition_id for c, _ in parsed])
            write_record(folder, record)

        _take_in(sources, rows, rows_store, folder, record)
        summary = transcribe_plan(plan, hearing, rows_store, progress, note)
        record.failures = failures(folder, record, rows, loaded.attributes)
        record.verbs.append(clock.entry(**summary.facts()))
        write_record(folder, record)
    return Outcome(summary.as_text(), record.as_dict(), summary.interrupted)


def ingest(manifest: str | Path, hypotheses: Hypotheses, out: str | Path) -> dict[str, list[str]]:
    """Take in transcripts made elsewhere as the hypotheses of a run.

    Args:
        manifest: folder or rows file.
        hypotheses: system name -> file.
        out: the run folder.

    Returns:
        System name -> ids in its file that the manifest does not know; they are not used.

    Raises:
        InputError: a faulty manifest or file, a run folder in use.
    """
    clock, folder = VerbClock("transcribe"), Path(out)
    specs = [
        configuration.SystemSpec(engine="precomputed", id=name, options={"file": str(file)})
        for name, file in hypotheses.items()
    ]
    sources = {spec.system_id: _source(spec) for spec in specs}
    loaded = loaded_manifest(manifest)
    with HypothesisStore(folder) as store:
        record = begun(folder, loaded, None, 0)
        record.add_condition(ConditionRecord(condition_id=CLEAN))
        strangers = _take_in(sources, loaded.table, store, folder, record)
        sources.clear()  # their texts are in the store now
        record.failures = failures(folder, record, loaded.table, loaded.attributes)
        record.verbs.append(clock.entry(not_in_manifest={name: len(ids) for name, ids in strangers.items()}))
        write_record(folder, record)
    return strangers


def _check_systems(specs: Sequence[configuration.SystemSpec], conditions: Sequence[str]) -> None:
    """Refuse what can be seen to be wrong before anything is loaded.

    Raises:
        InputError: an unknown engine or option, two systems of one name, transcripts under a condition.
    """
    names = [spec.system_id for spec in specs]
    for spec in specs:
        check_options(spec.engine, spec.options)
        if names.count(spec.system_id) > 1:
            raise InputError(f"two systems are called {spec.system_id!r}; name one: --system {spec.engine},id=NAME,...")
        if issubclass(engine_class(spec.engine), TranscriptSource) and list(conditions) != [CLEAN]:
            raise InputError(f"{spec.engine} looks up transcripts of the audio as it is: --condition clean alone")


def _source(spec: configuration.SystemSpec) -> TranscriptSource:
    """The transcripts of a system that was transcribed elsewhere."""
    source = load_engine(spec.engine, spec.options)
    if not isinstance(source, TranscriptSource):
        raise InputError(f"{spec.engine} hears audio; it looks up no transcripts")
    return source


def _take_in(
    sources: Mapping[str, TranscriptSource], rows: pa.Table, store: HypothesisStore, folder: Path, record: RunRecord
) -> dict[str, list[str]]:
    """Store the transcripts of some systems; returns the ids that the manifest does not know, by system."""
    from asrfair.transcribe.source import take_in

    for name, source in sources.items():
        record.add_system(system_record(name, "precomputed", source.describe()), [CLEAN])
    write_record(folder, record)
    return {name: take_in(source, name, rows["utterance_id"], store) for name, source in sources.items()}
