"""Transcripts made elsewhere become the hypotheses of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from asrfair import config as configuration
from asrfair.adapters import TranscriptSource, load_engine
from asrfair.errors import InputError
from asrfair.pipeline.joints import begun, failures, loaded_manifest, system_record
from asrfair.provenance import ConditionRecord, RunRecord, VerbClock, write_record
from asrfair.records import CLEAN
from asrfair.store import HypothesisStore

Hypotheses = Mapping[str, str | Path]


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
    sources = {spec.system_id: transcript_source(spec) for spec in specs}
    loaded = loaded_manifest(manifest)
    with HypothesisStore(folder) as store:
        record = begun(folder, loaded, None, 0)
        record.add_condition(ConditionRecord(condition_id=CLEAN))
        strangers = taken_in(sources, loaded.table, store, folder, record)
        sources.clear()  # their texts are in the store now
        record.failures = failures(folder, record, loaded.table, loaded.attributes)
        record.verbs.append(clock.entry(not_in_manifest={name: len(ids) for name, ids in strangers.items()}))
        write_record(folder, record)
    return strangers


def transcript_source(spec: configuration.SystemSpec) -> TranscriptSource:
    """The transcripts of a system that was transcribed elsewhere."""
    source = load_engine(spec.engine, spec.options)
    if not isinstance(source, TranscriptSource):
        raise InputError(f"{spec.engine} hears audio; it looks up no transcripts")
    return source


def taken_in(
    sources: Mapping[str, TranscriptSource], rows: pa.Table, store: HypothesisStore, folder: Path, record: RunRecord
) -> dict[str, list[str]]:
    """Store the transcripts of some systems; returns the ids that the manifest does not know, by system."""
    from asrfair.transcribe.source import take_in

    for name, source in sources.items():
        record.add_system(system_record(name, "precomputed", source.describe()), [CLEAN])
    write_record(folder, record)
    return {name: take_in(source, name, rows["utterance_id"], store) for name, source in sources.items()}
