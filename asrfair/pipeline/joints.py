"""What several verbs need between the rooms: the rows of a run, its cells, and what `run.json` says of them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from asrfair.errors import InputError, RunFolderError
from asrfair.manifest import Attribute, Manifest, coverage, group_column, groupable, load_manifest
from asrfair.manifest.sample import sample_rows
from asrfair.manifest.sources import find_source
from asrfair.provenance import ConditionRecord, ManifestRecord, RunRecord, SystemRecord, open_record, read_record
from asrfair.records import CLEAN, Condition, SystemInfo, Utterance
from asrfair.scoring.failures import failures_by_group
from asrfair.scoring.totals import totals
from asrfair.store import held, read_hypotheses

if TYPE_CHECKING:
    from asrfair.stress import Environment

SCORES_FILE = "scores.parquet"

Verb = TypeVar("Verb", bound="Callable[..., Any]")


def alone(verb: Verb) -> Verb:
    """A verb that reads and writes a run folder, as the only one at a time.

    Raises:
        RunFolderError: there is no run folder, or another process is writing to it.
    """

    @functools.wraps(verb)
    def held_alone(run: str | Path, **options: Any) -> Any:
        read_record(Path(run))
        with held(Path(run)):
            return verb(run, **options)

    return cast("Verb", held_alone)


@dataclass(frozen=True, slots=True)
class Rows:
    """The utterances of a manifest that are in the run."""

    manifest: Manifest
    rows: pa.Table

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Utterance]:
        if len(self.rows) == len(self.manifest):
            return self.manifest.utterances()
        chosen = set(self.rows["utterance_id"].to_pylist())
        return (utterance for utterance in self.manifest.utterances() if utterance.utterance_id in chosen)


def begun(folder: Path, manifest: Manifest, limit: int | None, seed: int) -> RunRecord:
    """The record of a run folder that is about to be filled."""
    record = open_record(folder, seed)
    record.manifest = manifest_record(folder, manifest)
    record.coverage = coverage(manifest).as_dict()
    record.limit, record.seed = limit, seed
    return record


def system_record(system_id: str, engine: str, info: SystemInfo) -> SystemRecord:
    """What `run.json` says of a system."""
    return SystemRecord(
        system_id=system_id,
        engine=engine,
        name=info.name,
        version=info.version,
        options=dict(info.options),
        deterministic=info.deterministic,
    )


def condition_record(condition: Condition, environment: Environment | None) -> ConditionRecord:
    """What `run.json` says of a condition."""
    if environment is None:
        return ConditionRecord(condition_id=condition.condition_id)
    return ConditionRecord(
        condition_id=condition.condition_id,
        environment=condition.environment,
        level=condition.level,
        seed=condition.seed,
        environment_digest=environment.digest,
        description=environment.description,
        source=environment.source,
        level_value=None if condition.level is None else float(condition.level.removesuffix(environment.level_unit)),
        level_unit=environment.level_unit,
        hardest=environment.hardest,
    )


def places(record: RunRecord) -> list[tuple[str, str]]:
    """System and condition of every cell of a run, in the order of the tables' files."""
    return sorted(record.cells, key=lambda cell: (cell[0], cell[1] != CLEAN, cell[1]))


def cell_rows(folder: Path, place: tuple[str, str], *, text: bool = True) -> pa.Table:
    """The hypotheses of one cell, with or without what was recognised."""
    columns = ["utterance_id", "status", *(["text"] if text else []), "error"]
    return read_hypotheses(folder, columns=columns, system_id=place[0], condition_id=place[1])


def check_transcripts(folder: Path, record: RunRecord, ids: pa.ChunkedArray) -> None:
    """Refuse transcripts that are not those that were scored, as far as their number tells.

    Raises:
        RunFolderError: naming the system.
    """
    scored = {(t.system_id, t.condition_id): t.n_utterances - t.n_failed for t in totals(folder / SCORES_FILE)}
    for place in places(record):
        rows = read_hypotheses(
            folder, columns=["utterance_id", "status"], system_id=place[0], condition_id=place[1]
        ).filter(pc.field("status") == "ok")
        n_ok = pc.sum(pc.is_in(rows["utterance_id"], value_set=ids.combine_chunks())).as_py() or 0
        known = scored.get(place, 0)
        if n_ok != known:
            raise RunFolderError(
                f"{folder}: {place[0]} ({place[1]}) has {n_ok} transcripts, and {known} were scored: run asrfair score "
                "again, or bring the folder hypotheses back"
            )


def check_confidences(words: Sequence[Sequence[tuple[str, float | None]] | None], table: pa.Table) -> None:
    """Refuse confidences that are no probabilities.

    Raises:
        InputError: naming the system and the utterance of the first.
    """
    for row, given in enumerate(words):
        for text, confidence in given or ():
            if confidence is not None and not 0.0 <= confidence <= 1.0:
                system, utterance = (table[name][row].as_py() for name in ("system_id", "utterance_id"))
                raise InputError(
                    f"{system}, utterance {utterance!r}: {text!r} has the confidence {confidence}; it must be in "
                    "[0, 1]: give transcripts whose confidences are, or are null, or analyze without --deep"
                )


def failures(
    folder: Path, record: RunRecord, rows: pa.Table, attributes: Mapping[str, Attribute]
) -> list[dict[str, Any]]:
    """Who has no transcript, by group, of every cell of a run."""
    groups = group_columns(rows, attributes)
    return [
        {"system_id": place[0], "condition_id": place[1], **entry}
        for place in places(record)
        for entry in failures_by_group(rows["utterance_id"], groups, cell_rows(folder, place, text=False))
    ]


def manifest_record(folder: Path, manifest: Manifest) -> ManifestRecord:
    """What `run.json` says of a manifest; its path is relative to the run folder, so that both can move together."""
    dataset, speakers = manifest.dataset, manifest.table["speaker_id"]
    return ManifestRecord(
        path=os.path.relpath(manifest.rows_path.absolute(), folder.absolute()),
        digest=manifest.digest,
        name=dataset.name,
        version=dataset.version,
        licence=dataset.licence,
        language=dataset.language,
        collection=dataset.collection,
        consent=dataset.consent,
        notes=dataset.notes,
        n_utterances=len(manifest),
        n_speakers=pc.count_distinct(speakers).as_py(),
        attributes=msgspec.to_builtins(manifest.attributes),
        undeclared=list(manifest.undeclared),
    )


def manifest_of(folder: Path, record: RunRecord) -> Manifest:
    """The manifest that a run was made from.

    Raises:
        InputError: it is not where it was; says how to bring it back.
    """
    return loaded_manifest(manifest_path(folder, record))


def manifest_path(folder: Path, record: RunRecord) -> Path:
    """The rows file of the manifest that a run was made from.

    Raises:
        RunFolderError: it is not where it was; says how to bring it back.
    """
    if record.manifest is None or not record.cells:
        raise RunFolderError(f"{folder}: nothing was transcribed yet; start with asrfair transcribe, or --hypotheses")
    path = Path(os.path.normpath(folder / record.manifest.path))
    if not path.exists():
        raise RunFolderError(
            f"{folder}: its manifest {record.manifest.name!r} is not at {path} any more; the references are needed to "
            "score: move it back, or score MANIFEST --hypotheses into a new run"
        )
    return path


def loaded_manifest(path: str | Path) -> Manifest:
    """A manifest without a look at its audio; the last one is kept, for the verb after this one in one process."""
    source = find_source(path)
    files = [file for file in (source.rows_path, source.dataset_path) if file.exists()]
    return _loaded(str(path), tuple((str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@functools.lru_cache(maxsize=1)
def _loaded(path: str, _: tuple[tuple[str, int, int], ...]) -> Manifest:
    """The manifest whose files have these times and sizes."""
    return load_manifest(path)


def group_columns(rows: pa.Table, attributes: Mapping[str, Attribute]) -> dict[str, pa.ChunkedArray]:
    """The group of every row in every attribute that has groups."""
    return {
        name: group_column(rows[name], a)
        for name, a in attributes.items()
        if groupable(a) and name in rows.column_names
    }


def selected(manifest: Manifest, limit: int | None, seed: int) -> pa.Table:
    """The rows of the run: all, or the seeded sample."""
    table = manifest.table
    if limit is None or limit >= len(table):
        return table
    columns = [column.to_pylist() for column in group_columns(table, manifest.attributes).values()]
    strata = list(zip(*columns, strict=True)) if columns else [()] * len(table)
    return table.take(sample_rows(table["utterance_id"].to_pylist(), strata, limit, seed))
